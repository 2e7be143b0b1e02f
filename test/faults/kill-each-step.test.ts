import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { leftovers, outlivers } from "../support/leftovers.ts";
import { cannotRun } from "../support/platform.ts";
import type { Death, MortalPlatform } from "./mortal-platform.ts";
import { pickKills } from "./pick-kills.ts";
import { openPushedProject, type PushedProject } from "./recorded-push.ts";

/** The platform may die at the end of a push as well as in its middle: how long until it certainly has, or will not. */
const DEATH_MS = 20_000;
const SHARDS = 27;

/** Every write of the state, right before it and right after it; of two neighbours one kills the app, one everything. */
function pointsOf(writes: number): Death[] {
  return Array.from({ length: writes * 2 }, (_none, i) => {
    const write = Math.floor(i / 2) + 1;
    const when = i % 2 === 0 ? "before" : "after";
    return { write, when, victim: (write + i) % 2 === 0 ? "app" : "all" };
  });
}

/** What one push adds to what services list. */
function afterOnePush(was: Record<string, readonly string[]>): Record<string, readonly string[]> {
  const more = ([first, ...rest]: readonly string[]): string[] => [String(Number(first) + 1), ...rest];
  return {
    ...was,
    versions: more(was["versions"]!),
    shifts: [more(was["shifts"]!)[0]!, "Succeeded"],
    changeSets: ["CREATE_COMPLETE"],
  };
}

describe("kill -9 at every write of a push and its deployment", { skip: cannotRun, timeout: 7_200_000 }, () => {
  let project: PushedProject;
  let life: MortalPlatform;

  before(async () => {
    project = await openPushedProject();
  });
  after(async () => {
    if (life && !life.isDead) await life.stop();
    await project?.close();
  });

  test("the push ends in the new page, once, and nothing is left behind", async (t) => {
    life = await project.start();
    await life.count();
    const { commit } = await project.push("recorded");
    await project.settle("recorded", commit);
    const points = pickKills(pointsOf(life.writes.length), SHARDS);
    assert.ok(life.writes.length > 80, `only ${life.writes.length} writes`);
    let seen = await project.inventory();
    await life.stop();
    life = await project.start(points[0]);
    for (const [i, point] of points.entries()) {
      const name = `${point.when} write ${point.write}, kill ${point.victim}`;
      await t.test(name, async () => {
        const mark = `page ${i}`;
        await life.count();
        const pushed = await project.push(mark);
        await Promise.race([life.dead, new Promise((done) => setTimeout(done, DEATH_MS).unref())]);
        t.diagnostic(
          `${name}: ${life.isDead ? life.writes[point.write - 1] : `there were ${life.writes.length} writes`}`,
        );
        if (!life.isDead) await life.stop();
        life = await project.start(points[i + 1]);
        const before = seen;
        if (!pushed.arrived) await project.pushAgain();
        try {
          await project.settle(mark, pushed.commit);
        } finally {
          seen = await project.inventory();
        }
        assert.deepEqual(seen, afterOnePush(before));
        assert.deepEqual(outlivers(project.platform.data, life.pid), []);
      });
      if (life.isDead) life = await project.start(points[i + 1]);
    }
    await life.stop();
    assert.deepEqual(leftovers(project.platform.data), []);
  });
});
