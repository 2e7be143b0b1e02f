import { messageOf } from "../../kernel/aws-error.ts";
import type { SandboxExit } from "../../ports/sandbox.ts";
import type { InitAnswer, RuntimeAnswer } from "./channel.ts";
import type { ExtensionFailure } from "./extensions.ts";

export const TIMED_OUT = "Sandbox.Timedout";
/** https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
export const MAX_RESPONSE = 6 * 1024 * 1024 + 100;

/** How an environment came to its end. */
export type Ended =
  | { readonly kind: "exit"; readonly exit: SandboxExit }
  | { readonly kind: "timeout" }
  | { readonly kind: "extension"; readonly failure: ExtensionFailure }
  | { readonly kind: "fault"; readonly error: Error };

/** The answer to a call whose environment ended under it. */
export function endedAnswer(ended: Exclude<Ended, { kind: "timeout" }>, requestId: string): RuntimeAnswer {
  const answer = (type: string, text: string): RuntimeAnswer =>
    errorAnswer(type, `RequestId: ${requestId} Error: ${text}`);
  if (ended.kind === "fault")
    return answer("Runtime.ProtocolError", `the runtime broke its protocol: ${messageOf(ended.error)}`);
  if (ended.kind === "extension") return answer(ended.failure.errorType, ended.failure.message);
  const { exit } = ended;
  if (exit.outOfMemory) return answer("Runtime.OutOfMemory", "Runtime exited with error: signal: killed");
  if (exit.error) return answer("Runtime.InvalidEntrypoint", exit.error);
  const how =
    exit.signal || (exit.code ?? 0) > 128
      ? `with error: signal: ${exit.signal === "SIGKILL" || exit.code === 137 ? "killed" : (exit.signal ?? `${(exit.code ?? 0) - 128}`)}`
      : exit.code
        ? `with error: exit status ${exit.code}`
        : "without providing a reason";
  return answer("Runtime.ExitError", `Runtime exited ${how}`);
}

export const failedInit = (failure: Extract<InitAnswer, { ok: false }>): RuntimeAnswer => ({
  kind: "error",
  body: failure.body,
  errorType: failure.errorType,
});

/** An error that the runtime did not report itself. */
export function errorAnswer(errorType: string, errorMessage: string): RuntimeAnswer {
  return { kind: "error", errorType, body: Buffer.from(JSON.stringify({ errorType, errorMessage })) };
}

export const tooLarge = (): RuntimeAnswer =>
  errorAnswer(
    "Function.ResponseSizeTooLarge",
    `Response payload size exceeded maximum allowed payload size (${MAX_RESPONSE} bytes).`,
  );
