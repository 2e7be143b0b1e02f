import type { Context } from "../../aws/context.ts";
import { servicePrincipal, type Principal } from "../../aws/principal.ts";
import { codeOf } from "../../kernel/aws-error.ts";

/** What became of a call: the function's answer, or why there is none. */
export type FunctionAnswer =
  | { readonly ok: true; readonly payload: Buffer }
  | { readonly ok: false; readonly why: "failed"; readonly payload: Buffer }
  | { readonly ok: false; readonly why: "denied" | "throttled" | "timeout" };

const NOTHING = Buffer.alloc(0);

/** The function that an integration's URI names, with stage variables put in; undefined where it is not a Lambda URI. */
export function functionOfUri(uri: string, stageVariables: Readonly<Record<string, string>>): string | undefined {
  const filled = uri.replaceAll(/\$\{stageVariables\.([\w]+)\}/g, (_, name: string) => stageVariables[name] ?? "");
  return (
    /^arn:[\w-]+:apigateway:[\w-]+:lambda:path\/2015-03-31\/functions\/(.+)\/invocations$/.exec(filled)?.[1] ??
    (/^arn:[\w-]+:lambda:/.test(filled) ? filled : undefined)
  );
}

/**
 * Calls a function for an API, as API Gateway does: allowed by the function's own policy for this API and path
 * (`sourceArn`), or by the role `credentials`.
 */
export async function callFunction(
  ctx: Context<any>,
  call: {
    functionArn: string;
    event: unknown;
    sourceArn: string;
    timeoutMs: number;
    credentials?: string | undefined;
    /** Who calls where it is neither the API nor a role: the signer of the request. */
    principal?: Principal | undefined;
    invocationType?: "Event" | "RequestResponse";
  },
): Promise<FunctionAnswer> {
  const principal = call.principal ?? servicePrincipal("apigateway.amazonaws.com", ctx.account, call.sourceArn);
  let caller: Context<any>;
  try {
    caller = call.credentials && !call.principal ? await ctx.asRole(call.credentials, "apigateway") : ctx.as(principal);
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return { ok: false, why: "denied" };
  }
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<"timeout">((resolve) => {
    timer = setTimeout(() => resolve("timeout"), call.timeoutMs);
  });
  try {
    const invoked = caller.call("lambda", "Invoke", {
      FunctionName: call.functionArn,
      Payload: Buffer.from(JSON.stringify(call.event)),
      ...(call.invocationType ? { InvocationType: call.invocationType } : {}),
    });
    invoked.catch(() => undefined); // after a time-out nobody waits for it any more
    const answer = await Promise.race([invoked, timeout]);
    if (answer === "timeout") return { ok: false, why: "timeout" };
    const bytes = (answer.Payload ?? NOTHING) as Uint8Array;
    const payload = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes);
    return answer.FunctionError ? { ok: false, why: "failed", payload } : { ok: true, payload };
  } catch (error) {
    const code = codeOf(error);
    if (code === "TooManyRequestsException") return { ok: false, why: "throttled" };
    if (code === undefined) throw error;
    return { ok: false, why: "denied" };
  } finally {
    clearTimeout(timer);
  }
}
