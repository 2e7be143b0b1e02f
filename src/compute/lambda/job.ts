import type { InvokeOutcome, InvokeRequest } from "./function-version.ts";

/** One call on its way through an environment. */
export interface Job {
  readonly request: InvokeRequest;
  readonly settle: (outcome: InvokeOutcome) => void;
  readonly fail: (error: unknown) => void;
  /** An environment was given up because its init phase took too long: the next one loads the function within the call. */
  initTimedOut?: boolean;
}
