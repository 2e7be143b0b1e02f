import { askFunction, type Said } from "../../compute/edge/ask-function.ts";
import { functionOfUri } from "../../compute/edge/call-function.ts";
import { contextVariable } from "../../compute/edge/context-variables.ts";
import { group, splitUrl } from "../../compute/edge/edge-request.ts";
import { NO_IDENTITY } from "../../compute/edge/proxy-event.ts";
import { resultKey } from "../../compute/edge/timed-results.ts";
import { compilePolicy, evaluate, type CompiledPolicy } from "../../engines/policy/index.ts";
import { boundedMatcher, fitsSource } from "../../kernel/bounded-match.ts";
import { eventOf, headerValue, methodArn, type Call, type Caller, type RestContext } from "./call.ts";
import { isRefusal, type Refusal } from "./gateway-responses.ts";
import type { Authorizer, RestApi } from "./model.ts";

/** What a function said of a caller: for as long as it is remembered, the policy decides about every method. */
export interface Authorized {
  readonly principalId: string;
  readonly policy: CompiledPolicy;
  readonly policyText: string;
  readonly context: Readonly<Record<string, string>>;
  readonly usageKey?: string;
}

const TIMEOUT_MS = 30_000;
const MOST_PATTERN_MS = 50;

const failure = (refused: "AUTHORIZER_FAILURE" | "AUTHORIZER_CONFIGURATION_ERROR"): Refusal => ({
  refused,
  message: null,
});
const unauthorized: Refusal = { refused: "UNAUTHORIZED", message: "Unauthorized" };

/** Asks a method's Lambda authorizer whether the call may go on. */
export async function authorizeByFunction(
  ctx: RestContext,
  call: Call,
  authorizer: Authorizer,
): Promise<Caller | Refusal> {
  const early = deniedByApi(ctx, call);
  if (early) return early;
  const identity = identityOf(call, authorizer);
  if (!identity) return unauthorized;
  const started = performance.now();
  const answer = await remembered(ctx, call, authorizer, identity);
  const latency = Math.round(performance.now() - started);
  call.context["authorizer"] = { latency, integrationLatency: latency, requestId: ctx.requestId };
  if (isRefusal(answer)) return answer;
  const { principalId, context, usageKey } = answer;
  const told = { ...context, principalId, integrationLatency: latency };
  call.context["authorizer"] = { ...told, latency, status: 200, requestId: ctx.requestId };
  const denied = judge(ctx, answer, methodArn(ctx, call), call);
  return denied ?? { identity: {}, authorizer: told, ...(usageKey === undefined ? {} : { usageKey }) };
}

async function remembered(
  ctx: RestContext,
  call: Call,
  authorizer: Authorizer,
  identity: readonly string[],
): Promise<Authorized | Refusal> {
  const { api, stage, deployment } = call;
  const ttl = authorizer.authorizerResultTtlInSeconds * 1000;
  const key = resultKey(ctx, api.id, stage.name, authorizer.id, deployment.id, ...identity);
  const known = ttl > 0 && identity.length > 0 ? ctx.state.authorized.get(key, ctx.now()) : undefined;
  if (known) return known;
  const asked = await askAuthorizer(ctx, authorizer, {
    apiId: api.id,
    variables: call.variables,
    event: eventFor(ctx, call, authorizer, identity),
  });
  if (!isRefusal(asked) && ttl > 0 && identity.length > 0) ctx.state.authorized.set(key, asked, ctx.now() + ttl);
  return asked;
}

/** The values of the identity sources; undefined where one of them is missing, or the token is not of the demanded form. */
function identityOf(call: Call, authorizer: Authorizer): string[] | undefined {
  const { identitySource = "", type, identityValidationExpression } = authorizer;
  const sources = identitySource
    .split(",")
    .map((source) => source.trim())
    .filter((source) => source !== "");
  const values = sources.map((source) => sourceValue(call, source));
  if (values.some((value) => value === undefined || value === "")) return undefined;
  if (type === "TOKEN" && values.length === 0) return undefined;
  if (type === "TOKEN" && identityValidationExpression) {
    const matches = boundedMatcher(MOST_PATTERN_MS);
    if (!fitsSource(matches, values[0]!, identityValidationExpression, "whole")) return undefined;
  }
  return values as string[];
}

