import { AwsError } from "../../kernel/aws-error.ts";
import { arn } from "../../kernel/arn.ts";

export interface LogGroup {
  readonly name: string;
  readonly created: number;
  readonly retentionDays?: number;
  readonly tags?: Readonly<Record<string, string>>;
  readonly kmsKeyId?: string;
}

export interface LogStream {
  readonly name: string;
  readonly created: number;
}

/** Values that PutRetentionPolicy accepts. */
export const RETENTION_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

/** https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html */
export const MAX_BATCH_BYTES = 1_048_576;
export const EVENT_OVERHEAD = 26;
export const MAX_EVENT_BYTES = 1_048_576;
export const MAX_FUTURE_MS = 2 * 3600_000;
export const MAX_AGE_MS = 14 * 86_400_000;

export const groupArn = (region: string, account: string, name: string): string =>
  arn("logs", region, account, `log-group:${name}`);

/** An event's id: its time and its place in the stream. */
export const eventId = (event: { timestamp: number; sequence: number }): string =>
  `${String(event.timestamp).padStart(20, "0")}${String(event.sequence).padStart(36, "0")}`;

/** The group's key in the telemetry store. */
export const telemetryKey = (account: string, region: string, group: string): string => `${account}/${region}/${group}`;

/** The name of a group given as a name or an ARN. */
export function groupName(input: {
  logGroupName?: string | undefined;
  logGroupIdentifier?: string | undefined;
}): string {
  const identifier = input.logGroupIdentifier;
  if (input.logGroupName) return input.logGroupName;
  if (!identifier) throw invalid("A log group name or identifier must be given.");
  return /^arn:[^:]*:logs:[^:]*:\d*:log-group:([^:]+)/.exec(identifier)?.[1] ?? identifier;
}

/** The name of the group that a call names, by its name or by its ARN alone. */
export function onlyGroupName(input: Parameters<typeof groupName>[0]): string {
  if (input.logGroupName && input.logGroupIdentifier)
    throw new AwsError("ValidationException", "LogGroup name and LogGroup ARN are mutually exclusive parameters.", 400);
  return groupName(input);
}

/** Records of streams have ids `<group>:<stream>`: neither may hold a colon in a group's name. */
export const streamId = (group: string, stream: string): string => `${group}:${stream}`;

export const invalid = (message: string): AwsError => new AwsError("InvalidParameterException", message, 400);
export const noGroup = (): AwsError =>
  new AwsError("ResourceNotFoundException", "The specified log group does not exist.", 400);
export const noStream = (): AwsError =>
  new AwsError("ResourceNotFoundException", "The specified log stream does not exist.", 400);
export const groupExists = (): AwsError =>
  new AwsError("ResourceAlreadyExistsException", "The specified log group already exists", 400);
export const streamExists = (): AwsError =>
  new AwsError("ResourceAlreadyExistsException", "The specified log stream already exists", 400);
