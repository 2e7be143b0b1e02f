import type { Statement } from "../../ports/database.ts";
import type { ActionContext } from "./action-run.ts";
import type { ActionRun, Artifact, Ctx } from "./model.ts";
import type { RunRef } from "./act.ts";

/** Work that somebody else does: a Lambda function, or a worker of a custom action. */
export interface Job {
  readonly id: string;
  readonly where: RunRef;
  readonly stage: string;
  readonly action: string;
  /** `category:provider:version` of a custom action; a Lambda job is polled by nobody. */
  readonly type?: string;
  readonly status: "Queued" | "Dispatched" | "InProgress" | "Ended";
  readonly nonce: string;
  readonly created: number;
  readonly configuration: Readonly<Record<string, string>>;
  readonly inputs: readonly Artifact[];
  readonly outputs: readonly Artifact[];
  readonly roleArn: string;
  readonly continuationToken?: string;
}

/** A job that waits for a worker is found by its type. */
export const queuedKey = (job: Job): string => `${job.type}/${job.id}`;
export const queued = (ctx: Ctx, job: Job): Statement => ctx.records.put("queued-job", queuedKey(job), job.id);

const CREDENTIAL_SECONDS = 3600;

/** The job of a run: made once, found again by a second try. */
export async function jobOf(action: ActionContext, type?: string): Promise<Job> {
  const { ctx, run, execution, configuration, inputs, outputs, roleArn } = action;
  if (run.jobId) {
    const stored = await ctx.records.get<Job>("job", run.jobId);
    if (stored) return stored.value;
  }
  const job: Job = {
    id: ctx.platform.ids.uuid(),
    where: { pipeline: execution.pipeline, execution: execution.id, run: run.id },
    stage: run.stage,
    action: run.action,
    ...(type ? { type } : {}),
    status: type ? "Queued" : "InProgress",
    nonce: ctx.platform.ids.text(8, "0123456789"),
    created: ctx.now(),
    configuration,
    inputs,
    outputs,
    roleArn,
  };
  await ctx.records.create("job", job.id, job, ...(type ? [queued(ctx, job)] : []));
  await action.save({ jobId: job.id } satisfies Partial<ActionRun>);
  return job;
}

/** What the worker of a job gets, with credentials for its artifacts and nothing else. */
export async function jobData(ctx: Ctx, job: Job) {
  const role = await ctx.platform.identity.role(job.roleArn);
  const resources = [...job.inputs, ...job.outputs].map(({ bucket, key }) => `arn:aws:s3:::${bucket}/${key}`);
  const statement = resources.length
    ? { Effect: "Allow", Action: ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"], Resource: resources }
    : { Effect: "Deny", Action: "*", Resource: "*" };
  const { accessKeyId, secretAccessKey, sessionToken } = ctx.platform.identity.issueForRole(role, {
    sessionName: `job-${job.id}`,
    durationSeconds: CREDENTIAL_SECONDS,
    service: "codepipeline.amazonaws.com",
    sessionPolicies: [JSON.stringify({ Version: "2012-10-17", Statement: [statement] })],
  });
  const artifact = ({ name, bucket, key }: Artifact) => ({
    name,
    location: { type: "S3" as const, s3Location: { bucketName: bucket, objectKey: key } },
  });
  return {
    actionConfiguration: { configuration: { ...job.configuration } },
    inputArtifacts: job.inputs.map(artifact),
    outputArtifacts: job.outputs.map(artifact),
    artifactCredentials: { accessKeyId, secretAccessKey, sessionToken },
    ...(job.continuationToken ? { continuationToken: job.continuationToken } : {}),
  };
}
