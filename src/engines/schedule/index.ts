/** EventBridge's schedules: `rate(...)`, `cron(...)` and the Scheduler's `at(...)`. */
import { AwsError } from "../../kernel/aws-error.ts";
import type { CronFields } from "./cron.ts";
import { parseCron } from "./cron.ts";
import { localTime, utcTime } from "./time-zone.ts";

export type Schedule =
  | { readonly kind: "rate"; readonly every: number }
  | { readonly kind: "cron"; readonly fields: CronFields }
  /** A local date and time, once. */
  | { readonly kind: "at"; readonly local: number };

const UNITS: Readonly<Record<string, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };
const DAY = 86_400_000;
/** A leap day on a given weekday comes again within 40 years. */
const MAX_DAYS = 366 * 41;

/** Reads a schedule expression; throws `ValidationException` in EventBridge's words. */
export function parseSchedule(text: string): Schedule {
  const invalid = (): AwsError =>
    new AwsError("ValidationException", "Parameter ScheduleExpression is not valid.", 400);
  const match = /^(rate|cron|at)\((.*)\)$/.exec(text);
  const [, kind, inner = ""] = match ?? [];
  if (kind === "rate") {
    const parts = /^([1-9]\d{0,8}) (minute|hour|day)(s?)$/.exec(inner);
    const count = Number(parts?.[1]);
    if (!parts || (count === 1) !== (parts[3] === "")) throw invalid();
    return { kind, every: count * (UNITS[parts[2] ?? ""] ?? 0) };
  }
  if (kind === "cron") {
    const fields = parseCron(inner);
    if (!fields) throw invalid();
    return { kind, fields };
  }
  if (kind === "at" && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/.test(inner)) {
    const local = Date.parse(`${inner}Z`);
    if (!Number.isNaN(local)) return { kind, local };
  }
  throw invalid();
}

/**
 * The first time after `after` (milliseconds, both) at which a schedule fires, or `undefined` where it never does.
 * A rate counts from `start`; cron and at follow the wall clock of `timeZone` (default UTC).
 */
export function nextOccurrence(
  schedule: Schedule,
  after: number,
  options: { readonly start?: number; readonly timeZone?: string } = {},
): number | undefined {
  const timeZone = options.timeZone ?? "UTC";
  if (schedule.kind === "rate") {
    const start = options.start ?? after;
    const passed = Math.max(0, Math.floor((after - start) / schedule.every));
    return after < start ? start : start + (passed + 1) * schedule.every;
  }
  if (schedule.kind === "at") {
    const at = utcTime(schedule.local, timeZone);
    return at > after ? at : undefined;
  }
  return nextCron(schedule.fields, after, timeZone);
}

function nextCron(fields: CronFields, after: number, timeZone: string): number | undefined {
  const hours = [...fields.hours].sort((a, b) => a - b);
  const minutes = [...fields.minutes].sort((a, b) => a - b);
  const start = Math.floor(localTime(after, timeZone) / DAY) * DAY;
  for (let i = 0; i < MAX_DAYS; i++) {
    const midnight = start + i * DAY;
    if (!dayMatches(fields, midnight)) continue;
    for (const hour of hours) {
      for (const minute of minutes) {
        const at = utcTime(midnight + hour * 3_600_000 + minute * 60_000, timeZone);
        if (at > after) return at;
      }
    }
  }
  return undefined;
}

function dayMatches(fields: CronFields, midnight: number): boolean {
  const date = new Date(midnight);
  const year = date.getUTCFullYear();
  if ((fields.years && !fields.years.has(year)) || !fields.months.has(date.getUTCMonth() + 1)) return false;
  const last = new Date(Date.UTC(year, date.getUTCMonth() + 1, 0)).getUTCDate();
  return fields.day(date.getUTCDate(), last, date.getUTCDay() + 1);
}
