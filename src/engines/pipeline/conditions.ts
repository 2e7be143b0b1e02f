import type { ConditionDefinition, StageDefinition } from "./definition.ts";
import type { ActionStatus, ExecutionState } from "./execution.ts";

export const CONDITION_TYPES = ["BEFORE_ENTRY", "ON_SUCCESS", "ON_FAILURE"] as const;
/** When the rules of a condition run. */
export type ConditionType = (typeof CONDITION_TYPES)[number];

/** What is known of a condition: its rules that started, and whether somebody overrode their answer. */
export interface ConditionProgress {
  readonly rules: Readonly<Record<string, ActionStatus>>;
  readonly isOverridden?: boolean;
}

/** What is known of a stage that an execution has entered. */
export interface StageProgress {
  readonly actions: Readonly<Record<string, ActionStatus>>;
  readonly conditions?: Readonly<Partial<Record<ConditionType, ConditionProgress>>> | undefined;
  readonly autoRetries?: number;
  readonly manualRetries?: number;
}

export interface RuleRef {
  readonly stage: string;
  readonly condition: ConditionType;
  readonly rule: string;
}

/** The condition that a stage declares: AWS allows one of a type. */
export function declaredCondition(stage: StageDefinition, type: ConditionType): ConditionDefinition | undefined {
  const of = { BEFORE_ENTRY: stage.beforeEntry, ON_SUCCESS: stage.onSuccess, ON_FAILURE: stage.onFailure }[type];
  return of?.conditions?.[0];
}

export type ConditionStep =
  | { readonly status: "none" | "passed" }
  | { readonly status: "pending"; readonly start: readonly RuleRef[] }
  | { readonly status: "failed"; readonly result: string | undefined };

/** Where a condition is: all its rules run at once, and it is met when all of them succeed. */
export function conditionOf(stage: StageDefinition, type: ConditionType, progress: StageProgress): ConditionStep {
  const declared = declaredCondition(stage, type);
  if (!declared?.rules?.length) return { status: "none" };
  const { rules = {}, isOverridden = false } = progress.conditions?.[type] ?? {};
  const states = declared.rules.map(({ name }) => rules[name]);
  const start = declared.rules.filter(({ name }) => rules[name] === undefined);
  if (isOverridden) return { status: "passed" };
  if (start.length || states.includes("InProgress"))
    return {
      status: "pending",
      start: start.map(({ name }) => ({ stage: stage.name, condition: type, rule: name })),
    };
  return states.every((state) => state === "Succeeded")
    ? { status: "passed" }
    : { status: "failed", result: declared.result };
}

export const isConditionRunning = ({ conditions = {} }: StageProgress): boolean =>
  Object.values(conditions).some((one) => Object.values(one?.rules ?? {}).includes("InProgress"));

/** Notes what happened to a rule. */
export function setRule(execution: ExecutionState, ref: RuleRef, status: ActionStatus): ExecutionState {
  return setCondition(execution, ref, (condition) => ({
    ...condition,
    rules: { ...condition.rules, [ref.rule]: status },
  }));
}

/** Lets an execution go on in spite of a condition that is not met; `undefined` where none stands in its way. */
export function overrideCondition(
  stage: StageDefinition,
  execution: ExecutionState,
  type: ConditionType,
): ExecutionState | undefined {
  const progress = execution.stages[stage.name];
  if (!progress || conditionOf(stage, type, progress).status !== "failed") return undefined;
  return setCondition(execution, { stage: stage.name, condition: type }, (condition) => ({
    ...condition,
    isOverridden: true,
  }));
}

function setCondition(
  execution: ExecutionState,
  { stage, condition }: { readonly stage: string; readonly condition: ConditionType },
  change: (condition: ConditionProgress) => ConditionProgress,
): ExecutionState {
  const progress = execution.stages[stage] ?? { actions: {} };
  const next = change(progress.conditions?.[condition] ?? { rules: {} });
  return {
    ...execution,
    stages: {
      ...execution.stages,
      [stage]: { ...progress, conditions: { ...progress.conditions, [condition]: next } },
    },
  };
}
