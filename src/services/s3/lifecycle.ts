import type * as S3 from "@aws-sdk/client-s3";
import { AwsError } from "../../kernel/aws-error.ts";
import { invalidRequest, malformedXml } from "./errors.ts";
import { MAX_LIST } from "./limits.ts";
import type { ObjectVersion } from "./model.ts";

const DAY = 86_400_000;
const MAX_ID = 255;
/** From the quickest to the cheapest: rules move objects only onward. */
const CLASSES = [
  "STANDARD",
  "STANDARD_IA",
  "INTELLIGENT_TIERING",
  "ONEZONE_IA",
  "GLACIER_IR",
  "GLACIER",
  "DEEP_ARCHIVE",
];
/** Smaller objects stay where they are, unless a rule names a size itself. */
const MIN_TRANSITION_BYTES = 128 * 1024;

/** Checks rules as PutBucketLifecycleConfiguration does; what would have no effect here is refused. */
export function checkedLifecycle(rules: readonly S3.LifecycleRule[] | undefined): S3.LifecycleRule[] {
  if (!rules || rules.length === 0 || rules.length > MAX_LIST) throw malformedXml();
  const ids = new Set<string>();
  return rules.map((rule, i) => {
    if (rule.Status !== "Enabled" && rule.Status !== "Disabled") throw malformedXml();
    const {
      Expiration: expiration,
      NoncurrentVersionExpiration: noncurrent,
      AbortIncompleteMultipartUpload: abort,
    } = rule;
    checkFilter(rule);
    checkTransitions(rule);
    checkDates(rule);
    if (noncurrent && noncurrent.NoncurrentDays === undefined && noncurrent.NewerNoncurrentVersions === undefined)
      throw malformedXml();
    const moves = (rule.Transitions?.length ?? 0) + (rule.NoncurrentVersionTransitions?.length ?? 0);
    if (!expiration && !noncurrent && !abort && moves === 0)
      throw invalidRequest("At least one action needs to be specified in a rule");
    for (const days of [expiration?.Days, noncurrent?.NoncurrentDays, abort?.DaysAfterInitiation]) {
      if (days !== undefined && days < 1)
        throw new AwsError("InvalidArgument", "'Days' for Expiration action must be a positive integer", 400);
    }
    if (
      expiration &&
      [expiration.Days, expiration.Date, expiration.ExpiredObjectDeleteMarker].filter((v) => v !== undefined).length !==
        1
    )
      throw malformedXml();
    const ID = rule.ID ?? `rule-${i + 1}`;
    if (ID.length > MAX_ID)
      throw new AwsError("InvalidArgument", `ID length should not exceed allowed limit of ${MAX_ID}`, 400);
    if (ids.has(ID))
      throw new AwsError("InvalidArgument", "Rule ID must be unique. Found same ID for more than one rule", 400);
    ids.add(ID);
    return { ...rule, ID };
  });
}

/** What a rule is about is said by a filter of one part, or the older prefix. */
function checkFilter({ Filter: filter, Prefix: prefix }: S3.LifecycleRule): void {
  if ((filter === undefined) === (prefix === undefined)) throw malformedXml();
  if (Object.values(filter ?? {}).filter((part) => part !== undefined).length > 1) throw malformedXml();
  const keys = (filter?.And?.Tags ?? []).map(({ Key }) => Key);
  if (new Set(keys).size < keys.length) throw invalidRequest("Duplicate Tag Keys are not allowed.");
}

function checkDates({ Expiration: expiration, Transitions: transitions = [] }: S3.LifecycleRule): void {
  for (const { Date: date } of [expiration ?? {}, ...transitions]) {
    const at = date === undefined ? 0 : new Date(date).getTime();
    if (at % DAY !== 0)
      throw new AwsError("InvalidArgument", "'Date' must be at midnight GMT", 400, {
        ArgumentName: "Date",
        ArgumentValue: new Date(at).toISOString(),
      });
  }
}

