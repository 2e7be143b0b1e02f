import type { Context } from "../../aws/context.ts";
import { servicePrincipal, type Principal } from "../../aws/principal.ts";
import { codeOf } from "../../kernel/aws-error.ts";

/** What a function said, its own failure included, or why it could not be asked. */
export type Said =
  | { readonly ok: true; readonly payload: Buffer }
  | { readonly ok: false; readonly why: "failed"; readonly payload: Buffer }
  | { readonly ok: false; readonly why: "denied" | "throttled" | "timeout" };

/** As whom a function is asked: for the API's resource, as a role, or as whoever signed the request. */
export type Asker = { readonly sourceArn: string } | { readonly role: string } | { readonly principal: Principal };

async function contextOf(ctx: Context<any>, asker: Asker): Promise<Context<any>> {
  if ("role" in asker) return ctx.asRole(asker.role, "apigateway");
  if ("principal" in asker) return ctx.as(asker.principal);
  return ctx.as(servicePrincipal("apigateway.amazonaws.com", ctx.account, asker.sourceArn));
}

/**
 * Asks a function whose failure matters too: an authorizer, or one whose errors are mapped to answers. Calls of routes go by
 * `callFunction`, which is quicker.
 */
export async function askFunction(
  ctx: Context<any>,
  asker: Asker,
  call: { functionArn: string; payload: Buffer; timeoutMs: number; invocationType?: "Event" },
): Promise<Said> {
  let timer: NodeJS.Timeout | undefined;
  try {
    const caller = await contextOf(ctx, asker);
    const invoked = caller.call("lambda", "Invoke", {
      FunctionName: call.functionArn,
      Payload: call.payload,
      ...(call.invocationType ? { InvocationType: call.invocationType } : {}),
    });
    invoked.catch(() => undefined); // after a time-out nobody waits for it any more
    const timeout = new Promise<"timeout">((resolve) => {
      timer = setTimeout(() => resolve("timeout"), call.timeoutMs);
    });
    const answer = await Promise.race([invoked, timeout]);
    if (answer === "timeout") return { ok: false, why: "timeout" };
    const payload = Buffer.from((answer.Payload as Uint8Array | undefined) ?? []);
    return answer.FunctionError ? { ok: false, why: "failed", payload } : { ok: true, payload };
  } catch (error) {
    const code = codeOf(error);
    if (code === undefined) throw error;
    return { ok: false, why: code === "TooManyRequestsException" ? "throttled" : "denied" };
  } finally {
    clearTimeout(timer);
  }
}
