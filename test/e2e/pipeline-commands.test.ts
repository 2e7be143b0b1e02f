import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CodePipeline } from "@aws-sdk/client-codepipeline";
import { openBuildKit, type BuildKit } from "../support/build-kit.ts";
import { action, released } from "../support/pipeline-kit.ts";
import { cannotRun, startPlatform, type TestPlatform } from "../support/platform.ts";
import { zip } from "../support/zip.ts";

describe("commands of pipelines, in sandboxes", { skip: cannotRun }, () => {
  let platform: TestPlatform;
  let kit: BuildKit;

  before(async () => {
    platform = await startPlatform();
    kit = await openBuildKit(platform);
  });
  after(() => platform?.stop());

  test("with variables and artifacts, their outputs go on, as rules they hold a stage back", async () => {
    const { s3, makeRole } = kit;
    const roleArn = await makeRole("commander", ["codepipeline.amazonaws.com"]);
    await s3.createBucket({ Bucket: "commands" });
    await s3.putBucketVersioning({ Bucket: "commands", VersioningConfiguration: { Status: "Enabled" } });
    await s3.putObject({ Bucket: "commands", Key: "in.zip", Body: await zip({ "in.txt": "read\n" }) });
    const pipelines = new CodePipeline(platform.client);
    await kit.codebuild.createProject({
      name: "batched",
      serviceRole: kit.role,
      source: { type: "CODEPIPELINE" },
      artifacts: { type: "CODEPIPELINE" },
      environment: kit.environment,
      buildBatchConfig: { serviceRole: kit.role },
    });
    const batch = `version: 0.2
batch: {build-list: [{identifier: one}, {identifier: two, env: {variables: {X: of-two}}}]}
phases: {build: {commands: ['echo $X > x.txt; cat in.txt >> x.txt']}}
artifacts: {files: [x.txt]}
`;
    const rule = (command: string) => ({
      result: "FAIL" as const,
      rules: [
        {
          name: "look",
          ruleTypeId: { category: "Rule" as const, owner: "AWS" as const, provider: "Commands", version: "1" },
          commands: [command],
          inputArtifacts: [{ name: "Out" }],
        },
      ],
    });
    const declared = (name: string, command: string) => ({
      name,
      roleArn,
      pipelineType: "V2" as const,
      variables: [{ name: "Who", defaultValue: "you" }],
      artifactStore: { type: "S3" as const, location: "work" },
      stages: [
        {
          name: "Source",
          actions: [
            action("In", "Source/S3", {
              configuration: { S3Bucket: "commands", S3ObjectKey: "in.zip", PollForSourceChanges: "false" },
              outputArtifacts: [{ name: "Src" }],
              namespace: "Src",
            }),
          ],
        },
        {
          name: "Run",
          actions: [
            action("Commands", "Compute/Commands", {
              commands: [
                "cat in.txt > out.txt",
                "echo $GREETING #{Src.ObjectKey} >> out.txt",
                "export SIZE=$(wc -l < out.txt)",
              ],
              environmentVariables: [{ name: "GREETING", value: "hello #{variables.Who}" }],
              inputArtifacts: [{ name: "Src" }],
              outputArtifacts: [{ name: "Out", files: ["out.txt"] }],
              outputVariables: ["SIZE"],
              namespace: "Run",
            }),
            action("Batch", "Build/CodeBuild", {
              configuration: { ProjectName: "batched", BatchEnabled: "true", BuildspecOverride: batch },
              inputArtifacts: [{ name: "Src" }],
              outputArtifacts: [{ name: "two" }],
            }),
          ],
        },
        {
          name: "Deploy",
          beforeEntry: { conditions: [rule(command)] },
          actions: [
            action("Put", "Deploy/S3", {
              configuration: { BucketName: "commands", Extract: "true", ObjectKey: `${name}-#{Run.SIZE}` },
              inputArtifacts: [{ name: "Out" }],
            }),
            action("PutBatch", "Deploy/S3", {
              configuration: { BucketName: "commands", Extract: "true", ObjectKey: `${name}-batch` },
              inputArtifacts: [{ name: "two" }],
            }),
          ],
        },
      ],
    });
    await pipelines.createPipeline({ pipeline: declared("good", "grep hello out.txt") });
    await pipelines.createPipeline({ pipeline: declared("bad", "grep nothing out.txt") });
    assert.equal((await released(pipelines, "good")).status, "Succeeded");
    const { Body } = await s3.getObject({ Bucket: "commands", Key: "good-2/out.txt" });
    assert.equal(await Body!.transformToString(), "read\nhello you in.zip\n");
    const made = await s3.getObject({ Bucket: "commands", Key: "good-batch/x.txt" });
    assert.equal(await made.Body!.transformToString(), "of-two\nread\n");
    const failed = await released(pipelines, "bad");
    assert.match(`${failed.status} ${failed.statusSummary}`, /^Failed .*grep nothing out.txt/);
  });
});
