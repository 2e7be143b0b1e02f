import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CodeBuild, type CreateProjectCommandInput } from "@aws-sdk/client-codebuild";
import { IAM } from "@aws-sdk/client-iam";
import { createContext } from "../../aws/context.ts";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";
import type { StoredBuild } from "./model.ts";
import { queueTimeouts } from "./run.ts";

const LIMIT_MS = 10_000;
const SPEC = "version: 0.2\nphases: {}\n";

describe("CodeBuild without sandboxes", () => {
  let app: TestApp;
  let codebuild: CodeBuild;
  let serviceRole: string;
  let n = 0;

  before(async () => {
    app = await startTestApp();
    codebuild = new CodeBuild(app.client);
    serviceRole = await makeRole("builder", "codebuild.amazonaws.com", ["logs:*", "s3:*"]);
  });
  after(() => app.stop());

  async function makeRole(RoleName: string, service: string, Action: string[]): Promise<string> {
    const iam = new IAM(app.client);
    const trust = {
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Principal: { Service: service }, Action: "sts:AssumeRole" }],
    };
    const { Role } = await iam.createRole({ RoleName, AssumeRolePolicyDocument: JSON.stringify(trust) });
    const policy = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action, Resource: "*" }] };
    await iam.putRolePolicy({ RoleName, PolicyName: "p", PolicyDocument: JSON.stringify(policy) });
    return Role!.Arn!;
  }

  const input = (more: Partial<CreateProjectCommandInput> = {}): CreateProjectCommandInput => ({
    name: `p${++n}`,
    serviceRole,
    source: { type: "NO_SOURCE", buildspec: SPEC },
    artifacts: { type: "NO_ARTIFACTS" },
    environment: { type: "LINUX_CONTAINER", image: "aws/codebuild/standard:7.0", computeType: "BUILD_GENERAL1_SMALL" },
    ...more,
  });

  async function ended(id: string) {
    const deadline = Date.now() + LIMIT_MS;
    for (;;) {
      const { builds } = await codebuild.batchGetBuilds({ ids: [id] });
      if (builds?.[0]?.buildComplete) return builds[0];
      assert.ok(Date.now() < deadline, "the build did not end");
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  test("a project has no more builds at a time than it allows; automatic retries are refused", async () => {
    await assert.rejects(codebuild.createProject(input({ autoRetryLimit: 2 })), { name: "NotImplemented" });
    const { project } = await codebuild.createProject(input({ concurrentBuildLimit: 1 }));
    const projectName = project!.name!;
    const id = (await codebuild.startBuild({ projectName })).build!.id!;
    await ended(id);
    const { platform, registry } = app.running;
    const { account, region } = platform.settings;
    const principal = { kind: "service" as const, service: "codebuild.amazonaws.com", account };
    const { records } = createContext(platform, registry, { service: "codebuild", account, region, principal });
    const { value, rev } = (await records.get<StoredBuild>("build", id))!;
    const running = { ...value, build: { ...value.build, buildComplete: false } };
    await records.write(records.put("build", id, running, rev));
    await assert.rejects(codebuild.startBuild({ projectName }), {
      name: "AccountLimitExceededException",
      message: "Cannot have more than 1 active builds for the project",
    });
    await records.write(records.put("build", id, value));
    assert.ok((await codebuild.startBuild({ projectName })).build?.id);
  });

  test("projects: defaults, changes, lists, deletion", async () => {
    const { project } = await codebuild.createProject(input({ tags: [{ key: "a", value: "1" }] }));
    const name = project!.name!;
    assert.deepEqual(
      [project!.timeoutInMinutes, project!.queuedTimeoutInMinutes, project!.cache?.type, project!.arn],
      [60, 480, "NO_CACHE", `arn:aws:codebuild:us-east-1:000000000000:project/${name}`],
    );
    await assert.rejects(codebuild.createProject(input({ name })), { name: "ResourceAlreadyExistsException" });
    const { project: changed } = await codebuild.updateProject({ name, description: "new", timeoutInMinutes: 10 });
    assert.deepEqual(
      [changed!.description, changed!.timeoutInMinutes, changed!.source?.buildspec, changed!.tags],
      ["new", 10, SPEC, [{ key: "a", value: "1" }]],
    );
    assert.ok((await codebuild.listProjects({ sortBy: "NAME", sortOrder: "ASCENDING" })).projects?.includes(name));
    const { projects, projectsNotFound } = await codebuild.batchGetProjects({ names: [project!.arn!, "none"] });
    assert.deepEqual([projects?.[0]?.name, projectsNotFound], [name, ["none"]]);
    await codebuild.deleteProject({ name });
    await assert.rejects(codebuild.startBuild({ projectName: name }), { name: "ResourceNotFoundException" });
    assert.ok((await codebuild.listCuratedEnvironmentImages({})).platforms?.length);
  });

  test("an id that is none is refused; a build that is not there is told apart", async () => {
    await assert.rejects(codebuild.batchGetBuilds({ ids: ["no-build"] }), { name: "InvalidInputException" });
    await assert.rejects(codebuild.stopBuild({ id: "no-build" }), { name: "InvalidInputException" });
    await assert.rejects(codebuild.stopBuild({ id: "no:build" }), { name: "ResourceNotFoundException" });
    assert.deepEqual((await codebuild.batchGetBuilds({ ids: ["no:build"] })).buildsNotFound, ["no:build"]);
  });

  test("what cannot be done is refused by its name", async () => {
    const refused = (more: Partial<CreateProjectCommandInput>, error: object) =>
      assert.rejects(codebuild.createProject(input(more)), error);
    const environment = input().environment!;
    await refused(
      { environment: { ...environment, type: "WINDOWS_CONTAINER" } },
      { name: "NotImplemented", message: /WINDOWS_CONTAINER/ },
    );
    await refused(
      { environment: { ...environment, environmentVariables: [{ name: "S", value: "x", type: "SECRETS_MANAGER" }] } },
      { name: "NotImplemented", message: /SECRETS_MANAGER \(S\)/ },
    );
    await refused(
      { environment: { ...environment, environmentVariables: [{ name: "CODEBUILD_X", value: "x" }] } },
      { name: "InvalidInputException", message: /CODEBUILD_X is reserved/ },
    );
    await refused(
      { source: { type: "GITHUB", location: "https://github.com/a/b" } },
      { name: "NotImplemented", message: /GITHUB/ },
    );
    await refused({ source: { type: "NO_SOURCE" } }, { name: "InvalidInputException", message: /inline buildspec/ });
    await refused({ source: { type: "CODEPIPELINE" } }, { name: "InvalidInputException" });
    await refused({ cache: { type: "S3" } }, { name: "InvalidInputException", message: /location is required/ });
    await refused({ timeoutInMinutes: 4 }, { message: /timeoutInMinutes/ });
    await refused(
      { serviceRole: "arn:aws:iam::000000000000:role/none" },
      { name: "InvalidInputException", message: /not authorized to perform: sts:AssumeRole/ },
    );
    await refused(
      { serviceRole: await makeRole("others", "lambda.amazonaws.com", ["*"]) },
      { name: "InvalidInputException" },
    );
    await assert.rejects(codebuild.createWebhook({ projectName: "x" }), { name: "NotImplemented" });
  });

  test("a host that cannot isolate says so: the build ends as a fault of the platform, with its record complete", async () => {
    const { project } = await codebuild.createProject(input());
    const { build } = await codebuild.startBuild({ projectName: project!.name!, idempotencyToken: "t" });
    assert.equal(
      (await codebuild.startBuild({ projectName: project!.name!, idempotencyToken: "t" })).build?.id,
      build!.id,
    );
    const end = await ended(build!.id!);
    assert.deepEqual(
      [end.buildStatus, end.buildNumber, end.currentPhase, end.initiator],
      ["FAULT", 1, "COMPLETED", "admin"],
    );
    const phase = end.phases!.find((p) => p.phaseType === "DOWNLOAD_SOURCE")!;
    assert.equal(phase.contexts![0]!.statusCode, "INTERNAL_SERVICE_ERROR");
    const { build: second } = await codebuild.startBuild({ projectName: project!.name! });
    await ended(second!.id!);
    assert.deepEqual((await codebuild.listBuildsForProject({ projectName: project!.name! })).ids, [
      second!.id,
      build!.id,
    ]);
    assert.equal((await codebuild.listBuilds({})).ids?.[0], second!.id);
    const { build: again } = await codebuild.retryBuild({ id: build!.id! });
    assert.equal(again?.buildNumber, 3);
    await ended(again!.id!);
    const { buildsDeleted, buildsNotDeleted } = await codebuild.batchDeleteBuilds({ ids: [build!.id!, "p0:none"] });
    assert.deepEqual([buildsDeleted, buildsNotDeleted?.[0]?.statusCode], [[build!.arn], "BUILD_NOT_FOUND"]);
    assert.equal((await codebuild.listBuilds({})).ids?.includes(build!.id!), false);
  });

  test("a role that may not write logs fails its build, and says which permission", async () => {
    const { project } = await codebuild.createProject(
      input({ serviceRole: await makeRole("mute", "codebuild.amazonaws.com", ["s3:*"]) }),
    );
    const { build } = await codebuild.startBuild({ projectName: project!.name! });
    const phase = (await ended(build!.id!)).phases!.find((p) => p.phaseStatus === "FAILED")!;
    assert.equal(phase.contexts![0]!.statusCode, "ACCESS_DENIED");
    assert.match(
      phase.contexts![0]!.message!,
      /does not allow AWS CodeBuild to create Amazon CloudWatch Logs log streams .*logs:CreateLogStream/,
    );
  });

  test("a project may name any image; a build in one that cannot be had fails, and names it", async () => {
    const environment = { ...input().environment!, image: "node:22" };
    const { project } = await codebuild.createProject(input({ environment }));
    const { build } = await codebuild.startBuild({ projectName: project!.name! });
    const phase = (await ended(build!.id!)).phases!.find((p) => p.phaseStatus === "FAILED")!;
    assert.deepEqual(
      [phase.phaseType, phase.contexts![0]!.statusCode, /node:22/.test(phase.contexts![0]!.message!)],
      ["PROVISIONING", "BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE", true],
    );
  });

  test("batches: their role, their builds, stops, lists and deletion", async () => {
    const buildspec =
      "version: 0.2\nbatch:\n  build-graph:\n    - {identifier: constructor, ignore-failure: true}\n    - {identifier: b, depend-on: [constructor]}\n    - {identifier: c, depend-on: [b]}\nphases: {}\n";
    const { project } = await codebuild.createProject(input({ source: { type: "NO_SOURCE", buildspec } }));
    const projectName = project!.name!;
    const batchEnd = async (id: string) => {
      for (const deadline = Date.now() + LIMIT_MS; ; await new Promise((resolve) => setTimeout(resolve, 5))) {
        const batch = (await codebuild.batchGetBuildBatches({ ids: [id] })).buildBatches![0]!;
        if (batch.complete) return batch;
        assert.ok(Date.now() < deadline, "the batch did not end");
      }
    };
    await assert.rejects(codebuild.startBuildBatch({ projectName }), {
      name: "InvalidInputException",
      message: /buildBatchConfig.serviceRole is required/,
    });
    const start = async (role: string) =>
      (await codebuild.startBuildBatch({ projectName, buildBatchConfigOverride: { serviceRole: role } })).buildBatch!;
    const denied = await batchEnd((await start(serviceRole)).id!);
    assert.match(
      denied.phases!.find((p) => p.phaseStatus === "FAILED")!.contexts![0]!.message!,
      /codebuild:StartBuild/,
    );
    const begun = await start(await makeRole("batcher", "codebuild.amazonaws.com", ["codebuild:*"]));
    const end = await batchEnd(begun.id!);
    // Without sandboxes each build is a fault: a's is ignored, b's is not.
    assert.deepEqual(
      [end.buildBatchStatus, end.buildBatchNumber, end.currentPhase, end.phases?.map((p) => p.phaseType)],
      ["FAILED", 2, "FAILED", ["SUBMITTED", "DOWNLOAD_BATCHSPEC", "IN_PROGRESS", "FAILED"]],
    );
    assert.deepEqual(
      end.buildGroups?.map((g) => [g.identifier, g.dependsOn, g.currentBuildSummary?.buildStatus]),
      [
        ["constructor", [], "FAULT"],
        ["b", ["constructor"], "FAULT"],
        ["c", ["b"], undefined],
      ],
    );
    await assert.rejects(codebuild.stopBuildBatch({ id: begun.id! }), { name: "InvalidInputException" });
    const { ids } = await codebuild.listBuildBatchesForProject({ projectName, filter: { status: "FAILED" } });
    assert.deepEqual(ids, [begun.id, denied.id]);
    assert.deepEqual((await codebuild.listBuildBatches({ maxResults: 1 })).ids, [begun.id]);
    const gone = await codebuild.deleteBuildBatch({ id: begun.id! });
    assert.deepEqual([gone.statusCode, gone.buildsDeleted?.length], ["SUCCESS", 2]);
    assert.deepEqual((await codebuild.batchGetBuildBatches({ ids: [begun.id!] })).buildBatchesNotFound, [begun.id]);
  });

  test("whoever gives a project a role for its batches must be allowed to pass it", async () => {
    const iam = new IAM(app.client);
    const batchRole = await makeRole("unpassed", "codebuild.amazonaws.com", ["codebuild:*"]);
    const { project } = await codebuild.createProject(input());
    await iam.createUser({ UserName: "dev" });
    const statement = (Action: string, Resource: string) => ({ Effect: "Allow", Action, Resource });
    const Statement = [statement("codebuild:*", "*"), statement("iam:PassRole", serviceRole)];
    const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement });
    await iam.putUserPolicy({ UserName: "dev", PolicyName: "p", PolicyDocument });
    const { AccessKey } = await iam.createAccessKey({ UserName: "dev" });
    const [accessKeyId, secretAccessKey] = [AccessKey!.AccessKeyId!, AccessKey!.SecretAccessKey!];
    const dev = new CodeBuild(app.as({ accessKeyId, secretAccessKey }));
    const refusal = { message: /iam:PassRole on resource: .*unpassed/ };
    const buildBatchConfig = { serviceRole: batchRole };
    await assert.rejects(dev.updateProject({ name: project!.name!, buildBatchConfig }), refusal);
    await assert.rejects(dev.createProject(input({ buildBatchConfig })), refusal);
    await dev.createProject(input());
  });

  test("a build that nobody takes ends when its time in the queue is over, or when it is stopped", async () => {
    const { project } = await codebuild.createProject(input());
    const { build } = await codebuild.startBuild({ projectName: project!.name! });
    await ended(build!.id!);
    const { platform, registry } = app.running;
    const { account, region } = platform.settings;
    const principal = { kind: "service" as const, service: "codebuild.amazonaws.com", account };
    const ctx = createContext(platform, registry, { service: "codebuild", account, region, principal });
    // A build as the queue holds it, which no worker knows of.
    const { value } = (await ctx.records.get<StoredBuild>("build", build!.id!))!;
    const queue = async (id: string) => {
      const phases = [...value.build.phases.slice(0, 1), { phaseType: "QUEUED" as const, startTime: ctx.now() }];
      await ctx.records.write(
        ctx.records.put("build", id, {
          ...value,
          runs: 0,
          build: {
            ...value.build,
            id,
            phases,
            buildComplete: false,
            buildStatus: "IN_PROGRESS",
            currentPhase: "QUEUED",
          },
        }),
      );
    };
    const [late, stopped] = [`${project!.name}:late`, `${project!.name}:stopped`];
    await queue(late);
    await queueTimeouts.run(ctx, { id: late }, 1);
    await queueTimeouts.run(ctx, { id: late }, 2);
    const end = await ended(late);
    assert.deepEqual(
      [end.buildStatus, end.phases?.map((p) => `${p.phaseType} ${p.phaseStatus}`)],
      ["TIMED_OUT", ["SUBMITTED SUCCEEDED", "QUEUED TIMED_OUT", "COMPLETED undefined"]],
    );
    await queue(stopped);
    assert.equal((await codebuild.stopBuild({ id: stopped })).build?.buildStatus, "STOPPED");
  });
});
