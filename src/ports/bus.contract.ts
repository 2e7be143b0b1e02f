import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Bus } from "./bus.ts";

/** What a backend gives to prove that its Bus keeps the port's promises; `settle` waits until messages have arrived. */
export interface BusContract {
  open(): Promise<{ bus: Bus; settle(): Promise<void>; dispose(): Promise<void> }>;
}

/** Runs the suite that every Bus has to pass. */
export function runContract(contract: BusContract): void {
  describe("bus", () => {
    test("a message reaches all listeners of its topic until they leave, whatever another one does", async (t) => {
      const { bus, settle, dispose } = await contract.open();
      t.after(dispose);
      const seen: unknown[] = [];
      bus.subscribe("a", () => {
        throw new Error("a bad listener");
      });
      const leave = bus.subscribe("a", (m) => seen.push(["first", m]));
      bus.subscribe("a", (m) => seen.push(["second", m]));
      bus.subscribe("b", (m) => seen.push(["other", m]));
      bus.publish("a", { n: 1 });
      await settle();
      leave();
      bus.publish("a", { n: 2 });
      bus.publish("nobody", {});
      await settle();
      assert.deepEqual(seen, [
        ["first", { n: 1 }],
        ["second", { n: 1 }],
        ["second", { n: 2 }],
      ]);
    });
  });
}
