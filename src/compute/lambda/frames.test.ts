import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeFrame, FrameReader } from "./frames.ts";

function read(...chunks: Buffer[]): unknown[] {
  const frames: unknown[] = [];
  const reader = new FrameReader((f) => frames.push([f.type, f.header, f.body.toString("hex")]));
  for (const chunk of chunks) {
    reader.push(chunk);
    chunk.fill(0xff); // the reader may keep nothing of a buffer that is used again
  }
  return frames;
}

test("frames survive being cut anywhere, and a buffer that is used again", () => {
  const bytes = Buffer.concat([
    encodeFrame(1, "a\t1", Buffer.from("one")),
    encodeFrame(2, "", Buffer.alloc(0)),
    encodeFrame(3, "ü\té", Buffer.from([0, 255])),
  ]);
  const expected = [
    [1, "a\t1", "6f6e65"],
    [2, "", ""],
    [3, "ü\té", "00ff"],
  ];
  for (let cut = 1; cut < bytes.length; cut++) {
    const parts = [Buffer.from(bytes.subarray(0, cut)), Buffer.from(bytes.subarray(cut))];
    assert.deepEqual(read(...parts), expected);
  }
  const single = Array.from(bytes, (byte) => Buffer.from([byte]));
  assert.deepEqual(read(...single), expected);
});

test("a frame that claims to be huge and a header beyond its frame are refused", () => {
  const huge = Buffer.alloc(8);
  huge.writeUInt32BE(0xffffffff);
  assert.throws(() => read(huge));
  const beyond = Buffer.alloc(9);
  beyond.writeUInt32BE(5);
  beyond.writeUInt32BE(100, 5);
  assert.throws(() => read(beyond));
});
