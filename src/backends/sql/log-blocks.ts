import { zstdCompressSync, zstdDecompressSync, constants } from "node:zlib";
import type { StoredLogEvent } from "../../ports/telemetry.ts";

/** A block never spans more, so that a look-up by time has a bounded range to search. */
export const BLOCK_SPAN_MS = 3_600_000;

/** Events of one stream that are stored together. */
export interface LogBlock {
  readonly firstTs: number;
  readonly lastTs: number;
  readonly lastSequence: number;
  /** Size as AWS counts it: the text and 26 bytes an event. */
  readonly bytes: number;
  readonly data: Uint8Array;
}

type Packed = [timestamp: number, ingestion: number, sequence: number, message: string];

/** Size of an event as CloudWatch Logs counts it. */
export const eventBytes = (message: string): number => Buffer.byteLength(message) + 26;

/** Packs events of one stream into blocks, one for each hour of their timestamps. */
export function packBlocks(events: readonly StoredLogEvent[]): LogBlock[] {
  const hours = new Map<number, StoredLogEvent[]>();
  let [hour, block]: [number, StoredLogEvent[]] = [Number.NaN, []];
  for (const event of events) {
    const its = Math.floor(event.timestamp / BLOCK_SPAN_MS);
    if (its !== hour) {
      block = hours.get(its) ?? [];
      hours.set((hour = its), block);
    }
    block.push(event);
  }
  return [...hours.values()].map(packBlock);
}

function packBlock(events: readonly StoredLogEvent[]): LogBlock {
  const packed: Packed[] = [];
  let [firstTs, lastTs, bytes] = [Infinity, -Infinity, 0];
  for (const { timestamp, ingestionTime, sequence, message } of events) {
    packed.push([timestamp, ingestionTime, sequence, message]);
    if (timestamp < firstTs) firstTs = timestamp;
    if (timestamp > lastTs) lastTs = timestamp;
    bytes += eventBytes(message);
  }
  const text = JSON.stringify(packed);
  const data = zstdCompressSync(text, { params: { [constants.ZSTD_c_compressionLevel]: 1 } });
  return { firstTs, lastTs, lastSequence: events.at(-1)?.sequence ?? 0, bytes, data };
}

export function unpackBlock(data: Uint8Array, stream: string): StoredLogEvent[] {
  const packed = JSON.parse(zstdDecompressSync(data).toString()) as Packed[];
  return packed.map(([timestamp, ingestionTime, sequence, message]) => {
    return { timestamp, ingestionTime, sequence, message, stream };
  });
}
