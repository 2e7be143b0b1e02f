import { TimedResults } from "../../compute/edge/timed-results.ts";
import type { Authorized } from "./lambda-authorizer.ts";

/** What the endpoints of REST APIs hold while the platform runs. */
export interface RestState {
  /** What authorizers answered. */
  readonly authorized: TimedResults<Authorized>;
}

export function createRestState(): RestState {
  return { authorized: new TimedResults() };
}
