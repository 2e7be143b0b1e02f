import { TimedResults } from "../../compute/edge/timed-results.ts";
import type { Context } from "../../aws/context.ts";
import { IssuerKeys } from "./issuer-keys.ts";
import type { Authorized } from "./lambda-authorizer.ts";

/** What the endpoints of HTTP APIs hold while the platform runs. */
export interface HttpState {
  /** What Lambda authorizers answered. */
  readonly authorized: TimedResults<Authorized>;
  readonly issuers: IssuerKeys;
}

export type HttpContext = Context<HttpState>;

export function createHttpState(): HttpState {
  return { authorized: new TimedResults(), issuers: new IssuerKeys() };
}
