/** The wall clock of a time zone at an instant, as if it were UTC. */
export function localTime(utc: number, timeZone: string): number {
  return timeZone === "UTC" ? utc : utc + offset(utc, timeZone);
}

/** The instant at which a wall clock shows a time; a time that a clock change skips is taken after the change. */
export function utcTime(local: number, timeZone: string): number {
  if (timeZone === "UTC") return local;
  const guess = local - offset(local, timeZone);
  const corrected = local - offset(guess, timeZone);
  return corrected;
}

function offset(utc: number, timeZone: string): number {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  const part: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(utc)) part[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(utc / 1000) * 1000;
}
