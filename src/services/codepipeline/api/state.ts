import type * as CodePipeline from "@aws-sdk/client-codepipeline";
import { operations } from "../../../aws/service.ts";
import { finishAction } from "../finish.ts";
import { planSteps } from "../plan.ts";
import { callerOf } from "./pipelines.ts";
import {
  declarationOf,
  existingPipeline,
  executionKey,
  fault,
  onPipeline,
  typeOf,
  type ActionRun,
  type Ctx,
  type Execution,
  type Pipeline,
  type Progress,
} from "../model.ts";
import { conditionStates, retryMetadata } from "../stage-conditions.ts";
import { stepSoon } from "../start.ts";
import type { PipelineState } from "../state.ts";
import { advance, type StageDefinition } from "../../../engines/pipeline/index.ts";

const NEVER = { disabled: new Set<string>(), occupied: new Set<string>() };

export const stateOperations = operations<typeof CodePipeline, PipelineState>()({
  GetPipelineState: {
    permissions: onPipeline("GetPipelineState"),
    async run(ctx, input) {
      const pipeline = await existingPipeline(ctx, input.name);
      const { name, stages } = pipeline.declaration;
      const progress = (await ctx.records.get<Progress>("progress", name))?.value.stages ?? {};
      const inbound = await waitingBefore(ctx, pipeline);
      const stageStates = await Promise.all(
        stages.map((stage) => stageState(ctx, pipeline, stage, progress[stage.name], inbound.get(stage.name))),
      );
      return {
        pipelineName: name,
        pipelineVersion: pipeline.version,
        stageStates,
        created: new Date(pipeline.created),
        updated: new Date(pipeline.updated),
      };
    },
  },
  DisableStageTransition: {
    permissions: onPipeline("DisableStageTransition", (input) => [input.stageName]),
    async run(ctx, input) {
      checkTransition(await existingPipeline(ctx, input.pipelineName), input);
      const mark = { reason: String(input.reason), by: callerOf(ctx), at: ctx.now() };
      await ctx.records.update<Pipeline>("pipeline", String(input.pipelineName), (p) => ({
        ...p,
        disabled: { ...p.disabled, [String(input.stageName)]: mark },
      }));
      return {};
    },
  },
  EnableStageTransition: {
    permissions: onPipeline("EnableStageTransition", (input) => [input.stageName]),
    async run(ctx, input) {
      checkTransition(await existingPipeline(ctx, input.pipelineName), input);
      const change = (p: Pipeline): Pipeline => ({
        ...p,
        disabled: Object.fromEntries(Object.entries(p.disabled).filter(([stage]) => stage !== input.stageName)),
      });
      await ctx.records.update<Pipeline>(
        "pipeline",
        String(input.pipelineName),
        change,
        ...stepSoon(ctx, String(input.pipelineName)),
      );
      return {};
    },
  },
  PutApprovalResult: {
    permissions: onPipeline("PutApprovalResult", (input) => [input.stageName, input.actionName]),
    async run(ctx, input) {
      const pipeline = await existingPipeline(ctx, input.pipelineName);
      const stage = pipeline.declaration.stages.find((s) => s.name === input.stageName);
      if (!stage)
        throw fault("StageNotFoundException", `The pipeline ${input.pipelineName} has no stage ${input.stageName}`);
      if (!stage.actions.some((a) => a.name === input.actionName))
        throw fault("ActionNotFoundException", `The stage ${input.stageName} has no action ${input.actionName}`);
      const [execution, run] = await runOfToken(ctx, pipeline.declaration.name, input);
      if (run.status !== "InProgress")
        throw fault("ApprovalAlreadyCompletedException", `The approval action has already been approved or rejected`);
      const approved = input.result?.status === "Approved";
      const summary = input.result?.summary ?? "";
      const where = { pipeline: execution.pipeline, execution: execution.id, run: run.id };
      const done = await finishAction(ctx, where, {
        status: approved ? "Succeeded" : "Failed",
        summary,
        by: callerOf(ctx),
        ...(approved
          ? {}
          : { error: { code: "JobFailed", message: `Rejected by ${callerOf(ctx)}${summary ? `: ${summary}` : ""}` } }),
      });
      if (!done)
        throw fault("ApprovalAlreadyCompletedException", `The approval action has already been approved or rejected`);
      return { approvedAt: new Date(ctx.now()) };
    },
  },
});

function checkTransition(
  pipeline: Pipeline,
  input: { stageName?: string | undefined; transitionType?: string | undefined },
): void {
  const index = pipeline.declaration.stages.findIndex((s) => s.name === input.stageName);
  if (index < 0)
    throw fault("StageNotFoundException", `The pipeline ${pipeline.declaration.name} has no stage ${input.stageName}`);
  if (input.transitionType !== "Inbound")
    throw fault("ValidationException", `Starling knows transitions of type Inbound only, not ${input.transitionType}`);
}

