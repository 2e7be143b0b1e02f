import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { BlobTooBig, type Blobs } from "./blobs.ts";

/** What a backend gives to prove that its Blobs keep the port's promises. */
export interface BlobsContract {
  open(): Promise<{ blobs: Blobs; dispose(): Promise<void> }>;
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** Runs the suite that every Blobs has to pass. */
export function runContract(contract: BlobsContract): void {
  describe("blobs", () => {
    let blobs: Blobs;
    let dispose: () => Promise<void>;
    before(async () => {
      ({ blobs, dispose } = await contract.open());
    });
    after(() => dispose());
    const list = async (olderThan?: number): Promise<string[]> => {
      const digests: string[] = [];
      for await (const { digest } of blobs.list(olderThan)) digests.push(digest);
      return digests.toSorted();
    };

    test("stores bytes and streams under their SHA-256, NUL and all", async () => {
      const bytes = randomBytes(300_000);
      bytes[7] = 0;
      const stored = await blobs.put(Readable.from([bytes.subarray(0, 1000), bytes.subarray(1000)]));
      assert.deepEqual(stored, { digest: sha256(bytes), size: 300_000 });
      assert.deepEqual(await blobs.put(bytes), stored);
      assert.deepEqual(await blobs.read(stored.digest), bytes);
      assert.deepEqual(await buffer(blobs.open(stored.digest)), bytes);
      assert.equal(await blobs.has(stored.digest), true);
      const empty = await blobs.put(new Uint8Array());
      assert.equal(empty.size, 0);
      assert.equal((await blobs.read(empty.digest)).length, 0);
    });

    test("ranges include both ends", async () => {
      const { digest } = await blobs.put(Buffer.from("0123456789"));
      const range = async (start: number, end: number): Promise<string> =>
        String(await buffer(blobs.open(digest, { start, end })));
      assert.equal(await range(0, 0), "0");
      assert.equal(await range(3, 5), "345");
      assert.equal(await range(9, 9), "9");
    });

    test("a stream that fails, is too long or is aborted leaves nothing", async () => {
      const before = await list();
      const failing = new Readable({
        read() {
          this.push(randomBytes(10_000));
          this.destroy(new Error("the sender went away"));
        },
      });
      await assert.rejects(blobs.put(failing), /went away/);
      await assert.rejects(blobs.put(Readable.from([randomBytes(10), randomBytes(10)]), { maxBytes: 19 }), BlobTooBig);
      const stop = new AbortController();
      const stalled = new Readable({ read() {} });
      stalled.push("x");
      const waiting = blobs.put(stalled, { signal: stop.signal });
      setImmediate(() => stop.abort());
      await assert.rejects(waiting);
      assert.deepEqual(await list(), before);
    });

    test("what was removed is unknown, and what is unknown throws", async () => {
      const { digest } = await blobs.put(Buffer.from("gone soon"));
      await blobs.delete(digest);
      await blobs.delete(digest);
      assert.equal(await blobs.has(digest), false);
      assert.throws(() => blobs.open(digest), /no blob/);
      await assert.rejects(blobs.read(digest));
      assert.throws(() => blobs.open("../../etc/passwd"), RangeError);
    });

    test("delete leaves what was stored again since", async () => {
      const { digest } = await blobs.put(Buffer.from("needed again"));
      await blobs.delete(digest, Date.now() - 60_000);
      assert.equal(await blobs.has(digest), true);
      await blobs.delete(digest, Date.now() + 60_000);
      assert.equal(await blobs.has(digest), false);
    });

    test("list leaves out what was stored again since", async () => {
      const { digest } = await blobs.put(Buffer.from("kept"));
      assert.ok((await list()).includes(digest));
      assert.ok(!(await list(Date.now() - 60_000)).includes(digest));
    });
  });
}
