import type * as Events from "@aws-sdk/client-eventbridge";
import type { Context } from "../../aws/context.ts";
import { arn } from "../../kernel/arn.ts";
import { AwsError } from "../../kernel/aws-error.ts";

export const DEFAULT_BUS = "default";

/** A target as PutTargets takes it. */
export type Target = Events.Target;

export interface Bus {
  readonly name: string;
  readonly created: number;
  readonly modified?: number;
  readonly description?: string;
  /** The resource policy, JSON. */
  readonly policy?: string;
  readonly tags?: Readonly<Record<string, string>>;
}

/** A rule with its targets: one record, so that they change together. */
export interface Rule {
  readonly name: string;
  readonly bus: string;
  readonly pattern?: string;
  readonly schedule?: string;
  readonly state: Events.RuleState;
  readonly description?: string;
  readonly roleArn?: string;
  readonly targets: readonly Target[];
  readonly tags?: Readonly<Record<string, string>>;
  readonly created: number;
  /** When a scheduled rule fires next; absent while it is disabled. */
  readonly nextAt?: number;
}

/** An event as targets get it. */
export interface EventEnvelope {
  readonly version: "0";
  readonly id: string;
  readonly "detail-type": string;
  readonly source: string;
  readonly account: string;
  readonly time: string;
  readonly region: string;
  readonly resources: readonly string[];
  readonly detail: unknown;
  /** Where a replay sends it: an archive does not keep it again. */
  readonly "replay-name"?: string;
}

type Place = Pick<Context<any>, "region" | "account">;

export const busArn = (ctx: Place, bus: string): string => arn("events", ctx.region, ctx.account, `event-bus/${bus}`);
export const ruleArn = (ctx: Place, bus: string, rule: string): string =>
  arn("events", ctx.region, ctx.account, `rule/${bus === DEFAULT_BUS ? rule : `${bus}/${rule}`}`);

/** Neither names may hold a colon, so bus and rule never run together. */
export const ruleId = (bus: string, rule: string): string => `${bus}:${rule}`;

/** The name of a bus given by name or ARN; default: the default bus. */
export function busName(given: string | undefined): string {
  if (!given) return DEFAULT_BUS;
  const name = /^arn:[\w-]+:events:[\w-]*:\d*:event-bus\/(.+)$/.exec(given)?.[1] ?? given;
  if (!/^[/.\-_A-Za-z0-9]{1,256}$/.test(name)) throw invalid("Parameter EventBusName is not valid.");
  return name;
}

export const invalid = (message: string): AwsError => new AwsError("ValidationException", message, 400);
export const noRule = (rule: string, bus: string): AwsError =>
  new AwsError("ResourceNotFoundException", `Rule ${rule} does not exist on EventBus ${bus}.`, 400);
export const noBus = (bus: string): AwsError =>
  new AwsError("ResourceNotFoundException", `Event bus ${bus} does not exist.`, 400);
export const overLimit = (message: string): AwsError => new AwsError("LimitExceededException", message, 400);
