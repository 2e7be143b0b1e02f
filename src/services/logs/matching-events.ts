import type { StoredLogEvent, Telemetry } from "../../ports/telemetry.ts";
import { EVENT_OVERHEAD } from "./model.ts";

/** Bytes of the events that one answer has at most, but for one event at least. */
export const ANSWER_BYTES = 1024 * 1024;
/** How many stored events, and characters of them, one call looks through before it answers with a cursor. */
const SCAN_EVENTS = 50_000;
const SCAN_CHARACTERS = 64 * 1024 * 1024;
const PAGE_CHARACTERS = 8 * 1024 * 1024;

interface Asked {
  readonly streams?: string[];
  readonly start?: number;
  readonly end?: number;
  readonly cursor?: string;
  readonly limit: number;
  matches(message: string): boolean;
}

interface Found {
  readonly events: StoredLogEvent[];
  /** There where more may follow. */
  readonly cursor?: string | undefined;
}

/** Where reading goes on behind an event. */
export const cursorOf = ({ timestamp, sequence }: StoredLogEvent): string => `${timestamp}.${sequence}`;

/** Events of a group that match: as many as an answer may have, found within as much as a call may look through. */
export async function matchingEvents(
  telemetry: Pick<Telemetry, "readLogs">,
  group: string,
  { matches, limit, cursor: begin, ...range }: Asked,
): Promise<Found> {
  const events: StoredLogEvent[] = [];
  let cursor = begin;
  let [bytes, scanned, characters] = [0, 0, 0];
  while (scanned < SCAN_EVENTS && characters < SCAN_CHARACTERS) {
    const page = await telemetry.readLogs(group, {
      ...range,
      limit: limit - events.length,
      maxBytes: PAGE_CHARACTERS,
      ...(cursor ? { cursor } : {}),
    });
    for (const event of page.events) {
      if (matches(event.message)) {
        bytes += Buffer.byteLength(event.message) + EVENT_OVERHEAD;
        if (bytes > ANSWER_BYTES && events.length > 0) return { events, cursor };
        events.push(event);
      }
      cursor = cursorOf(event);
      characters += event.message.length;
    }
    scanned += page.events.length;
    cursor = page.cursor;
    if (!cursor || page.events.length === 0 || events.length >= limit) break;
  }
  return { events, cursor };
}
