import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test, type TestContext } from "node:test";
import type { Invocation } from "./channel.ts";
import { startChild } from "../../../test/support/child.ts";
import { FrameChannel } from "./frame-channel.ts";

const FRAMES = resolve(import.meta.dirname, "../../../runtimes/nodejs/frames.cjs");

/** A channel with a process at its other end that does what the script says; `frames` and `next` (the id of the next event) are there. */
async function open(t: TestContext, script: string) {
  const folder = join(await mkdtemp(join(tmpdir(), "frames-")), "f");
  const channel = FrameChannel.open(folder);
  const source = `import { Frames, OUT } from ${JSON.stringify(FRAMES)};
const frames = new Frames(${JSON.stringify(folder)});
const next = () => frames.read()[1].split("\\t")[0];
${script}`;
  const child = startChild(process.execPath, ["--input-type=module", "-e", source], {
    stdio: ["ignore", "ignore", "pipe"],
    limitMs: 60_000,
  });
  let errors = "";
  child.stderr!.on("data", (chunk) => (errors += chunk));
  const answers: string[] = [];
  channel.attach({
    onAnswer: (id, answer) => answers.push(`${id} ${answer.kind} ${answer.body}`),
    onPiece: (id, piece, contentType) => answers.push(`${id} piece ${contentType ?? ""} ${piece}`),
    onLog: (chunk) => answers.push(`log ${chunk}`),
    onFault: (error) => answers.push(`fault ${error.message}`),
  });
  const exited = once(child, "exit");
  t.after(async () => {
    child.kill("SIGKILL");
    channel.close();
    await rm(folder, { recursive: true, force: true });
  });
  const answered = async (count: number): Promise<void> => {
    for (const deadline = Date.now() + 30_000; answers.length < count;) {
      assert.ok(Date.now() < deadline, `${answers.length} answers of ${count}: ${errors}`);
      await new Promise((done) => setTimeout(done, 5));
    }
  };
  return { channel, answers, answered, exited };
}

const event = (id: string, payload = "{}"): Invocation => ({
  id,
  deadline: 1,
  arn: "arn",
  traceId: "a\tb",
  payload: Buffer.from(payload),
});

test("what a runtime had not read when it was killed comes back, and what it had read does not", async (t) => {
  const { channel, answers, exited } = await open(
    t,
    `frames.write(OUT.RESPONSE, next(), "1"); next(); process.kill(process.pid, "SIGKILL");`,
  );
  channel.invoke(event("a"));
  assert.equal(channel.ahead(event("b")), true);
  assert.equal(channel.ahead(event("c")), true);
  assert.equal(channel.ahead(event("d")), true);
  await exited;
  channel.drain();
  assert.deepEqual(answers, ["a response 1"]);
  assert.deepEqual(channel.takeBack(), ["c", "d"]);
});

test("a slow runtime gives back what it has not read, and reads none of it later", async (t) => {
  const { channel, answers, answered } = await open(
    t,
    `const id = next(); frames.write(OUT.LOG, "", "busy"); const until = Date.now() + 300; while (Date.now() < until); frames.write(OUT.RESPONSE, id, "1"); frames.write(OUT.RESPONSE, next(), "2");`,
  );
  channel.invoke(event("a"));
  channel.ahead(event("b"));
  await answered(1);
  assert.deepEqual(channel.takeBack(), ["b"]);
  channel.ahead(event("c"));
  await answered(3);
  assert.deepEqual(answers, ["log busy", "a response 1", "c response 2"]);
});

test("events and answers of megabytes pass, and none is put behind a large one", async (t) => {
  const size = 6 * 1024 * 1024;
  const { channel, answers, answered } = await open(
    t,
    `const [, header, body] = frames.read(); frames.write(OUT.RESPONSE, header.split("\\t")[0], body); next(); frames.write(OUT.RESPONSE, "b", "2");`,
  );
  channel.invoke(event("a", "x".repeat(size)));
  assert.equal(channel.ahead(event("b")), false);
  assert.deepEqual(channel.takeBack(), []);
  await answered(1);
  assert.equal(answers[0]!.length, "a response ".length + size);
  channel.invoke(event("b"));
  await answered(2);
  assert.equal(answers[1], "b response 2");
});

test("a frame that no runtime of ours writes is a fault", async (t) => {
  const { answers, answered } = await open(t, `frames.write(99, "", "");`);
  await answered(1);
  assert.deepEqual(answers, ["fault a frame of the unknown type 99"]);
});