function checkTransitions({ Transitions: now = [], NoncurrentVersionTransitions: later = [] }: S3.LifecycleRule): void {
  if ([...now, ...later].some(({ StorageClass: to }) => !CLASSES.includes(to ?? "STANDARD", 1))) throw malformedXml();
  if (now.some(({ Days: days, Date: date }) => (days === undefined) === (date === undefined))) throw malformedXml();
  if (later.some(({ NoncurrentDays: days }) => days === undefined)) throw malformedXml();
  const negative = now.some(({ Days: days }) => (days ?? 0) < 0) || later.some((one) => (one.NoncurrentDays ?? 0) < 0);
  if (negative) throw new AwsError("InvalidArgument", "'Days' in Transition action must be nonnegative", 400);
}

/** Whether a rule is about an object of this key, size and tags. */
export function appliesTo(
  rule: S3.LifecycleRule,
  object: { key: string; size: number; tags: readonly S3.Tag[] },
): boolean {
  if (rule.Status !== "Enabled") return false;
  const filter = rule.Filter ?? {};
  const and = filter.And ?? {};
  const prefix = rule.Prefix ?? and.Prefix ?? filter.Prefix ?? "";
  const tags = [...(filter.Tag ? [filter.Tag] : []), ...(and.Tags ?? [])];
  const above = and.ObjectSizeGreaterThan ?? filter.ObjectSizeGreaterThan ?? -1;
  const below = and.ObjectSizeLessThan ?? filter.ObjectSizeLessThan ?? Infinity;
  return (
    object.key.startsWith(prefix) &&
    object.size > above &&
    object.size < below &&
    tags.every((tag) => object.tags.some(({ Key, Value }) => Key === tag.Key && Value === tag.Value))
  );
}

/** AWS counts whole days and then waits for the next midnight (UTC). */
export function dueAfter(from: number, days: number): number {
  return Math.ceil((from + days * DAY) / DAY) * DAY;
}

/** When an action of a rule is due: at its date, or so many days after `from`; never (NaN) where it says neither. */
function dueAt(
  { Days: days, Date: date }: { Days?: number | undefined; Date?: Date | undefined },
  from: number,
): number {
  return days === undefined ? new Date(date ?? NaN).getTime() : dueAfter(from, days);
}

/** When and by which rule an upload in parts will be given up, as S3 tells who uploads. */
export function abortOf(
  rules: readonly S3.LifecycleRule[] | undefined,
  { key, startedAt }: { readonly key: string; readonly startedAt: number },
): { AbortDate?: Date; AbortRuleId?: string | undefined } {
  const [first] = (rules ?? [])
    .filter((rule) => appliesTo(rule, { key, size: 0, tags: [] }))
    .flatMap(({ ID, AbortIncompleteMultipartUpload: abort }) =>
      abort?.DaysAfterInitiation === undefined ? [] : [{ ID, at: dueAfter(startedAt, abort.DaysAfterInitiation) }],
    )
    .toSorted((a, b) => a.at - b.at);
  return first ? { AbortDate: new Date(first.at), AbortRuleId: first.ID } : {};
}

/** When and by which rule an object will end, as the header `x-amz-expiration` says it. */
export function expiryOf(rules: readonly S3.LifecycleRule[] | undefined, version: ObjectVersion): string | undefined {
  const { key, size, modifiedAt, facts } = version;
  if (!rules || !version.latest || version.marker) return undefined;
  const ends = rules
    .filter((rule) => appliesTo(rule, { key, size, tags: facts.tags ?? [] }))
    .map(({ ID: id = "", Expiration: expiration = {} }) => ({ id, at: dueAt(expiration, modifiedAt) }))
    .filter(({ at }) => !Number.isNaN(at));
  const [first] = ends.toSorted((a, b) => a.at - b.at);
  return first && `expiry-date="${new Date(first.at).toUTCString()}", rule-id="${encodeURIComponent(first.id)}"`;
}

export type LifecycleAction =
  /** Of the latest version: a delete marker where versions are kept, else its end. */
  | { readonly expire: ObjectVersion }
  | { readonly remove: ObjectVersion }
  /** To another storage class. */
  | { readonly move: ObjectVersion; readonly to: string };

