import type * as CodePipeline from "@aws-sdk/client-codepipeline";
import { operations } from "../../../aws/service.ts";
import { retryStage } from "../../../engines/pipeline/index.ts";
import { AwsError, notImplemented } from "../../../kernel/aws-error.ts";
import { executionEvent } from "../events.ts";
import { callerOf } from "./pipelines.ts";
import {
  declarationOf,
  existingExecution,
  existingPipeline,
  executionKey,
  fault,
  onPipeline,
  TERMINAL,
  type Ctx,
  type Execution,
  type Progress,
} from "../model.ts";
import { newExecution, orderOf, stepSoon, type StartOptions } from "../start.ts";
import type { PipelineState } from "../state.ts";
import { actionOf } from "../step.ts";

const PAGE = 100;
const SOURCE_REVISIONS = new Set(["COMMIT_ID", "S3_OBJECT_VERSION_ID", "S3_OBJECT_KEY"]);

export const executions = operations<typeof CodePipeline, PipelineState>()({
  StartPipelineExecution: {
    permissions: onPipeline("StartPipelineExecution"),
    async run(ctx, input) {
      const pipeline = await existingPipeline(ctx, input.name);
      const token = input.clientRequestToken && `${input.name}:${input.clientRequestToken}`;
      const earlier = token ? await ctx.records.get<string>("token", token) : undefined;
      if (earlier) return { pipelineExecutionId: earlier.value };
      for (const { revisionType } of input.sourceRevisions ?? [])
        if (!SOURCE_REVISIONS.has(String(revisionType)))
          throw notImplemented(`source revisions of type ${revisionType}`);
      // CloudWatch Events, as it was called, is what starts a pipeline with the id of an event as token.
      const { principal } = ctx;
      const isEvent = principal.kind === "role" && principal.service === "events.amazonaws.com";
      const options: StartOptions = {
        trigger: { type: isEvent ? "CloudWatchEvent" : "StartPipelineExecution", detail: callerOf(ctx) },
        variables: input.variables ?? [],
        sourceRevisions: (input.sourceRevisions ?? []).map((r) => ({
          actionName: String(r.actionName),
          revisionType: String(r.revisionType),
          revisionValue: String(r.revisionValue),
        })),
      };
      const { id, statements } = await newExecution(ctx, pipeline, options);
      if (!token) await ctx.records.write(statements);
      else if (!(await ctx.records.create("token", token, id, ...statements)))
        return { pipelineExecutionId: (await ctx.records.get<string>("token", token))?.value };
      return { pipelineExecutionId: id };
    },
  },
  StopPipelineExecution: {
    permissions: onPipeline("StopPipelineExecution"),
    async run(ctx, input) {
      const execution = await existingExecution(ctx, String(input.pipelineName), String(input.pipelineExecutionId));
      if (TERMINAL.has(execution.status))
        throw fault(
          "PipelineExecutionNotStoppableException",
          `The pipeline execution ${execution.id} has ended: it is ${execution.status}`,
        );
      if (execution.state.stop?.abandon || (execution.state.stop && !input.abandon))
        throw fault(
          "DuplicatedStopRequestException",
          `The pipeline execution ${execution.id} is being stopped already`,
        );
      const change = (e: Execution): Execution => ({
        ...e,
        state: { ...e.state, stop: { abandon: input.abandon ?? false } },
        ...(input.reason ? { stopReason: input.reason } : {}),
      });
      await ctx.records.update<Execution>(
        "execution",
        executionKey(execution.pipeline, execution.id),
        change,
        ...stepSoon(ctx, execution.pipeline),
      );
      return { pipelineExecutionId: execution.id };
    },
  },
  RetryStageExecution: {
    permissions: onPipeline("RetryStageExecution", (input) => [input.stageName]),
    run: async (ctx, input) => ({
      pipelineExecutionId: await retry(
        ctx,
        String(input.pipelineName),
        String(input.pipelineExecutionId),
        String(input.stageName),
        input.retryMode === "ALL_ACTIONS" ? "ALL_ACTIONS" : "FAILED_ACTIONS",
      ),
    }),
  },
  GetPipelineExecution: {
    permissions: onPipeline("GetPipelineExecution"),
    async run(ctx, input) {
      const execution = await existingExecution(ctx, String(input.pipelineName), String(input.pipelineExecutionId));
      const declaration = await declarationOf(ctx, execution.pipeline, execution.version);
      return {
        pipelineExecution: {
          pipelineName: execution.pipeline,
          pipelineVersion: execution.version,
          pipelineExecutionId: execution.id,
          status: execution.status,
          ...(execution.summary ? { statusSummary: execution.summary } : {}),
          artifactRevisions: execution.revisions.map((r) => ({
            name: r.artifact,
            revisionId: r.id,
            revisionSummary: r.summary,
            ...(r.changedAt ? { created: new Date(r.changedAt) } : {}),
          })),
          trigger: triggerOf(execution),
          executionMode: declaration?.executionMode as CodePipeline.ExecutionMode,
          executionType: "STANDARD",
          variables: Object.entries(execution.variables).map(([name, resolvedValue]) => ({ name, resolvedValue })),
        } as CodePipeline.PipelineExecution,
      };
    },
  },
  ListPipelineExecutions: {
    permissions: onPipeline("ListPipelineExecutions"),
    async run(ctx, input) {
      await existingPipeline(ctx, input.pipelineName);
      const limit = input.maxResults ?? PAGE;
      const inStage = input.filter?.succeededInStage?.stageName;
      const { found, nextToken } = await newest(
        ctx,
        String(input.pipelineName),
        limit,
        input.nextToken,
        (e) => !inStage || (e.state.stages[inStage] !== undefined && succeededIn(e, inStage)),
      );
      return { pipelineExecutionSummaries: found.map(summaryOf), ...(nextToken ? { nextToken } : {}) };
    },
  },
  ListActionExecutions: {
    permissions: onPipeline("ListActionExecutions"),
    async run(ctx, input) {
      const pipeline = String(input.pipelineName);
      await existingPipeline(ctx, pipeline);
      const id = input.filter?.pipelineExecutionId ?? input.filter?.latestInPipelineExecution?.pipelineExecutionId;
      const limit = input.maxResults ?? PAGE;
      const start = Number(input.nextToken ?? 0) || 0;
      const wanted = id ? [await existingExecution(ctx, pipeline, id)] : (await newest(ctx, pipeline, PAGE)).found;
      const details: CodePipeline.ActionExecutionDetail[] = [];
      for (const execution of wanted) {
        const declaration = await declarationOf(ctx, pipeline, execution.version);
        if (declaration)
          details.push(...execution.runs.toReversed().map((run) => detailOf(ctx, execution, declaration, run)));
      }
      return {
        actionExecutionDetails: details.slice(start, start + limit),
        ...(details.length > start + limit ? { nextToken: String(start + limit) } : {}),
      };
    },
  },
});

