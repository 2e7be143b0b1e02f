import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { PipelineDeclaration } from "@aws-sdk/client-codepipeline";
import {
  action,
  approve,
  openPipelineKit,
  soon,
  source,
  type PipelineKit,
} from "../../../test/support/pipeline-kit.ts";

describe("CodePipeline", () => {
  let kit: PipelineKit;

  before(async () => {
    kit = await openPipelineKit();
  });
  after(() => kit?.app.stop());

  test("a release: source, approval, deployment; variables, artifacts and history", async () => {
    const { pipelines, s3, create, states, newest, ended, approvalIn, decide } = kit;
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
    const { pipelines, create, ended, approvalIn, decide } = kit;
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
    const { pipelines, create, states, newest, ended, approvalIn, decide } = kit;
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
    await soon(
      async () => ((await states(name))[1]?.inboundExecution?.pipelineExecutionId === second ? true : undefined),
      "the second release to wait",
    );
    const { pipelineExecutionId: third } = await pipelines.startPipelineExecution({ name });
    await soon(
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
      await soon(async () => {
        const { latestExecution, actionStates } = (await states(name))[1]!;
        return latestExecution?.pipelineExecutionId === third ? actionStates?.[0]?.latestExecution?.token : undefined;
      }, "the third approval"),
    );
    assert.deepEqual((await ended(name))?.status, "Succeeded");
    assert.deepEqual((await newest(name)).map((e) => e.status).sort(), ["Succeeded", "Succeeded", "Superseded"]);
  });

  test("a stop with abandon ends what runs", async () => {
    const { pipelines, create, states, newest, approvalIn } = kit;
    const name = await create([
      { name: "Source", actions: [source] },
      { name: "Check", actions: [approve("Look")] },
    ]);
    await approvalIn(name, "Check", "Look");
    const [running] = await newest(name);
    const stop = { pipelineName: name, pipelineExecutionId: running!.pipelineExecutionId! };
    await pipelines.stopPipelineExecution({ ...stop, reason: "no more" });
    await soon(async () => ((await newest(name))[0]?.status === "Stopping" ? true : undefined), "the stop");
    await pipelines.stopPipelineExecution({ ...stop, abandon: true });
    assert.equal(
      (
        await soon(
          async () => ((await newest(name))[0]?.status === "Stopped" ? (await newest(name))[0] : undefined),
          "the end",
        )
      )?.statusSummary,
      "no more",
    );
    assert.equal((await states(name))[1]?.actionStates?.[0]?.latestExecution?.status, "Abandoned");
    await assert.rejects(pipelines.stopPipelineExecution(stop), { name: "PipelineExecutionNotStoppableException" });
  });

  test("failures name the stage, the action and what is missing", async () => {
    const { create, states, ended } = kit;
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
    const { pipelines, declare, create } = kit;
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
      configuration: { ProjectName: "x", CombineArtifacts: "true" },
      inputArtifacts: [{ name: "S" }],
    });
    await refused(declare([stages[0]!, { name: "X", actions: [batch] }]), {
      name: "NotImplemented",
      message: /CombineArtifacts/,
    });
    const name = await create(stages);
    await refused({ ...declare(stages), name }, { name: "PipelineNameInUseException" });
    await assert.rejects(pipelines.getPipeline({ name: "none" }), { name: "PipelineNotFoundException" });
  });

  test("versions, tags and deletion", async () => {
    const { pipelines, declare } = kit;
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
    await assert.rejects(
      pipelines.tagResource({ resourceArn: metadata!.pipelineArn!, tags: [{ key: "aws:b", value: "2" }] }),
      { name: "InvalidTagsException", message: /Not allowed to modify system tags/ },
    );
    const tags = Array.from({ length: 50 }, (_, i) => ({ key: `k${i}`, value: "v" }));
    await assert.rejects(pipelines.tagResource({ resourceArn: metadata!.pipelineArn!, tags }), {
      name: "TooManyTagsException",
    });
    await pipelines.untagResource({ resourceArn: metadata!.pipelineArn!, tagKeys: ["a"] });
    assert.deepEqual((await pipelines.listTagsForResource({ resourceArn: metadata!.pipelineArn! })).tags, [
      { key: "b", value: "2" },
    ]);
    await pipelines.deletePipeline({ name });
    await pipelines.deletePipeline({ name });
    assert.ok(!(await pipelines.listPipelines({})).pipelines?.some((p) => p.name === name));
  });
});
