import assert from "node:assert/strict";
import { test } from "node:test";
import type { ActionDefinition, ConditionType, ExecutionState, PipelineDefinition, StageDefinition } from "./index.ts";
import {
  advance,
  overrideCondition,
  resolveVariables,
  retryStage,
  setAction,
  setRule,
  supersededBy,
  validatePipeline,
} from "./index.ts";

const source: ActionDefinition = {
  name: "Source",
  actionTypeId: { category: "Source", owner: "AWS", provider: "CodeCommit", version: "1" },
  configuration: { RepositoryName: "r", BranchName: "master", PollForSourceChanges: "false" },
  outputArtifacts: [{ name: "Src" }],
};
const build: ActionDefinition = {
  name: "Build",
  actionTypeId: { category: "Build", owner: "AWS", provider: "CodeBuild", version: "1" },
  configuration: { ProjectName: "p" },
  inputArtifacts: [{ name: "Src" }],
  outputArtifacts: [{ name: "Out" }],
};
const approval = (name: string, runOrder: number): ActionDefinition => ({
  name,
  runOrder,
  actionTypeId: { category: "Approval", owner: "AWS", provider: "Manual", version: "1" },
});
const pipeline: PipelineDefinition = {
  name: "p",
  artifactStore: {},
  stages: [
    { name: "Source", actions: [source] },
    { name: "Build", actions: [build, approval("A", 2), approval("B", 2), approval("C", 3)] },
  ],
};

function play(
  state: ExecutionState,
  ...events: [stage: string, action: string, status: "InProgress" | "Succeeded" | "Failed"][]
): ExecutionState {
  return events.reduce((now, [stage, action, status]) => setAction(now, { stage, action }, status), state);
}
const start = (state: ExecutionState, gates = {}): string[] =>
  advance(pipeline, state, { disabled: new Set(), occupied: new Set(), ...gates }).start.map((ref) => ref.action);

test("accepts CodeStar's shape and names each fault", () => {
  assert.deepEqual(validatePipeline(pipeline), []);
  const faults = (over: Partial<PipelineDefinition>): string =>
    validatePipeline({ ...pipeline, ...over })
      .map((f) => f.message)
      .join("\n");
  const [first, second] = pipeline.stages;
  assert.match(
    faults({ stages: first ? [first] : [] }),
    /Pipeline has 1 stage\(s\). There should be a minimum of 2 stages in a pipeline/,
  );
  assert.match(
    faults({
      stages: [
        { name: "S", actions: [build] },
        { name: "T", actions: [source] },
      ],
    }),
    /source stage should contain only source actions/,
  );
  const missing = { ...build, inputArtifacts: [{ name: "Nope" }] };
  assert.match(
    faults({ stages: [first ?? { name: "", actions: [] }, { name: "B", actions: [missing] }] }),
    /Input Artifact Bundle Nope in action Build is not declared/,
  );
  const odd = { ...build, configuration: { Foo: "1" } };
  const text = faults({ stages: [first ?? { name: "", actions: [] }, { name: "B", actions: [odd] }] });
  assert.match(text, /contains unknown configuration 'Foo'/);
  assert.match(text, /missing required configuration 'ProjectName'/);
  assert.match(faults({ executionMode: "QUEUED" }), /only supported for pipelines of type V2/);
  assert.match(faults({ stages: [first, second, second].filter((s) => s !== undefined) }), /Stage name must be unique/);
  const strange = { ...build, actionTypeId: { ...build.actionTypeId, provider: "Jenkins", owner: "Custom" } };
  const stages = [
    { name: "S", actions: [source] },
    { name: "B", actions: [strange] },
  ];
  assert.match(faults({ stages }), /ActionType .*Jenkins.* is not available/);
  assert.deepEqual(
    validatePipeline({ ...pipeline, stages }, () => ({ inputs: [0, 5], outputs: [0, 5] })),
    [],
  );
});

test("runs stages in order and equal run orders together", () => {
  let state: ExecutionState = { stages: {} };
  assert.deepEqual(start(state), ["Source"]);
  state = play(state, ["Source", "Source", "InProgress"]);
  assert.deepEqual(start(state), []);
  state = play(state, ["Source", "Source", "Succeeded"]);
  assert.deepEqual(start(state), ["Build"]);
  state = play(state, ["Build", "Build", "Succeeded"]);
  assert.deepEqual(start(state), ["A", "B"]);
  state = play(state, ["Build", "A", "Succeeded"], ["Build", "B", "InProgress"]);
  assert.deepEqual(start(state), []);
  state = play(state, ["Build", "B", "Succeeded"], ["Build", "C", "Succeeded"]);
  assert.deepEqual(advance(pipeline, state), {
    status: "Succeeded",
    stages: { Source: "Succeeded", Build: "Succeeded" },
    start: [],
    rules: [],
    abandon: [],
  });
});

test("fails when what runs has ended, and retries", () => {
  const state = play(
    { stages: {} },
    ["Source", "Source", "Succeeded"],
    ["Build", "Build", "Succeeded"],
    ["Build", "A", "Failed"],
    ["Build", "B", "InProgress"],
  );
  assert.equal(advance(pipeline, state).status, "InProgress");
  assert.equal(retryStage(pipeline, state, "Build", "FAILED_ACTIONS"), undefined);
  const failed = play(state, ["Build", "B", "Succeeded"]);
  assert.equal(advance(pipeline, failed).status, "Failed");
  assert.deepEqual(start(retryStage(pipeline, failed, "Build", "FAILED_ACTIONS") as ExecutionState), ["A"]);
  assert.deepEqual(start(retryStage(pipeline, failed, "Build", "ALL_ACTIONS") as ExecutionState), ["Build"]);
  assert.equal(retryStage(pipeline, failed, "Source", "ALL_ACTIONS"), undefined);
});

