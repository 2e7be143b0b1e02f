import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeFrame, FrameReader } from "./frames.ts";

test("frames survive being cut anywhere", () => {
  const bytes = Buffer.concat([
    ...encodeFrame(1, { a: 1 }, Buffer.from("one")),
    ...encodeFrame(2, {}, Buffer.alloc(0)),
    ...encodeFrame(3, { ü: "é" }, Buffer.from([0, 255])),
  ]);
  for (let cut = 1; cut < bytes.length; cut++) {
    const reader = new FrameReader();
    const frames = [...reader.push(bytes.subarray(0, cut)), ...reader.push(bytes.subarray(cut))];
    assert.deepEqual(
      frames.map((f) => [f.type, f.header, f.body.toString("hex")]),
      [
        [1, { a: 1 }, "6f6e65"],
        [2, {}, ""],
        [3, { ü: "é" }, "00ff"],
      ],
    );
  }
});

test("a frame that claims to be huge, a header beyond its frame and a header that is no object are refused", () => {
  const huge = Buffer.alloc(8);
  huge.writeUInt32BE(0xffffffff);
  assert.throws(() => new FrameReader().push(huge));
  const beyond = Buffer.alloc(9);
  beyond.writeUInt32BE(5);
  beyond.writeUInt32BE(100, 5);
  assert.throws(() => new FrameReader().push(beyond));
  const [bytes] = encodeFrame(1, [] as unknown as object, Buffer.alloc(0));
  const nothing = Buffer.from(bytes!.toString("latin1").replace("[]", "12"), "latin1");
  assert.throws(() => new FrameReader().push(nothing));
});
