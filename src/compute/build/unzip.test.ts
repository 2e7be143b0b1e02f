import assert from "node:assert/strict";
import { createWriteStream } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { test } from "node:test";
import yazl from "yazl";
import { unzipTo } from "./unzip.ts";

const LINK = 0o120777;
const LIMITS = { maxBytes: 1_000, maxEntries: 10 };

async function unpacked(entries: Readonly<Record<string, { readonly text: string; readonly mode?: number }>>) {
  const root = await mkdtemp(join(tmpdir(), "unzip-"));
  const zip = new yazl.ZipFile();
  for (const [name, { text, mode = 0o100644 }] of Object.entries(entries))
    zip.addBuffer(Buffer.from(text), name, { mode });
  zip.end();
  await pipeline(zip.outputStream, createWriteStream(join(root, "a.zip")));
  const folder = join(root, "deep/er/still/files");
  try {
    const size = await unzipTo(join(root, "a.zip"), folder, LIMITS);
    return { size, outside: (await readdir(root)).sort() };
  } catch (error) {
    return { error: (error as Error).message, outside: (await readdir(join(root, "deep/er"))).sort() };
  } finally {
    await rm(root, { recursive: true });
  }
}

test("no link of a zip is made through another one of it", async () => {
  const { error, outside } = await unpacked({
    "a/b/up": { text: "../..", mode: LINK },
    "a/b/up/p/q/out": { text: "../../../..", mode: LINK },
    "p/q/out/made/link": { text: "x", mode: LINK },
  });
  assert.deepEqual({ error, outside }, { error: "the zip has a link behind its link a/b/up", outside: ["still"] });
});

test("what is unpacked is counted", async () => {
  const { size } = await unpacked({
    "a.txt": { text: "four" },
    "b/c.txt": { text: "more" },
    l: { text: "b", mode: LINK },
  });
  assert.equal(size, 8);
});
