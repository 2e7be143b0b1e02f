import type { IncomingMessage } from "node:http";
import { finished } from "node:stream/promises";

/** How long, and how much of it, the body of a request that was refused is still taken. */
const LINGER_MS = 2_000;
const LINGER_BYTES = 64 * 1024 * 1024;

/**
 * Throws away what a refused client still sends, for a while: a connection that is closed with data unread is reset,
 * and a reset takes the answer from the client that has not read it yet.
 */
export async function leaveUnread(request: IncomingMessage): Promise<void> {
  const enough = AbortSignal.timeout(LINGER_MS);
  let bytes = 0;
  request.unpipe();
  request.removeAllListeners("readable");
  request.on("data", (chunk: Buffer) => {
    if ((bytes += chunk.length) > LINGER_BYTES) request.destroy();
  });
  await finished(request, { signal: enough }).catch(() => undefined);
}