test("waits before disabled and occupied stages", () => {
  const state = play({ stages: {} }, ["Source", "Source", "Succeeded"]);
  const wait = (gates: object): unknown =>
    advance(pipeline, state, { disabled: new Set(), occupied: new Set(), ...gates }).waiting;
  assert.deepEqual(wait({ disabled: new Set(["Build"]) }), { stage: "Build", reason: "TransitionDisabled" });
  assert.deepEqual(wait({ occupied: new Set(["Build"]) }), { stage: "Build", reason: "StageOccupied" });
  assert.deepEqual(supersededBy("SUPERSEDED", ["1", "2", "3"]), ["1", "2"]);
  assert.deepEqual(supersededBy("QUEUED", ["1", "2"]), []);
  assert.equal(advance(pipeline, { ...state, superseded: true }).status, "Superseded");
});

test("stops after what runs, or abandons it", () => {
  const state = play({ stages: {} }, ["Source", "Source", "InProgress"]);
  assert.equal(advance(pipeline, { ...state, stop: { abandon: false } }).status, "Stopping");
  assert.deepEqual(advance(pipeline, { ...state, stop: { abandon: true } }).abandon, [
    { stage: "Source", action: "Source" },
  ]);
  const done = play({ ...state, stop: { abandon: false } }, ["Source", "Source", "Succeeded"]);
  assert.equal(advance(pipeline, done).status, "Stopped");
  assert.deepEqual(advance(pipeline, done).start, []);
});

test("conditions: all rules together; the result comes about where one of them fails", () => {
  const check = (name: string) => ({
    name,
    ruleTypeId: { category: "Rule", owner: "AWS", provider: "VariableCheck", version: "1" },
    configuration: { Variable: "a", Value: "a", Operator: "EQ" },
  });
  const [first, second] = pipeline.stages as [StageDefinition, StageDefinition];
  const withStage = (more: Partial<StageDefinition>): PipelineDefinition => ({
    ...pipeline,
    pipelineType: "V2",
    stages: [first, { ...second, actions: [build], ...more }],
  });
  const entered = play({ stages: {} }, ["Source", "Source", "Succeeded"]);
  const gated = withStage({ beforeEntry: { conditions: [{ result: "SKIP", rules: [check("a"), check("b")] }] } });
  assert.deepEqual(validatePipeline(gated), []);
  assert.match(
    validatePipeline({ ...gated, pipelineType: "V1" })[0]!.message,
    /only supported for pipelines of type V2/,
  );
  const rule = (state: ExecutionState, condition: ConditionType, name: string, status: "Succeeded" | "Failed") =>
    setRule(state, { stage: "Build", condition, rule: name }, status);
  const step = advance(gated, entered);
  assert.deepEqual([step.start, step.rules.map((r) => r.rule)], [[], ["a", "b"]]);
  const half = rule(entered, "BEFORE_ENTRY", "a", "Failed");
  assert.deepEqual(
    advance(gated, half).rules.map((r) => r.rule),
    ["b"],
  );
  const skipped = advance(gated, rule(half, "BEFORE_ENTRY", "b", "Succeeded"));
  assert.deepEqual([skipped.status, skipped.stages["Build"]], ["Succeeded", "Skipped"]);
  const passed = rule(rule(entered, "BEFORE_ENTRY", "a", "Succeeded"), "BEFORE_ENTRY", "b", "Succeeded");
  assert.deepEqual(advance(gated, passed).start, [{ stage: "Build", action: "Build" }]);

  const guarded = withStage({ onSuccess: { conditions: [{ result: "ROLLBACK", rules: [check("a")] }] } });
  const built = play(entered, ["Build", "Build", "Succeeded"]);
  const unmet = rule(built, "ON_SUCCESS", "a", "Failed");
  assert.deepEqual(advance(guarded, unmet).reaction, { stage: "Build", kind: "ROLLBACK" });
  assert.equal(advance(guarded, { ...unmet, only: "Build" }).reaction, undefined);
  const overridden = overrideCondition(guarded.stages[1]!, unmet, "ON_SUCCESS");
  assert.equal(advance(guarded, overridden!).status, "Succeeded");

  const retried = withStage({ onFailure: { result: "RETRY", retryConfiguration: { retryMode: "ALL_ACTIONS" } } });
  const failed = play(entered, ["Build", "Build", "Failed"]);
  assert.deepEqual(advance(retried, failed).reaction, { stage: "Build", kind: "RETRY" });
  const again = retryStage(retried, failed, "Build", "ALL_ACTIONS", true)!;
  assert.deepEqual(advance(retried, again).start, [{ stage: "Build", action: "Build" }]);
  assert.equal(advance(retried, play(again, ["Build", "Build", "Failed"])).status, "Failed");

  const only = advance(retried, { stages: {}, only: "Build" });
  assert.deepEqual(only.start, [{ stage: "Build", action: "Build" }]);
});

test("resolves variables once", () => {
  const scope = { Src: { Id: "#{Src.Id}" }, codepipeline: { PipelineExecutionId: "e" } };
  assert.deepEqual(resolveVariables({ a: "x #{Src.Id} #{codepipeline.PipelineExecutionId}" }, scope), {
    values: { a: "x #{Src.Id} e" },
  });
  assert.deepEqual(resolveVariables({ a: "#{Nope.x}" }, scope), { unknown: "#{Nope.x}" });
});
