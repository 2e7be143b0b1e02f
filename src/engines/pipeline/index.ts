/** CodePipeline: check definitions, resolve variables, and decide the next steps of an execution. */
export { builtInActionType } from "./action-types.ts";
export { CONDITION_TYPES, conditionOf, declaredCondition, overrideCondition, setRule } from "./conditions.ts";
export type { ConditionType, RuleRef } from "./conditions.ts";
export type {
  ActionDefinition,
  ActionTypeLimits,
  PipelineDefinition,
  RuleDefinition,
  StageDefinition,
} from "./definition.ts";
export { RULE_TYPES } from "./rule-types.ts";
export { advance, retryStage, runGroups, setAction, supersededBy } from "./execution.ts";
export type {
  ActionRef,
  ActionStatus,
  Advance,
  ExecutionState,
  ExecutionStatus,
  Gates,
  RetryMode,
  StageStatus,
} from "./execution.ts";
export { validatePipeline } from "./validate.ts";
export type { ActionTypeLookup, PipelineFault } from "./validate.ts";
export { resolveVariables } from "./variables.ts";
export type { ResolvedConfiguration, VariableScope } from "./variables.ts";
