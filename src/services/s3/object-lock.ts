import type * as S3 from "@aws-sdk/client-s3";
import { isAllowed } from "../../aws/authorize.ts";
import type { Context } from "../../aws/context.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import { accessDenied, invalidArgument, invalidRequest, malformedXml } from "./errors.ts";
import { MAX_RETENTION_DAYS } from "./limits.ts";
import { type Bucket, type ObjectFacts, type ObjectVersion } from "./model.ts";
import { objectPermission } from "./permissions.ts";

/** Until when a version is kept, and how strictly. */
export interface Retention {
  readonly mode: S3.ObjectLockRetentionMode;
  /** Milliseconds since the epoch. */
  readonly until: number;
}

/** What keeps a version from being removed. */
export interface ObjectLock {
  readonly retention?: Retention;
  readonly legalHold?: S3.ObjectLockLegalHoldStatus;
}

/** The lock of a bucket that was made for it; without a default only what is asked for is locked. */
export interface BucketLock {
  readonly defaultRetention?: S3.DefaultRetention;
}

export interface LockInput {
  readonly ObjectLockMode?: string | undefined;
  readonly ObjectLockRetainUntilDate?: Date | undefined;
  readonly ObjectLockLegalHoldStatus?: string | undefined;
}

const MODES: readonly unknown[] = ["GOVERNANCE", "COMPLIANCE"];
const DAY = 86_400_000;

const isMode = (mode: unknown): mode is S3.ObjectLockRetentionMode => MODES.includes(mode);
const isHold = (status: unknown): status is S3.ObjectLockLegalHoldStatus => status === "ON" || status === "OFF";

/** Throws where a bucket was not made for locks. */
export function needsLock(bucket: Bucket): BucketLock {
  const { objectLock } = bucket.config;
  if (!objectLock) throw invalidRequest("Bucket is missing Object Lock Configuration");
  return objectLock;
}

/** The lock of a new version: what the request says, else the bucket's default. */
export function newLock(bucket: Bucket, input: LockInput, now: number): ObjectLock | undefined {
  const { ObjectLockMode: mode, ObjectLockRetainUntilDate: until, ObjectLockLegalHoldStatus: legalHold } = input;
  if (mode !== undefined || until !== undefined || legalHold !== undefined) needsLock(bucket);
  if ((mode === undefined) !== (until === undefined))
    throw new AwsError(
      "InvalidArgument",
      "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied",
      400,
      { ArgumentName: mode === undefined ? "x-amz-object-lock-mode" : "x-amz-object-lock-retain-until-date" },
    );
  if (mode !== undefined && !isMode(mode))
    throw invalidArgument("Unknown wormMode directive.", "x-amz-object-lock-mode", mode);
  if (legalHold !== undefined && !isHold(legalHold))
    throw invalidArgument("Legal Hold must be either of 'ON' or 'OFF'", "x-amz-object-lock-legal-hold", legalHold);
  if (until && until.getTime() <= now) throw pastDate(until, "x-amz-object-lock-retain-until-date");
  const retention =
    mode !== undefined && until ? { mode, until: until.getTime() } : defaultRetention(bucket.config.objectLock, now);
  if (!retention && legalHold === undefined) return undefined;
  return { ...(retention ? { retention } : {}), ...(legalHold === undefined ? {} : { legalHold }) };
}

function defaultRetention(lock: BucketLock | undefined, now: number): Retention | undefined {
  const { Mode: mode, Days: days, Years: years } = lock?.defaultRetention ?? {};
  if (!isMode(mode)) return undefined;
  return { mode, until: now + (days ?? (years ?? 0) * 365) * DAY };
}

/** The message's date is written as Java does in S3's home. */
function pastDate(until: Date, name: string): AwsError {
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone: "America/Los_Angeles",
    weekday: "short",
    month: "short",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
    timeZoneName: "short",
    year: "numeric",
  }).formatToParts(until);
  const part = (type: string): string => parts.find((one) => one.type === type)?.value ?? "";
  const time = `${part("hour")}:${part("minute")}:${part("second")}`;
  const text = `${part("weekday")} ${part("month")} ${part("day")} ${time} ${part("timeZoneName")} ${part("year")}`;
  return invalidArgument("The retain until date must be in the future!", name, text);
}

