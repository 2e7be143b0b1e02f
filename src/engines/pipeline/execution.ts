import { conditionOf, isConditionRunning, type RuleRef, type StageProgress } from "./conditions.ts";
import type { PipelineDefinition, StageDefinition } from "./definition.ts";

export type ActionStatus = "InProgress" | "Succeeded" | "Failed" | "Abandoned";
export type StageStatus = "InProgress" | "Succeeded" | "Failed" | "Stopping" | "Stopped" | "Cancelled" | "Skipped";
export type ExecutionStatus =
  | "InProgress"
  | "Succeeded"
  | "Failed"
  | "Stopping"
  | "Stopped"
  | "Superseded"
  | "Cancelled";

/** What is known of one execution: the actions that started, by stage. What is not there has not started. */
export interface ExecutionState {
  readonly stages: Readonly<Record<string, StageProgress>>;
  /** The one stage that a rollback runs. */
  readonly only?: string;
  /** StopPipelineExecution was called. */
  readonly stop?: { readonly abandon: boolean };
  /** A newer execution took its place. */
  readonly superseded?: boolean;
}

/** What stands between an execution and its next stage. */
export interface Gates {
  /** Stages whose inbound transition is disabled. */
  readonly disabled: ReadonlySet<string>;
  /** Stages that another execution is in. */
  readonly occupied: ReadonlySet<string>;
}

export interface ActionRef {
  readonly stage: string;
  readonly action: string;
}

/** What to do now. */
export interface Advance {
  readonly status: ExecutionStatus;
  readonly stages: Readonly<Record<string, StageStatus>>;
  /** Actions to start, all at once. */
  readonly start: readonly ActionRef[];
  /** Rules of conditions to start, all at once. */
  readonly rules: readonly RuleRef[];
  /** Actions to give up, after a stop with abandon. */
  readonly abandon: readonly ActionRef[];
  /** What the pipeline declares for a stage that has failed now. */
  readonly reaction?: { readonly stage: string; readonly kind: "RETRY" | "ROLLBACK" };
  /** The stage before which the execution waits, and why. */
  readonly waiting?: { readonly stage: string; readonly reason: "TransitionDisabled" | "StageOccupied" };
}

const NO_GATES: Gates = { disabled: new Set(), occupied: new Set() };

/** Decides the next steps of an execution. Pure: call it again after every change, act on what it says. */
export function advance(pipeline: PipelineDefinition, execution: ExecutionState, gates: Gates = NO_GATES): Advance {
  const stages: Record<string, StageStatus> = {};
  for (const [index, stage] of pipeline.stages.entries()) {
    if (execution.only !== undefined && stage.name !== execution.only) continue;
    const started = execution.stages[stage.name];
    if (!started) return enter(stage, index, stages, execution, gates);
    const step = stepStage(stage, started, execution);
    stages[stage.name] = step.status;
    if (step.status === "Succeeded" || step.status === "Skipped") continue;
    return {
      status: step.status,
      stages,
      start: step.start.map((action) => ({ stage: stage.name, action })),
      rules: step.rules ?? [],
      abandon: step.abandon.map((action) => ({ stage: stage.name, action })),
      ...(step.reaction ? { reaction: { stage: stage.name, kind: step.reaction } } : {}),
    };
  }
  return { status: "Succeeded", stages, start: [], rules: [], abandon: [] };
}

function enter(
  stage: StageDefinition,
  index: number,
  stages: Record<string, StageStatus>,
  execution: ExecutionState,
  gates: Gates,
): Advance {
  const nothing = { stages, start: [], rules: [], abandon: [] };
  if (execution.superseded) return { ...nothing, status: "Superseded" };
  if (execution.stop) return { ...nothing, status: "Stopped" };
  if (index > 0 && gates.disabled.has(stage.name)) {
    return { ...nothing, status: "InProgress", waiting: { stage: stage.name, reason: "TransitionDisabled" } };
  }
  if (gates.occupied.has(stage.name)) {
    return { ...nothing, status: "InProgress", waiting: { stage: stage.name, reason: "StageOccupied" } };
  }
  stages[stage.name] = "InProgress";
  const entry = conditionOf(stage, "BEFORE_ENTRY", { actions: {} });
  if (entry.status === "pending") return { ...nothing, status: "InProgress", rules: entry.start };
  const start = (runGroups(stage)[0] ?? []).map((action) => ({ stage: stage.name, action }));
  return { status: "InProgress", stages, start, rules: [], abandon: [] };
}

/** Action names in groups of equal run order, lowest first. */
export function runGroups(stage: StageDefinition): string[][] {
  const groups = new Map<number, string[]>();
  for (const action of stage.actions) {
    const order = action.runOrder ?? 1;
    groups.set(order, [...(groups.get(order) ?? []), action.name]);
  }
  return [...groups].sort(([a], [b]) => a - b).map(([, names]) => names);
}

interface StageStep {
  readonly status: "InProgress" | "Succeeded" | "Failed" | "Stopping" | "Stopped" | "Skipped";
  readonly start: readonly string[];
  readonly abandon: readonly string[];
  readonly rules?: readonly RuleRef[];
  readonly reaction?: "RETRY" | "ROLLBACK";
}

const ended = (status: StageStep["status"]): StageStep => ({ status, start: [], abandon: [] });

/** A stage: its entry condition, its actions, and the condition of how they ended. */
function stepStage(stage: StageDefinition, progress: StageProgress, execution: ExecutionState): StageStep {
  if (execution.stop) return stopStage(stage, progress, execution.stop.abandon);
  const entry = conditionOf(stage, "BEFORE_ENTRY", progress);
  if (entry.status === "pending") return { ...ended("InProgress"), rules: entry.start };
  if (entry.status === "failed") return ended(entry.result === "SKIP" ? "Skipped" : "Failed");
  const step = stepActions(stage, progress.actions);
  if (step.status === "Succeeded") return afterSuccess(stage, progress, execution);
  return step.status === "Failed" ? afterFailure(stage, progress, execution) : step;
}

