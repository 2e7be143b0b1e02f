import assert from "node:assert/strict";
import { test } from "node:test";
import type { ActionStatus, PipelineDefinition } from "../../engines/pipeline/index.ts";
import type { Execution } from "./model.ts";
import { planSteps } from "./plan.ts";

const action = (name: string) => ({
  name,
  actionTypeId: { category: "Approval", owner: "AWS", provider: "Manual", version: "1" },
});
const definition = (executionMode?: string): PipelineDefinition => ({
  name: "p",
  executionMode,
  stages: ["A", "B", "C"].map((name) => ({ name, actions: [action("x")] })),
});

const execution = (id: string, states: Record<string, ActionStatus>): Execution =>
  ({
    id,
    status: "InProgress",
    state: {
      stages: Object.fromEntries(Object.entries(states).map(([stage, status]) => [stage, { actions: { x: status } }])),
    },
  }) as unknown as Execution;

/** What happens to each execution: the stage it enters, what it waits for, or its end. */
function plan(mode: string | undefined, executions: Execution[], disabled: string[] = []): Record<string, string> {
  const steps = planSteps(
    executions.map((one) => ({ execution: one, definition: definition(mode) })),
    new Set(disabled),
  );
  return Object.fromEntries(
    steps.map(({ execution: e, advance: a }) => [
      e.id,
      a.waiting
        ? `waits for ${a.waiting.stage}: ${a.waiting.reason}`
        : a.start.length
          ? `enters ${a.start[0]!.stage}`
          : a.status,
    ]),
  );
}

const DONE = "Succeeded" as const;
const RUNS = "InProgress" as const;

test("one execution goes from stage to stage", () => {
  assert.deepEqual(plan(undefined, [execution("1", {})]), { 1: "enters A" });
  assert.deepEqual(plan(undefined, [execution("1", { A: RUNS })]), { 1: "InProgress" });
  assert.deepEqual(plan(undefined, [execution("1", { A: DONE })]), { 1: "enters B" });
  assert.deepEqual(plan(undefined, [execution("1", { A: DONE, B: DONE, C: DONE })]), { 1: "Succeeded" });
});

test("a stage holds one execution, and of those that wait before it the newest stays", () => {
  const [first, second, third] = [
    execution("1", { A: DONE, B: RUNS }),
    execution("2", { A: DONE }),
    execution("3", { A: DONE }),
  ];
  assert.deepEqual(plan(undefined, [first, second]), { 1: "InProgress", 2: "waits for B: StageOccupied" });
  assert.deepEqual(plan(undefined, [first, second, third]), {
    1: "InProgress",
    2: "Superseded",
    3: "waits for B: StageOccupied",
  });
  assert.deepEqual(plan(undefined, [second, third]), { 2: "Superseded", 3: "enters B" });
  assert.deepEqual(plan(undefined, [execution("1", {}), execution("2", {})]), { 1: "Superseded", 2: "enters A" });
});

test("queued executions keep their order, parallel ones do not see each other", () => {
  const waiting = [execution("1", { A: DONE }), execution("2", { A: DONE })];
  assert.deepEqual(plan("QUEUED", waiting), { 1: "enters B" });
  assert.deepEqual(plan("QUEUED", [execution("0", { A: DONE, B: RUNS }), ...waiting]), {
    0: "InProgress",
    1: "waits for B: StageOccupied",
    2: "waits for B: StageOccupied",
  });
  assert.deepEqual(plan("PARALLEL", [execution("0", { A: DONE, B: RUNS }), ...waiting]), {
    0: "InProgress",
    1: "enters B",
    2: "enters B",
  });
});

test("a disabled transition holds the newest; a failed stage is free again", () => {
  const waiting = [execution("1", { A: DONE }), execution("2", { A: DONE })];
  assert.deepEqual(plan(undefined, waiting, ["B"]), { 1: "Superseded", 2: "waits for B: TransitionDisabled" });
  assert.deepEqual(plan(undefined, [execution("1", { A: DONE, B: "Failed" }), execution("2", { A: DONE })]), {
    1: "Failed",
    2: "enters B",
  });
});
