/** A parsed `cron(...)`: what each field allows. */
export interface CronFields {
  readonly minutes: ReadonlySet<number>;
  readonly hours: ReadonlySet<number>;
  readonly months: ReadonlySet<number>;
  /** `undefined`: any year. */
  readonly years: ReadonlySet<number> | undefined;
  /** Whether a day of a month (both from 1) is allowed; weekdays count from 1, Sunday. */
  readonly day: (day: number, lastDay: number, weekday: number) => boolean;
}

const MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split(" ");
const DAYS = "SUN MON TUE WED THU FRI SAT".split(" ");

/** Parses the six fields of AWS's cron: minutes, hours, day of month, month, day of week, year. */
export function parseCron(text: string): CronFields | undefined {
  const fields = text.trim().split(/\s+/);
  if (fields.length !== 6) return undefined;
  const [minute = "", hour = "", dayOfMonth = "", month = "", dayOfWeek = "", year = ""] = fields;
  // One of the two day fields must be "?", because AWS does not combine them.
  if ((dayOfMonth === "?") === (dayOfWeek === "?")) return undefined;
  const minutes = parseField(minute, 0, 59);
  const hours = parseField(hour, 0, 23);
  const months = parseField(month, 1, 12, MONTHS);
  const years = parseField(year, 1970, 2199);
  const day = dayOfWeek === "?" ? parseDayOfMonth(dayOfMonth) : parseDayOfWeek(dayOfWeek);
  if (!minutes || !hours || !months || !years || !day) return undefined;
  return { minutes, hours, months, years: year === "*" ? undefined : years, day };
}

function parseField(text: string, min: number, max: number, names: readonly string[] = []): Set<number> | undefined {
  const values = new Set<number>();
  for (const part of text.split(",")) {
    const match = /^(\*|[A-Za-z0-9]+)(?:-([A-Za-z0-9]+))?(?:\/(\d+))?$/.exec(part);
    if (!match?.[1]) return undefined;
    const step = match[3] === undefined ? 1 : Number(match[3]);
    const from = match[1] === "*" ? min : readValue(match[1], names);
    const open = match[1] === "*" || match[3] !== undefined;
    const to = match[2] === undefined ? (open ? max : from) : readValue(match[2], names);
    if (from === undefined || to === undefined || step < 1 || from < min || to > max) return undefined;
    if (match[1] === "*" && match[2] !== undefined) return undefined;
    if (from <= to) for (let i = from; i <= to; i += step) values.add(i);
    else for (let i = from; i <= to + (max - min + 1); i += step) values.add(i > max ? i - (max - min + 1) : i);
  }
  return values;
}

function readValue(text: string, names: readonly string[]): number | undefined {
  if (/^\d{1,4}$/.test(text)) return Number(text);
  const index = names.indexOf(text.toUpperCase());
  return index < 0 ? undefined : index + 1;
}

function parseDayOfMonth(text: string): CronFields["day"] | undefined {
  if (text === "L") return (day, last) => day === last;
  if (text === "LW") return (day, last, weekday) => day === nearestWeekday(last, last, weekdayOf(last, day, weekday));
  const near = /^(\d{1,2})W$/.exec(text);
  if (near) {
    const wanted = Number(near[1]);
    if (wanted < 1 || wanted > 31) return undefined;
    return (day, last, weekday) =>
      wanted <= last && day === nearestWeekday(wanted, last, weekdayOf(wanted, day, weekday));
  }
  const days = parseField(text, 1, 31);
  return days && ((day) => days.has(day));
}

/** The weekday (1 is Sunday) of `target`, knowing that of `day` in the same month. */
function weekdayOf(target: number, day: number, weekday: number): number {
  return ((((weekday - 1 + target - day) % 7) + 7) % 7) + 1;
}

/** The weekday nearest to a day without leaving its month. */
function nearestWeekday(day: number, last: number, weekday: number): number {
  if (weekday === 7) return day > 1 ? day - 1 : day + 2;
  if (weekday === 1) return day < last ? day + 1 : day - 2;
  return day;
}

function parseDayOfWeek(text: string): CronFields["day"] | undefined {
  const last = /^([A-Za-z0-9]+)L$/.exec(text);
  if (last?.[1]) {
    const wanted = readValue(last[1], DAYS);
    if (wanted === undefined || wanted < 1 || wanted > 7) return undefined;
    return (day, end, weekday) => weekday === wanted && day + 7 > end;
  }
  if (text === "L") return (_day, _end, weekday) => weekday === 7;
  const nth = /^([A-Za-z0-9]+)#([1-5])$/.exec(text);
  if (nth?.[1]) {
    const wanted = readValue(nth[1], DAYS);
    if (wanted === undefined || wanted < 1 || wanted > 7) return undefined;
    return (day, _end, weekday) => weekday === wanted && Math.ceil(day / 7) === Number(nth[2]);
  }
  const days = parseField(text, 1, 7, DAYS);
  return days && ((_day, _end, weekday) => days.has(weekday));
}