const succeededIn = (e: Execution, stage: string): boolean =>
  Object.values(e.state.stages[stage]!.actions).every((status) => status === "Succeeded");

/** Executions of a pipeline, newest first. */
async function newest(
  ctx: Ctx,
  pipeline: string,
  limit: number,
  after?: string,
  isWanted: (e: Execution) => boolean = () => true,
): Promise<{ found: Execution[]; nextToken?: string }> {
  const orders = await ctx.records.list<string>("order", {
    prefix: `${pipeline}/`,
    limit: limit + 1,
    reverse: true,
    ...(after ? { after } : {}),
  });
  const stored = await Promise.all(
    orders.slice(0, limit).map(({ value }) => ctx.records.get<Execution>("execution", executionKey(pipeline, value))),
  );
  const found = stored.flatMap((one) => (one && isWanted(one.value) ? [one.value] : []));
  return { found, ...(orders.length > limit ? { nextToken: orders[limit - 1]!.id } : {}) };
}

const triggerOf = ({ trigger }: Execution) => ({
  triggerType: trigger.type as CodePipeline.TriggerType,
  triggerDetail: trigger.detail,
});

const summaryOf = (e: Execution): CodePipeline.PipelineExecutionSummary =>
  ({
    pipelineExecutionId: e.id,
    status: e.status,
    ...(e.summary ? { statusSummary: e.summary } : {}),
    startTime: new Date(e.started),
    lastUpdateTime: new Date(e.updated),
    sourceRevisions: e.revisions.map((r) => ({
      actionName: r.action,
      revisionId: r.id,
      revisionSummary: r.summary,
      ...(r.url ? { revisionUrl: r.url } : {}),
    })),
    trigger: triggerOf(e),
    ...(e.stopReason ? { stopTrigger: { reason: e.stopReason } } : {}),
    executionType: "STANDARD",
  }) as CodePipeline.PipelineExecutionSummary;

