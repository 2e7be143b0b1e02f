import { jsonResponse, type EdgeResponse } from "../../compute/edge/proxy-response.ts";
import { callOperation, type Answered } from "../../compute/edge/service-operation.ts";
import type { Shape } from "../../aws/model.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import { mappedResponse } from "./map-response.ts";
import { requestValue, valuesOfCall, type RoutedCall } from "./request-values.ts";
import { subtypeOf, type Subtype } from "./service-subtypes.ts";
import type { HttpContext } from "./state.ts";

/** Calls another service for a route, as the integration's role. */
export async function callService(ctx: HttpContext, call: RoutedCall): Promise<EdgeResponse> {
  const { subtype: name = "", credentialsArn = "" } = call.matched.integration;
  const subtype = subtypeOf(name);
  const isQuery = subtype.service === "sqs";
  try {
    const { Region: region = ctx.region, ...given } = valuesOf(ctx, call);
    const model = ctx.registry.models.load(subtype.service).operation(subtype.operation)!;
    const as = (await ctx.asRole(credentialsArn, "apigateway")).inRegion(region);
    const answer = await callOperation(as, subtype.service, subtype.operation, {
      json: inputOf(subtype, model.input, given),
      wantsXml: isQuery,
    });
    return answered(ctx, call, 200, { type: isQuery ? answer.type : "application/x-amz-json-1.1", text: answer.text });
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    ctx.platform.log.warn("a service integration was refused", { api: call.api.id, error: error.message });
    if (error.status >= 500) return jsonResponse(500, "Internal Server Error");
    const text = JSON.stringify(
      isQuery
        ? { Error: { Code: error.code, Message: error.message, Type: "Sender" }, RequestId: ctx.requestId }
        : { __type: error.code, message: error.message },
    );
    return answered(ctx, call, error.status, { type: "application/json", text });
  }
}

function answered(ctx: HttpContext, call: RoutedCall, status: number, { type, text }: Answered): EdgeResponse {
  const headers = [
    ["content-type", type],
    ["x-amzn-requestid", ctx.requestId],
  ] as const;
  return mappedResponse(ctx, call, { status, headers, body: Buffer.from(text) });
}

/** The request's values of the integration's parameters; those that the request does not have are left out. */
function valuesOf(ctx: HttpContext, call: RoutedCall): Record<string, string> {
  const values = valuesOfCall(ctx, call);
  const given = Object.entries(call.matched.integration.requestParameters ?? {});
  return Object.fromEntries(
    given.flatMap(([name, template]) => {
      const value = requestValue(template, values);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

function inputOf({ entryOf }: Subtype, shape: Shape, values: Readonly<Record<string, string>>): object {
  if (entryOf === undefined) return typed(shape, values);
  const list = shape.kind === "structure" ? shape.members.find((m) => m.name === entryOf)?.shape : undefined;
  return { [entryOf]: [list?.kind === "list" ? typed(list.value.shape, values) : values] };
}

/** Parameters are texts: those for what is none are read as JSON. */
function typed(shape: Shape, values: Readonly<Record<string, string>>): object {
  const members = shape.kind === "structure" ? shape.members : [];
  return Object.fromEntries(
    Object.entries(values).map(([name, text]) => {
      const kind = members.find((m) => m.name === name)?.shape.kind;
      if (kind === "string") return [name, text];
      if (kind === "timestamp") return [name, new Date(text).getTime() / 1000];
      return [name, parsed(name, text)];
    }),
  );
}

function parsed(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new AwsError("ValidationException", `The value of ${name} is not JSON.`, 400);
  }
}
