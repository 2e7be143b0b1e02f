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
  const hours = Map.groupBy(events, (event) => Math.floor(event.timestamp / BLOCK_SPAN_MS));
  return [...hours.values()].map((block) => {
    const packed: Packed[] = block.map((e) => [e.timestamp, e.ingestionTime, e.sequence, e.message]);
    const times = block.map((e) => e.timestamp);
    return {
      firstTs: times.reduce((a, b) => Math.min(a, b)),
      lastTs: times.reduce((a, b) => Math.max(a, b)),
      lastSequence: block.at(-1)?.sequence ?? 0,
      bytes: block.reduce((sum, e) => sum + eventBytes(e.message), 0),
      data: zstdCompressSync(JSON.stringify(packed), { params: { [constants.ZSTD_c_compressionLevel]: 1 } }),
    };
  });
}

export function unpackBlock(data: Uint8Array, stream: string): StoredLogEvent[] {
  const packed = JSON.parse(zstdDecompressSync(data).toString()) as Packed[];
  return packed.map(([timestamp, ingestionTime, sequence, message]) => {
    return { timestamp, ingestionTime, sequence, message, stream };
  });
}
