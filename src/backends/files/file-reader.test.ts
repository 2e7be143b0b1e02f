import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, readlink, rm } from "node:fs/promises";
import { createServer, get, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { buffer } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { sendStream } from "../../kernel/send-stream.ts";
import type { Blobs } from "../../ports/blobs.ts";
import { openFileBlobs } from "./file-blobs.ts";
import { BufferPool, FileReader } from "./file-reader.ts";

const content = randomBytes(3_000_001);
let folder: string;
let blobs: Blobs;
let digest: string;
let server: Server;
/** How the last answer ended. */
let ended: Promise<void>;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "starling-reader-"));
  blobs = openFileBlobs({ folder });
  ({ digest } = await blobs.put(content));
  server = createServer((request, response) => {
    const [start, end] = (request.url ?? "").slice(1).split("-").map(Number);
    response.setHeader("content-length", end! - start! + 1);
    ended = sendStream(blobs.open(digest, { start: start!, end: end! }), response);
    ended.catch(() => undefined);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
});
after(async () => {
  server.close();
  server.closeAllConnections();
  await rm(folder, { recursive: true });
});

async function ask(start: number, end: number): Promise<IncomingMessage> {
  const { port } = server.address() as AddressInfo;
  const request = get({ port, path: `/${start}-${end}`, agent: false });
  return (await once(request, "response"))[0] as IncomingMessage;
}

const sha = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

/** Open files of this process that lie below the folder. */
async function openFiles(): Promise<string[]> {
  const links = await Promise.all(
    (await readdir("/proc/self/fd")).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => "")),
  );
  return links.filter((file) => file.startsWith(folder));
}

test("all of it, or a range, arrives as it is, from many readers at once", async () => {
  const ranges = [
    [0, content.length - 1],
    [0, 0],
    [262_143, 262_144],
    [100, 900_000],
    [content.length - 1, content.length - 1],
    [1_000_000, 1_524_287],
  ] as const;
  const found = await Promise.all(
    [...ranges, ...ranges].map(async ([start, end]) => sha(await buffer(await ask(start, end)))),
  );
  assert.deepEqual(
    found,
    [...ranges, ...ranges].map(([start, end]) => sha(content.subarray(start, end + 1))),
  );
  await ended;
  assert.equal(sha(await buffer(blobs.open(digest, { start: 5, end: 700_000 }))), sha(content.subarray(5, 700_001)));
  assert.deepEqual(await openFiles(), []);
});

test("a client that goes away ends the reading, and the next one gets its own bytes", async () => {
  const response = await ask(0, content.length - 1);
  await once(response, "readable");
  response.destroy();
  await assert.rejects(ended, { code: "ERR_STREAM_PREMATURE_CLOSE" });
  assert.deepEqual(await openFiles(), []);
  assert.equal(sha(await buffer(await ask(0, content.length - 1))), sha(content));
});

test("a reader that is given up closes its file", async () => {
  const reader = blobs.open(digest);
  await once(reader, "readable");
  reader.destroy();
  await once(reader, "close");
  assert.deepEqual(await openFiles(), []);
});

test("a file that cannot be opened fails its reader, and nothing else", async () => {
  const missing = (): FileReader => new FileReader(join(folder, "gone"), { start: 0, end: 9 }, new BufferPool());
  const sent = missing();
  const closed = once(sent, "close"); // rejects where the stream has an error that nobody expects, which ends the process
  await assert.rejects(sendStream(sent, new PassThrough()), { code: "ENOENT" });
  await closed;
  const givenUp = missing();
  givenUp.destroy();
  await once(givenUp, "close");
  await assert.rejects(buffer(missing()), { code: "ENOENT" });
});