function sourceValue({ request, variables, context, matched }: Call, source: string): string | undefined {
  const [, place = "", name = ""] = /^method\.request\.(header|querystring|path)\.(.+)$/.exec(source) ?? [];
  if (place === "header") return headerValue(request, name.toLowerCase());
  if (place === "querystring") return new URLSearchParams(request.rawQuery).get(name) ?? undefined;
  if (place === "path") return matched.parameters[name];
  if (source.startsWith("stageVariables.")) return variables[source.slice("stageVariables.".length)];
  const value = source.startsWith("context.") ? contextVariable(context, source.slice("context.".length)) : undefined;
  return value === undefined || value === null ? undefined : String(value as string);
}

function eventFor(
  ctx: RestContext,
  call: Call,
  authorizer: Authorizer,
  identity: readonly string[],
): Record<string, unknown> {
  const arn = methodArn(ctx, call);
  if (authorizer.type === "TOKEN") return { type: "TOKEN", methodArn: arn, authorizationToken: identity[0] };
  const { body: _body, isBase64Encoded: _encoded, ...event } = eventOf(ctx, call, { identity: {} }, false);
  const maps = ["queryStringParameters", "multiValueQueryStringParameters", "pathParameters", "stageVariables"];
  return { type: "REQUEST", methodArn: arn, ...event, ...Object.fromEntries(maps.map((m) => [m, event[m] ?? {}])) };
}

/** Calls the function, as the authorizer's role or by the function's own policy, and reads what it says. */
export async function askAuthorizer(
  ctx: RestContext,
  authorizer: Authorizer,
  asked: { apiId: string; variables: Readonly<Record<string, string>>; event: Record<string, unknown> },
): Promise<Authorized | Refusal> {
  const functionArn = functionOfUri(authorizer.authorizerUri ?? "", asked.variables);
  if (!functionArn) return failure("AUTHORIZER_CONFIGURATION_ERROR");
  const sourceArn = `arn:aws:execute-api:${ctx.region}:${ctx.account}:${asked.apiId}/authorizers/${authorizer.id}`;
  const asker = authorizer.authorizerCredentials ? { role: authorizer.authorizerCredentials } : { sourceArn };
  const payload = Buffer.from(JSON.stringify(asked.event));
  const answer = await askFunction(ctx, asker, { functionArn, payload, timeoutMs: TIMEOUT_MS });
  return readAnswer(answer);
}

function readAnswer(answer: Said): Authorized | Refusal {
  if (!answer.ok) {
    if (answer.why === "failed" && errorMessage(answer.payload) === "Unauthorized") return unauthorized;
    return failure(answer.why === "denied" ? "AUTHORIZER_CONFIGURATION_ERROR" : "AUTHORIZER_FAILURE");
  }
  const value = parsed(answer.payload);
  const { principalId, policyDocument, context = {}, usageIdentifierKey } = value;
  const values = Object.entries((context ?? {}) as object);
  const simple = values.every(([, v]) => v === null || ["string", "number", "boolean"].includes(typeof v));
  if (typeof principalId !== "string" || !policyDocument || !simple) return failure("AUTHORIZER_CONFIGURATION_ERROR");
  try {
    const policyText = JSON.stringify(withVersion(policyDocument));
    return {
      principalId,
      policyText,
      policy: compilePolicy(policyText, "identity"),
      context: Object.fromEntries(values.filter(([, v]) => v !== null).map(([k, v]) => [k, String(v)])),
      ...(typeof usageIdentifierKey === "string" ? { usageKey: usageIdentifierKey } : {}),
    };
  } catch {
    return failure("AUTHORIZER_CONFIGURATION_ERROR"); // not a policy
  }
}

const withVersion = (document: unknown): unknown =>
  typeof document === "object" ? { Version: "2012-10-17", ...document } : document;

function parsed(payload: Buffer): Record<string, any> {
  try {
    const value: unknown = JSON.parse(payload.toString("utf8"));
    return typeof value === "object" && value !== null ? (value as Record<string, any>) : {};
  } catch {
    return {};
  }
}