/** The run that a token belongs to. */
async function runOfToken(
  ctx: Ctx,
  pipeline: string,
  input: { token?: string | undefined; stageName?: string | undefined; actionName?: string | undefined },
): Promise<[Execution, ActionRun]> {
  const progress = (await ctx.records.get<Progress>("progress", pipeline))?.value.stages ?? {};
  const active = await ctx.records.list<string>("active", { prefix: `${pipeline}/` });
  for (const id of new Set([progress[String(input.stageName)], ...active.map(({ value }) => value)])) {
    const execution = id
      ? (await ctx.records.get<Execution>("execution", executionKey(pipeline, id)))?.value
      : undefined;
    const run = execution?.runs.find(
      (one) => one.stage === input.stageName && one.action === input.actionName && one.token === input.token,
    );
    if (execution && run) return [execution, run];
  }
  throw fault(
    "InvalidApprovalTokenException",
    `The approval token ${input.token} is not that of an approval in ${input.stageName}/${input.actionName}`,
  );
}

/** The executions that wait before a stage. */
async function waitingBefore(ctx: Ctx, pipeline: Pipeline): Promise<Map<string, Execution>> {
  const { name } = pipeline.declaration;
  const candidates = [];
  for (const { value } of await ctx.records.list<string>("active", { prefix: `${name}/` })) {
    const execution = (await ctx.records.get<Execution>("execution", executionKey(name, value)))?.value;
    const definition = execution && (await declarationOf(ctx, name, execution.version));
    if (execution && definition) candidates.push({ execution, definition });
  }
  const steps = planSteps(candidates, new Set(Object.keys(pipeline.disabled)));
  return new Map(
    steps.flatMap(({ execution, advance: { waiting } }) => (waiting ? [[waiting.stage, execution] as const] : [])),
  );
}

async function stageState(
  ctx: Ctx,
  pipeline: Pipeline,
  stage: StageDefinition,
  executionId: string | undefined,
  inbound: Execution | undefined,
): Promise<CodePipeline.StageState> {
  const stageName = String(stage.name);
  const execution = executionId
    ? (await ctx.records.get<Execution>("execution", executionKey(pipeline.declaration.name, executionId)))?.value
    : undefined;
  const definition = execution && (await declarationOf(ctx, execution.pipeline, execution.version));
  const disabled = pipeline.disabled[stageName];
  const status = execution && definition ? advance(definition, execution.state, NEVER).stages[stageName] : undefined;
  return {
    stageName,
    ...(inbound ? { inboundExecution: { pipelineExecutionId: inbound.id, status: "InProgress" as const } } : {}),
    inboundTransitionState: disabled
      ? {
          enabled: false,
          lastChangedBy: disabled.by,
          lastChangedAt: new Date(disabled.at),
          disabledReason: disabled.reason,
        }
      : { enabled: true },
    actionStates: stage.actions.map((action) => actionState(String(action.name), stageName, execution)),
    ...(execution && status
      ? { latestExecution: { pipelineExecutionId: execution.id, status, type: typeOf(execution) } }
      : {}),
    ...conditionStates(stage, execution),
    ...retryMetadata(execution?.state.stages[stageName]),
  };
}

function actionState(actionName: string, stage: string, execution: Execution | undefined): CodePipeline.ActionState {
  const run = execution?.runs.findLast((one) => one.stage === stage && one.action === actionName && !one.condition);
  const revision = execution?.revisions.find((one) => one.action === actionName);
  if (!run) return { actionName };
  const current =
    run.jobRevision ?? (revision && { id: revision.id, changeId: revision.id, created: revision.changedAt });
  return {
    actionName,
    ...(current
      ? {
          currentRevision: {
            revisionId: current.id,
            revisionChangeId: current.changeId,
            created: new Date(current.created ?? run.updated),
          },
        }
      : {}),
    latestExecution: {
      actionExecutionId: run.id,
      status: run.status,
      lastStatusChange: new Date(run.updated),
      ...(run.summary ? { summary: run.summary } : {}),
      ...(run.token && run.status === "InProgress" ? { token: run.token } : {}),
      ...(run.by ? { lastUpdatedBy: run.by } : {}),
      ...(run.externalId ? { externalExecutionId: run.externalId } : {}),
      ...(run.percent === undefined ? {} : { percentComplete: run.percent }),
      ...(run.error ? { errorDetails: run.error } : {}),
    },
  };
}
