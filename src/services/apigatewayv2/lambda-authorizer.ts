import { askFunction, type Said } from "../../compute/edge/ask-function.ts";
import { functionOfUri } from "../../compute/edge/call-function.ts";
import { jsonResponse, type EdgeResponse } from "../../compute/edge/proxy-response.ts";
import { resultKey } from "../../compute/edge/timed-results.ts";
import { compilePolicy, evaluate, type CompiledPolicy } from "../../engines/policy/index.ts";
import type { HttpAuthorizer } from "./model.ts";
import { eventOf, sourceValue, type RouteCall } from "./route-call.ts";
import type { HttpContext } from "./state.ts";

/** What a function said of a caller. */
export interface Authorized {
  readonly context: Readonly<Record<string, unknown>>;
  /** Decides about each route; true and false for all of them. */
  readonly allowed: boolean | CompiledPolicy;
  readonly principalId?: string;
}

const TIMEOUT_MS = 10_000;

/** Asks a Lambda authorizer: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html */
export async function authorizeByFunction(
  ctx: HttpContext,
  call: RouteCall,
  authorizer: HttpAuthorizer,
): Promise<Authorized | EdgeResponse> {
  const identity = authorizer.identitySource.map((source) => sourceValue(call, source));
  if (identity.some((value) => !value)) return jsonResponse(401, "Unauthorized");
  const answer = await remembered(ctx, call, authorizer, identity as string[]);
  if ("status" in answer) return answer;
  return isAllowed(ctx, answer, routeArn(ctx, call)) ? answer : jsonResponse(403, "Forbidden");
}

async function remembered(
  ctx: HttpContext,
  call: RouteCall,
  authorizer: HttpAuthorizer,
  identity: readonly string[],
): Promise<Authorized | EdgeResponse> {
  const ttl = authorizer.ttlSeconds * 1000;
  const key = resultKey(ctx, call.api.id, call.stage.name, authorizer, ...identity);
  const known = ttl > 0 ? ctx.state.authorized.get(key, ctx.now()) : undefined;
  if (known) return known;
  const functionArn = functionOfUri(authorizer.uri ?? "", call.stage.variables);
  if (!functionArn) return failure;
  const sourceArn = `arn:aws:execute-api:${ctx.region}:${ctx.account}:${call.api.id}/authorizers/${authorizer.id}`;
  const asker = authorizer.credentialsArn ? { role: authorizer.credentialsArn } : { sourceArn };
  const payload = Buffer.from(JSON.stringify(authorizerEvent(ctx, call, authorizer, identity)));
  const answer = await askFunction(ctx, asker, { functionArn, payload, timeoutMs: TIMEOUT_MS });
  const read = readAnswer(answer, authorizer);
  if (ttl > 0 && !("status" in read)) ctx.state.authorized.set(key, read, ctx.now() + ttl);
  return read;
}

const failure = jsonResponse(500, "Internal Server Error");

const routeArn = (ctx: HttpContext, { api, stage, request }: RouteCall): string =>
  `arn:aws:execute-api:${ctx.region}:${ctx.account}:${api.id}/${stage.name}/${request.method}${request.rawPath}`;

function authorizerEvent(
  ctx: HttpContext,
  call: RouteCall,
  { payloadFormatVersion, identitySource }: HttpAuthorizer,
  identity: readonly string[],
): Record<string, unknown> {
  const version = payloadFormatVersion ?? "2.0";
  const {
    body: _body,
    isBase64Encoded: _encoded,
    version: _version,
    ...event
  } = JSON.parse(eventOf(ctx, call, version, undefined)) as Record<string, unknown>;
  if (version === "2.0")
    return {
      version,
      type: "REQUEST",
      routeArn: routeArn(ctx, call),
      identitySource: identitySource.length ? identity : null,
      ...event,
    };
  const { multiValueHeaders: _h, multiValueQueryStringParameters: _q, ...single } = event;
  const joined = identity.join(",");
  return {
    version,
    type: "REQUEST",
    methodArn: routeArn(ctx, call),
    identitySource: joined,
    authorizationToken: joined,
    ...single,
    queryStringParameters: single["queryStringParameters"] ?? {},
    pathParameters: single["pathParameters"] ?? {},
    stageVariables: single["stageVariables"] ?? {},
  };
}

function readAnswer(answer: Said, authorizer: HttpAuthorizer): Authorized | EdgeResponse {
  if (!answer.ok) {
    const unauthorized = answer.why === "failed" && parsed(answer.payload)?.["errorMessage"] === "Unauthorized";
    return unauthorized ? jsonResponse(401, "Unauthorized") : failure;
  }
  const value = parsed(answer.payload);
  if (!value) return failure;
  const given: unknown = value["context"];
  const context = typeof given === "object" && given !== null ? (given as Record<string, unknown>) : {};
  if (authorizer.payloadFormatVersion === "2.0" && authorizer.simpleResponses) {
    const { isAuthorized } = value;
    return typeof isAuthorized === "boolean" ? { allowed: isAuthorized, context } : failure;
  }
  const { principalId, policyDocument } = value;
  try {
    const allowed = compilePolicy(JSON.stringify({ Version: "2012-10-17", ...(policyDocument as object) }), "identity");
    if (!policyDocument) return failure;
    return { allowed, context, ...(typeof principalId === "string" ? { principalId } : {}) };
  } catch {
    return failure; // not a policy
  }
}

function parsed(payload: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(payload.toString("utf8"));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function isAllowed(ctx: HttpContext, { allowed }: Authorized, resource: string): boolean {
  if (typeof allowed === "boolean") return allowed;
  const { decision } = evaluate({
    principal: { type: "user", account: ctx.account, arn: "", userId: "" },
    action: "execute-api:Invoke",
    resource,
    resourceAccount: ctx.account,
    context: { "aws:SourceIp": ctx.http?.sourceIp, "aws:CurrentTime": new Date(ctx.now()) },
    identityPolicies: [allowed],
  });
  return decision === "allow";
}
