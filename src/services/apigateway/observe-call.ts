import { createHash } from "node:crypto";
import { recordApiCall } from "../../compute/edge/api-metrics.ts";
import { contextVariable, fillVariables } from "../../compute/edge/context-variables.ts";
import { groupOfArn } from "../../compute/edge/edge-logs.ts";
import type { Answered } from "./answer-call.ts";
import { extendedId, type RestContext, type Served } from "./call.ts";
import { settingOf } from "./method-settings.ts";
import type { MethodSetting } from "./model.ts";

/** What is written and measured of a call, once it is answered. */
export function observeCall(ctx: RestContext, served: Served, answered: Answered, latencyMs: number): void {
  const { api, stage } = served;
  const { call, context, response } = answered;
  const dimensions = { ApiName: api.name, Stage: stage.name };
  recordApiCall(ctx, dimensions, response.status, latencyMs);
  const path = call?.matched.resource.path;
  const setting = path === undefined ? undefined : settingOf(stage.methodSettings, path, call!.method.httpMethod);
  if (setting?.metricsEnabled && path !== undefined)
    recordApiCall(ctx, { ...dimensions, Method: call!.method.httpMethod, Resource: path }, response.status, latencyMs);
  if (!stage.accessLog?.destinationArn && !setting?.loggingLevel) return;
  Object.assign(context, {
    status: response.status,
    responseLatency: Math.round(latencyMs),
    responseLength: Buffer.byteLength(response.body),
  });
  writeAccessLog(ctx, served, answered);
  if (setting?.loggingLevel && setting.loggingLevel !== "OFF") writeExecutionLog(ctx, served, answered, setting);
}

/** One stream an API's stage: a log group may be shared. */
const streamOf = ({ api, stage }: Served): string => createHash("md5").update(`${api.id}/${stage.name}`).digest("hex");

function writeAccessLog(ctx: RestContext, served: Served, { context }: Answered): void {
  const { destinationArn, format } = served.stage.accessLog ?? {};
  const group = groupOfArn(destinationArn ?? "");
  if (!group || !format) return;
  const line = fillVariables(format, context, { variables: served.variables, absent: "-" });
  ctx.state.logs.write(ctx, { group, stream: streamOf(served), makesGroup: false }, [line]);
}

function writeExecutionLog(
  ctx: RestContext,
  served: Served,
  { context, call, response }: Answered,
  { loggingLevel, dataTraceEnabled }: MethodSetting,
): void {
  const failed = response.status >= 400;
  if (!call || (loggingLevel === "ERROR" && !failed)) return;
  const { request, matched } = call;
  const error = contextVariable(context, "error.message");
  const text = (body: Buffer | string): string => body.toString().slice(0, 1024);
  const lines = [
    `Extended Request Id: ${extendedId(ctx)}`,
    `Starting execution for request: ${ctx.requestId}`,
    `HTTP Method: ${request.method}, Resource Path: ${request.rawPath}`,
    ...(dataTraceEnabled
      ? [
          `Method request path: ${pairs(Object.entries(matched.parameters))}`,
          `Method request query string: ${pairs([...new URLSearchParams(request.rawQuery)])}`,
          `Method request headers: ${pairs(request.headers.map(([name, value]) => [name, shown(name, value)]))}`,
          `Method request body before transformations: ${text(request.body)}`,
          `Method response body after transformations: ${text(response.body)}`,
          `Method response headers: ${pairs(response.headers)}`,
        ]
      : []),
    error === undefined ? "Successfully completed execution" : `Execution failed: ${String(error)}`,
    `Method completed with status: ${response.status}`,
  ];
  const group = `API-Gateway-Execution-Logs_${served.api.id}/${served.stage.name}`;
  const place = { group, stream: streamOf(served), makesGroup: true };
  ctx.state.logs.write(
    ctx,
    place,
    lines.map((line) => `(${ctx.requestId}) ${line}`),
  );
}

export const pairs = (all: readonly (readonly [string, string])[]): string =>
  `{${all.map(([name, value]) => `${name}=${value}`).join(", ")}}`;

/** Credentials do not belong into logs: their end is enough to know them again. */
function shown(name: string, value: string): string {
  const secret = /^(authorization|x-api-key|x-amz-security-token|cookie)$/i.test(name);
  return secret ? `${"*".repeat(Math.max(0, value.length - 6))}${value.slice(-6)}` : value;
}
