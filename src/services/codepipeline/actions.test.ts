import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CloudWatchLogs } from "@aws-sdk/client-cloudwatch-logs";
import { EventBridge } from "@aws-sdk/client-eventbridge";
import { IAM } from "@aws-sdk/client-iam";
import { S3 } from "@aws-sdk/client-s3";
import {
  action,
  approve,
  openPipelineKit,
  soon,
  source,
  type PipelineKit,
} from "../../../test/support/pipeline-kit.ts";
import { zip } from "../../../test/support/zip.ts";
import { createContext } from "../../aws/context.ts";
import { poller } from "./poll.ts";

describe("CodePipeline's actions", () => {
  let kit: PipelineKit;

  before(async () => {
    kit = await openPipelineKit();
  });
  after(() => kit?.app.stop());

  test("a custom action: a worker polls its job, acknowledges it and tells the result", async () => {
    const { pipelines, create, states, approvalIn, app } = kit;
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
    const job = await soon(async () => (await pipelines.pollForJobs({ actionTypeId })).jobs?.[0], "a job");
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
      currentRevision: { revision: "r-1", changeIdentifier: "c-1", created: new Date(1_000) },
    });
    await assert.rejects(
      pipelines.putJobFailureResult({ jobId: job.id!, failureDetails: { type: "JobFailed", message: "late" } }),
      { name: "InvalidJobStateException" },
    );
    await approvalIn(name, "Check", "Look");
    const [, deploy, check] = await states(name);
    assert.deepEqual(deploy!.actionStates![0]!.currentRevision, {
      revisionId: "r-1",
      revisionChangeId: "c-1",
      created: new Date(1_000),
    });
    assert.deepEqual(
      [
        deploy!.actionStates![0]!.latestExecution!.externalExecutionId,
        check!.actionStates![0]!.latestExecution!.summary,
      ],
      ["e-1", "at here"],
    );
  });

  test("a source that no event tells of is polled: each revision is released once", async () => {
    const { app, s3, create, newest, ended, approvalIn } = kit;
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
    const { pipelines, s3, create, newest, approvalIn } = kit;
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
    const summaries = await soon(async () => {
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
    const { app, create, ended, approvalIn } = kit;
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
    const { app, create, approvalIn, decide } = kit;
    const [logs, events] = [new CloudWatchLogs(app.client), new EventBridge(app.client)];
    const logGroupName = "/aws/events/pipelines";
    await logs.createLogGroup({ logGroupName });
    await events.putRule({
      Name: "all",
      EventPattern: JSON.stringify({ source: ["aws.codepipeline"], detail: { pipeline: ["observed"] } }),
    });
    await events.putTargets({
      Rule: "all",
      Targets: [{ Id: "l", Arn: `arn:aws:logs:us-east-1:000000000000:log-group:${logGroupName}` }],
    });
    const name = await create(
      [
        { name: "Source", actions: [source] },
        { name: "Check", actions: [approve("Look")] },
      ],
      { name: "observed" },
    );
    await decide(name, "Check", "Look", await approvalIn(name, "Check", "Look"));
    const seen = await soon(async () => {
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

  test("CloudFormation: create, update, replace, delete; values from artifacts; outputs as a file and as variables", async () => {
    const { s3, app, create, ended, newest, pipelines } = kit;
    const iam = new IAM(app.client);
    const policy = {
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Action: ["cloudformation:*", "logs:*"], Resource: "*" }],
    };
    await iam.putRolePolicy({ RoleName: "pipeline", PolicyName: "stacks", PolicyDocument: JSON.stringify(policy) });
    const template = {
      Parameters: { Name: { Type: "String" }, Bucket: { Type: "String" }, Days: { Type: "String", Default: "1" } },
      Resources: {
        Group: {
          Type: "AWS::Logs::LogGroup",
          Properties: { LogGroupName: { Ref: "Name" }, RetentionInDays: { Ref: "Days" } },
        },
      },
      Outputs: { Where: { Value: { "Fn::Join": ["/", [{ Ref: "Bucket" }, { Ref: "Group" }]] } } },
    };
    const push = async (days: string) => {
      const files = {
        "t.json": JSON.stringify(template),
        "deep/values.json": JSON.stringify({ group: "from-file" }),
        "c.json": JSON.stringify({ Parameters: { Name: "weaker", Days: days } }),
      };
      await s3.putObject({ Bucket: "src", Key: "stack.zip", Body: await zip(files) });
    };
    await push("1");
    const overrides = {
      Name: { "Fn::GetParam": ["S", "deep/values.json", "group"] },
      Bucket: { "Fn::GetArtifactAtt": ["S", "BucketName"] },
    };
    const configuration = {
      StackName: "direct",
      TemplatePath: "S::t.json",
      TemplateConfiguration: "S::c.json",
      ParameterOverrides: JSON.stringify(overrides),
    };
    const from = { ...source, configuration: { ...source.configuration!, S3ObjectKey: "stack.zip" } };
    const deploy = (ActionMode: string, more = {}) =>
      action("Stack", "Deploy/CloudFormation", {
        inputArtifacts: [{ name: "S" }],
        configuration: { ...configuration, ActionMode, ...more },
      });
    const out = {
      ...deploy("CREATE_UPDATE", { OutputFileName: "out.json" }),
      namespace: "D",
      outputArtifacts: [{ name: "Out" }],
    };
    const put = action("Put", "Deploy/S3", {
      runOrder: 2,
      configuration: { BucketName: "store", Extract: "true", ObjectKey: "stack-#{D.Where}" },
      inputArtifacts: [{ name: "Out" }],
    });
    const name = await create([
      { name: "Source", actions: [from] },
      { name: "Deploy", actions: [out, put] },
    ]);
    const release = async () => {
      const { pipelineExecutionId } = await pipelines.startPipelineExecution({ name });
      return soon(
        async () =>
          (await newest(name)).find((e) => e.pipelineExecutionId === pipelineExecutionId && e.status !== "InProgress"),
        "the release",
      );
    };
    const first = await ended(name);
    assert.equal(first.status, "Succeeded", first.statusSummary);
    const { Body } = await s3.getObject({ Bucket: "store", Key: "stack-store/from-file/out.json" });
    assert.deepEqual(JSON.parse(await Body!.transformToString()), { Where: "store/from-file" });
    assert.equal((await release()).status, "Succeeded"); // nothing to update
    await push("3");
    assert.equal((await release()).status, "Succeeded");
    const logs = new CloudWatchLogs(app.client);
    const retention = async () =>
      (await logs.describeLogGroups({ logGroupNamePrefix: "from-file" })).logGroups?.map((g) => g.retentionInDays);
    assert.deepEqual(await retention(), [3]);
    await push("2"); // CloudWatch Logs knows no such retention
    assert.match(
      (await release()).statusSummary!,
      /^Deploy\/Stack: Stack direct is in state UPDATE_ROLLBACK_COMPLETE\. Resource Group \(AWS::Logs::LogGroup\): .*retention/i,
    );
    assert.deepEqual(await retention(), [3]);

    const broken = {
      ParameterOverrides: JSON.stringify({ ...overrides, Name: { "Fn::GetParam": ["S", "deep/values.json", "none"] } }),
    };
    const wrong = await create([
      { name: "Source", actions: [from] },
      { name: "Deploy", actions: [deploy("REPLACE_ON_FAILURE", broken)] },
    ]);
    assert.equal(
      (await ended(wrong)).statusSummary,
      "Deploy/Stack: S::deep/values.json has no member none, which the parameter Name takes",
    );
    const gone = await create([
      { name: "Source", actions: [from] },
      { name: "Deploy", actions: [deploy("DELETE_ONLY")] },
    ]);
    const last = await ended(gone);
    assert.equal(last.status, "Succeeded", last.statusSummary);
    assert.deepEqual(await retention(), []);
  });
});
