import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  CodePipeline,
  type ActionDeclaration,
  type PipelineDeclaration,
  type StageState,
} from "@aws-sdk/client-codepipeline";
import { CloudWatchLogs } from "@aws-sdk/client-cloudwatch-logs";
import { EventBridge } from "@aws-sdk/client-eventbridge";
import { IAM } from "@aws-sdk/client-iam";
import { S3 } from "@aws-sdk/client-s3";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";
import { createContext } from "../../aws/context.ts";
import { zip } from "../../../test/support/zip.ts";
import { poller } from "./poll.ts";

const LIMIT_MS = 10_000;

async function until<T>(look: () => Promise<T | undefined>, what: string): Promise<T> {
  const deadline = Date.now() + LIMIT_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    assert.ok(Date.now() < deadline, `waited too long for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const action = (name: string, type: string, more: Partial<ActionDeclaration> = {}): ActionDeclaration => {
  const [category, provider, owner = "AWS"] = type.split("/");
  return {
    name,
    actionTypeId: { category: category as "Source", owner: owner as "AWS", provider: provider!, version: "1" },
    ...more,
  };
};
const source = action("Src", "Source/S3", {
  configuration: { S3Bucket: "src", S3ObjectKey: "a.zip", PollForSourceChanges: "false" },
  outputArtifacts: [{ name: "S" }],
  namespace: "Source",
});
const approve = (name: string, more: Partial<ActionDeclaration> = {}): ActionDeclaration =>
  action(name, "Approval/Manual", more);

describe("CodePipeline", () => {
  let app: TestApp;
  let pipelines: CodePipeline;
  let s3: S3;
  let roleArn: string;
  let n = 0;

  before(async () => {
    app = await startTestApp();
    pipelines = new CodePipeline(app.client);
    s3 = new S3({ ...app.client, forcePathStyle: true });
    const iam = new IAM(app.client);
    const trust = {
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Principal: { Service: "codepipeline.amazonaws.com" }, Action: "sts:AssumeRole" }],
    };
    const { Role } = await iam.createRole({ RoleName: "pipeline", AssumeRolePolicyDocument: JSON.stringify(trust) });
    const policy = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "s3:*", Resource: "*" }] };
    await iam.putRolePolicy({ RoleName: "pipeline", PolicyName: "s3", PolicyDocument: JSON.stringify(policy) });
    roleArn = Role!.Arn!;
    for (const Bucket of ["src", "store"]) await s3.createBucket({ Bucket });
    await s3.putBucketVersioning({ Bucket: "src", VersioningConfiguration: { Status: "Enabled" } });
    await s3.putObject({
      Bucket: "src",
      Key: "a.zip",
      Body: await zip({ "index.html": "<p>hello", "sub/a.css": "a{}" }),
    });
  });
  after(() => app.stop());

  const declare = (
    stages: PipelineDeclaration["stages"],
    more: Partial<PipelineDeclaration> = {},
  ): PipelineDeclaration => ({
    name: `p${++n}`,
    roleArn,
    artifactStore: { type: "S3", location: "store" },
    stages,
    ...more,
  });

  async function create(
    stages: PipelineDeclaration["stages"],
    more: Partial<PipelineDeclaration> = {},
  ): Promise<string> {
    const pipeline = declare(stages, more);
    await pipelines.createPipeline({ pipeline });
    return pipeline.name!;
  }

  const states = async (name: string): Promise<StageState[]> =>
    (await pipelines.getPipelineState({ name })).stageStates ?? [];
  const newest = async (pipelineName: string) =>
    (await pipelines.listPipelineExecutions({ pipelineName })).pipelineExecutionSummaries ?? [];
  const ended = (name: string) =>
    until(
      async () => ((await newest(name))[0]?.status === "InProgress" ? undefined : (await newest(name))[0]),
      `the end of ${name}`,
    );
  const approvalIn = (name: string, stage: string, actionName: string) =>
    until(async () => {
      const found = (await states(name))
        .find((s) => s.stageName === stage)
        ?.actionStates?.find((a) => a.actionName === actionName)?.latestExecution;
      return found?.status === "InProgress" ? found.token : undefined;
    }, `the approval ${stage}/${actionName}`);
  const decide = (
    pipelineName: string,
    stageName: string,
    actionName: string,
    token: string,
    status: "Approved" | "Rejected" = "Approved",
  ) =>
    pipelines.putApprovalResult({ pipelineName, stageName, actionName, token, result: { status, summary: "looked" } });

  test("a release: source, approval, deployment; variables, artifacts and history", async () => {
    await s3.createBucket({ Bucket: "site" });
    const name = await create([
      { name: "Source", actions: [source] },
      {
        name: "Check",
        actions: [
          approve("Look", {
            configuration: { CustomData: "version #{Source.VersionId} of #{codepipeline.PipelineExecutionId}" },
          }),
        ],
      },
      {
        name: "Deploy",
        actions: [
          action("Site", "Deploy/S3", {
            configuration: { BucketName: "site", Extract: "true", ObjectKey: "www" },
            inputArtifacts: [{ name: "S" }],
          }),
        ],
      },
    ]);
    const token = await approvalIn(name, "Check", "Look");
    await assert.rejects(decide(name, "Check", "Look", "00000000-0000-4000-8000-000000000000"), {
      name: "InvalidApprovalTokenException",
    });
    const [running] = await newest(name);
    const version = running!.sourceRevisions![0]!.revisionId;
    const look = (await states(name))[1]!.actionStates![0]!.latestExecution!;
    assert.equal(look.summary, `version ${version} of ${running!.pipelineExecutionId}`);
    await decide(name, "Check", "Look", token);
    assert.equal((await ended(name))!.status, "Succeeded");
    await assert.rejects(decide(name, "Check", "Look", token), { name: "ApprovalAlreadyCompletedException" });
    const { Contents } = await s3.listObjectsV2({ Bucket: "site" });
    assert.deepEqual(
      Contents?.map((o) => o.Key),
      ["www/index.html", "www/sub/a.css"],
    );
    assert.equal((await s3.headObject({ Bucket: "site", Key: "www/index.html" })).ContentType, "text/html");
    const { actionExecutionDetails } = await pipelines.listActionExecutions({ pipelineName: name });
    assert.deepEqual(
      actionExecutionDetails?.map((d) => `${d.stageName}/${d.actionName} ${d.status}`),
      ["Deploy/Site Succeeded", "Check/Look Succeeded", "Source/Src Succeeded"],
    );
    assert.match(
      actionExecutionDetails!.at(-1)!.output!.outputArtifacts![0]!.s3location!.key!,
      new RegExp(`^${name}/S/\\w+$`),
    );
    const { pipelineExecution } = await pipelines.getPipelineExecution({
      pipelineName: name,
      pipelineExecutionId: running!.pipelineExecutionId!,
    });
    assert.deepEqual(
      [pipelineExecution?.trigger?.triggerType, pipelineExecution?.artifactRevisions?.[0]?.revisionId],
      ["CreatePipeline", version],
    );
  });

  test("a rejection fails the release with its reason, and the stage can be retried", async () => {
    const name = await create([
      { name: "Source", actions: [source] },
      { name: "Check", actions: [approve("One"), approve("Two")] },
    ]);
    await decide(name, "Check", "One", await approvalIn(name, "Check", "One"));
    await decide(name, "Check", "Two", await approvalIn(name, "Check", "Two"), "Rejected");
    const failed = await ended(name);
    assert.equal(failed!.status, "Failed");
    assert.match(failed!.statusSummary!, /^Check\/Two: Rejected by arn:aws:iam::\d+:user\/\w+: looked$/);
    await assert.rejects(
      pipelines.retryStageExecution({
        pipelineName: name,
        stageName: "Nope",
        pipelineExecutionId: failed!.pipelineExecutionId!,
        retryMode: "FAILED_ACTIONS",
      }),
      { name: "StageNotFoundException" },
    );
    await pipelines.retryStageExecution({
      pipelineName: name,
      stageName: "Check",
      pipelineExecutionId: failed!.pipelineExecutionId!,
      retryMode: "FAILED_ACTIONS",
    });
    await decide(name, "Check", "Two", await approvalIn(name, "Check", "Two"));
    assert.equal((await ended(name))!.status, "Succeeded");
    await assert.rejects(
      pipelines.retryStageExecution({
        pipelineName: name,
        stageName: "Check",
        pipelineExecutionId: failed!.pipelineExecutionId!,
        retryMode: "FAILED_ACTIONS",
      }),
      { name: "StageNotRetryableException" },
    );
  });

  test("a disabled transition holds a release; a newer one takes its place", async () => {
    const name = await create([
      { name: "Source", actions: [source] },
      { name: "Check", actions: [approve("Look")] },
    ]);
    const token = await approvalIn(name, "Check", "Look");
    await pipelines.disableStageTransition({
      pipelineName: name,
      stageName: "Check",
      transitionType: "Inbound",
      reason: "frozen",
    });
    const { pipelineExecutionId: second } = await pipelines.startPipelineExecution({
      name,
      clientRequestToken: "again",
    });
    assert.equal(
      (await pipelines.startPipelineExecution({ name, clientRequestToken: "again" })).pipelineExecutionId,
      second,
    );
    await until(
      async () => ((await states(name))[1]?.inboundExecution?.pipelineExecutionId === second ? true : undefined),
      "the second release to wait",
    );
    const { pipelineExecutionId: third } = await pipelines.startPipelineExecution({ name });
    await until(
      async () =>
        (await newest(name)).find((e) => e.pipelineExecutionId === second)?.status === "Superseded" ? true : undefined,
      "the second release to give way",
    );
    assert.equal((await states(name))[1]?.inboundTransitionState?.disabledReason, "frozen");
    await decide(name, "Check", "Look", token);
    await pipelines.enableStageTransition({ pipelineName: name, stageName: "Check", transitionType: "Inbound" });
    await decide(
      name,
      "Check",
      "Look",
      await until(async () => {
        const { latestExecution, actionStates } = (await states(name))[1]!;
        return latestExecution?.pipelineExecutionId === third ? actionStates?.[0]?.latestExecution?.token : undefined;
      }, "the third approval"),
    );
    assert.deepEqual((await ended(name))?.status, "Succeeded");
    assert.deepEqual((await newest(name)).map((e) => e.status).sort(), ["Succeeded", "Succeeded", "Superseded"]);
  });

  test("a stop with abandon ends what runs", async () => {
    const name = await create([
      { name: "Source", actions: [source] },
      { name: "Check", actions: [approve("Look")] },
    ]);
    await approvalIn(name, "Check", "Look");
    const [running] = await newest(name);
    const stop = { pipelineName: name, pipelineExecutionId: running!.pipelineExecutionId! };
    await pipelines.stopPipelineExecution({ ...stop, reason: "no more" });
    await until(async () => ((await newest(name))[0]?.status === "Stopping" ? true : undefined), "the stop");
    await pipelines.stopPipelineExecution({ ...stop, abandon: true });
    assert.equal(
      (
        await until(
          async () => ((await newest(name))[0]?.status === "Stopped" ? (await newest(name))[0] : undefined),
          "the end",
        )
      )?.statusSummary,
      "no more",
    );
    assert.equal((await states(name))[1]?.actionStates?.[0]?.latestExecution?.status, "Abandoned");
    await assert.rejects(pipelines.stopPipelineExecution(stop), { name: "PipelineExecutionNotStoppableException" });
  });

  test("a custom action: a worker polls its job, acknowledges it and tells the result", async () => {
    const type = { category: "Deploy" as const, provider: "Mine", version: "1" };
    await pipelines.createCustomActionType({
      ...type,
      configurationProperties: [{ name: "Where", required: true, key: true, secret: false }],
      inputArtifactDetails: { minimumCount: 1, maximumCount: 1 },
      outputArtifactDetails: { minimumCount: 0, maximumCount: 0 },
    });
    const name = await create([
      { name: "Source", actions: [source] },
      {
        name: "Deploy",
        actions: [
          action("Go", "Deploy/Mine/Custom", {
            configuration: { Where: "#{Source.ObjectKey}" },
            inputArtifacts: [{ name: "S" }],
            namespace: "Mine",
          }),
        ],
      },
      { name: "Check", actions: [approve("Look", { configuration: { CustomData: "at #{Mine.place}" } })] },
    ]);
    const actionTypeId = { ...type, owner: "Custom" as const };
    const job = await until(async () => (await pipelines.pollForJobs({ actionTypeId })).jobs?.[0], "a job");
    assert.deepEqual((await pipelines.pollForJobs({ actionTypeId })).jobs, []);
    assert.deepEqual(job.data?.actionConfiguration?.configuration, { Where: "a.zip" });
    await assert.rejects(pipelines.acknowledgeJob({ jobId: job.id!, nonce: "0" }), { name: "InvalidNonceException" });
    assert.equal((await pipelines.acknowledgeJob({ jobId: job.id!, nonce: job.nonce! })).status, "InProgress");
    const credentials = job.data!.artifactCredentials!;
    const worker = new S3({
      ...app.as(credentials as { accessKeyId: string; secretAccessKey: string; sessionToken: string }),
      forcePathStyle: true,
    });
    const { bucketName, objectKey } = job.data!.inputArtifacts![0]!.location!.s3Location!;
    assert.ok((await worker.getObject({ Bucket: bucketName!, Key: objectKey! })).ContentLength);
    await assert.rejects(worker.getObject({ Bucket: "src", Key: "a.zip" }), { name: "AccessDenied" });
    await pipelines.putJobSuccessResult({
      jobId: job.id!,
      outputVariables: { place: "here" },
      executionDetails: { externalExecutionId: "e-1", summary: "done" },
    });
    await assert.rejects(
      pipelines.putJobFailureResult({ jobId: job.id!, failureDetails: { type: "JobFailed", message: "late" } }),
      { name: "InvalidJobStateException" },
    );
    await approvalIn(name, "Check", "Look");
    const [, deploy, check] = await states(name);
    assert.deepEqual(
      [
        deploy!.actionStates![0]!.latestExecution!.externalExecutionId,
        check!.actionStates![0]!.latestExecution!.summary,
      ],
      ["e-1", "at here"],
    );
  });

  test("failures name the stage, the action and what is missing", async () => {
    const name = await create([
      { name: "Source", actions: [{ ...source, configuration: { ...source.configuration, S3ObjectKey: "none.zip" } }] },
      { name: "Check", actions: [approve("Look")] },
    ]);
    assert.equal((await ended(name))?.statusSummary, "Source/Src: The source object s3://src/none.zip does not exist");
    const denied = await create([
      { name: "Source", actions: [source] },
      {
        name: "Build",
        actions: [
          action("B", "Build/CodeBuild", { configuration: { ProjectName: "none" }, inputArtifacts: [{ name: "S" }] }),
        ],
      },
    ]);
    assert.match(
      (await ended(denied))!.statusSummary!,
      /^Build\/B: .*is not authorized to perform: codebuild:StartBuild on resource: arn:aws:codebuild:us-east-1:\d+:project\/none/,
    );
    const [, build] = await states(denied);
    assert.equal(build!.actionStates![0]!.latestExecution!.errorDetails!.code, "PermissionError");
  });

  test("declarations that cannot work are refused by what is wrong", async () => {
    const stages = [
      { name: "Source", actions: [source] },
      { name: "Check", actions: [approve("Look")] },
    ];
    const refused = (pipeline: PipelineDeclaration, error: object) =>
      assert.rejects(pipelines.createPipeline({ pipeline }), error);
    await refused(declare([stages[0]!]), { name: "InvalidStructureException" });
    await refused(declare([stages[1]!, stages[0]!]), { name: "InvalidStructureException" });
    await refused(declare([stages[0]!, { name: "X", actions: [action("N", "Build/Nothing")] }]), {
      name: "InvalidActionDeclarationException",
    });
    await refused(
      declare([
        stages[0]!,
        { name: "X", actions: [action("E", "Invoke/StepFunctions", { configuration: { StateMachineArn: "x" } })] },
      ]),
      { name: "NotImplemented" },
    );
    await refused(declare(stages, { roleArn: "arn:aws:iam::000000000000:role/none" }), {
      name: "InvalidStructureException",
    });
    const batch = action("B", "Build/CodeBuild", {
      configuration: { ProjectName: "x", BatchEnabled: "true" },
      inputArtifacts: [{ name: "S" }],
    });
    await refused(declare([stages[0]!, { name: "X", actions: [batch] }]), {
      name: "NotImplemented",
      message: /BatchEnabled/,
    });
    const name = await create(stages);
    await refused({ ...declare(stages), name }, { name: "PipelineNameInUseException" });
    await assert.rejects(pipelines.getPipeline({ name: "none" }), { name: "PipelineNotFoundException" });
  });

  test("a source that no event tells of is polled: each revision is released once", async () => {
    const polled = { ...source, configuration: { S3Bucket: "src", S3ObjectKey: "polled.zip" } };
    const name = await create([
      { name: "Source", actions: [polled] },
      { name: "Check", actions: [approve("Look")] },
    ]);
    assert.equal((await ended(name))?.status, "Failed");
    const { platform, registry } = app.running;
    const { account, region } = platform.settings;
    const principal = { kind: "service" as const, service: "codepipeline.amazonaws.com", account };
    const ctx = createContext(platform, registry, { service: "codepipeline", account, region, principal });
    const turn = async (): Promise<string> => (await ctx.records.get<{ turn: string }>("polling", name))!.value.turn;
    const poll = async (at: string) => poller.run(ctx, { pipeline: name, turn: at }, 1);
    await poll(await turn());
    assert.equal((await newest(name)).length, 1);
    await s3.putObject({ Bucket: "src", Key: "polled.zip", Body: await zip({ a: "1" }) });
    const before = await turn();
    await poll(before);
    await poll(before); // a message that comes twice
    await poll(await turn());
    await approvalIn(name, "Check", "Look");
    await poll(await turn());
    assert.deepEqual(
      (await newest(name)).map((e) => e.trigger?.triggerType),
      ["PollForSourceChanges", "CreatePipeline"],
    );
    await s3.putObject({ Bucket: "src", Key: "polled.zip", Body: await zip({ a: "2" }) });
    await poll(await turn());
    assert.equal((await newest(name)).length, 3);
    assert.equal(
      await ctx.records.get(
        "polling",
        await create([
          { name: "Source", actions: [source] },
          { name: "Check", actions: [approve("Look")] },
        ]),
      ),
      undefined,
    );
  });

  test("variables of a pipeline have defaults, and a start may set them; one source revision is released as asked", async () => {
    const check = {
      name: "Check",
      actions: [approve("Look", { configuration: { CustomData: "#{variables.Colour} #{Source.VersionId}" } })],
    };
    const more = {
      pipelineType: "V2" as const,
      executionMode: "PARALLEL" as const,
      variables: [{ name: "Colour", defaultValue: "red" }],
    };
    const name = await create([{ name: "Source", actions: [source] }, check], more);
    await approvalIn(name, "Check", "Look");
    const old = (await newest(name))[0]!.sourceRevisions![0]!.revisionId!;
    await s3.putObject({ Bucket: "src", Key: "a.zip", Body: await zip({ "index.html": "<p>newer" }) });
    await assert.rejects(pipelines.startPipelineExecution({ name, variables: [{ name: "Size", value: "1" }] }), {
      name: "ValidationException",
    });
    const sourceRevisions = [{ actionName: "Src", revisionType: "S3_OBJECT_VERSION_ID" as const, revisionValue: old }];
    const { pipelineExecutionId } = await pipelines.startPipelineExecution({
      name,
      variables: [{ name: "Colour", value: "blue" }],
      sourceRevisions,
    });
    const summaries = await until(async () => {
      const { actionExecutionDetails = [] } = await pipelines.listActionExecutions({ pipelineName: name });
      const looks = actionExecutionDetails.filter(
        (d) => d.actionName === "Look" && d.output?.executionResult?.externalExecutionSummary,
      );
      return looks.length === 2 ? looks : undefined;
    }, "both approvals");
    const said = Object.fromEntries(
      summaries.map((d) => [d.pipelineExecutionId!, d.output!.executionResult!.externalExecutionSummary]),
    );
    assert.equal(said[pipelineExecutionId!], `blue ${old}`);
    assert.ok(Object.values(said).includes(`red ${old}`));
  });

  test("an action's own role is assumed by the pipeline's role", async () => {
    const iam = new IAM(app.client);
    const role = async (RoleName: string, Principal: object, Action: string) => {
      const { Role } = await iam.createRole({
        RoleName,
        AssumeRolePolicyDocument: JSON.stringify({
          Version: "2012-10-17",
          Statement: [{ Effect: "Allow", Principal, Action: "sts:AssumeRole" }],
        }),
      });
      await iam.putRolePolicy({
        RoleName,
        PolicyName: "p",
        PolicyDocument: JSON.stringify({
          Version: "2012-10-17",
          Statement: [{ Effect: "Allow", Action, Resource: "*" }],
        }),
      });
      return Role!.Arn!;
    };
    const outer = await role("outer", { Service: "codepipeline.amazonaws.com" }, "sts:AssumeRole");
    const inner = await role("inner", { AWS: outer }, "s3:*");
    const check = { name: "Check", actions: [approve("Look")] };
    const name = await create([{ name: "Source", actions: [{ ...source, roleArn: inner }] }, check], {
      roleArn: outer,
    });
    await approvalIn(name, "Check", "Look");
    const denied = await create([{ name: "Source", actions: [source] }, check], { roleArn: outer });
    assert.match(
      (await ended(denied))!.statusSummary!,
      /^Source\/Src: .*assumed-role\/outer\/\w+ is not authorized to perform: s3:/,
    );
  });

  test("each change of an execution, a stage and an action is an event", async () => {
    const [logs, events] = [new CloudWatchLogs(app.client), new EventBridge(app.client)];
    const logGroupName = "/aws/events/pipelines";
    await logs.createLogGroup({ logGroupName });
    await events.putRule({
      Name: "all",
      EventPattern: JSON.stringify({ source: ["aws.codepipeline"], detail: { pipeline: [`p${n + 1}`] } }),
    });
    await events.putTargets({
      Rule: "all",
      Targets: [{ Id: "l", Arn: `arn:aws:logs:us-east-1:000000000000:log-group:${logGroupName}` }],
    });
    const name = await create([
      { name: "Source", actions: [source] },
      { name: "Check", actions: [approve("Look")] },
    ]);
    await decide(name, "Check", "Look", await approvalIn(name, "Check", "Look"));
    const seen = await until(async () => {
      const { events: found = [] } = await logs.filterLogEvents({ logGroupName });
      const all = found.map(
        ({ message }) => JSON.parse(message!) as { "detail-type": string; detail: Record<string, unknown> },
      );
      return all.some((e) => e["detail-type"].includes("Pipeline Execution") && e.detail["state"] === "SUCCEEDED") &&
        all.length >= 10
        ? all
        : undefined;
    }, "the events");
    const short = seen.map((e) =>
      `${[e.detail["stage"], e.detail["action"]].filter(Boolean).join("/")} ${String(e.detail["state"])}`.trim(),
    );
    assert.deepEqual(
      short.sort(),
      [
        "STARTED",
        "SUCCEEDED",
        "Source STARTED",
        "Source SUCCEEDED",
        "Source/Src STARTED",
        "Source/Src SUCCEEDED",
        "Check STARTED",
        "Check SUCCEEDED",
        "Check/Look STARTED",
        "Check/Look SUCCEEDED",
      ].sort(),
    );
  });

  test("versions, tags and deletion", async () => {
    const stages = [
      { name: "Source", actions: [source] },
      { name: "Check", actions: [approve("Look")] },
    ];
    const pipeline = declare(stages);
    await pipelines.createPipeline({ pipeline, tags: [{ key: "a", value: "1" }] });
    const name = pipeline.name!;
    const { pipeline: next } = await pipelines.updatePipeline({
      pipeline: { ...pipeline, stages: [...stages, { name: "More", actions: [approve("Again")] }] },
    });
    assert.equal(next?.version, 2);
    assert.equal((await pipelines.getPipeline({ name, version: 1 })).pipeline?.stages?.length, 2);
    const { metadata } = await pipelines.getPipeline({ name });
    await pipelines.tagResource({ resourceArn: metadata!.pipelineArn!, tags: [{ key: "b", value: "2" }] });
    await pipelines.untagResource({ resourceArn: metadata!.pipelineArn!, tagKeys: ["a"] });
    assert.deepEqual((await pipelines.listTagsForResource({ resourceArn: metadata!.pipelineArn! })).tags, [
      { key: "b", value: "2" },
    ]);
    await pipelines.deletePipeline({ name });
    await pipelines.deletePipeline({ name });
    assert.ok(!(await pipelines.listPipelines({})).pipelines?.some((p) => p.name === name));
  });
});
