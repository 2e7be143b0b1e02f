import type * as CodePipeline from "@aws-sdk/client-codepipeline";
import {
  CONDITION_TYPES,
  conditionOf,
  declaredCondition,
  type ConditionType,
  type StageDefinition,
} from "../../engines/pipeline/index.ts";
import type { Execution } from "./model.ts";

const MEMBERS = {
  BEFORE_ENTRY: "beforeEntryConditionState",
  ON_SUCCESS: "onSuccessConditionState",
  ON_FAILURE: "onFailureConditionState",
} as const;

type StageProgress = Execution["state"]["stages"][string];

/** The states of a stage's conditions in its latest execution, as GetPipelineState shows them. */
export function conditionStates(
  stage: StageDefinition,
  execution: Execution | undefined,
): Pick<CodePipeline.StageState, (typeof MEMBERS)[ConditionType]> {
  const declared = CONDITION_TYPES.filter((type) => declaredCondition(stage, type));
  return Object.fromEntries(declared.map((type) => [MEMBERS[type], stateOf(stage, type, execution)]));
}

function stateOf(
  stage: StageDefinition,
  type: ConditionType,
  execution: Execution | undefined,
): CodePipeline.StageConditionState {
  const progress = execution?.state.stages[stage.name];
  const known = progress?.conditions?.[type];
  const runs = (execution?.runs ?? []).filter((run) => run.stage === stage.name && run.condition === type);
  const changed = runs.reduce((latest, run) => Math.max(latest, run.updated), 0);
  const status = progress && known ? statusOf(stage, type, progress) : undefined;
  const ruleStates = (declaredCondition(stage, type)?.rules ?? []).map(({ name }) => {
    const run = runs.findLast((one) => one.action === name);
    const status = known?.rules[name] && run?.status;
    return {
      ruleName: name,
      ...(run && status
        ? {
            latestExecution: {
              ruleExecutionId: run.id,
              status,
              lastStatusChange: new Date(run.updated),
              ...(run.externalId ? { externalExecutionId: run.externalId } : {}),
              ...(run.error ? { errorDetails: run.error } : {}),
            },
          }
        : {}),
    };
  });
  return {
    ...(status ? { latestExecution: { status } } : {}),
    conditionStates: [
      { ...(status ? { latestExecution: { status, lastStatusChange: new Date(changed) } } : {}), ruleStates },
    ],
  };
}

function statusOf(
  stage: StageDefinition,
  type: ConditionType,
  progress: StageProgress,
): CodePipeline.ConditionExecutionStatus {
  if (progress.conditions?.[type]?.isOverridden) return "Overridden";
  const { status } = conditionOf(stage, type, progress);
  return status === "passed" ? "Succeeded" : status === "failed" ? "Failed" : "InProgress";
}

/** How often a stage has been retried, as GetPipelineState shows it. */
export function retryMetadata(
  progress: StageProgress | undefined,
): Pick<CodePipeline.StageState, "retryStageMetadata"> {
  const { autoRetries = 0, manualRetries = 0 } = progress ?? {};
  if (!autoRetries && !manualRetries) return {};
  return {
    retryStageMetadata: {
      ...(autoRetries ? { autoStageRetryAttempt: autoRetries } : {}),
      ...(manualRetries ? { manualStageRetryAttempt: manualRetries } : {}),
      latestRetryTrigger: manualRetries ? "ManualStageRetry" : "AutomatedStageRetry",
    },
  };
}
