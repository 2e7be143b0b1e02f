import type { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";

/** A stream that can write itself to where it goes, in a better way than piece by piece through a stream. */
export interface SendsItself {
  /** Writes everything to `target` and ends it. Rejects as `pipeline` does: where the target closes before, with ERR_STREAM_PREMATURE_CLOSE. */
  sendTo(target: Writable): Promise<void>;
}

/** Writes all of `source` to `target` and ends it; the source is destroyed in any case. */
export function sendStream(source: Readable | (Readable & SendsItself), target: Writable): Promise<void> {
  return "sendTo" in source ? source.sendTo(target) : pipeline(source, target);
}
