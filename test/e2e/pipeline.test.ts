import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CloudFormation } from "@aws-sdk/client-cloudformation";
import { CodeCommit } from "@aws-sdk/client-codecommit";
import { CodePipeline, type ActionDeclaration } from "@aws-sdk/client-codepipeline";
import { EventBridge } from "@aws-sdk/client-eventbridge";
import { Lambda } from "@aws-sdk/client-lambda";
import { openBuildKit, until, type BuildKit } from "../support/build-kit.ts";
import { action, released } from "../support/pipeline-kit.ts";
import { cannotRun, startPlatform, type TestPlatform } from "../support/platform.ts";
import { unzipped, zip } from "../support/zip.ts";

describe("pipelines in sandboxes", { skip: cannotRun }, () => {
  let platform: TestPlatform;
  let kit: BuildKit;

  before(async () => {
    platform = await startPlatform();
    kit = await openBuildKit(platform);
  });
  after(() => platform?.stop());

  const template = (group: unknown) =>
    JSON.stringify({
      Parameters: { Name: { Type: "String" } },
      Resources: { Group: { Type: "AWS::Logs::LogGroup", Properties: { LogGroupName: group } } },
      Outputs: { Group: { Value: { Ref: "Group" } } },
    });
  const buildspec = (command: string) =>
    `version: 0.2\nphases: {build: {commands: ['${command}']}}\nartifacts: {files: [template.json, configuration.json]}\n`;
  const repository = (command = "echo building", group: unknown = { Ref: "Name" }) => ({
    "buildspec.yml": buildspec(command),
    "template.json": template(group),
    "configuration.json": JSON.stringify({ Tags: { team: "one" } }),
  });

  /** A pipeline as CodeStar makes it, with another source. */
  async function createPipeline(name: string, source: ActionDeclaration): Promise<CodePipeline> {
    const { codebuild, role, environment, makeRole } = kit;
    const pipelines = new CodePipeline(platform.client);
    const [roleArn, RoleArn] = [
      await makeRole(`${name}-pipeline`, ["codepipeline.amazonaws.com", "events.amazonaws.com"]),
      await makeRole(`${name}-stack`, ["cloudformation.amazonaws.com"]),
    ];
    await codebuild.createProject({
      name,
      serviceRole: role,
      source: { type: "CODEPIPELINE" },
      artifacts: { type: "CODEPIPELINE" },
      environment,
    });
    const deploy = { StackName: name, ChangeSetName: "pipeline-changeset" };
    const changeSet = {
      ...deploy,
      ActionMode: "CHANGE_SET_REPLACE",
      RoleArn,
      Capabilities: "CAPABILITY_NAMED_IAM",
      TemplatePath: "Out::template.json",
      TemplateConfiguration: "Out::configuration.json",
      ParameterOverrides: `{"Name":"made-by-${name}"}`,
    };
    const stages = [
      { name: "Source", actions: [{ ...source, outputArtifacts: [{ name: "Src" }] }] },
      {
        name: "Build",
        actions: [
          action("Build", "Build/CodeBuild", {
            configuration: { ProjectName: name },
            inputArtifacts: [{ name: "Src" }],
            outputArtifacts: [{ name: "Out" }],
          }),
        ],
      },
      {
        name: "Deploy",
        actions: [
          action("Generate", "Deploy/CloudFormation", {
            runOrder: 1,
            inputArtifacts: [{ name: "Out" }],
            configuration: changeSet,
          }),
          action("Execute", "Deploy/CloudFormation", {
            runOrder: 2,
            configuration: { ...deploy, ActionMode: "CHANGE_SET_EXECUTE" },
          }),
        ],
      },
    ];
    await pipelines.createPipeline({
      pipeline: { name, roleArn, artifactStore: { type: "S3", location: "work" }, stages },
    });
    return pipelines;
  }

  test("S3 -> CodeBuild -> CloudFormation change set; failures say where and why", async () => {
    const { s3 } = kit;
    await s3.createBucket({ Bucket: "versions" });
    await s3.putBucketVersioning({ Bucket: "versions", VersioningConfiguration: { Status: "Enabled" } });
    const push = async (files: Record<string, string>) =>
      s3.putObject({ Bucket: "versions", Key: "source.zip", Body: await zip(files) });
    // Longer than a call takes: it goes by S3.
    const long = JSON.stringify({
      ...JSON.parse(repository()["template.json"]),
      Metadata: { long: "x".repeat(60_000) },
    });
    await push({ ...repository(), "template.json": long });
    const source = action("Src", "Source/S3", {
      configuration: { S3Bucket: "versions", S3ObjectKey: "source.zip", PollForSourceChanges: "false" },
    });
    const pipelines = await createPipeline("release", source);
    const first = await released(pipelines, "release");
    assert.equal(first.status, "Succeeded", first.statusSummary);
    const { Stacks } = await new CloudFormation(platform.client).describeStacks({ StackName: "release" });
    assert.equal(Stacks?.[0]?.Outputs?.[0]?.OutputValue, "made-by-release");
    assert.deepEqual(Stacks?.[0]?.Tags, [{ Key: "team", Value: "one" }]);

    const release = async () =>
      released(pipelines, "release", (await pipelines.startPipelineExecution({ name: "release" })).pipelineExecutionId);
    assert.equal((await release()).status, "Succeeded");
    const { actionExecutionDetails } = await pipelines.listActionExecutions({ pipelineName: "release" });
    assert.match(actionExecutionDetails![0]!.output!.executionResult!.externalExecutionSummary!, /contains no changes/);

    await push(repository("false"));
    assert.equal(
      (await release()).statusSummary,
      "Build/Build: Build terminated with state: FAILED. Phase BUILD: COMMAND_EXECUTION_ERROR: Error while executing command: false. Reason: exit status 1",
    );
    await push(repository("true", "not a name!"));
    assert.match(
      (await release()).statusSummary!,
      /^Deploy\/Execute: Stack release is in state UPDATE_ROLLBACK_COMPLETE\. Resource Group \(AWS::Logs::LogGroup\): /,
    );
    await push({ ...repository(), "template.json": "{" });
    assert.match((await release()).statusSummary!, /^Deploy\/Generate: .*(JSON|format|template)/i);
    await push({ ...repository(), "configuration.json": "[]" });
    assert.equal(
      (await release()).statusSummary,
      "Deploy/Generate: Out::configuration.json is not valid JSON: it is not an object",
    );
  });

  test("CodeCommit: the first release waits for its repository, a commit starts the next one, and kill -9 interrupts none", async () => {
    const { codebuild } = kit;
    const codecommit = new CodeCommit(platform.client);
    const configuration = { RepositoryName: "app", BranchName: "master", PollForSourceChanges: "false" };
    const pipelines = await createPipeline(
      "from-git",
      action("Src", "Source/CodeCommit", { configuration, namespace: "Commit" }),
    );
    await codecommit.createRepository({ repositoryName: "app" });
    const commit = async (files: Record<string, string>, parentCommitId?: string) => {
      const putFiles = Object.entries(files).map(([filePath, content]) => ({
        filePath,
        fileContent: Buffer.from(content),
      }));
      return (
        await codecommit.createCommit({
          repositoryName: "app",
          branchName: "master",
          putFiles,
          commitMessage: "a change",
          ...(parentCommitId ? { parentCommitId } : {}),
        })
      ).commitId!;
    };
    const head = await commit(repository());
    const first = await released(pipelines, "from-git");
    assert.equal(first.status, "Succeeded", first.statusSummary);
    assert.deepEqual(
      [first.sourceRevisions?.[0]?.revisionId, first.sourceRevisions?.[0]?.revisionSummary],
      [head, "a change"],
    );

    const events = new EventBridge(platform.client);
    const { pipeline, metadata } = await pipelines.getPipeline({ name: "from-git" });
    await events.putRule({
      Name: "push",
      EventPattern: JSON.stringify({
        source: ["aws.codecommit"],
        "detail-type": ["CodeCommit Repository State Change"],
        detail: { referenceName: ["master"] },
      }),
    });
    await events.putTargets({
      Rule: "push",
      Targets: [{ Id: "p", Arn: metadata!.pipelineArn!, RoleArn: pipeline!.roleArn! }],
    });
    const next = await commit({ "buildspec.yml": buildspec("echo started; sleep 2") }, head);
    const second = await until(async () => {
      const { pipelineExecutionSummaries: [newest] = [] } = await pipelines.listPipelineExecutions({
        pipelineName: "from-git",
      });
      const { stageStates } = await pipelines.getPipelineState({ name: "from-git" });
      const inBuild = stageStates?.[1]?.latestExecution?.pipelineExecutionId === newest?.pipelineExecutionId;
      return newest?.pipelineExecutionId !== first.pipelineExecutionId && inBuild ? newest : undefined;
    }, "the second release");
    assert.equal(second.trigger?.triggerType, "CloudWatchEvent");
    await platform.kill();
    await platform.restart();
    const end = await released(pipelines, "from-git", second.pipelineExecutionId);
    assert.equal(end.status, "Succeeded", end.statusSummary);
    assert.equal(end.sourceRevisions?.[0]?.revisionId, next);
    const { ids } = await codebuild.listBuildsForProject({ projectName: "from-git" });
    assert.equal(ids?.length, 2, "one build for each release");
  });

  test("a template that is typed loosely makes a pipeline; it invokes a function, and several artifacts go through builds", async () => {
    const { s3, makeRole } = kit;
    const cloudformation = new CloudFormation(platform.client);
    const roleArn = await makeRole("everything", [
      "codepipeline.amazonaws.com",
      "codebuild.amazonaws.com",
      "cloudformation.amazonaws.com",
      "lambda.amazonaws.com",
    ]);
    const spec = `version: 0.2
phases:
  build:
    commands: ['cat in.txt $CODEBUILD_SRC_DIR_Second/in.txt > both.txt', 'echo $GREETING > greeting.txt', 'export SIZE=$(wc -c < both.txt)']
env: {exported-variables: [SIZE]}
artifacts:
  secondary-artifacts:
    Both: {files: [both.txt]}
    Greeting: {files: [greeting.txt]}
`;
    await s3.createBucket({ Bucket: "inputs" });
    await s3.putBucketVersioning({ Bucket: "inputs", VersioningConfiguration: { Status: "Enabled" } });
    for (const name of ["one", "two"])
      await s3.putObject({
        Bucket: "inputs",
        Key: `${name}.zip`,
        Body: await zip({ "buildspec.yml": spec, "in.txt": `${name}\n` }),
      });
    const code = `import { CodePipeline } from "@aws-sdk/client-codepipeline";
export const handler = async (event) => {
  const job = event["CodePipeline.job"];
  const { UserParameters } = job.data.actionConfiguration.configuration;
  await new CodePipeline({}).putJobSuccessResult({ jobId: job.id, outputVariables: { said: UserParameters } });
};`;
    await new Lambda(platform.client).createFunction({
      FunctionName: "step",
      Role: roleArn,
      Runtime: "nodejs24.x",
      Handler: "index.handler",
      Timeout: 20,
      MemorySize: 512,
      Code: { ZipFile: await zip({ "index.mjs": code }) },
    });
    const sourceOf = (name: string, artifact: string) => ({
      Name: artifact,
      ActionTypeId: { Category: "Source", Owner: "AWS", Provider: "S3", Version: 1 },
      Configuration: { S3Bucket: "inputs", S3ObjectKey: `${name}.zip`, PollForSourceChanges: false },
      OutputArtifacts: [{ Name: artifact }],
      RunOrder: "1",
    });
    const template = {
      Resources: {
        Project: {
          Type: "AWS::CodeBuild::Project",
          Properties: {
            ServiceRole: roleArn,
            Source: { Type: "codepipeline" },
            Artifacts: { Type: "codepipeline", Packaging: "zip" },
            TimeoutInMinutes: "5",
            Environment: {
              Type: "linuxContainer",
              ComputeType: "small",
              Image: "aws/codebuild/amazonlinux2-x86_64-standard:3.0",
              PrivilegedMode: "false",
              EnvironmentVariables: [{ Name: "GREETING", Value: 5 }],
            },
          },
        },
        Pipeline: {
          Type: "AWS::CodePipeline::Pipeline",
          Properties: {
            Name: "loose",
            RoleArn: roleArn,
            ArtifactStore: { Type: "S3", Location: "work" },
            Stages: [
              { Name: "Source", Actions: [sourceOf("one", "First"), sourceOf("two", "Second")] },
              {
                Name: "Build",
                Actions: [
                  {
                    Name: "Build",
                    Namespace: "B",
                    ActionTypeId: { Category: "Build", Owner: "AWS", Provider: "CodeBuild", Version: 1 },
                    Configuration: { ProjectName: { Ref: "Project" }, PrimarySource: "First" },
                    InputArtifacts: [{ Name: "First" }, { Name: "Second" }],
                    OutputArtifacts: [{ Name: "Both" }, { Name: "Greeting" }],
                    RunOrder: 1,
                  },
                ],
              },
              {
                Name: "Tell",
                Actions: [
                  {
                    Name: "Invoke",
                    Namespace: "L",
                    ActionTypeId: { Category: "Invoke", Owner: "AWS", Provider: "Lambda", Version: 1 },
                    Configuration: { FunctionName: "step", UserParameters: "size #{B.SIZE}" },
                    InputArtifacts: [{ Name: "Both" }],
                  },
                ],
              },
              {
                Name: "Check",
                Actions: [
                  {
                    Name: "Look",
                    ActionTypeId: { Category: "Approval", Owner: "AWS", Provider: "Manual", Version: "1" },
                    Configuration: { CustomData: "#{L.said}" },
                  },
                ],
              },
            ],
          },
        },
      },
    };
    await cloudformation.createStack({ StackName: "toolchain", TemplateBody: JSON.stringify(template) });
    const stack = await until(async () => {
      const { Stacks } = await cloudformation.describeStacks({ StackName: "toolchain" });
      return Stacks?.[0]?.StackStatus?.endsWith("_IN_PROGRESS") ? undefined : Stacks?.[0];
    }, "the stack");
    const events = await cloudformation.describeStackEvents({ StackName: "toolchain" });
    assert.equal(
      stack?.StackStatus,
      "CREATE_COMPLETE",
      JSON.stringify(events.StackEvents?.map((e) => e.ResourceStatusReason)),
    );
    const pipelines = new CodePipeline(platform.client);
    const approval = await until(async () => {
      const { stageStates } = await pipelines.getPipelineState({ name: "loose" });
      const failed = stageStates
        ?.flatMap((s) => s.actionStates ?? [])
        .find((a) => a.latestExecution?.status === "Failed");
      assert.equal(failed, undefined, JSON.stringify(failed));
      return stageStates?.[3]?.actionStates?.[0]?.latestExecution?.token
        ? stageStates[3].actionStates[0].latestExecution
        : undefined;
    }, "the approval");
    assert.equal(approval.summary, "size 8");
    const { actionExecutionDetails } = await pipelines.listActionExecutions({ pipelineName: "loose" });
    const { outputArtifacts } = actionExecutionDetails!.find((d) => d.actionName === "Build")!.output!;
    for (const [name, content] of [
      ["Both", "one\ntwo\n"],
      ["Greeting", "5\n"],
    ] as const) {
      const { bucket, key } = outputArtifacts!.find((o) => o.name === name)!.s3location!;
      const { Body } = await s3.getObject({ Bucket: bucket!, Key: key! });
      assert.equal(
        (await unzipped(Buffer.from(await Body!.transformToByteArray())))[
          name === "Both" ? "both.txt" : "greeting.txt"
        ],
        content,
      );
    }
    await pipelines.putApprovalResult({
      pipelineName: "loose",
      stageName: "Check",
      actionName: "Look",
      token: approval.token!,
      result: { status: "Approved", summary: "" },
    });
    await until(
      async () =>
        (await pipelines.listPipelineExecutions({ pipelineName: "loose" })).pipelineExecutionSummaries?.[0]?.status ===
        "Succeeded"
          ? true
          : undefined,
      "the end",
    );
  });
});
