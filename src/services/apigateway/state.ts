import { EdgeLogs } from "../../compute/edge/edge-logs.ts";
import { TimedResults } from "../../compute/edge/timed-results.ts";
import { TokenBuckets } from "../../compute/edge/token-buckets.ts";
import type { Authorized } from "./lambda-authorizer.ts";
import { UsageCounters } from "./usage-counters.ts";

/** What the endpoints of REST APIs hold while the platform runs. */
export interface RestState {
  /** What authorizers answered. */
  readonly authorized: TimedResults<Authorized>;
  readonly buckets: TokenBuckets;
  readonly usage: UsageCounters;
  readonly logs: EdgeLogs;
}

export function createRestState(): RestState {
  return {
    authorized: new TimedResults(),
    buckets: new TokenBuckets(),
    usage: new UsageCounters(),
    logs: new EdgeLogs(),
  };
}
