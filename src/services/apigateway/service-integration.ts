import { encodePath, EgressFailure, sendOut } from "../../compute/edge/egress.ts";
import type { Asker } from "../../compute/edge/ask-function.ts";
import { callOperation, json, type Answered, type Asked } from "../../compute/edge/service-operation.ts";
import { principalOfService } from "../../aws/context.ts";
import type { Credentials } from "../../aws/identity.ts";
import { signedHeaders } from "../../aws/sign-request.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import { integrated, type Call, type Caller, type RestContext } from "./call.ts";
import { serverError, type Refusal } from "./gateway-responses.ts";
import { allHeadersOf, isHeader, mappings, MAX_ANSWER, texts, type Overrides } from "./http-integration.ts";
import { askerOf, DEFAULT_TIMEOUT_MS } from "./lambda-proxy.ts";
import type { Mapped } from "./mapped-integration.ts";
import { serviceTarget, type Integration, type ServiceTarget } from "./model.ts";

/** A request to a service as the integration's parameters and templates make it. */
interface ServiceRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Asks another service as the integration's role, or as the caller. */
export async function callService(
  ctx: RestContext,
  call: Call,
  caller: Caller,
  given: { integration: Integration; body: Buffer; overrides: Overrides },
): Promise<Mapped | Refusal> {
  const { integration, body, overrides } = given;
  const { credentials } = integration;
  const asker = credentials === undefined ? undefined : askerOf(filled(call, credentials), caller);
  const mapped = mappings(call, integration);
  const path = { ...mapped.path, ...texts(overrides.path) };
  const uri = filled(call, integration.uri ?? "").replaceAll(/\{([\w.-]+)\+?\}/g, (_, name: string) =>
    encodePath(path[name] ?? ""),
  );
  const target = serviceTarget(uri);
  if (!asker || !target || "sourceArn" in asker) return serverError();
  const named = Object.entries({ ...mapped.header, ...texts(overrides.headers) }).filter(([n, v]) => isHeader(n, v));
  const request = {
    headers: Object.fromEntries(named.map(([name, value]) => [name.toLowerCase(), value])),
    query: { ...mapped.querystring, ...texts(overrides.query) },
    body,
  };
  const started = performance.now();
  try {
    const answer = isOperation(target)
      ? await askOperation(ctx, asker, target, request)
      : await askByPath(ctx, call, asker, { target, request, integration });
    integrated(ctx, call, Number(answer.selector), performance.now() - started);
    return answer;
  } catch (error) {
    if (!(error instanceof EgressFailure)) throw error;
    integrated(ctx, call, 504, performance.now() - started);
    ctx.platform.log.warn("a service integration could not be called", { api: call.api.id, error: error.message });
    if (error.why === "timeout") return { refused: "INTEGRATION_TIMEOUT", message: "Endpoint request timed out" };
    return serverError();
  }
}

const filled = (call: Call, text: string): string =>
  text.replaceAll(/\$\{stageVariables\.(\w+)\}/g, (_, name: string) => call.variables[name] ?? "");

/** Operations are called by name: by `action`, and of SQS at a queue's own path. */
const isOperation = ({ kind, service }: ServiceTarget): boolean => kind === "action" || service === "sqs";

/** Services that API Gateway asks by the query protocol where no header names a JSON operation. */
const BY_QUERY: readonly string[] = ["sqs", "ssm", "iam", "sts", "cloudformation", "monitoring"];

async function askOperation(
  ctx: RestContext,
  asker: Exclude<Asker, { sourceArn: string }>,
  { service, kind, rest }: ServiceTarget,
  { headers, query, body }: ServiceRequest,
): Promise<Mapped> {
  const header = headers["x-amz-target"];
  const object = jsonBody(body);
  const isForm = header === undefined && BY_QUERY.includes(service) && (object === undefined || service !== "ssm");
  try {
    const form = isForm ? new URLSearchParams(object === undefined ? body.toString("utf8") : "") : undefined;
    for (const [name, value] of Object.entries(query)) form?.set(name, value);
    const named = kind === "action" ? rest : (form?.get("Action") ?? "");
    const operation = header?.split(".").at(-1) ?? named;
    const queue = kind === "path" ? `${ctx.platform.settings.publicUrl}/${rest}` : undefined;
    if (queue && form) form.set("QueueUrl", queue);
    const members = { ...(queue ? { QueueUrl: queue } : {}), ...object };
    const asked: Asked = form ? { form, wantsXml: /\bxml\b/.test(headers["accept"] ?? "") } : { json: members };
    if (!form && object === undefined && body.length > 0)
      throw new AwsError("SerializationException", "the mapped request is not JSON", 400);
    const as = "role" in asker ? await ctx.asRole(asker.role, "apigateway") : ctx.as(asker.principal);
    return answered(ctx, 200, await callOperation(as, service, operation, asked));
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    const said = isForm
      ? { Error: { Code: error.code, Message: error.message, Type: "Sender" }, RequestId: ctx.requestId }
      : { __type: error.code, message: error.message };
    return answered(ctx, error.status, json(said));
  }
}

function answered(ctx: RestContext, status: number, { type, text }: Answered): Mapped {
  const headers = [
    ["Content-Type", type],
    ["x-amzn-RequestId", ctx.requestId],
  ] as const;
  return { selector: String(status), body: Buffer.from(text), headers };
}

/** An object in JSON; undefined where the body is none. */
function jsonBody(body: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body.toString("utf8"));
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Sends the request to the platform's own door, signed: what S3's objects are. */
async function askByPath(
  ctx: RestContext,
  call: Call,
  asker: Exclude<Asker, { sourceArn: string }>,
  { target, request, integration }: { target: ServiceTarget; request: ServiceRequest; integration: Integration },
): Promise<Mapped> {
  const url = new URL(ctx.platform.settings.publicUrl);
  url.pathname = `/${target.subdomain === undefined ? "" : `${target.subdomain}/`}${target.rest.split("?")[0]!}`;
  for (const [name, value] of Object.entries(request.query)) url.searchParams.set(name, value);
  const { httpMethod } = integration;
  const method = !httpMethod || httpMethod === "ANY" ? call.request.method : httpMethod;
  const body = /^(GET|HEAD)$/.test(method) ? Buffer.alloc(0) : request.body;
  const headers = Object.entries({ "content-type": "application/json", ...request.headers });
  const { service } = target;
  const { region } = ctx;
  const signed = signedHeaders(
    { method, host: url.host, path: url.pathname, rawQuery: url.search.slice(1), headers, body },
    await credentialsOf(ctx, asker),
    { region, service, now: ctx.now() },
  );
  const answer = await sendOut(ctx, {
    method,
    url: url.href,
    headers: [...signed, ["content-length", String(body.length)]],
    body,
    timeoutMs: integration.timeoutInMillis ?? DEFAULT_TIMEOUT_MS,
    maxBytes: MAX_ANSWER,
    asked: false,
  });
  return { selector: String(answer.status), body: answer.body, headers: allHeadersOf(answer) };
}

/** Long enough for one request. */
const CREDENTIALS_SECONDS = 900;

function credentialsOf(ctx: RestContext, asker: Exclude<Asker, { sourceArn: string }>): Promise<Credentials> {
  const { identity } = ctx.platform;
  if (!("role" in asker)) return Promise.resolve(identity.issueFor(asker.principal, CREDENTIALS_SECONDS));
  const service = principalOfService("apigateway");
  return identity.assumeRoleFor(service, asker.role, { sessionName: "apigateway" });
}