function detailOf(
  ctx: Ctx,
  execution: Execution,
  declaration: NonNullable<Awaited<ReturnType<typeof declarationOf>>>,
  run: Execution["runs"][number],
): CodePipeline.ActionExecutionDetail {
  const action = actionOf(declaration, run.stage, run.action);
  const shown = (a: { name: string; bucket: string; key: string }) => ({
    name: a.name,
    s3location: { bucket: a.bucket, key: a.key },
  });
  const inputs = (action.inputArtifacts ?? []).flatMap(({ name }) =>
    execution.artifacts[name] ? [shown(execution.artifacts[name])] : [],
  );
  return {
    pipelineExecutionId: execution.id,
    actionExecutionId: run.id,
    pipelineVersion: execution.version,
    stageName: run.stage,
    actionName: run.action,
    startTime: new Date(run.started),
    lastUpdateTime: new Date(run.updated),
    ...(run.by ? { updatedBy: run.by } : {}),
    status: run.status,
    input: {
      actionTypeId: action.actionTypeId as CodePipeline.ActionTypeId,
      configuration: action.configuration ?? {},
      resolvedConfiguration: run.configuration ?? {},
      region: action.region ?? ctx.region,
      inputArtifacts: inputs,
      ...(action.namespace ? { namespace: action.namespace } : {}),
      ...(action.roleArn ? { roleArn: action.roleArn } : {}),
    },
    output: {
      outputArtifacts: (run.outputs ?? []).map(shown),
      executionResult: {
        ...(run.externalId ? { externalExecutionId: run.externalId } : {}),
        ...(run.error
          ? { externalExecutionSummary: run.error.message, errorDetails: run.error }
          : run.summary
            ? { externalExecutionSummary: run.summary }
            : {}),
      },
      outputVariables: run.variables ?? {},
    },
  };
}

async function retry(
  ctx: Ctx,
  pipeline: string,
  id: string,
  stage: string,
  mode: "FAILED_ACTIONS" | "ALL_ACTIONS",
): Promise<string> {
  const execution = await existingExecution(ctx, pipeline, id);
  const current = await existingPipeline(ctx, pipeline);
  if (!current.declaration.stages.some((s) => s.name === stage))
    throw fault("StageNotFoundException", `The pipeline ${pipeline} has no stage ${stage}`);
  const latest = (await ctx.records.get<Progress>("progress", pipeline))?.value.stages[stage];
  if (latest !== id)
    throw fault(
      "NotLatestPipelineExecutionException",
      `The execution ${id} is not the latest one in stage ${stage}: that is ${latest ?? "none"}`,
    );
  const declaration = await declarationOf(ctx, pipeline, execution.version);
  let isRetried = false;
  const change = (e: Execution): Execution | undefined => {
    const state = TERMINAL.has(e.status) && declaration ? retryStage(declaration, e.state, stage, mode) : undefined;
    isRetried = state !== undefined;
    if (!state) return undefined;
    const { summary: _s, stopReason: _r, ...rest } = e;
    return { ...rest, state, status: "InProgress", updated: ctx.now() };
  };
  const active = ctx.records.put("active", `${pipeline}/${orderOf(execution.started, id)}`, id);
  await ctx.records.update<Execution>(
    "execution",
    executionKey(pipeline, id),
    change,
    active,
    ...executionEvent(ctx, execution, "Resumed"),
    ...stepSoon(ctx, pipeline),
  );
  if (!isRetried)
    throw new AwsError(
      "StageNotRetryableException",
      `The stage ${stage} of execution ${id} cannot be retried: it has not failed, or something in it still runs`,
      400,
    );
  return id;
}
