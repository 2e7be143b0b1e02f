import type * as CodePipeline from "@aws-sdk/client-codepipeline";
import { declaredRun } from "../declared-run.ts";
import { operations } from "../../../aws/service.ts";
import { invoke } from "../actions/lambda.ts";
import { typeKey } from "../custom-types.ts";
import { changeRun, finishAction } from "../finish.ts";
import { jobData, queued, type Job } from "../jobs.ts";
import { declarationOf, executionKey, fault, onAll, type Ctx, type Execution, type JobRevision } from "../model.ts";
import type { PipelineState } from "../state.ts";

export const JOB_CONTINUATIONS = "codepipeline-job-continuations";

const CONTINUE_AFTER_MS = 15_000;
const MAX_VARIABLES_BYTES = 100 * 1024;
const MAX_POLLED = 100;
const MAX_LOOKED_AT = 1_000;

async function existingJob(ctx: Ctx, id: string | undefined): Promise<Job> {
  const stored = await ctx.records.get<Job>("job", String(id));
  if (!stored) throw fault("JobNotFoundException", `Job with ID '${id}' could not be found`);
  return stored.value;
}

async function details(ctx: Ctx, job: Job): Promise<CodePipeline.JobData> {
  const execution = (
    await ctx.records.get<Execution>("execution", executionKey(job.where.pipeline, job.where.execution))
  )?.value;
  const declaration = execution && (await declarationOf(ctx, job.where.pipeline, execution.version));
  const run = execution?.runs.find((one) => one.id === job.where.run);
  const type = declaration && run && declaredRun(declaration, run).actionTypeId;
  return {
    ...(await jobData(ctx, job)),
    ...(type ? { actionTypeId: type as CodePipeline.ActionTypeId } : {}),
    pipelineContext: {
      pipelineName: job.where.pipeline,
      stage: { name: job.stage },
      action: { name: job.action, actionExecutionId: job.where.run },
      pipelineExecutionId: job.where.execution,
    },
  };
}

/** Ends a job; one that has ended already takes no second result. */
async function end(ctx: Ctx, job: Job): Promise<void> {
  let isOurs = false;
  await ctx.records.update<Job>("job", job.id, (j) => {
    isOurs = j.status !== "Ended";
    return isOurs ? { ...j, status: "Ended" } : undefined;
  });
  if (!isOurs)
    throw fault("InvalidJobStateException", `Job ${job.id} is in a state that takes no result: it has ended`);
}