/** What the rules ask for now of one key's versions, newest first. */
export function actionsFor(
  rules: readonly S3.LifecycleRule[],
  versions: readonly ObjectVersion[],
  now: number,
  minimumSize?: S3.TransitionDefaultMinimumObjectSize,
): LifecycleAction[] {
  const actions: LifecycleAction[] = [];
  const [latest, ...older] = versions;
  if (!latest) return actions;
  const of = (version: ObjectVersion): S3.LifecycleRule[] =>
    rules.filter((rule) =>
      appliesTo(rule, { key: version.key, size: version.marker ? 0 : version.size, tags: version.facts.tags ?? [] }),
    );
  for (const { Expiration: expiration } of of(latest)) {
    if (!expiration) continue;
    const due = dueAt(expiration, latest.modifiedAt);
    if (latest.marker) {
      // A marker that hides nothing is of no use any more.
      if (older.length === 0 && (expiration.ExpiredObjectDeleteMarker || due <= now)) actions.push({ remove: latest });
    } else if (due <= now) actions.push({ expire: latest });
  }
  older.forEach((version, i) => {
    const since = versions[i]?.modifiedAt ?? now;
    const over = of(version).some(({ NoncurrentVersionExpiration: rule }) => {
      if (!rule || i < (rule.NewerNoncurrentVersions ?? 0)) return false;
      return dueAfter(since, rule.NoncurrentDays ?? 1) <= now;
    });
    if (over) actions.push({ remove: version });
  });
  versions.forEach((version, i) => {
    const since = i === 0 ? undefined : (versions[i - 1]?.modifiedAt ?? now);
    const to = version.marker ? undefined : classFor(of(version), version, { since, newer: i - 1, now, minimumSize });
    const ends = actions.some(
      (action) => ("remove" in action ? action.remove : "expire" in action && action.expire) === version,
    );
    if (to !== undefined && !ends) actions.push({ move: version, to });
  });
  return actions.filter((action, i) => i === 0 || !("expire" in action && "expire" in (actions[0] ?? {})));
}

/** The class that the rules ask for now, where it lies behind the version's own; `since` is when it became an old one. */
function classFor(
  rules: readonly S3.LifecycleRule[],
  version: ObjectVersion,
  {
    since,
    newer,
    now,
    minimumSize,
  }: {
    since: number | undefined;
    newer: number;
    now: number;
    minimumSize: S3.TransitionDefaultMinimumObjectSize | undefined;
  },
): string | undefined {
  // The archives take small objects too, where the bucket says that sizes vary by class.
  const takes = (rule: S3.LifecycleRule, to: string | undefined): boolean =>
    namesSize(rule) ||
    version.size >= MIN_TRANSITION_BYTES ||
    (minimumSize === "varies_by_storage_class" && (to === "GLACIER" || to === "DEEP_ARCHIVE"));
  const isDue = (one: S3.Transition): boolean => dueAt(one, version.modifiedAt) <= now;
  const isDueSince = (one: S3.NoncurrentVersionTransition, from: number): boolean =>
    newer >= (one.NewerNoncurrentVersions ?? 0) && dueAfter(from, one.NoncurrentDays ?? 0) <= now;
  const due = rules.flatMap((rule) => {
    const moves =
      since === undefined
        ? rule.Transitions?.filter(isDue)
        : rule.NoncurrentVersionTransitions?.filter((one) => isDueSince(one, since));
    return (moves ?? []).map(({ StorageClass: to }) => to).filter((to) => takes(rule, to));
  });
  const rank = (name: string | undefined): number => CLASSES.indexOf(name ?? "STANDARD");
  const furthest = Math.max(-1, ...due.map(rank));
  return furthest > rank(version.facts.storageClass) ? CLASSES[furthest] : undefined;
}

const namesSize = ({ Filter: filter }: S3.LifecycleRule): boolean =>
  [filter, filter?.And].some((one) => (one?.ObjectSizeGreaterThan ?? one?.ObjectSizeLessThan) !== undefined);