function stepActions(stage: StageDefinition, actions: StageProgress["actions"]): StageStep {
  const isRunning = Object.values(actions).includes("InProgress");
  for (const group of runGroups(stage)) {
    const states = group.map((name) => actions[name]);
    if (states.every((state) => state === "Succeeded")) continue;
    const failed = states.some((state) => state === "Failed" || state === "Abandoned");
    // A failure lets the others of its group end, and starts nothing more.
    if (failed) return ended(isRunning ? "InProgress" : "Failed");
    const start = group.filter((name) => actions[name] === undefined);
    return { status: "InProgress", start, abandon: [] };
  }
  return ended("Succeeded");
}

function stopStage(stage: StageDefinition, { actions, conditions }: StageProgress, abandon: boolean): StageStep {
  const running = Object.keys(actions).filter((name) => actions[name] === "InProgress");
  if (running.length > 0) return { status: "Stopping", start: [], abandon: abandon ? running : [] };
  if (isConditionRunning({ actions, conditions })) return ended(abandon ? "Stopped" : "Stopping");
  if (stage.actions.every((action) => actions[action.name] === "Succeeded")) return ended("Succeeded");
  return ended(Object.values(actions).includes("Failed") ? "Failed" : "Stopped");
}

function afterSuccess(stage: StageDefinition, progress: StageProgress, execution: ExecutionState): StageStep {
  const condition = conditionOf(stage, "ON_SUCCESS", progress);
  if (condition.status === "pending") return { ...ended("InProgress"), rules: condition.start };
  if (condition.status !== "failed") return ended("Succeeded");
  return react("ROLLBACK", condition.result, progress, execution);
}

/** With a condition, the result comes about only where the condition is not met. */
function afterFailure(stage: StageDefinition, progress: StageProgress, execution: ExecutionState): StageStep {
  const condition = conditionOf(stage, "ON_FAILURE", progress);
  if (condition.status === "pending") return { ...ended("InProgress"), rules: condition.start };
  if (condition.status === "passed") return ended("Failed");
  const result = condition.status === "failed" ? condition.result : undefined;
  return react("ANY", result ?? stage.onFailure?.result, progress, execution);
}

function react(
  allowed: "ANY" | "ROLLBACK",
  result: string | undefined,
  progress: StageProgress,
  execution: ExecutionState,
): StageStep {
  // A rollback is rolled back by nobody.
  if (result === "ROLLBACK" && execution.only === undefined) return { ...ended("Failed"), reaction: "ROLLBACK" };
  if (allowed === "ROLLBACK") return ended("Failed");
  if (result === "SKIP") return ended("Skipped");
  // One more time: what has been retried so often is failed.
  if (result === "RETRY" && !progress.autoRetries) return { ...ended("InProgress"), reaction: "RETRY" };
  return ended("Failed");
}

export type RetryMode = "FAILED_ACTIONS" | "ALL_ACTIONS";

/**
 * The state from which a failed stage goes on again: without the actions that have to run again. `undefined` where the
 * stage cannot be retried (it did not fail, or something in it still runs).
 */
export function retryStage(
  pipeline: PipelineDefinition,
  execution: ExecutionState,
  stageName: string,
  mode: RetryMode,
  isAutomatic = false,
): ExecutionState | undefined {
  const stage = pipeline.stages.find((one) => one.name === stageName);
  const progress = execution.stages[stageName];
  if (!stage || !progress || execution.superseded) return undefined;
  const { actions } = progress;
  const isFailed = stepStage(stage, progress, withoutStop(execution)).status === "Failed";
  const mayGoOn = isFailed || isAutomatic || execution.stop !== undefined;
  if (!mayGoOn || Object.values(actions).includes("InProgress") || isConditionRunning(progress)) return undefined;
  // Names that the pipeline no longer has are forgotten; they cannot run again.
  const known = new Set(stage.actions.map((action) => action.name));
  const kept = Object.entries(actions).filter(
    ([name, state]) => mode === "FAILED_ACTIONS" && state === "Succeeded" && known.has(name),
  );
  const entry = conditionOf(stage, "BEFORE_ENTRY", progress).status === "passed" && progress.conditions?.BEFORE_ENTRY;
  const next: StageProgress = {
    actions: Object.fromEntries(kept),
    ...(entry ? { conditions: { BEFORE_ENTRY: entry } } : {}),
    autoRetries: (progress.autoRetries ?? 0) + (isAutomatic ? 1 : 0),
    manualRetries: (progress.manualRetries ?? 0) + (isAutomatic ? 0 : 1),
  };
  return {
    ...(execution.only === undefined ? {} : { only: execution.only }),
    stages: { ...execution.stages, [stageName]: next },
  };
}

function withoutStop({ stop: _stop, ...execution }: ExecutionState): ExecutionState {
  return execution;
}

/** Notes what happened to an action. */
export function setAction(execution: ExecutionState, ref: ActionRef, status: ActionStatus): ExecutionState {
  const stage = execution.stages[ref.stage] ?? { actions: {} };
  return {
    ...execution,
    stages: { ...execution.stages, [ref.stage]: { ...stage, actions: { ...stage.actions, [ref.action]: status } } },
  };
}

/**
 * Of the executions that wait before one stage (oldest first), those that give way in the mode SUPERSEDED: all but the
 * newest.
 */
export function supersededBy(mode: string | undefined, waiting: readonly string[]): string[] {
  return (mode ?? "SUPERSEDED") === "SUPERSEDED" ? waiting.slice(0, -1) : [];
}