const errorMessage = (payload: Buffer): unknown => parsed(payload)["errorMessage"];

/** Why the returned policy and the API's own do not let the call through; undefined where they do. */
function judge(ctx: RestContext, { policy }: Authorized, resource: string, call: Call): Refusal | undefined {
  const decision = decide(ctx, call, resource, [policy]);
  if (decision === "allow") return undefined;
  const how = decision === "explicitDeny" ? " with an explicit deny in an identity-based policy" : "";
  const message = `User is not authorized to access this resource${how}`;
  return { refused: "ACCESS_DENIED", member: "Message", message };
}

/** The API's own policy may deny a call before anybody is asked who makes it. */
function deniedByApi(ctx: RestContext, call: Call): Refusal | undefined {
  const resource = methodArn(ctx, call);
  if (call.api.policy === undefined || decide(ctx, call, resource, []) !== "explicitDeny") return undefined;
  const message = `User: anonymous is not authorized to perform: execute-api:Invoke on resource: ${resource} with an explicit deny`;
  return { refused: "ACCESS_DENIED", member: "Message", message };
}

function decide(ctx: RestContext, call: Call, resource: string, identityPolicies: readonly CompiledPolicy[]) {
  const now = new Date(ctx.now());
  const { policy } = call.api;
  return evaluate({
    principal: { type: "user", account: ctx.account, arn: "", userId: "" },
    action: "execute-api:Invoke",
    resource,
    resourceAccount: ctx.account,
    context: {
      "aws:SourceIp": call.request.sourceIp,
      "aws:UserAgent": headerValue(call.request, "user-agent"),
      "aws:CurrentTime": now,
      "aws:EpochTime": Math.floor(now.getTime() / 1000),
      "aws:SecureTransport": ctx.http?.secure ?? false,
    },
    identityPolicies,
    ...(policy === undefined ? {} : { resourcePolicy: ctx.registry.policies.compiled(policy, "resource").policy }),
  }).decision;
}

/** The event of a trial call, from the console or TestInvokeAuthorizer. */
export function testEvent(
  ctx: RestContext,
  api: Pick<RestApi, "id">,
  authorizer: Authorizer,
  given: {
    readonly headers?: Readonly<Record<string, string>> | undefined;
    readonly multiValueHeaders?: Readonly<Record<string, string[]>> | undefined;
    readonly pathWithQueryString?: string | undefined;
    readonly stageVariables?: Readonly<Record<string, string>> | undefined;
    readonly additionalContext?: Readonly<Record<string, string>> | undefined;
  },
): Record<string, unknown> {
  const arn = `arn:aws:execute-api:${ctx.region}:${ctx.account}:${api.id}/test-invoke-stage/GET/`;
  const headers: Record<string, string> = { ...given.headers };
  for (const [name, values] of Object.entries(given.multiValueHeaders ?? {})) headers[name] ??= values.at(-1) ?? "";
  if (authorizer.type === "TOKEN") {
    const name = /^method\.request\.header\.(.+)$/.exec(authorizer.identitySource ?? "")?.[1]?.toLowerCase();
    const token = Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1];
    return { type: "TOKEN", methodArn: arn, authorizationToken: token ?? "" };
  }
  const [path, rawQuery] = splitUrl(given.pathWithQueryString ?? "/");
  const query = group(new URLSearchParams(rawQuery));
  return {
    type: "REQUEST",
    methodArn: arn,
    resource: path,
    path,
    httpMethod: "GET",
    headers,
    multiValueHeaders: { ...given.multiValueHeaders },
    queryStringParameters: query.last,
    multiValueQueryStringParameters: query.all,
    pathParameters: {},
    stageVariables: { ...given.stageVariables },
    requestContext: {
      accountId: ctx.account,
      apiId: api.id,
      httpMethod: "GET",
      stage: "test-invoke-stage",
      requestId: ctx.requestId,
      path,
      resourcePath: path,
      identity: { ...NO_IDENTITY, sourceIp: "test-invoke-source-ip" },
      ...given.additionalContext,
    },
  };
}
