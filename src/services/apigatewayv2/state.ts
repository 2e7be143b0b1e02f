import { EdgeLogs } from "../../compute/edge/edge-logs.ts";
import { TokenBuckets } from "../../compute/edge/token-buckets.ts";
import { TimedResults } from "../../compute/edge/timed-results.ts";
import type { Context } from "../../aws/context.ts";
import { IssuerKeys } from "../../compute/edge/issuer-keys.ts";
import type { Authorized } from "./lambda-authorizer.ts";

/** What the endpoints of HTTP APIs hold while the platform runs. */
export interface HttpState {
  /** What Lambda authorizers answered. */
  readonly authorized: TimedResults<Authorized>;
  readonly issuers: IssuerKeys;
  readonly buckets: TokenBuckets;
  readonly logs: EdgeLogs;
}

export type HttpContext = Context<HttpState>;

export function createHttpState(): HttpState {
  return {
    authorized: new TimedResults(),
    issuers: new IssuerKeys(),
    buckets: new TokenBuckets(),
    logs: new EdgeLogs(),
  };
}
