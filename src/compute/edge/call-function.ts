import type { Context } from "../../aws/context.ts";
import { servicePrincipal } from "../../aws/principal.ts";
import { codeOf } from "../../kernel/aws-error.ts";

/** What became of a call: the function's answer, or why there is none. */
export type FunctionAnswer =
  | { readonly ok: true; readonly payload: Buffer }
  | { readonly ok: false; readonly why: "failed" | "denied" | "throttled" | "timeout" };

/** The function that an integration's URI names, with stage variables put in; undefined where it is not a Lambda URI. */
export function functionOfUri(uri: string, stageVariables: Readonly<Record<string, string>>): string | undefined {
  const filled = uri.replaceAll(/\$\{stageVariables\.([\w]+)\}/g, (_, name: string) => stageVariables[name] ?? "");
  return (
    /^arn:[\w-]+:apigateway:[\w-]+:lambda:path\/+2015-03-31\/functions\/(.+)\/invocations$/.exec(filled)?.[1] ??
    (/^arn:[\w-]+:lambda:/.test(filled) ? filled : undefined)
  );
}

interface FunctionCall {
  readonly functionArn: string;
  /** JSON. */
  readonly event: string;
  readonly sourceArn: string;
  readonly timeoutMs: number;
  readonly credentials?: string | undefined;
  /** The trace that the call begins or goes on with. */
  readonly traceId?: string | undefined;
  /** What the call was planned by, the same for each call of its kind. */
  readonly plan?: object;
}

type Invoked = { readonly FunctionError?: string | undefined; readonly Payload?: unknown };

/**
 * Calls a function for an API, as API Gateway does: allowed by the function's own policy for this API and path
 * (`sourceArn`), or by the role `credentials`.
 */
export async function callFunction(ctx: Context<any>, call: FunctionCall): Promise<FunctionAnswer> {
  let timer: NodeJS.Timeout | undefined;
  try {
    const invoking =
      call.credentials === undefined ? invokeForApi(ctx, call) : invokeAsRole(ctx, call, call.credentials);
    const answer = await new Promise<Invoked | "timeout">((resolve, reject) => {
      timer = setTimeout(() => resolve("timeout"), call.timeoutMs);
      invoking.then(resolve, reject);
    });
    if (answer === "timeout") return { ok: false, why: "timeout" };
    if (answer.FunctionError) return { ok: false, why: "failed" };
    const payload = answer.Payload as Uint8Array;
    return { ok: true, payload: Buffer.isBuffer(payload) ? payload : Buffer.from(payload) };
  } catch (error) {
    const code = codeOf(error);
    if (code === "TooManyRequestsException") return { ok: false, why: "throttled" };
    if (code === undefined) throw error;
    return { ok: false, why: "denied" };
  } finally {
    clearTimeout(timer);
  }
}

/** As the service itself. What the function's policy says of the API is asked once for each change of anything. */
function invokeForApi(ctx: Context<any>, call: FunctionCall): Promise<Invoked> {
  const { functionArn: FunctionName, sourceArn, traceId, plan = call } = call;
  const caller = (): Context<any> => ctx.as(servicePrincipal("apigateway.amazonaws.com", ctx.account, sourceArn));
  const preparing = ctx.records.madeFor(
    plan,
    () => `call\n${FunctionName}\n${sourceArn}`,
    () => caller().prepare("lambda", "Invoke", { FunctionName }),
  );
  const invoke = (prepared: Awaited<typeof preparing>): Promise<Invoked> => {
    const Payload = Buffer.from(call.event);
    if (!prepared) return caller().call("lambda", "Invoke", { FunctionName, Payload });
    return prepared({ requestId: ctx.platform.ids.uuid(), traceId: ctx.traceId ?? traceId }, { Payload });
  };
  return preparing instanceof Promise ? preparing.then(invoke) : invoke(preparing);
}

async function invokeAsRole(ctx: Context<any>, call: FunctionCall, role: string): Promise<Invoked> {
  const caller = await ctx.asRole(role, "apigateway");
  return caller.call("lambda", "Invoke", { FunctionName: call.functionArn, Payload: Buffer.from(call.event) });
}