export const jobs = operations<typeof CodePipeline, PipelineState>()({
  PollForJobs: {
    permissions: (input, ctx) => [
      {
        action: "codepipeline:PollForJobs",
        resource: `arn:aws:codepipeline:${ctx.region}:${ctx.account}:actiontype:${input.actionTypeId?.owner}/${input.actionTypeId?.category}/${input.actionTypeId?.provider}/${input.actionTypeId?.version}`,
      },
    ],
    async run(ctx, input) {
      const type = typeKey(input.actionTypeId ?? {});
      if (input.actionTypeId?.owner !== "Custom" || !(await ctx.records.get("action-type", type)))
        throw fault(
          "ActionTypeNotFoundException",
          `The action type ${type} is not a custom action type of this account`,
        );
      const wanted = Object.entries(input.queryParam ?? {});
      const taken: Job[] = [];
      for (const { id: key, value: id } of await ctx.records.list<string>("queued-job", {
        prefix: `${type}/`,
        limit: MAX_LOOKED_AT,
      })) {
        if (taken.length >= Math.min(input.maxBatchSize ?? 1, MAX_POLLED)) break;
        let isOurs = false;
        const nonce = ctx.platform.ids.text(8, "0123456789");
        const take = (j: Job): Job | undefined => {
          isOurs = j.status === "Queued" && wanted.every(([name, value]) => j.configuration[name] === value);
          return isOurs ? { ...j, status: "Dispatched", nonce } : undefined;
        };
        const job = await ctx.records.update<Job>("job", id, take, ctx.records.remove("queued-job", key));
        if (job && isOurs) taken.push(job);
      }
      return {
        jobs: await Promise.all(
          taken.map(async (job) => ({
            id: job.id,
            nonce: job.nonce,
            accountId: ctx.account,
            data: await details(ctx, job),
          })),
        ),
      };
    },
  },
  AcknowledgeJob: {
    permissions: onAll("AcknowledgeJob"),
    async run(ctx, input) {
      const job = await existingJob(ctx, input.jobId);
      if (job.nonce !== input.nonce) throw fault("InvalidNonceException", "The nonce is not that of the job");
      const after = await ctx.records.update<Job>("job", job.id, (j) =>
        j.status === "Dispatched" ? { ...j, status: "InProgress" } : undefined,
      );
      return { status: after?.status === "Ended" ? "Succeeded" : "InProgress" };
    },
  },
  GetJobDetails: {
    permissions: onAll("GetJobDetails"),
    async run(ctx, input) {
      const job = await existingJob(ctx, input.jobId);
      return { jobDetails: { id: job.id, accountId: ctx.account, data: await details(ctx, job) } };
    },
  },
  PutJobSuccessResult: {
    permissions: onAll("PutJobSuccessResult"),
    async run(ctx, input) {
      const job = await existingJob(ctx, input.jobId);
      const { executionDetails, continuationToken, outputVariables = {} } = input;
      if (Buffer.byteLength(JSON.stringify(outputVariables)) > MAX_VARIABLES_BYTES)
        throw fault(
          "OutputVariablesSizeExceededException",
          `The output variables have more than ${MAX_VARIABLES_BYTES} bytes`,
        );
      const externalId = executionDetails?.externalExecutionId;
      const summary = executionDetails?.summary;
      if (continuationToken)
        return await goOn(ctx, job, { continuationToken, summary, percent: executionDetails?.percentComplete });
      await end(ctx, job);
      const { revision, changeIdentifier, created, revisionSummary } = input.currentRevision ?? {};
      const changedAt = created === undefined ? {} : { changedAt: created.getTime() };
      await finishAction(ctx, job.where, {
        status: "Succeeded",
        ...(revision === undefined ? {} : { jobRevision: jobRevision(revision, changeIdentifier, created) }),
        ...(revision !== undefined && job.type?.startsWith("Source:")
          ? { revision: { id: revision, ...changedAt, ...(revisionSummary ? { summary: revisionSummary } : {}) } }
          : {}),
        variables: outputVariables,
        outputs: job.outputs,
        ...(externalId ? { externalId } : {}),
        ...(summary ? { summary } : {}),
      });
      return {};
    },
  },
  PutJobFailureResult: {
    permissions: onAll("PutJobFailureResult"),
    async run(ctx, input) {
      const job = await existingJob(ctx, input.jobId);
      await end(ctx, job);
      const { type, message, externalExecutionId } = input.failureDetails ?? {};
      await finishAction(ctx, job.where, {
        status: "Failed",
        error: { code: String(type ?? "JobFailed"), message: String(message ?? "") },
        ...(externalExecutionId ? { externalId: externalExecutionId } : {}),
      });
      return {};
    },
  },
});

const jobRevision = (id: string, changeId: string | undefined, created: Date | undefined): JobRevision => ({
  id,
  changeId: changeId ?? id,
  ...(created === undefined ? {} : { created: created.getTime() }),
});

/** A job that is not at its end: its function is called again, its worker polls it again. */
async function goOn(
  ctx: Ctx,
  job: Job,
  more: { continuationToken: string; summary?: string | undefined; percent?: number | undefined },
): Promise<object> {
  const again = job.type
    ? [queued(ctx, job)]
    : ctx.enqueue(JOB_CONTINUATIONS, { id: job.id, token: more.continuationToken }, { delayMs: CONTINUE_AFTER_MS });
  await ctx.records.update<Job>(
    "job",
    job.id,
    (j) =>
      j.status === "Ended"
        ? undefined
        : { ...j, continuationToken: more.continuationToken, ...(j.type ? { status: "Queued" as const } : {}) },
    ...again,
  );
  await changeRun(ctx, job.where, {
    ...(more.summary ? { summary: more.summary } : {}),
    ...(more.percent === undefined ? {} : { percent: more.percent }),
  });
  return {};
}

/** Calls the function of a job again. */
export async function continueJob(ctx: Ctx, body: unknown): Promise<void> {
  const { id, token } = body as { id: string; token: string };
  const job = (await ctx.records.get<Job>("job", id))?.value;
  if (!job || job.status === "Ended" || job.continuationToken !== token) return;
  await invoke(ctx, await ctx.asRole(job.roleArn, job.where.pipeline.slice(0, 64)), job);
}
