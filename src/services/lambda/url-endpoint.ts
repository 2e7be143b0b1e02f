import type { IncomingMessage } from "node:http";
import { isAllowed } from "../../aws/authorize.ts";
import type { Context } from "../../aws/context.ts";
import { sendAnswer } from "../../aws/route-answer.ts";
import type { Route } from "../../aws/service.ts";
import { corsHeaders, preflight, type Cors } from "../../compute/edge/cors.ts";
import { edgeAnswer } from "../../compute/edge/edge-answer.ts";
import { readEdgeRequest, splitUrl, type EdgeRequest } from "../../compute/edge/edge-request.ts";
import { httpEvent } from "../../compute/edge/http-event.ts";
import { readProxyResponse, type EdgeResponse } from "../../compute/edge/proxy-response.ts";
import { signerOf } from "../../compute/edge/signer.ts";
import { newTraceId } from "../../compute/edge/trace-id.ts";
import { AwsError, codeOf } from "../../kernel/aws-error.ts";
import { MAX_SYNC_PAYLOAD } from "./limits.ts";
import { run, runnableOf } from "./run-function.ts";
import type { LambdaState } from "./state.ts";
import { versionOf } from "./store.ts";
import { urlPlan, type UrlPlan } from "./url-plan.ts";
import { UrlStream, type Streamed } from "./url-stream.ts";

type Ctx = Context<LambdaState>;
type Header = [name: string, value: string];

const FORBIDDEN =
  "Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html";

/** The endpoints of function URLs: `<id>.lambda-url.<region>.on.aws`, or below this platform's own hosts. */
export const functionUrl: Route<LambdaState, { id: string }> = {
  name: "function URL",
  match({ host }) {
    const id = /^([a-z0-9]{32})\.lambda-url\./.exec(host)?.[1];
    return id === undefined ? undefined : { id };
  },
  async handle(anywhere, { id }, request, response) {
    const started = performance.now();
    const method = request.method ?? "GET";
    const planning = urlPlan(anywhere, id);
    const plan = planning instanceof Promise ? await planning : planning;
    if (!plan) {
      const nothing = refusal(403, "AccessDeniedException", { Message: null });
      const extra: Header[] = [["x-amzn-RequestId", anywhere.requestId]];
      return sendAnswer(response, edgeAnswer(nothing, { byPath: false, extra }), method);
    }
    const { url } = plan;
    const ctx = plan.region === anywhere.region ? anywhere : anywhere.inRegion(plan.region);
    const traceId = newTraceId(ctx);
    const cors = corsHeaders(url.cors, request.headers.origin);
    const extra: Header[] = [["x-amzn-RequestId", ctx.requestId], ["x-amzn-Trace-Id", traceId], ...cors];
    if (cors.length) extra.push(["Vary", "Origin"]);
    const stream =
      url.invokeMode === "RESPONSE_STREAM"
        ? new UrlStream(response, (own) => [...withoutOwnCors(own, url.cors), ...extra])
        : undefined;
    const answer = await answerCall(ctx, plan, { incoming: request, traceId, stream }).catch((error: unknown) => {
      if (!(error instanceof AwsError) || response.headersSent) throw error;
      return refusal(error.status, error.code, { message: error.message });
    });
    if ("body" in answer) {
      const headers = withoutOwnCors(answer.headers, url.cors);
      sendAnswer(response, edgeAnswer({ ...answer, headers }, { byPath: false, extra }), method);
    }
    plan.meter.ended(answer.status, performance.now() - started, ctx.now());
  },
};

const refusal = (status: number, type: string, body: object): EdgeResponse => ({
  status,
  headers: [
    ["Content-Type", "application/json"],
    ["x-amzn-ErrorType", type],
  ],
  body: Buffer.from(JSON.stringify(body)),
});

/** The URL's settings win over the headers of the same names that a function answers. */
function withoutOwnCors(headers: EdgeResponse["headers"], cors: Cors | undefined): EdgeResponse["headers"] {
  if (!cors) return headers;
  const doubled = /^access-control-(allow-origin|allow-credentials|expose-headers)$/i;
  return headers.filter(([name]) => !doubled.test(name));
}

interface Incoming {
  readonly incoming: IncomingMessage;
  readonly traceId: string;
  /** Where the URL streams. */
  readonly stream: UrlStream | undefined;
}

