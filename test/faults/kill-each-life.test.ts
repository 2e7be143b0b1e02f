import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { freePort } from "../support/platform.ts";
import { keptRecords } from "./kept-records.ts";
import { startMortalApp, type MortalPlatform } from "./mortal-platform.ts";
import { pickKills } from "./pick-kills.ts";
import { stackLives, type StackLife } from "./stack-lives.ts";

const LIMIT_MS = 60_000;
const SHARDS = 61;

interface Point {
  readonly life: StackLife;
  readonly write: number;
  readonly when: "before" | "after";
}

describe("kill -9 at every write of imports, nested change sets and stack sets", { timeout: 7_200_000 }, () => {
  let data: string;
  let port: number;
  let platform: MortalPlatform;
  let lives: readonly StackLife[];

  before(async () => {
    data = await mkdtemp(join(tmpdir(), "starling-lives-"));
    port = await freePort();
    platform = await startMortalApp({ data, port });
    const credentials = JSON.parse(await readFile(join(data, "admin-credentials.json"), "utf8"));
    const client = { endpoint: `http://127.0.0.1:${port}`, region: "us-east-1", credentials, maxAttempts: 1 };
    const all = stackLives(client);
    await all.open();
    lives = all.lives;
  });
  after(async () => {
    if (platform && !platform.isDead) await platform.stop();
    await rm(data, { recursive: true, force: true, maxRetries: 10 });
  });

  test("each comes to its end, and leaves nothing", async (t) => {
    const empty = keptRecords(data);
    const points: Point[] = [];
    const seen = new Set<string>();
    for (const life of lives) {
      await life.prepare();
      await platform.count();
      const written = platform.writes.length;
      await life.run();
      const writes = platform.writes.length - written;
      assert.ok(writes > 4, `${life.name}: only ${writes} writes`);
      for (const kind of keptRecords(data).keys()) seen.add(kind);
      await life.verify();
      for (let write = 1; write <= writes; write++)
        points.push({ life, write, when: "before" }, { life, write, when: "after" });
    }
    // What a life without any fault leaves is history: stacks that were, and their events.
    const clean = keptRecords(data);
    const things = [...seen].filter((kind) => (clean.get(kind) ?? 0) === (empty.get(kind) ?? 0));
    assert.ok(things.length > 5, `only ${things.join(", ")}`);
    t.diagnostic(`${points.length} points`);

    const picked = pickKills(points, SHARDS);
    await platform.stop();
    const start = (point: Point | undefined) => startMortalApp({ data, port }, point);
    platform = await start(picked[0]);
    for (const [i, { life, write, when }] of picked.entries()) {
      const name = `${life.name}: ${when} write ${write}`;
      await t.test(name, async () => {
        await life.prepare();
        await platform.count();
        const late = setTimeout(() => void platform.stop(), LIMIT_MS);
        const died = await life.run().then(
          () => false,
          async (error: unknown) => {
            // Only its death excuses the platform.
            await Promise.race([platform.dead, new Promise((done) => setTimeout(done, 5_000).unref())]);
            if (!platform.isDead) throw error;
            return true;
          },
        );
        clearTimeout(late);
        t.diagnostic(`${name}: ${platform.writes[write - 1] ?? `there were ${platform.writes.length} writes`}`);
        if (!platform.isDead) await platform.stop();
        platform = await start(picked[i + 1]);
        if (died) await life.run();
        await life.verify();
        const now = keptRecords(data);
        assert.deepEqual(
          things.filter((kind) => (now.get(kind) ?? 0) !== (empty.get(kind) ?? 0)),
          [],
        );
      });
      if (platform.isDead) platform = await start(picked[i + 1]);
    }
  });
});
