import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { CloudFormation } from "@aws-sdk/client-cloudformation";
import { CloudWatch } from "@aws-sdk/client-cloudwatch";
import { CodeCommit } from "@aws-sdk/client-codecommit";
import { CodePipeline } from "@aws-sdk/client-codepipeline";
import { EventBridge } from "@aws-sdk/client-eventbridge";
import { IAM } from "@aws-sdk/client-iam";
import { S3 } from "@aws-sdk/client-s3";
import { apiClient } from "../../src/app/api-client.ts";
import type { Caller } from "../../src/app/caller.ts";
import { cannotRun, startPlatform, type TestPlatform } from "../support/platform.ts";
import { run, starling, until, visit } from "../support/starling.ts";

const ACCOUNT = "000000000000";
const REGION = "us-east-1";

describe("CodeStar projects", { skip: cannotRun }, () => {
  let platform: TestPlatform;
  let call: Caller;
  let folder: string;

  before(async () => {
    platform = await startPlatform();
    call = apiClient({ origin: platform.endpoint, region: REGION, credentials: platform.client.credentials });
    folder = await mkdtemp(join(tmpdir(), "starling-clone-"));
  });
  after(async () => {
    await platform?.stop();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  const page = (id: string) => visit(`http://${id}.localhost:${platform.port}/`);

  /** Environment of a shell where `starling env` was evaluated. */
  async function shell(): Promise<NodeJS.ProcessEnv> {
    const { stdout } = await starling(platform, "env");
    const script = `${stdout}\nenv -0`;
    const { stdout: all } = await run("/bin/bash", ["-c", script], {
      env: { PATH: process.env["PATH"]!, HOME: folder },
    });
    return Object.fromEntries(
      all
        .split("\0")
        .filter(Boolean)
        .map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]),
    );
  }

  async function git(cwd: string, ...args: string[]) {
    const who = ["-c", "user.name=Dev", "-c", "user.email=dev@example.com"];
    const done = await run("git", [...who, ...args], { cwd, env: await shell() });
    assert.equal(done.code, 0, done.stderr);
    return done;
  }

  async function change(clone: string, file: string, how: (text: string) => string): Promise<string> {
    await writeFile(join(clone, file), how(await readFile(join(clone, file), "utf8")));
    await git(clone, "commit", "-qam", `Change ${file}`);
    return (await git(clone, "push")).stderr;
  }

  const latest = async (id: string) => {
    const { pipelineExecutionSummaries: [run] = [] } = await new CodePipeline(platform.client).listPipelineExecutions({
      pipelineName: `${id}-Pipeline`,
    });
    return run;
  };

  async function ended(id: string, before: string | undefined) {
    return until(async () => {
      const now = await latest(id);
      return now?.pipelineExecutionId !== before && now?.status !== "InProgress" && now;
    });
  }

  const TEMPLATES = [
    { template: "nodejs-web-application", id: "web", shows: /<h1>It is live\.<\/h1>/ },
    { template: "static-web-page", id: "static", shows: /A page of your own/ },
    { template: "python-web-service", id: "python", shows: /"output": "Hello World"/ },
    { template: "nodejs-express-web-service", id: "express", shows: /"output":"Hello World"/ },
  ];
  for (const { template, id, shows } of TEMPLATES) {
    test(`${template}: from its name to a live page`, async () => {
      const { code, stdout, stderr } = await starling(platform, "new", id, "--template", template, "--json");
      assert.equal(code, 0, stderr);
      const facts = JSON.parse(stdout.trim().split("\n").at(-1)!) as Record<string, string>;
      assert.deepEqual(Object.keys(facts).sort(), ["cloneUrl", "id", "pipeline", "state", "url"]);
      assert.equal(facts["state"], "live");
      const { status, text } = await page(id);
      assert.equal(status, 200);
      assert.match(text, shows);
      for (const [, asset] of text.matchAll(/(?:src|href)="(http[^"]+\/public\/assets\/[^"]+)"/g))
        assert.equal((await visit(asset!)).status, 200, asset);
    });
  }

  test("the toolchain is what CodeStar made, name by name", async () => {
    const { StackResources = [] } = await new CloudFormation(platform.client).describeStackResources({
      StackName: "awscodestar-web",
    });
    const names = new Map(StackResources.map((r) => [r.LogicalResourceId, r.PhysicalResourceId]));
    const bucket = (end: string) => `aws-codestar-${REGION}-${ACCOUNT}-web-${end}`;
    assert.deepEqual([names.get("S3Bucket"), names.get("WebsiteS3Bucket")], [bucket("pipe"), bucket("app")]);
    assert.deepEqual(
      ["ToolChainRole", "CloudFormationTrustRole", "CodeDeployTrustRole"].map((id) => names.get(id)),
      ["ToolChain", "CloudFormation", "CodeDeploy"].map((n) => `CodeStarWorker-web-${n}`),
    );
    assert.equal(names.get("CodeBuildProject"), "web");
    assert.match(String(names.get("PermissionsBoundaryPolicy")), /policy\/CodeStar_web_PermissionsBoundary$/);
    assert.match(String(names.get("SourceEvent")), /awscodestar-web-SourceEvent$/);
    const { commit } = await firstCommit("web");
    assert.equal(commit?.message?.trim(), "Initial commit made by AWS CodeStar during project creation.");
  });

  async function firstCommit(repositoryName: string) {
    const commits = new CodeCommit(platform.client);
    const { branch } = await commits.getBranch({ repositoryName, branchName: "master" });
    return commits.getCommit({ repositoryName, commitId: branch!.commitId! });
  }

  test("a push is live by itself; a push that is broken stops at its stage, and the page stays as it was", async () => {
    const clone = join(folder, "web");
    const { cloneUrl } = JSON.parse((await starling(platform, "projects", "--json")).stdout).find(
      (p: { id: string }) => p.id === "web",
    );
    await git(folder, "clone", "-q", cloneUrl, clone);
    const said = await change(clone, "public/index.html", (text) => text.replace("It is live.", "Second page"));
    assert.match(said, /web-Pipeline/);
    await until(async () => (await page("web")).text.includes("Second page"));

    const faults: { file: string; how: (text: string) => string; stage: string; names: RegExp }[] = [
      {
        file: "buildspec.yml",
        how: (text) => text.replace("phases:", "phases: ["),
        stage: "Build",
        names: /YAML|buildspec/i,
      },
      {
        file: "index.js",
        how: () => "throw new Error('does not load');\n",
        stage: "Build",
        names: /node --test|exit status|PRE_BUILD/i,
      },
      {
        file: "template.yml",
        how: (text) => text.replace("Handler: index.get", "Handler: index.get\n      NoSuchProperty: 1"),
        stage: "Deploy",
        names: /NoSuchProperty|WebPage/,
      },
    ];
    for (const { file, how, stage, names } of faults) {
      const good = await readFile(join(clone, file), "utf8");
      const before = await latest("web");
      await change(clone, file, how);
      const end = await ended("web", before?.pipelineExecutionId);
      assert.equal(end.status, "Failed", file);
      const { stageStates = [] } = await new CodePipeline(platform.client).getPipelineState({ name: "web-Pipeline" });
      const failed = stageStates.find((s) => s.latestExecution?.status === "Failed");
      assert.equal(failed?.stageName, stage, file);
      const message = failed?.actionStates?.map((a) => a.latestExecution?.errorDetails?.message).join(" ") ?? "";
      assert.match(message, names, file);
      assert.match((await page("web")).text, /Second page/, file);
      const mended = await latest("web");
      await change(clone, file, () => good);
      assert.equal((await ended("web", mended?.pipelineExecutionId)).status, "Succeeded", file);
    }
  });

  test("the toolchain's role is enough for a release, and too little without any one statement that it needs", async () => {
    const iam = new IAM(platform.client);
    const pipelines = new CodePipeline(platform.client);
    const role = { RoleName: "CodeStarWorker-web-ToolChain", PolicyName: "ToolChainPolicy" };
    const { PolicyDocument = "" } = await iam.getRolePolicy(role);
    const policy = JSON.parse(decodeURIComponent(PolicyDocument)) as { Statement: { Sid: string }[] };
    const release = async () => {
      const before = await latest("web");
      await pipelines.startPipelineExecution({ name: "web-Pipeline" });
      return (await ended("web", before?.pipelineExecutionId)).status;
    };
    for (const sid of ["Sources", "Artifacts", "Website", "Builds", "BuildLogs", "Stacks", "Transforms", "HandOver"]) {
      const Statement = policy.Statement.filter((s) => s.Sid !== sid);
      assert.equal(Statement.length, policy.Statement.length - 1, sid);
      await iam.putRolePolicy({ ...role, PolicyDocument: JSON.stringify({ ...policy, Statement }) });
      assert.equal(await release(), "Failed", sid);
    }
    // What it has for templates of other kinds and for what comes after a release: the sample does without.
    const without = (...sids: string[]) => ({
      ...policy,
      Statement: policy.Statement.filter((s) => !sids.includes(s.Sid)),
    });
    const spare = ["Functions", "Parameters", "Resources"];
    await iam.putRolePolicy({ ...role, PolicyDocument: JSON.stringify(without(...spare, "Release")) });
    assert.equal(await release(), "Succeeded");
    // Release is what the rule starts the pipeline with: without it a push starts none.
    const last = await latest("web");
    const codecommit = new CodeCommit(platform.client);
    const { defaultBranch: branchName = "" } = (await codecommit.getRepository({ repositoryName: "web" }))
      .repositoryMetadata!;
    const push = async (fileContent: string) => {
      const { branch } = await codecommit.getBranch({ repositoryName: "web", branchName });
      const putFiles = [{ filePath: "note.txt", fileContent: Buffer.from(fileContent) }];
      await codecommit.createCommit({ repositoryName: "web", branchName, parentCommitId: branch!.commitId!, putFiles });
    };
    const metrics = new CloudWatch(platform.client);
    const failures = async () => {
      const { Datapoints = [] } = await metrics.getMetricStatistics({
        Namespace: "AWS/Events",
        MetricName: "FailedInvocations",
        Dimensions: [{ Name: "RuleName", Value: ruleName }],
        StartTime: new Date(Date.now() - 600_000),
        EndTime: new Date(Date.now() + 60_000),
        Period: 60,
        Statistics: ["Sum"],
      });
      return Datapoints.length > 0;
    };
    const { Rules = [] } = await new EventBridge(platform.client).listRules({ NamePrefix: "awscodestar-web" });
    const ruleName = Rules[0]!.Name!;
    await push("nobody is told of this");
    await until(failures);
    assert.equal((await latest("web"))?.pipelineExecutionId, last?.pipelineExecutionId);
    await iam.putRolePolicy({ ...role, PolicyDocument: JSON.stringify(policy) });
    assert.deepEqual(
      policy.Statement.map((s) => s.Sid).toSorted(),
      [
        "Artifacts",
        "BuildLogs",
        "Builds",
        ...spare,
        "HandOver",
        "Release",
        "Sources",
        "Stacks",
        "Transforms",
        "Website",
      ].toSorted(),
      "each statement is tried",
    );
    await push("this starts a release");
    assert.equal((await ended("web", last?.pipelineExecutionId)).status, "Succeeded");
  });

  test("team roles: a viewer looks, a contributor pushes and releases, an owner does all", async () => {
    const iam = new IAM(platform.client);
    const member = async (name: string, projectRole: string) => {
      const { User } = await iam.createUser({ UserName: name });
      await call("codestar", "AssociateTeamMember", { projectId: "python", userArn: User!.Arn, projectRole });
      const { AccessKey } = await iam.createAccessKey({ UserName: name });
      const credentials = { accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! };
      return {
        userArn: User!.Arn!,
        codestar: apiClient({ origin: platform.endpoint, region: REGION, credentials }),
        pipelines: new CodePipeline({ ...platform.client, credentials }),
      };
    };
    const viewer = await member("vera", "Viewer");
    const contributor = await member("carl", "Contributor");
    const owner = await member("olga", "Owner");
    const refused = { name: /^AccessDenied/ };
    const denied = (error: { code?: string }) => String(error.code).startsWith("AccessDenied");

    assert.equal((await viewer.codestar("codestar", "DescribeProject", { id: "python" })).id, "python");
    await viewer.pipelines.getPipelineState({ name: "python-Pipeline" });
    await assert.rejects(viewer.pipelines.startPipelineExecution({ name: "python-Pipeline" }), refused);
    await assert.rejects(viewer.codestar("codestar", "DescribeProject", { id: "web" }), denied, "another project");
    await contributor.pipelines.startPipelineExecution({ name: "python-Pipeline" });
    await assert.rejects(contributor.codestar("codestar", "DeleteProject", { id: "python" }), denied);
    await assert.rejects(
      contributor.codestar("codestar", "AssociateTeamMember", {
        projectId: "python",
        userArn: viewer.userArn,
        projectRole: "Owner",
      }),
      denied,
    );

    await assert.rejects(
      owner.codestar("codestar", "AssociateTeamMember", {
        projectId: "python",
        userArn: viewer.userArn,
        projectRole: "Owner",
      }),
      { code: "TeamMemberAlreadyAssociatedException" },
    );
    await owner.codestar("codestar", "UpdateTeamMember", {
      projectId: "python",
      userArn: viewer.userArn,
      projectRole: "Contributor",
    });
    const { AttachedPolicies } = await iam.listAttachedUserPolicies({ UserName: "vera" });
    assert.deepEqual(
      AttachedPolicies?.map((p) => p.PolicyName),
      ["CodeStar_python_Contributor"],
      "nobody holds two roles",
    );
    await viewer.pipelines.startPipelineExecution({ name: "python-Pipeline" });
    await owner.codestar("codestar", "DisassociateTeamMember", { projectId: "python", userArn: viewer.userArn });
    await assert.rejects(viewer.codestar("codestar", "DescribeProject", { id: "python" }), denied);
  });

  test("a creation that fails midway says why, and leaves nothing behind", async () => {
    const s3 = new S3(platform.client);
    await s3.createBucket({ Bucket: "toolchains" });
    const Resources = {
      Kept: { Type: "AWS::S3::Bucket", DeletionPolicy: "Retain", Properties: { BucketName: "aws-codestar-kept" } },
      Worker: {
        Type: "AWS::IAM::Role",
        DependsOn: "Kept",
        Properties: { RoleName: "NotCodeStars", AssumeRolePolicyDocument: { Statement: [] } },
      },
    };
    await s3.putObject({ Bucket: "toolchains", Key: "bad.json", Body: JSON.stringify({ Resources }) });
    const toolchain = { source: { s3: { bucketName: "toolchains", bucketKey: "bad.json" } } };
    await call("codestar", "CreateProject", { id: "broken", name: "Broken", toolchain });
    const { status } = await until(async () => {
      const project = await call("codestar", "DescribeProject", { id: "broken" });
      return project.status.state !== "CreateInProgress" && project;
    });
    assert.equal(status.state, "CreateFailed");
    assert.match(status.reason, /^Worker \(AWS::IAM::Role\)/);
    await assert.rejects(s3.headBucket({ Bucket: "aws-codestar-kept" }));
    await assert.rejects(call("codestar", "CreateProject", { id: "web", name: "Web" }), {
      code: "ProjectAlreadyExistsException",
    });
    await call("codestar", "DeleteProject", { id: "broken" });
  });

  test("a project's address says so while, and where, there is no application", async () => {
    await call("codestar", "CreateProject", { id: "empty", name: "Empty" });
    const waiting = await until(async () => {
      const answer = await page("empty");
      return answer.status === 503 && answer;
    });
    assert.equal(waiting.headers["retry-after"], "1");
    assert.equal((await page("nobody")).status, 404);
  });

  test("destroy leaves nothing; --keep-resources keeps the stacks", async () => {
    assert.equal((await starling(platform, "destroy", "static", "--yes", "--keep-resources")).code, 0);
    assert.equal(
      (await call("cloudformation", "DescribeStacks", { StackName: "awscodestar-static" })).Stacks.length,
      1,
    );
    const again = await starling(platform, "new", "static", "--template", "static-web-page");
    assert.match(again.stderr, /name static is taken: .* its stacks are still there\..*starling destroy static/);
    for (const id of ["static", "web", "python", "express", "empty"]) {
      const { code, stderr } = await starling(platform, "destroy", id, "--yes");
      assert.equal(code, 0, stderr);
    }
    const iam = new IAM(platform.client);
    const left = {
      buckets: (await new S3(platform.client).listBuckets({})).Buckets?.map((b) => b.Name),
      roles: (await iam.listRoles({})).Roles?.map((r) => r.RoleName),
      policies: (await iam.listPolicies({ Scope: "Local" })).Policies?.map((p) => p.PolicyName),
      logs: (await call("logs", "DescribeLogGroups", {})).logGroups.map(
        (g: { logGroupName: string }) => g.logGroupName,
      ),
      repositories: (await new CodeCommit(platform.client).listRepositories({})).repositories?.map(
        (r) => r.repositoryName,
      ),
    };
    for (const [what, names = []] of Object.entries(left))
      assert.deepEqual(
        names.filter((name: string) => /static|web|python|express/.test(name)),
        [],
        what,
      );
  });
});
