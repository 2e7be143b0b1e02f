import type * as CodePipeline from "@aws-sdk/client-codepipeline";
import { operations } from "../../../aws/service.ts";
import { overrideCondition, retryStage, RULE_TYPES, type ConditionType } from "../../../engines/pipeline/index.ts";
import { providerOf } from "../actions/index.ts";
import { executionEvent } from "../events.ts";
import {
  checkStage,
  declarationOf,
  existingExecution,
  existingPipeline,
  executionKey,
  fault,
  onAll,
  onPipeline,
  TERMINAL,
  type Ctx,
  type Execution,
  type Pipeline,
  type Progress,
} from "../model.ts";
import { newRollback } from "../rollback.ts";
import { orderOf, stepSoon } from "../start.ts";
import type { PipelineState } from "../state.ts";
import { callerOf } from "./pipelines.ts";

/** What people do with a stage of an execution that has ended, and the rules that guard stages. */
export const stages = operations<typeof CodePipeline, PipelineState>()({
  RetryStageExecution: {
    permissions: onPipeline("RetryStageExecution", (input) => [input.stageName]),
    async run(ctx, input) {
      const mode = input.retryMode === "ALL_ACTIONS" ? "ALL_ACTIONS" : "FAILED_ACTIONS";
      const stage = String(input.stageName);
      const id = await resume(ctx, input, (declaration, e) => retryStage(declaration, e.state, stage, mode));
      if (id === undefined)
        throw fault(
          "StageNotRetryableException",
          `The stage ${stage} of execution ${input.pipelineExecutionId} cannot be retried: it has not failed, or something in it still runs`,
        );
      return { pipelineExecutionId: id };
    },
  },
  RollbackStage: {
    permissions: onPipeline("RollbackStage", (input) => [input.stageName]),
    async run(ctx, input) {
      const pipeline = await existingPipeline(ctx, input.pipelineName);
      const stage = String(input.stageName);
      checkStage(pipeline, stage);
      const target = await existingExecution(ctx, pipeline.declaration.name, String(input.targetPipelineExecutionId));
      const trigger = { type: "ManualRollback", detail: callerOf(ctx) };
      const { id, statements } = await newRollback(ctx, pipeline, stage, target, trigger);
      await ctx.records.write(statements);
      return { pipelineExecutionId: id };
    },
  },
  OverrideStageCondition: {
    permissions: onPipeline("OverrideStageCondition", (input) => [input.stageName]),
    async run(ctx, input) {
      const type = input.conditionType as ConditionType;
      const id = await resume(ctx, input, (declaration, e) => {
        const stage = declaration.stages.find((s) => s.name === input.stageName);
        return stage && overrideCondition(stage, e.state, type);
      });
      if (id === undefined)
        throw fault(
          "ConditionNotOverridableException",
          `The ${type} condition of stage ${input.stageName} has not failed in execution ${input.pipelineExecutionId}`,
        );
      return {};
    },
  },
  ListRuleTypes: {
    permissions: onAll("ListRuleTypes"),
    run: async () => ({ ruleTypes: ruleTypes() }),
  },
});

interface StageInput {
  readonly pipelineName?: string | undefined;
  readonly pipelineExecutionId?: string | undefined;
  readonly stageName?: string | undefined;
}

/** Lets an execution that has ended go on with another state; answers its id, or nothing where there is no such state. */
async function resume(
  ctx: Ctx,
  { pipelineName, pipelineExecutionId, stageName }: StageInput,
  change: (declaration: Pipeline["declaration"], e: Execution) => Execution["state"] | undefined,
): Promise<string | undefined> {
  const pipeline = String(pipelineName);
  const stage = String(stageName);
  const execution = await existingExecution(ctx, pipeline, String(pipelineExecutionId));
  const { id } = execution;
  checkStage(await existingPipeline(ctx, pipeline), stage);
  const latest = (await ctx.records.get<Progress>("progress", pipeline))?.value.stages[stage];
  if (latest !== id)
    throw fault(
      "NotLatestPipelineExecutionException",
      `The execution ${id} is not the latest one in stage ${stage}: that is ${latest ?? "none"}`,
    );
  const declaration = await declarationOf(ctx, pipeline, execution.version);
  let isResumed = false;
  const resumed = (e: Execution): Execution | undefined => {
    const state = TERMINAL.has(e.status) && declaration ? change(declaration, e) : undefined;
    isResumed = state !== undefined;
    if (!state) return undefined;
    const { summary: _s, stopReason: _r, ...rest } = e;
    return { ...rest, state, status: "InProgress", updated: ctx.now() };
  };
  await ctx.records.update<Execution>(
    "execution",
    executionKey(pipeline, id),
    resumed,
    ctx.records.put("active", `${pipeline}/${orderOf(execution.started, id)}`, id),
    ...executionEvent(ctx, execution, "Resumed"),
    ...stepSoon(ctx, pipeline),
  );
  return isResumed ? id : undefined;
}

/** The rules that can be run here. */
function ruleTypes(): CodePipeline.RuleType[] {
  return Object.entries(RULE_TYPES).flatMap(([provider, limits]) => {
    const id = { category: "Rule", owner: "AWS", provider, version: "1" } as const;
    if (!providerOf(id)) return [];
    const properties = Object.entries(limits.configuration ?? {});
    const [minimumCount, maximumCount] = limits.inputs;
    return [
      {
        id,
        ruleConfigurationProperties: properties.map(([name, { required }]) => ({
          name,
          required,
          key: true,
          secret: false,
        })),
        inputArtifactDetails: { minimumCount, maximumCount },
      },
    ];
  });
}
