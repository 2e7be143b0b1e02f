import { AwsError } from "../../kernel/aws-error.ts";
import { dueAfter } from "./lifecycle.ts";
import type { ObjectVersion } from "./model.ts";

/** Classes whose objects cannot be read until they are restored. */
const ARCHIVES: readonly unknown[] = ["GLACIER", "DEEP_ARCHIVE"];

/** Days that a restored copy may be asked for. */
const MAX_RESTORED_DAYS = 2_147_483_647;

const invalidState = (message: string, storageClass?: string): AwsError =>
  new AwsError("InvalidObjectState", message, 403, storageClass === undefined ? {} : { StorageClass: storageClass });

function isRestored({ facts }: ObjectVersion, now: number): boolean {
  return facts.restoredUntil !== undefined && facts.restoredUntil > now;
}

const isOutOfReach = (version: ObjectVersion, now: number): boolean =>
  ARCHIVES.includes(version.facts.storageClass) && !isRestored(version, now);

/** Throws where the content of a version is in an archive and no restored copy of it is there. */
export function checkReach(version: ObjectVersion, now: number): void {
  if (isOutOfReach(version, now))
    throw invalidState("The operation is not valid for the object's storage class", version.facts.storageClass);
}

/** The same for the source of a copy. */
export function checkSourceReach(version: ObjectVersion, now: number): void {
  if (isOutOfReach(version, now)) throw invalidState("Operation is not valid for the source object's storage class");
}

/** Until when RestoreObject makes a version readable; whether it is readable already. */
export function restoration(
  version: ObjectVersion,
  days: number | undefined,
  now: number,
): { until: number; again: boolean } {
  if (!ARCHIVES.includes(version.facts.storageClass))
    throw invalidState(
      "Restore is not allowed for the object's current storage class",
      version.facts.storageClass ?? "STANDARD",
    );
  if (days === undefined || days < 1 || days > MAX_RESTORED_DAYS)
    throw new AwsError("InvalidArgument", "The number of days must be a positive integer.", 400, {
      ArgumentName: "Days",
      ArgumentValue: String(days),
    });
  return { until: dueAfter(now, days), again: isRestored(version, now) };
}

/** How reads tell of a restored copy. */
export function describeRestoration(version: ObjectVersion, now: number): { Restore?: string } {
  const { restoredUntil } = version.facts;
  if (restoredUntil === undefined || restoredUntil <= now) return {};
  return { Restore: `ongoing-request="false", expiry-date="${new Date(restoredUntil).toUTCString()}"` };
}

/** The same in a list, where the call asks for it. */
export function restoreStatus(
  version: ObjectVersion,
  now: number,
  { OptionalObjectAttributes: asked }: { readonly OptionalObjectAttributes?: readonly string[] | undefined },
): { RestoreStatus?: { IsRestoreInProgress: false; RestoreExpiryDate: Date } } {
  const { restoredUntil } = version.facts;
  if (!asked?.includes("RestoreStatus") || restoredUntil === undefined || restoredUntil <= now) return {};
  return { RestoreStatus: { IsRestoreInProgress: false, RestoreExpiryDate: new Date(restoredUntil) } };
}
