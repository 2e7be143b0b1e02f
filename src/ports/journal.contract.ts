import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Journal } from "./journal.ts";

/** What a backend gives to prove that its Journal keeps the port's promises. */
export interface JournalContract {
  open(): Promise<{ journal: Journal; dispose(): Promise<void> }>;
}

/** Runs the suite that every Journal has to pass. */
export function runContract(contract: JournalContract): void {
  describe("journal", () => {
    let journal: Journal;
    let dispose: () => Promise<void>;
    before(async () => {
      ({ journal, dispose } = await contract.open());
    });
    after(() => dispose());

    test("a step that is done answers its result and is not run again", async () => {
      let runs = 0;
      const step = (): Promise<{ n: number }> => journal.step("r1", "build", async () => ({ n: ++runs }));
      assert.deepEqual(await step(), { n: 1 });
      assert.deepEqual(await step(), { n: 1 });
      assert.deepEqual(await journal.step("r1", "nothing", async () => undefined), undefined);
      assert.deepEqual(await journal.step("r1", "null", async () => null), null);
    });

    test("a step whose end was not recorded runs again with the same token", async () => {
      const tokens: string[] = [];
      const work = (fail: boolean) => async (step: { token: string; retried: boolean }) => {
        tokens.push(`${step.token} ${step.retried}`);
        if (fail) throw new Error("killed");
        return "done";
      };
      await assert.rejects(journal.step("r2", "deploy", work(true)), /killed/);
      assert.equal(await journal.step("r2", "deploy", work(false)), "done");
      const [first, second] = tokens.map((t) => t.split(" "));
      assert.equal(first?.[0], second?.[0]);
      assert.deepEqual([first?.[1], second?.[1]], ["false", "true"]);
    });

    test("runs are apart, and a forgotten one begins anew", async () => {
      await journal.step("r3", "s", async () => 1);
      assert.equal(await journal.step("r4", "s", async () => 2), 2);
      await journal.forget("r3");
      assert.equal(await journal.step("r3", "s", async () => 3), 3);
      assert.equal(await journal.step("r4", "s", async () => 4), 2);
    });
  });
}
