import type { EdgeRequest } from "../../compute/edge/edge-request.ts";
import { badRequest } from "./model.ts";
import { requestValue, valuesOfCall, type RoutedCall } from "./request-values.ts";
import type { HttpContext } from "./state.ts";

const KEY = /^(?:(append|overwrite|remove):(header|querystring)\.(.+)|overwrite:path)$/;
/** https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-parameter-mapping.html */
const RESERVED =
  /^(access-control-.*|apigw-.*|authorization|connection|content-encoding|content-length|content-location|forwarded|host|keep-alive|origin|proxy-authenticate|proxy-authorization|te|trailers?|transfer-encoding|upgrade|x-amz-.*|x-amzn-.*|x-forwarded-.*|via)$/i;

/** Whether a header is one that no mapping may change. */
export const isReservedHeader = (name: string): boolean => RESERVED.test(name);

/** Refuses request parameters that change nothing that there is. */
export function checkRequestParameters(parameters: Readonly<Record<string, string>>): void {
  for (const key of Object.keys(parameters)) {
    const [matched, , place, name = ""] = KEY.exec(key) ?? [];
    if (matched === undefined || (place === "header" && isReservedHeader(name)))
      throw badRequest(`Invalid mapping expression specified: ${key}`);
  }
}

/** The request as the integration gets it: headers, query strings and the path that its parameters change. */
export function mappedRequest(ctx: HttpContext, call: RoutedCall): EdgeRequest {
  const parameters = call.matched.integration.requestParameters ?? {};
  const values = valuesOfCall(ctx, call);
  const headers = [...call.request.headers];
  const query: [string, string][] = [...new URLSearchParams(call.request.rawQuery)];
  let { rawPath } = call.request;
  for (const [key, template] of Object.entries(parameters)) {
    const [, how, place, name] = KEY.exec(key) ?? [];
    const value = requestValue(template, values);
    if (place === undefined) rawPath = value === undefined ? rawPath : `/${value.replace(/^\//, "")}`;
    else {
      const anyCase = place === "header";
      changeParameters(anyCase ? headers : query, { how: String(how), name: String(name), anyCase, value });
    }
  }
  const rawQuery = new URLSearchParams(query).toString();
  return { ...call.request, headers, rawPath, rawQuery };
}

/** Appends to, overwrites or removes the pairs of one name. */
export function changeParameters(
  pairs: (readonly [string, string])[],
  change: { how: string; name: string; anyCase: boolean; value: string | undefined },
): void {
  const { how, name, anyCase, value } = change;
  const isNamed = ([key]: readonly [string, string]): boolean =>
    anyCase ? key.toLowerCase() === name.toLowerCase() : key === name;
  if (how !== "append" && (how === "remove" || value !== undefined))
    pairs.splice(0, pairs.length, ...pairs.filter((pair) => !isNamed(pair)));
  if (how !== "remove" && value !== undefined && !/[\r\n\0]/.test(value)) pairs.push([name, value]);
}
