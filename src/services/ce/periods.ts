import { invalid } from "./model.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Cost Explorer shows hours of the last 14 days, and days and months of the last 14 months. */
const MAX_SPAN = { HOURLY: 14 * DAY, DAILY: 430 * DAY, MONTHLY: 430 * DAY } as const;

export type Granularity = keyof typeof MAX_SPAN;

/** A period as the answer names it, and in milliseconds since the epoch; `end` does not belong to it. */
export interface Period {
  readonly Start: string;
  readonly End: string;
  readonly start: number;
  readonly end: number;
}

/** The periods between two times. Throws ValidationException for times that are malformed, out of order or too far apart. */
export function periodsOf(
  interval: { Start?: string | undefined; End?: string | undefined } | undefined,
  granularity: Granularity,
): Period[] {
  const hourly = granularity === "HOURLY";
  const start = timeOf(interval?.Start, hourly);
  const end = timeOf(interval?.End, hourly);
  if (start >= end) throw invalid("Start date (and hour) should be before end date (and hour)");
  if (end - start > MAX_SPAN[granularity])
    throw invalid(
      hourly
        ? "You can only view hourly data for the last 14 days."
        : "You haven't enabled historical data beyond 14 months",
    );
  const periods: Period[] = [];
  for (let from = start; from < end;) {
    const to = Math.min(next(from, granularity), end);
    periods.push({ Start: shown(from, hourly), End: shown(to, hourly), start: from, end: to });
    from = to;
  }
  return periods;
}

/** The time that a date (or an hour of it) means. */
export function timeOf(text: string | undefined, hourly: boolean): number {
  const pattern = hourly ? /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/ : /^\d{4}-\d\d-\d\d$/;
  const time = pattern.test(text ?? "") ? Date.parse(text!) : Number.NaN;
  if (Number.isNaN(time))
    throw invalid(
      `time period start and end must be ${hourly ? "in the form yyyy-MM-ddThh:mm:ssZ" : "in the form yyyy-MM-dd"}, not ${String(text).slice(0, 40)}`,
    );
  return time;
}

function next(time: number, granularity: Granularity): number {
  if (granularity === "HOURLY") return (Math.floor(time / HOUR) + 1) * HOUR;
  if (granularity === "DAILY") return time + DAY;
  const date = new Date(time);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
}

function shown(time: number, hourly: boolean): string {
  const text = new Date(time).toISOString();
  return hourly ? `${text.slice(0, 19)}Z` : text.slice(0, 10);
}
