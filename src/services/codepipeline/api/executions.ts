import type * as CodePipeline from "@aws-sdk/client-codepipeline";
import { operations } from "../../../aws/service.ts";
import { notImplemented } from "../../../kernel/aws-error.ts";
import { declaredRun } from "../declared-run.ts";
import { callerOf } from "./pipelines.ts";
import {
  declarationOf,
  existingExecution,
  existingPipeline,
  executionKey,
  fault,
  onPipeline,
  TERMINAL,
  typeOf,
  type ActionRun,
  type Artifact,
  type Ctx,
  type Execution,
} from "../model.ts";
import { hasSucceededIn } from "../rollback.ts";
import { newExecution, stepSoon, type StartOptions } from "../start.ts";
import type { PipelineState } from "../state.ts";

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
          ...executionTypeOf(execution),
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
        (e) => !inStage || hasSucceededIn(e, inStage),
      );
      return { pipelineExecutionSummaries: found.map(summaryOf), ...(nextToken ? { nextToken } : {}) };
    },
  },
  ListActionExecutions: {
    permissions: onPipeline("ListActionExecutions"),
    async run(ctx, input) {
      const { found, nextToken } = await runsOf(ctx, input, (run) => run.condition === undefined);
      return {
        actionExecutionDetails: found.map((one) => actionDetail(ctx, one)),
        ...(nextToken ? { nextToken } : {}),
      };
    },
  },
  ListRuleExecutions: {
    permissions: onPipeline("ListRuleExecutions"),
    async run(ctx, input) {
      const { found, nextToken } = await runsOf(ctx, input, (run) => run.condition !== undefined);
      return { ruleExecutionDetails: found.map((one) => ruleDetail(ctx, one)), ...(nextToken ? { nextToken } : {}) };
    },
  },
});

interface FoundRun {
  readonly execution: Execution;
  readonly declaration: NonNullable<Awaited<ReturnType<typeof declarationOf>>>;
  readonly run: ActionRun;
}

/** A page of the runs that are wanted: of one execution, or of the newest ones. */
async function runsOf(
  ctx: Ctx,
  input: Pick<CodePipeline.ListRuleExecutionsInput, "filter" | "maxResults" | "nextToken"> & {
    pipelineName?: string | undefined;
  },
  isWanted: (run: ActionRun) => boolean,
): Promise<{ found: FoundRun[]; nextToken?: string }> {
  const pipeline = String(input.pipelineName);
  await existingPipeline(ctx, pipeline);
  const id = input.filter?.pipelineExecutionId ?? input.filter?.latestInPipelineExecution?.pipelineExecutionId;
  const limit = input.maxResults ?? PAGE;
  const start = Number(input.nextToken ?? 0) || 0;
  const wanted = id ? [await existingExecution(ctx, pipeline, id)] : (await newest(ctx, pipeline, PAGE)).found;
  const found: FoundRun[] = [];
  for (const execution of wanted) {
    const declaration = await declarationOf(ctx, pipeline, execution.version);
    if (!declaration) continue;
    const runs = execution.runs.toReversed().filter(isWanted);
    found.push(...runs.map((run) => ({ execution, declaration, run })));
  }
  return {
    found: found.slice(start, start + limit),
    ...(found.length > start + limit ? { nextToken: String(start + limit) } : {}),
  };
}

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

const executionTypeOf = (e: Execution) => ({
  executionType: typeOf(e),
  ...(e.rollbackTarget ? { rollbackMetadata: { rollbackTargetPipelineExecutionId: e.rollbackTarget } } : {}),
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
    ...executionTypeOf(e),
  }) as CodePipeline.PipelineExecutionSummary;

function actionDetail(ctx: Ctx, found: FoundRun): CodePipeline.ActionExecutionDetail {
  const { run } = found;
  const action = declaredRun(found.declaration, run);
  return {
    ...commonDetail(found),
    actionExecutionId: run.id,
    actionName: run.action,
    status: run.status,
    input: {
      ...commonInput(ctx, found),
      actionTypeId: action.actionTypeId as CodePipeline.ActionTypeId,
      ...(action.namespace ? { namespace: action.namespace } : {}),
    },
    output: {
      outputArtifacts: (run.outputs ?? []).map(shownArtifact),
      executionResult: resultOf(run),
      outputVariables: run.variables ?? {},
    },
  };
}

function ruleDetail(ctx: Ctx, found: FoundRun): CodePipeline.RuleExecutionDetail {
  const { run } = found;
  return {
    ...commonDetail(found),
    ruleExecutionId: run.id,
    ruleName: run.action,
    status: run.status,
    input: {
      ...commonInput(ctx, found),
      ruleTypeId: declaredRun(found.declaration, run).actionTypeId as CodePipeline.RuleTypeId,
    },
    output: { executionResult: resultOf(run) },
  };
}

const commonDetail = ({ execution, run }: FoundRun) => ({
  pipelineExecutionId: execution.id,
  pipelineVersion: execution.version,
  stageName: run.stage,
  startTime: new Date(run.started),
  lastUpdateTime: new Date(run.updated),
  ...(run.by ? { updatedBy: run.by } : {}),
});

function commonInput(ctx: Ctx, { execution, declaration, run }: FoundRun) {
  const action = declaredRun(declaration, run);
  return {
    configuration: action.configuration ?? {},
    resolvedConfiguration: run.configuration ?? {},
    region: action.region ?? ctx.region,
    inputArtifacts: (action.inputArtifacts ?? []).flatMap(({ name }) =>
      execution.artifacts[name] ? [shownArtifact(execution.artifacts[name])] : [],
    ),
    ...(action.roleArn ? { roleArn: action.roleArn } : {}),
  };
}

const shownArtifact = (a: Artifact) => ({ name: a.name, s3location: { bucket: a.bucket, key: a.key } });

function resultOf(run: ActionRun) {
  const summary = run.error?.message ?? run.summary;
  return {
    ...(run.externalId ? { externalExecutionId: run.externalId } : {}),
    ...(summary ? { externalExecutionSummary: summary } : {}),
    ...(run.error ? { errorDetails: run.error } : {}),
  };
}
