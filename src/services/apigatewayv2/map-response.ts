import { headerText, type EdgeResponse } from "../../compute/edge/proxy-response.ts";
import { changeParameters, isReservedHeader } from "./map-request.ts";
import { badRequest, type ResponseParameters } from "./model.ts";
import { requestValue, valuesOfCall, type RoutedCall } from "./request-values.ts";
import type { HttpContext } from "./state.ts";

const KEY = /^(?:(append|overwrite|remove):header\.(.+)|overwrite:statuscode)$/;
const STATUS = /^[2-5]\d\d$/;

/** Refuses response parameters that change nothing that there is. */
export function checkResponseParameters(parameters: ResponseParameters): void {
  for (const [status, changes] of Object.entries(parameters)) {
    if (!STATUS.test(status))
      throw badRequest(`Invalid response parameters key ${status}: it must be a status code from 200 to 599`);
    for (const [key, value] of Object.entries(changes)) {
      const [matched, how, name = ""] = KEY.exec(key) ?? [];
      const isStatus = matched !== undefined && how === undefined;
      if (matched === undefined || isReservedHeader(name) || (isStatus && !isStatusValue(value)))
        throw badRequest(`Invalid mapping expression specified: ${key}`);
    }
  }
}

const isStatusValue = (value: string): boolean => STATUS.test(value) || value.includes("$");

/** The integration's answer as the client gets it: its status and headers as the parameters of that status change them. */
export function mappedResponse(ctx: HttpContext, call: RoutedCall, answer: EdgeResponse): EdgeResponse {
  const changes = call.matched.integration.responseParameters?.[String(answer.status)];
  if (!changes) return answer;
  const values = { ...valuesOfCall(ctx, call), response: answer };
  const headers = [...answer.headers];
  let { status } = answer;
  for (const [key, template] of Object.entries(changes)) {
    const [, how, name] = KEY.exec(key) ?? [];
    const value = requestValue(template, values);
    // What callers send may hold line breaks: what is to be changed by such a value stays as it is.
    if (how !== undefined)
      changeParameters(headers, { how, name: String(name), anyCase: true, value: value && headerText(value) });
    else if (value !== undefined && STATUS.test(value)) status = Number(value);
  }
  return { ...answer, status, headers };
}
