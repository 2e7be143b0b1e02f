import type * as Events from "@aws-sdk/client-eventbridge";
import type { Context } from "../../aws/context.ts";
import { arn } from "../../kernel/arn.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import type { EventEnvelope } from "./model.ts";

/** Keeps the events of a bus that match its pattern. */
export interface Archive {
  readonly name: string;
  readonly bus: string;
  readonly created: number;
  readonly description?: string;
  readonly pattern?: string;
  /** 0: for ever. */
  readonly retentionDays: number;
}

/** An event that an archive keeps. Ids are `<archive>:<time of the event>:<its id>`. */
export interface ArchivedEvent {
  readonly event: EventEnvelope;
  readonly bytes: number;
}

/** Sends archived events to their bus again. */
export interface Replay {
  readonly name: string;
  readonly archive: string;
  readonly bus: string;
  readonly description?: string;
  /** ARNs of the rules that get the events; all rules of the bus where there are none. */
  readonly rules?: readonly string[];
  readonly from: number;
  readonly to: number;
  readonly state: Events.ReplayState;
  readonly started: number;
  readonly ended?: number;
  readonly lastReplayed?: number;
}

type Place = Pick<Context<any>, "region" | "account">;

export const archiveArn = (ctx: Place, name: string): string =>
  arn("events", ctx.region, ctx.account, `archive/${name}`);
export const replayArn = (ctx: Place, name: string): string => arn("events", ctx.region, ctx.account, `replay/${name}`);

/** Neither names of archives nor times hold a colon. */
export const archivedId = (archive: string, time: number, event: string): string =>
  `${archive}:${String(time).padStart(14, "0")}:${event}`;

export const noArchive = (name: string): AwsError =>
  new AwsError("ResourceNotFoundException", `Archive ${name} does not exist.`, 400);
export const noReplay = (name: string): AwsError =>
  new AwsError("ResourceNotFoundException", `Replay ${name} does not exist.`, 400);
export const exists = (what: string): AwsError =>
  new AwsError("ResourceAlreadyExistsException", `${what} already exists.`, 400);

export const ARCHIVE_STATES: readonly string[] = [
  "ENABLED",
  "DISABLED",
  "CREATING",
  "UPDATING",
  "CREATE_FAILED",
  "UPDATE_FAILED",
];
export const REPLAY_STATES: readonly string[] = [
  "STARTING",
  "RUNNING",
  "CANCELLING",
  "COMPLETED",
  "CANCELLED",
  "FAILED",
];
