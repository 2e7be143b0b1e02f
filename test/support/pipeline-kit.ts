import assert from "node:assert/strict";
import {
  CodePipeline,
  type ActionDeclaration,
  type PipelineDeclaration,
  type PipelineExecutionSummary,
  type StageState,
} from "@aws-sdk/client-codepipeline";
import { IAM } from "@aws-sdk/client-iam";
import { S3 } from "@aws-sdk/client-s3";
import { until } from "./build-kit.ts";
import { startTestApp, type TestApp } from "./test-app.ts";
import { zip } from "./zip.ts";

const LIMIT_MS = 10_000;

/** Looks until `look` answers something; a deadline ends a wait that has no end. */
export async function soon<T>(look: () => Promise<T | undefined>, what: string): Promise<T> {
  const deadline = Date.now() + LIMIT_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    assert.ok(Date.now() < deadline, `waited too long for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** An action of the type `category/provider`, or `category/provider/owner`. */
export function action(name: string, type: string, more: Partial<ActionDeclaration> = {}): ActionDeclaration {
  const [category, provider, owner = "AWS"] = type.split("/");
  const actionTypeId = { category: category as "Source", owner: owner as "AWS", provider: provider!, version: "1" };
  return { name, actionTypeId, ...more };
}

/** The end of a release; the newest one where no id is given. */
export const released = (
  pipelines: CodePipeline,
  pipelineName: string,
  id?: string,
): Promise<PipelineExecutionSummary> =>
  until(async () => {
    const { pipelineExecutionSummaries: all = [] } = await pipelines.listPipelineExecutions({ pipelineName });
    const one = id ? all.find((e) => e.pipelineExecutionId === id) : all[0];
    return one && one.status !== "InProgress" ? one : undefined;
  }, `the release of ${pipelineName}`);

/** A source that is there. */
export const source = action("Src", "Source/S3", {
  configuration: { S3Bucket: "src", S3ObjectKey: "a.zip", PollForSourceChanges: "false" },
  outputArtifacts: [{ name: "S" }],
  namespace: "Source",
});
export const approve = (name: string, more: Partial<ActionDeclaration> = {}): ActionDeclaration =>
  action(name, "Approval/Manual", more);

type Stages = PipelineDeclaration["stages"];

/** A platform without sandboxes, and what tests of pipelines share. */
export interface PipelineKit {
  readonly app: TestApp;
  readonly pipelines: CodePipeline;
  readonly s3: S3;
  declare(stages: Stages, more?: Partial<PipelineDeclaration>): PipelineDeclaration;
  /** Creates a pipeline and answers its name. */
  create(stages: Stages, more?: Partial<PipelineDeclaration>): Promise<string>;
  states(name: string): Promise<StageState[]>;
  /** Executions, the newest first. */
  newest(name: string): Promise<PipelineExecutionSummary[]>;
  /** The newest execution, when it has ended. */
  ended(name: string): Promise<PipelineExecutionSummary>;
  /** The token of an approval that waits. */
  approvalIn(name: string, stage: string, actionName: string): Promise<string>;
  decide(
    name: string,
    stage: string,
    actionName: string,
    token: string,
    status?: "Approved" | "Rejected",
  ): Promise<unknown>;
}

export async function openPipelineKit(): Promise<PipelineKit> {
  const app = await startTestApp();
  const pipelines = new CodePipeline(app.client);
  const s3 = new S3({ ...app.client, forcePathStyle: true });
  const roleArn = await createRole(app);
  await createBuckets(s3);
  let n = 0;
  const declare: PipelineKit["declare"] = (stages, more = {}) => {
    const artifactStore = { type: "S3" as const, location: "store" };
    return { name: `p${++n}`, roleArn, artifactStore, stages, ...more };
  };
  const states: PipelineKit["states"] = async (name) => (await pipelines.getPipelineState({ name })).stageStates ?? [];
  const newest: PipelineKit["newest"] = async (pipelineName) =>
    (await pipelines.listPipelineExecutions({ pipelineName })).pipelineExecutionSummaries ?? [];
  return {
    app,
    pipelines,
    s3,
    declare,
    states,
    newest,
    async create(stages, more) {
      const pipeline = declare(stages, more);
      await pipelines.createPipeline({ pipeline });
      return pipeline.name!;
    },
    ended: (name) =>
      soon(async () => {
        const [execution] = await newest(name);
        return execution?.status === "InProgress" ? undefined : execution;
      }, `the end of ${name}`),
    approvalIn: (name, stage, actionName) =>
      soon(async () => {
        const { actionStates } = (await states(name)).find((s) => s.stageName === stage) ?? {};
        const found = actionStates?.find((a) => a.actionName === actionName)?.latestExecution;
        return found?.status === "InProgress" ? found.token : undefined;
      }, `the approval ${stage}/${actionName}`),
    decide: (pipelineName, stageName, actionName, token, status = "Approved") =>
      pipelines.putApprovalResult({
        pipelineName,
        stageName,
        actionName,
        token,
        result: { status, summary: "looked" },
      }),
  };
}

async function createRole(app: TestApp): Promise<string> {
  const iam = new IAM(app.client);
  const trust = {
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Principal: { Service: "codepipeline.amazonaws.com" }, Action: "sts:AssumeRole" }],
  };
  const { Role } = await iam.createRole({ RoleName: "pipeline", AssumeRolePolicyDocument: JSON.stringify(trust) });
  const policy = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "s3:*", Resource: "*" }] };
  await iam.putRolePolicy({ RoleName: "pipeline", PolicyName: "s3", PolicyDocument: JSON.stringify(policy) });
  return Role!.Arn!;
}

async function createBuckets(s3: S3): Promise<void> {
  for (const Bucket of ["src", "store"]) await s3.createBucket({ Bucket });
  await s3.putBucketVersioning({ Bucket: "src", VersioningConfiguration: { Status: "Enabled" } });
  const Body = await zip({ "index.html": "<p>hello", "sub/a.css": "a{}" });
  await s3.putObject({ Bucket: "src", Key: "a.zip", Body });
}
