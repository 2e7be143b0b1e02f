import type { Invocation, RuntimeAnswer } from "./channel.ts";
import type { FunctionVersion, InvokeOutcome, InvokeRequest } from "./function-version.ts";
import type { Ending, Report } from "./log-lines.ts";

/** One call on its way through an environment. */
export interface Job {
  readonly request: InvokeRequest;
  readonly settle: (outcome: InvokeOutcome) => void;
  readonly fail: (error: unknown) => void;
  /**
   * An environment was given up because its init phase failed or took too long: the next one loads the function within the
   * call. https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-ib-init-failure
   */
  initFailed?: boolean;
}

/** What a caller is told of a call that has ended. */
export function outcomeOf(answer: RuntimeAnswer, report: Report, tail: InvokeOutcome["tail"]): InvokeOutcome {
  return {
    payload: answer.body,
    ...(answer.kind === "error" ? { functionError: "Unhandled" as const } : {}),
    ...(answer.errorType === undefined ? {} : { errorType: answer.errorType }),
    durationMs: report.durationMs,
    ...(report.extensionsMs === undefined ? {} : { extensionsMs: report.extensionsMs }),
    billedMs: report.billedMs,
    initMs: report.initMs,
    maxMemoryMB: report.usedMB,
    tail,
  };
}

/** What was measured of a call. */
export interface Measured extends Pick<Report, "durationMs" | "extensionsMs" | "initMs"> {
  readonly peakMB: number;
}

export function reportOf(requestId: string, memoryMB: number, { peakMB, ...times }: Measured, how: Ending): Report {
  // Since August 2025 the init phase is billed too: https://aws.amazon.com/blogs/compute/aws-lambda-standardizes-billing-for-init-phase/
  const billedMs = Math.ceil(times.durationMs + (times.initMs ?? 0));
  const usedMB = Math.min(memoryMB, Math.max(1, Math.round(peakMB)));
  return { requestId, ...times, billedMs, memoryMB, usedMB, ...how };
}

/** A call as its runtime is told of it; `now` is when it is handed over. */
export const invocationOf = ({ request }: Job, version: FunctionVersion, now: number): Invocation => ({
  id: request.requestId,
  deadline: now + version.timeoutSeconds * 1000,
  arn: request.invokedArn,
  traceId: request.traceId ?? "",
  payload: request.payload,
  clientContext: request.clientContext,
  isStreamed: request.onPiece !== undefined,
});
