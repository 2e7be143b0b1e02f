/** CodePipeline: check definitions, resolve variables, and decide the next steps of an execution. */
export { builtInActionType } from "./action-types.ts";
export type { ActionDefinition, ActionTypeLimits, PipelineDefinition, StageDefinition } from "./definition.ts";
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