/** Checks what PutObjectLockConfiguration sets. */
export function checkedBucketLock(given: S3.ObjectLockConfiguration | undefined): BucketLock {
  if (!given) throw new AwsError("MissingRequestBodyError", "Request Body is empty", 400);
  if (given.ObjectLockEnabled !== "Enabled") throw malformedXml();
  if (given.Rule === undefined) return {};
  const { Mode: mode, Days: days, Years: years } = given.Rule.DefaultRetention ?? {};
  if (!isMode(mode) || (days === undefined) === (years === undefined)) throw malformedXml();
  const [count, max] =
    days === undefined ? [years ?? 0, Math.floor(MAX_RETENTION_DAYS / 365)] : [days, MAX_RETENTION_DAYS];
  if (count <= 0)
    throw new AwsError("InvalidArgument", "Default retention period must be a positive integer value", 400);
  if (count > max)
    throw new AwsError(
      "InvalidArgument",
      `Default retention period too large, max is ${max} ${days === undefined ? "years" : "days"}`,
      400,
    );
  return { defaultRetention: { Mode: mode, ...(days === undefined ? { Years: years } : { Days: days }) } };
}

/** The retention that PutObjectRetention sets; undefined where it takes the old one away. */
export function checkedRetention(given: S3.ObjectLockRetention | undefined, now: number): Retention | undefined {
  if (!given) throw malformedXml();
  const { Mode: mode, RetainUntilDate: date } = given;
  if (mode === undefined && date === undefined) return undefined;
  if (!isMode(mode) || date === undefined) throw malformedXml();
  const until = new Date(date);
  if (until.getTime() <= now) throw pastDate(until, "RetainUntilDate");
  return { mode, until: until.getTime() };
}

export function checkedHold(given: S3.ObjectLockLegalHold | undefined): S3.ObjectLockLegalHoldStatus {
  if (!isHold(given?.Status)) throw malformedXml();
  return given.Status;
}

const protectedByLock = (): AwsError => accessDenied("Access Denied because object protected by object lock.");

const inForce = (facts: ObjectFacts, now: number): Retention | undefined =>
  facts.lock?.retention && facts.lock.retention.until > now ? facts.lock.retention : undefined;

/** Throws where a version must not have this retention in the place of its own. */
export function checkChange(facts: ObjectFacts, next: Retention | undefined, now: number, bypass: boolean): void {
  const retention = inForce(facts, now);
  if (!retention) return;
  const keeps = next?.mode === retention.mode && next.until >= retention.until;
  if (!keeps && (retention.mode === "COMPLIANCE" || !bypass)) throw protectedByLock();
}

/** Whether a version may be removed now; `bypass` lets go of what is only governed. */
export function isLocked({ facts }: ObjectVersion, now: number, bypass = false): boolean {
  const retention = inForce(facts, now);
  return facts.lock?.legalHold === "ON" || (retention !== undefined && !(retention.mode === "GOVERNANCE" && bypass));
}

export function checkRemoval(version: ObjectVersion, now: number, bypass: boolean): void {
  if (isLocked(version, now, bypass)) throw protectedByLock();
}

/** Whether the request asks to pass over governance, and its caller may. */
export async function mayBypass(
  ctx: Context<any>,
  bucket: Bucket,
  input: { Key?: string | undefined; BypassGovernanceRetention?: boolean | undefined },
): Promise<boolean> {
  if (!input.BypassGovernanceRetention) return false;
  return isAllowed(ctx, await objectPermission(ctx, bucket, input, "BypassGovernanceRetention"));
}

/** Refuses the header where it can have no meaning, whatever it says. */
export function checkBypass(bucket: Bucket, input: { BypassGovernanceRetention?: boolean | undefined }): void {
  if (input.BypassGovernanceRetention !== undefined && !bucket.config.objectLock)
    throw new AwsError(
      "InvalidArgument",
      "x-amz-bypass-governance-retention is only applicable to Object Lock enabled buckets.",
      400,
      { ArgumentName: "x-amz-bypass-governance-retention" },
    );
}

/** How reads say it, as far as the caller may know. */
export async function describeLock(
  ctx: Context<any>,
  bucket: Bucket,
  version: ObjectVersion,
): Promise<Partial<Record<keyof LockInput, string | Date>>> {
  const { retention, legalHold } = version.facts.lock ?? {};
  const may = async (action: string): Promise<boolean> =>
    isAllowed(ctx, await objectPermission(ctx, bucket, { Key: version.key }, action));
  return {
    ...(retention && (await may("GetObjectRetention"))
      ? { ObjectLockMode: retention.mode, ObjectLockRetainUntilDate: new Date(retention.until) }
      : {}),
    ...(legalHold && (await may("GetObjectLegalHold")) ? { ObjectLockLegalHoldStatus: legalHold } : {}),
  };
}
