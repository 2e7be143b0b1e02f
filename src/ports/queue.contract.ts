import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { FakeClock } from "../kernel/clock.ts";
import type { Database } from "./database.ts";
import type { EnqueueOptions, Message, Queue } from "./queue.ts";

/** What a backend gives to prove that its Queue keeps the port's promises. */
export interface QueueContract {
  open(clock: FakeClock): Promise<{ queue: Queue; db: Database; dispose(): Promise<void> }>;
}

/** Runs the suite that every Queue has to pass. */
export function runContract(contract: QueueContract): void {
  describe("queue", () => {
    const clock = new FakeClock();
    let queue: Queue;
    let db: Database;
    let dispose: () => Promise<void>;
    let topics = 0;
    before(async () => {
      ({ queue, db, dispose } = await contract.open(clock));
    });
    after(() => dispose());

    const topic = (): string => `topic-${topics++}`;
    const send = (to: string, body: string, options?: EnqueueOptions): Promise<number[]> =>
      db.write(queue.enqueue(to, body, options));
    const receive = (from: string, max = 10, leaseMs = 1000): Promise<Message[]> =>
      queue.receive(from, { max, leaseMs });
    const bodies = (messages: Message[]): string[] => messages.map((m) => m.body);

    test("hands a message to one receiver until its lease ends, then to another", async () => {
      const t = topic();
      await send(t, "a");
      const [first] = await receive(t);
      assert.ok(first);
      assert.equal(first.attempt, 1);
      assert.deepEqual(await receive(t), []);
      await clock.advance(1001);
      const [second] = await receive(t);
      assert.equal(second?.attempt, 2);
      assert.equal(await queue.complete(first), false, "the first lease is over");
      assert.equal(await queue.extend(first, 10), false);
      assert.equal(await queue.release(first, 0), false);
      assert.equal(await queue.bury(first, "x"), false);
      assert.equal(await queue.complete(second), true);
      assert.equal(await queue.complete(second), false);
    });

    test("an expired lease proves nothing, though nobody else took the message", async () => {
      const t = topic();
      await send(t, "a");
      const [message] = await receive(t);
      assert.ok(message);
      await clock.advance(1001);
      assert.equal(await queue.complete(message), false);
      assert.deepEqual(bodies(await receive(t)), ["a"]);
    });

    test("two receivers at once never get the same message", async () => {
      const t = topic();
      await db.write(Array.from({ length: 50 }, (_, i) => queue.enqueue(t, String(i))).flat());
      const got = (await Promise.all(Array.from({ length: 10 }, () => receive(t, 7)))).flat();
      assert.equal(new Set(got.map((m) => m.id)).size, got.length);
      assert.equal(got.length, 50);
    });

    test("delay, release with a delay, extend", async () => {
      const t = topic();
      await send(t, "late", { delayMs: 500 });
      assert.deepEqual(await receive(t), []);
      assert.deepEqual(await queue.depth(t), { visible: 0, leased: 0, delayed: 1, dead: 0 });
      await clock.advance(500);
      const [message] = await receive(t);
      assert.ok(message);
      assert.equal(await queue.extend(message, 5000), true);
      await clock.advance(4000);
      assert.deepEqual(await queue.depth(t), { visible: 0, leased: 1, delayed: 0, dead: 0 });
      assert.equal(await queue.release(message, 299.5), true);
      assert.deepEqual(await receive(t), []);
      await clock.advance(300);
      assert.equal((await receive(t))[0]?.attempt, 2);
    });

    test("a token is taken once while its message is queued", async () => {
      const t = topic();
      await send(t, "one", { token: "x" });
      await send(t, "two", { token: "x" });
      await send(topic(), "elsewhere", { token: "x" });
      const [message] = await receive(t);
      assert.equal(message?.body, "one");
      assert.deepEqual(await receive(t), []);
      await queue.complete(message);
      await send(t, "three", { token: "x" });
      assert.deepEqual(bodies(await receive(t)), ["three"]);
    });

    test("messages of a group come one at a time, in order, even when one fails", async () => {
      const t = topic();
      for (const body of ["g1", "g2", "g3"]) await send(t, body, { group: "g" });
      await send(t, "h1", { group: "h" });
      await send(t, "free");
      const first = await receive(t);
      assert.deepEqual(bodies(first).toSorted(), ["free", "g1", "h1"]);
      const g1 = first.find((m) => m.body === "g1");
      assert.ok(g1);
      await queue.release(g1, 100);
      assert.deepEqual(await receive(t), [], "g2 waits for g1");
      await clock.advance(100);
      const [again] = await receive(t);
      assert.equal(again?.body, "g1");
      await queue.complete(again);
      assert.deepEqual(bodies(await receive(t)), ["g2"]);
    });

    test("what is older than its maximum age goes to the dead letters, but not out of a lease", async () => {
      const t = topic();
      await send(t, "old", { maxAgeMs: 1000 });
      const [message] = await receive(t, 1, 2000);
      assert.ok(message);
      await clock.advance(1500);
      await send(t, "young", { maxAgeMs: 1000 });
      assert.deepEqual(bodies(await receive(t)), ["young"]);
      assert.equal((await queue.depth(t)).dead, 0);
      await queue.release(message, 0);
      assert.deepEqual(await receive(t), []);
      const [dead] = await queue.deadLetters(t);
      assert.equal(dead?.body, "old");
      assert.match(dead.reason, /maximum age/);
    });

    test("bury keeps the message and the reason apart", async () => {
      const t = topic();
      await send(t, "poison");
      const [message] = await receive(t);
      assert.ok(message);
      assert.equal(await queue.bury(message, "does not parse"), true);
      assert.deepEqual(await queue.depth(t), { visible: 0, leased: 0, delayed: 0, dead: 1 });
      const [dead] = await queue.deadLetters(t);
      assert.deepEqual(
        { body: dead?.body, reason: dead?.reason, attempts: dead?.attempts },
        { body: "poison", reason: "does not parse", attempts: 1 },
      );
    });

    test("enqueueing and completing share the transaction of the change", async () => {
      const t = topic();
      const failing = { sql: "delete from queue_dead where id = -1", parameters: [], expect: 1 };
      await assert.rejects(db.write([...queue.enqueue(t, "never"), failing]));
      assert.deepEqual(await receive(t), []);
      await send(t, "work");
      const [message] = await receive(t);
      assert.ok(message);
      await assert.rejects(queue.complete(message, [failing]));
      assert.equal(await queue.complete(message, queue.enqueue(t, "next")), true);
      assert.deepEqual(bodies(await receive(t)), ["next"]);
    });

    test("a waiting receiver gets what is written meanwhile, and ends at its time or signal", async () => {
      const t = topic();
      const waiting = queue.receive(t, { max: 1, leaseMs: 1000, waitMs: 20_000 });
      await send(t, "ring");
      assert.deepEqual(bodies(await waiting), ["ring"]);
      const timed = queue.receive(t, { max: 1, leaseMs: 1000, waitMs: 500 });
      await clock.advance(0);
      await clock.advance(501);
      assert.deepEqual(await timed, []);
      const stop = new AbortController();
      const stopped = queue.receive(t, { max: 1, leaseMs: 1000, waitMs: 20_000, signal: stop.signal });
      stop.abort();
      assert.deepEqual(await stopped, []);
    });

    test("purge removes what is waiting and what is leased", async () => {
      const t = topic();
      await send(t, "a");
      await send(t, "b");
      const [leased] = await receive(t, 1);
      assert.ok(leased);
      await queue.purge(t);
      assert.equal(await queue.complete(leased), false);
      assert.deepEqual(await queue.depth(t), { visible: 0, leased: 0, delayed: 0, dead: 0 });
    });
  });
}
