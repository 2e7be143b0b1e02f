import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CloudWatchLogs } from "@aws-sdk/client-cloudwatch-logs";
import { CodeBuild, type Build, type CreateProjectCommandInput, type StartBuildCommandInput } from "@aws-sdk/client-codebuild";
import { IAM } from "@aws-sdk/client-iam";
import { S3 } from "@aws-sdk/client-s3";
import { cannotRun, startPlatform, type TestPlatform } from "../support/platform.ts";
import { zip } from "../support/zip.ts";

const LIMIT_MS = 60_000;

/** Looks until `look` answers something; a deadline ends a wait that has no end. */
async function until<T>(look: () => Promise<T | undefined>, what: string): Promise<T> {
  const deadline = Date.now() + LIMIT_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    assert.ok(Date.now() < deadline, `waited too long for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe("builds and pipelines in sandboxes", { skip: cannotRun }, () => {
  let platform: TestPlatform;
  let codebuild: CodeBuild;
  let s3: S3;
  let role: string;
  let n = 0;

  before(async () => {
    platform = await startPlatform();
    codebuild = new CodeBuild(platform.client);
    s3 = new S3({ ...platform.client, forcePathStyle: true });
    role = await makeRole("builder", ["codebuild.amazonaws.com"]);
    await s3.createBucket({ Bucket: "work" });
  });
  after(() => platform?.stop());

  async function makeRole(RoleName: string, services: string[]): Promise<string> {
    const iam = new IAM(platform.client);
    const trust = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Principal: { Service: services }, Action: "sts:AssumeRole" }] };
    const { Role } = await iam.createRole({ RoleName, AssumeRolePolicyDocument: JSON.stringify(trust) });
    const policy = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] };
    await iam.putRolePolicy({ RoleName, PolicyName: "all", PolicyDocument: JSON.stringify(policy) });
    return Role!.Arn!;
  }

  const environment: CreateProjectCommandInput["environment"] = { type: "LINUX_CONTAINER", image: "aws/codebuild/standard:7.0", computeType: "BUILD_GENERAL1_SMALL" };

  async function project(files: Record<string, string>, more: Partial<CreateProjectCommandInput> = {}): Promise<string> {
    const name = `project-${++n}`;
    await s3.putObject({ Bucket: "work", Key: `${name}.zip`, Body: await zip(files) });
    await codebuild.createProject({ name, serviceRole: role, source: { type: "S3", location: `work/${name}.zip` }, artifacts: { type: "NO_ARTIFACTS" }, environment, ...more });
    return name;
  }

  const ended = (id: string): Promise<Build> =>
    until(async () => {
      const { builds } = await codebuild.batchGetBuilds({ ids: [id] });
      return builds?.[0]?.buildComplete ? builds[0] : undefined;
    }, `the end of ${id}`);

  async function run(projectName: string, more: Partial<StartBuildCommandInput> = {}): Promise<Build> {
    const { build } = await codebuild.startBuild({ projectName, ...more });
    return await ended(build!.id!);
  }

  async function logOf(build: Build): Promise<string> {
    const { groupName, streamName } = build.logs!;
    const { events } = await new CloudWatchLogs(platform.client).getLogEvents({ logGroupName: groupName!, logStreamName: streamName!, startFromHead: true });
    return (events ?? []).map((e) => e.message).join("");
  }

  const failure = (build: Build): string =>
    (build.phases ?? []).filter((p) => p.phaseStatus && p.phaseStatus !== "SUCCEEDED").map((p) => `${p.phaseType} ${p.phaseStatus} ${p.contexts?.[0]?.statusCode}: ${p.contexts?.[0]?.message}`).join("\n");

  test("a build: phases, variables, log, and artifacts as files and as a zip", async () => {
    const spec = `version: 0.2
env:
  variables: {FROM: spec, OWN: spec}
  exported-variables: [OUT]
phases:
  build:
    commands:
      - echo "from $FROM own $OWN as $(aws sts get-caller-identity --query Arn --output text) in $AWS_REGION"
      - echo "key $AWS_SECRET_ACCESS_KEY."
      - export OUT=exported; mkdir -p dist/sub; echo one > dist/one.txt; echo two > dist/sub/two.txt
artifacts:
  files: ['**/*']
  base-directory: dist
  secondary-artifacts:
    other: {files: ['one.txt'], base-directory: dist}
`;
    const name = await project({ "buildspec.yml": spec }, {
      artifacts: { type: "S3", location: "work", path: "out", name: "site", namespaceType: "BUILD_ID", packaging: "NONE" },
      secondaryArtifacts: [{ type: "S3", location: "work", path: "out", name: "other.zip", packaging: "ZIP", artifactIdentifier: "other" }],
      environment: { ...environment!, environmentVariables: [{ name: "FROM", value: "project" }] },
    });
    const build = await run(name);
    const log = await logOf(build);
    assert.equal(build.buildStatus, "SUCCEEDED", log);
    assert.deepEqual(build.phases?.map((p) => p.phaseType), "SUBMITTED QUEUED PROVISIONING DOWNLOAD_SOURCE INSTALL PRE_BUILD BUILD POST_BUILD UPLOAD_ARTIFACTS FINALIZING COMPLETED".split(" "));
    assert.match(log, /^from project own spec as arn:aws:sts::000000000000:assumed-role\/builder\/AWSCodeBuild-[0-9a-f-]{36} in us-east-1$/m);
    assert.match(log, /^key \*\*\*\.$/m);
    assert.match(log, /Warning: the image aws\/codebuild\/standard:7\.0 is not used/);
    assert.deepEqual(build.exportedEnvironmentVariables, [{ name: "OUT", value: "exported" }]);
    const id = build.id!.split(":")[1];
    const { Contents } = await s3.listObjectsV2({ Bucket: "work", Prefix: "out/" });
    assert.deepEqual(Contents?.map((o) => o.Key).sort(), [`out/${id}/site/one.txt`, `out/${id}/site/sub/two.txt`, "out/other.zip"]);
    assert.equal(build.secondaryArtifacts?.[0]?.location, "arn:aws:s3:::work/out/other.zip");
  });

  test("a build that fails says why: syntax with its line, the command, the missing file, no artifacts", async () => {
    const broken = await run(await project({ "buildspec.yml": "version: 0.2\nphases:\n  build:\n    commands:\n      - a: b\n" }));
    assert.equal(failure(broken), "DOWNLOAD_SOURCE FAILED YAML_FILE_ERROR: buildspec.yml: Expected Commands[0] to be of string type: found subkeys instead, quote the command at line 5");
    const missing = await run(await project({ "other.txt": "" }));
    assert.match(failure(missing), /^DOWNLOAD_SOURCE FAILED YAML_FILE_ERROR: stat \/codebuild\/output\/src\/buildspec\.yml: no such file or directory/);
    const failed = await run(await project({ "buildspec.yml": "version: 0.2\nphases:\n  build:\n    commands: ['echo before', 'sh -c \"exit 3\"', 'echo never']\n" }));
    assert.equal(failed.buildStatus, "FAILED");
    assert.equal(failure(failed), "BUILD FAILED COMMAND_EXECUTION_ERROR: Error while executing command: sh -c \"exit 3\". Reason: exit status 3");
    assert.doesNotMatch(await logOf(failed), /^never/m);
    const nothing = await run(await project({ "buildspec.yml": "version: 0.2\nphases: {}\nartifacts: {files: ['dist/**']}\n" }));
    assert.match(failure(nothing), /^UPLOAD_ARTIFACTS FAILED CLIENT_ERROR: no matching artifact paths found for dist/);
    const absent = await run(await project({}, { source: { type: "S3", location: "work/absent.zip" } }));
    assert.match(failure(absent), /^DOWNLOAD_SOURCE FAILED CLIENT_ERROR: Unable to get the source work\/absent\.zip: .*key does not exist/);
  });
});