async function answerCall(
  ctx: Ctx,
  plan: UrlPlan,
  { incoming, traceId, stream }: Incoming,
): Promise<EdgeResponse | NonNullable<Streamed>> {
  const early = preflight(plan.url.cors, incoming);
  if (early) return { ...early, status: 200 };
  const [path] = splitUrl(incoming.url ?? "/");
  // A URL ends in a slash, and many put a path behind it that begins with one.
  const rawPath = path.replace(/^\/{2,}/, "/");
  const request = await readEdgeRequest(ctx, incoming, { rawPath, traceId });
  const caller = await authorize(ctx, plan, { request, incoming });
  if (caller === "forbidden") return refusal(403, "AccessDeniedException", { Message: FORBIDDEN });
  return callFunction(ctx, plan, { request, caller, traceId, stream });
}

/** Who called, as the event shows it; `forbidden` where the caller may not, by its own and the function's policy. */
async function authorize(
  ctx: Ctx,
  { url, arn, policy }: UrlPlan,
  { request, incoming }: { request: EdgeRequest; incoming: IncomingMessage },
): Promise<Record<string, unknown> | undefined | "forbidden"> {
  const permission = {
    action: "lambda:InvokeFunctionUrl",
    resource: arn,
    conditions: { "lambda:FunctionUrlAuthType": url.authType },
    ...(policy === undefined ? {} : { resourcePolicy: policy }),
  };
  if (url.authType === "NONE") {
    const anonymous = ctx.as({ kind: "anonymous", account: ctx.account });
    return (await isAllowed(anonymous, permission)) ? undefined : "forbidden";
  }
  const principal = await signerOf(ctx, "lambda", { request, incoming });
  if (principal.kind === "anonymous" || principal.kind === "service") return "forbidden";
  if (!(await isAllowed(ctx.as(principal), permission))) return "forbidden";
  const { account: accountId, id, arn: userArn } = principal;
  return { iam: { accountId, callerId: id, cognitoIdentity: null, principalOrgId: null, userArn, userId: id } };
}

async function callFunction(
  ctx: Ctx,
  plan: UrlPlan,
  call: {
    request: EdgeRequest;
    caller: Record<string, unknown> | undefined;
    traceId: string;
    stream: UrlStream | undefined;
  },
): Promise<EdgeResponse | NonNullable<Streamed>> {
  const event = httpEvent(call.request, {
    account: call.caller ? ctx.account : "anonymous",
    apiId: plan.url.id,
    stage: "$default",
    requestId: ctx.requestId,
    routeKey: "$default",
    stagedPath: call.request.rawPath,
    pathParameters: {},
    stageVariables: {},
    ...(call.caller ? { authorizer: call.caller } : {}),
  });
  const payload = Buffer.from(event);
  if (payload.length > MAX_SYNC_PAYLOAD)
    return refusal(413, "RequestTooLargeException", { Message: "Request must be smaller than 6291456 bytes" });
  try {
    const { url, arn: invokedArn } = plan;
    const runnable = plan.runnable ?? (await runnableOf(ctx, await versionOf(ctx, url.name, url.alias)));
    const { requestId } = ctx;
    const outcome = await run(ctx, runnable, {
      requestId,
      payload,
      invokedArn,
      traceId: call.traceId,
      ...(call.stream ? { onPiece: call.stream.onPiece } : {}),
    });
    if (call.stream) return call.stream.end(outcome) ?? failed();
    const answer = outcome.functionError
      ? undefined
      : readProxyResponse(outcome.payload, { inferred: true, decodes: true });
    return answer ? withContentType(answer) : failed();
  } catch (error) {
    const code = codeOf(error);
    if (code === "ResourceNotFoundException") return refusal(404, code, { Message: null });
    if (code !== "TooManyRequestsException") throw error;
    const Reason = "ConcurrentInvocationLimitExceeded";
    return refusal(429, code, { Reason, Type: "User", message: "Rate Exceeded." });
  }
}

const failed = (): EdgeResponse => ({
  status: 502,
  headers: [["Content-Type", "application/json"]],
  body: Buffer.from("Internal Server Error"),
});

/** JSON is what an answer without a type is taken for. */
function withContentType(answer: EdgeResponse): EdgeResponse {
  if (answer.headers.some(([name]) => name.toLowerCase() === "content-type")) return answer;
  return { ...answer, headers: [...answer.headers, ["content-type", "application/json"]] };
}
