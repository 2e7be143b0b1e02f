import type { PipelineDefinition, StageDefinition } from "./definition.ts";

export type ActionStatus = "InProgress" | "Succeeded" | "Failed" | "Abandoned";
export type StageStatus = "InProgress" | "Succeeded" | "Failed" | "Stopping" | "Stopped" | "Cancelled";
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
  readonly stages: Readonly<Record<string, { readonly actions: Readonly<Record<string, ActionStatus>> }>>;
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
  /** Actions to give up, after a stop with abandon. */
  readonly abandon: readonly ActionRef[];
  /** The stage before which the execution waits, and why. */
  readonly waiting?: { readonly stage: string; readonly reason: "TransitionDisabled" | "StageOccupied" };
}

const NO_GATES: Gates = { disabled: new Set(), occupied: new Set() };

/** Decides the next steps of an execution. Pure: call it again after every change, act on what it says. */
export function advance(pipeline: PipelineDefinition, execution: ExecutionState, gates: Gates = NO_GATES): Advance {
  const stages: Record<string, StageStatus> = {};
  for (const [index, stage] of pipeline.stages.entries()) {
    const started = execution.stages[stage.name];
    if (!started) return enter(stage, index, stages, execution, gates);
    const step = stepStage(stage, started.actions, execution);
    stages[stage.name] = step.status;
    if (step.status === "Succeeded") continue;
    return {
      status: step.status,
      stages,
      start: step.start.map((action) => ({ stage: stage.name, action })),
      abandon: step.abandon.map((action) => ({ stage: stage.name, action })),
    };
  }
  return { status: "Succeeded", stages, start: [], abandon: [] };
}

function enter(
  stage: StageDefinition,
  index: number,
  stages: Record<string, StageStatus>,
  execution: ExecutionState,
  gates: Gates,
): Advance {
  const nothing = { stages, start: [], abandon: [] };
  if (execution.superseded) return { ...nothing, status: "Superseded" };
  if (execution.stop) return { ...nothing, status: "Stopped" };
  if (index > 0 && gates.disabled.has(stage.name)) {
    return { ...nothing, status: "InProgress", waiting: { stage: stage.name, reason: "TransitionDisabled" } };
  }
  if (gates.occupied.has(stage.name)) {
    return { ...nothing, status: "InProgress", waiting: { stage: stage.name, reason: "StageOccupied" } };
  }
  stages[stage.name] = "InProgress";
  const start = (runGroups(stage)[0] ?? []).map((action) => ({ stage: stage.name, action }));
  return { status: "InProgress", stages, start, abandon: [] };
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
  readonly status: "InProgress" | "Succeeded" | "Failed" | "Stopping" | "Stopped";
  readonly start: readonly string[];
  readonly abandon: readonly string[];
}

function stepStage(
  stage: StageDefinition,
  actions: Readonly<Record<string, ActionStatus>>,
  execution: ExecutionState,
): StageStep {
  const running = Object.keys(actions).filter((name) => actions[name] === "InProgress");
  const ended = (status: StageStep["status"]): StageStep => ({ status, start: [], abandon: [] });
  if (execution.stop) {
    if (running.length > 0) return { status: "Stopping", start: [], abandon: execution.stop.abandon ? running : [] };
    const done = stage.actions.every((action) => actions[action.name] === "Succeeded");
    if (done) return ended("Succeeded");
    return ended(Object.values(actions).includes("Failed") ? "Failed" : "Stopped");
  }
  for (const group of runGroups(stage)) {
    const states = group.map((name) => actions[name]);
    if (states.every((state) => state === "Succeeded")) continue;
    const failed = states.some((state) => state === "Failed" || state === "Abandoned");
    // A failure lets the others of its group end, and starts nothing more.
    if (failed) return ended(running.length > 0 ? "InProgress" : "Failed");
    const start = group.filter((name) => actions[name] === undefined);
    return { status: "InProgress", start, abandon: [] };
  }
  return ended("Succeeded");
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
): ExecutionState | undefined {
  const stage = pipeline.stages.find((one) => one.name === stageName);
  const actions = execution.stages[stageName]?.actions;
  if (!stage || !actions || execution.superseded) return undefined;
  const states = Object.values(actions);
  const failed = states.some((state) => state === "Failed" || state === "Abandoned") || execution.stop !== undefined;
  if (!failed || states.includes("InProgress")) return undefined;
  // Names that the pipeline no longer has are forgotten; they cannot run again.
  const known = new Set(stage.actions.map((action) => action.name));
  const kept = Object.entries(actions).filter(
    ([name, state]) => mode === "FAILED_ACTIONS" && state === "Succeeded" && known.has(name),
  );
  return { stages: { ...execution.stages, [stageName]: { actions: Object.fromEntries(kept) } } };
}

/** Notes what happened to an action. */
export function setAction(execution: ExecutionState, ref: ActionRef, status: ActionStatus): ExecutionState {
  const stage = execution.stages[ref.stage] ?? { actions: {} };
  return {
    ...execution,
    stages: { ...execution.stages, [ref.stage]: { actions: { ...stage.actions, [ref.action]: status } } },
  };
}

/**
 * Of the executions that wait before one stage (oldest first), those that give way in the mode SUPERSEDED: all but the
 * newest.
 */
export function supersededBy(mode: string | undefined, waiting: readonly string[]): string[] {
  return (mode ?? "SUPERSEDED") === "SUPERSEDED" ? waiting.slice(0, -1) : [];
}
