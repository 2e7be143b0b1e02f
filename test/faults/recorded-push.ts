import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { APIGateway } from "@aws-sdk/client-api-gateway";
import { Lambda } from "@aws-sdk/client-lambda";
import { S3 } from "@aws-sdk/client-s3";
import { apiClient } from "../../src/app/api-client.ts";
import type { Caller } from "../../src/app/caller.ts";
import { createProject } from "../../src/app/new-project.ts";
import { gitSignature } from "../../src/aws/git-signature.ts";
import { startPlatform, type TestPlatform } from "../support/platform.ts";
import { run, until, visit } from "../support/starling.ts";
import { startMortal, type Death, type MortalPlatform } from "./mortal-platform.ts";

const GENERATION = { hasTemplateConfiguration: true, hasCodeDeployRole: true, importsLambdaRole: false };
const ID = "tiny";
const REGION = "us-east-1";
const STACK = `awscodestar-${ID}-lambda`;
const FUNCTION = `awscodestar-${ID}-lambda-Page`;
const LIMIT_MS = 60_000;

/** One function behind an API, with a version, an alias and a deployment for each push, and nothing to build. */
const template = (mark: string): string => `
Transform: [AWS::Serverless-2016-10-31, AWS::CodeStar]
Parameters: {ProjectId: {Type: String}, CodeDeployRole: {Type: String}}
Resources:
  Page:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: !Sub 'awscodestar-\${ProjectId}-lambda-Page'
      Runtime: nodejs24.x
      Handler: index.handler
      InlineCode: "exports.handler = async () => ({ statusCode: 200, body: '${mark}' })"
      Role: !GetAtt Execution.Arn
      AutoPublishAlias: live
      DeploymentPreference: {Type: AllAtOnce, Role: !Ref CodeDeployRole}
      Events: {Home: {Type: Api, Properties: {Path: /, Method: get}}}
  Execution:
    Type: AWS::IAM::Role
    Properties:
      RoleName: !Sub 'CodeStar-\${ProjectId}-Execution'
      AssumeRolePolicyDocument:
        Version: '2012-10-17'
        Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: 'sts:AssumeRole'}]
      ManagedPolicyArns: [!Sub 'arn:\${AWS::Partition}:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole']
      PermissionsBoundary: !Sub 'arn:\${AWS::Partition}:iam::\${AWS::AccountId}:policy/CodeStar_\${ProjectId}_PermissionsBoundary'
`;
const FILES = {
  "buildspec.yml":
    "version: 0.2\nphases: {build: {commands: ['true']}}\nartifacts: {type: zip, files: [template-export.yml, template-configuration.json]}\n",
  "template-configuration.json": '{"Tags": {"project": "tiny"}}\n',
};

/** A small project on a platform that is started and killed again and again, with one push for each life. */
export interface PushedProject {
  readonly platform: TestPlatform;
  /** Starts the platform, with the write that it is to die at. */
  start(death?: Death): Promise<MortalPlatform>;
  /** Commits a new page and pushes it. Answers its commit, and whether git says that it arrived. */
  push(mark: string): Promise<{ commit: string; arrived: boolean }>;
  /** Pushes again what a killed platform may not have taken. */
  pushAgain(): Promise<void>;
  /** Waits for the end of what the push began, and checks that it came to exactly one end. */
  settle(mark: string, commit: string): Promise<void>;
  /** All that services list, but for what every push adds. */
  inventory(): Promise<Record<string, readonly string[]>>;
  close(): Promise<void>;
}

/** Makes the project with its first page and stops the platform. */
export async function openPushedProject(settings: Record<string, string> = {}): Promise<PushedProject> {
  const platform = await startPlatform(settings);
  const clone = await mkdtemp(join(tmpdir(), "starling-push-"));
  const call: Caller = apiClient({
    origin: platform.endpoint,
    region: REGION,
    credentials: platform.client.credentials,
  });
  const lambda = new Lambda(platform.client);
  const apigateway = new APIGateway(platform.client);
  const s3 = new S3({ ...platform.client, forcePathStyle: true });
  const place = { account: "000000000000", region: REGION, publicUrl: platform.endpoint, code: "" };
  await createProject(call, place, { id: ID, from: { generation: GENERATION } });
  await until(async () => (await call("codestar", "DescribeProject", { id: ID })).status?.state === "CreateComplete");
  await git("init", "-q", "-b", "master");
  await commit("first");
  assert.ok((await pushOnce()).arrived);
  // The pipeline's own first run, which waits for a commit, and the push's event both release this one.
  await until(async () => (await page()) === "first");
  await until(async () => (await releases(await head())).every((e) => e.status === "Succeeded"));
  await platform.end();

  async function git(...args: string[]) {
    const who = ["-c", "user.name=Dev", "-c", "user.email=dev@example.com", "-c", "gc.auto=0"];
    return await run("git", [...who, ...args], { cwd: clone, env: { PATH: process.env["PATH"], HOME: clone } });
  }
  async function head(): Promise<string> {
    return (await git("rev-parse", "HEAD")).stdout.trim();
  }

  async function commit(mark: string): Promise<string> {
    const files = { ...FILES, "template-export.yml": template(mark) };
    for (const [name, text] of Object.entries(files)) await writeFile(join(clone, name), text);
    await git("add", ".");
    const done = await git("commit", "-qm", mark);
    assert.equal(done.code, 0, done.stderr);
    return await head();
  }

  async function pushOnce(): Promise<{ arrived: boolean; said: string }> {
    const { accessKeyId, secretAccessKey } = platform.client.credentials;
    const timestamp = new Date().toISOString().slice(0, 19).replace(/[-:]/g, "");
    const path = `/v1/repos/${ID}`;
    const signature = gitSignature(secretAccessKey, timestamp, { host: "127.0.0.1", path, region: REGION });
    const url = `http://${accessKeyId}:${timestamp}Z${signature}@127.0.0.1:${platform.port}${path}`;
    const { code, stderr } = await git("push", "-q", url, "master");
    return { arrived: code === 0, said: stderr };
  }

  async function page(): Promise<string> {
    return (await visit(`http://${ID}.localhost:${platform.port}/`)).text;
  }

  async function releases(commitId: string): Promise<{ status: string }[]> {
    const { pipelineExecutionSummaries: all = [] } = await call("codepipeline", "ListPipelineExecutions", {
      pipelineName: `${ID}-Pipeline`,
    });
    return all.filter((e: any) => e.sourceRevisions?.[0]?.revisionId === commitId);
  }

  async function settle(mark: string, commitId: string): Promise<void> {
    const seen = await until(async () => {
      const all = await releases(commitId);
      return all.length > 0 && all.every((e) => e.status !== "InProgress") && all;
    }, LIMIT_MS);
    assert.deepEqual(
      seen.map((e) => e.status),
      ["Succeeded"],
      `the releases of ${mark}: ${JSON.stringify(seen)}`,
    );
    // What a visitor sees has no cache in front: it is new with the end of the release.
    assert.equal(await page(), mark);
    const { Stacks = [] } = await call("cloudformation", "DescribeStacks", { StackName: STACK });
    assert.match(String(Stacks[0]?.StackStatus), /^(CREATE|UPDATE)_COMPLETE$/);
  }

  async function allVersions(): Promise<number> {
    let count = 0;
    for (let Marker: string | undefined; ;) {
      const page = await lambda.listVersionsByFunction({ FunctionName: FUNCTION, ...(Marker ? { Marker } : {}) });
      count += page.Versions?.length ?? 0;
      if (!(Marker = page.NextMarker)) return count;
    }
  }

  async function allShifts(): Promise<string[]> {
    const ids: string[] = [];
    for (let nextToken: string | undefined; ;) {
      const page = await call("codedeploy", "ListDeployments", nextToken ? { nextToken } : {});
      ids.push(...(page.deployments ?? []));
      if (!(nextToken = page.nextToken)) return ids;
    }
  }

  async function inventory(): Promise<Record<string, readonly string[]>> {
    const { StackResources = [] } = await call("cloudformation", "DescribeStackResources", { StackName: STACK });
    const apis = (await apigateway.getRestApis({})).items ?? [];
    const deployments = await Promise.all(
      apis.map(async ({ id }: { id?: string }) => (await apigateway.getDeployments({ restApiId: id })).items ?? []),
    );
    const versions = await allVersions();
    const shifts = await allShifts();
    const { deploymentsInfo = [] } = shifts.length
      ? await call("codedeploy", "BatchGetDeployments", { deploymentIds: shifts.slice(0, 25) })
      : {};
    return {
      resources: StackResources.map(
        (r: any) => `${r.ResourceType} ${r.ResourceStatus?.replace(/^CREATE|^UPDATE/, "")}`,
      ).sort(),
      functions: ((await lambda.listFunctions({})).Functions ?? []).map((f) => String(f.FunctionName)),
      aliases: ((await lambda.listAliases({ FunctionName: FUNCTION })).Aliases ?? []).map(
        (a) => `${a.Name} ${versions - 1 - Number(a.FunctionVersion)}`,
      ),
      versions: [`${versions}`],
      apis: apis.map((a) => String(a.name)),
      deployments: [`${deployments.flat().length}`],
      shifts: [`${shifts.length}`, ...new Set<string>(deploymentsInfo.map((d: any) => String(d.status)))],
      roles: ((await call("iam", "ListRoles", {})).Roles ?? []).map((r: any) => String(r.RoleName)),
      buckets: ((await s3.listBuckets({})).Buckets ?? []).map((b) => String(b.Name)),
      stacks: ((await call("cloudformation", "DescribeStacks", {})).Stacks ?? []).map((s: any) => String(s.StackName)),
      changeSets: ((await call("cloudformation", "ListChangeSets", { StackName: STACK })).Summaries ?? []).map(
        (s: any) => String(s.Status),
      ),
    };
  }

  return {
    platform,
    start: (death) => startMortal(platform, death),
    async push(mark) {
      const made = await commit(mark);
      return { commit: made, arrived: (await pushOnce()).arrived };
    },
    async pushAgain() {
      const { arrived, said } = await pushOnce();
      assert.ok(arrived, `a second push was refused: ${said}`);
    },
    settle,
    inventory,
    async close() {
      await platform.stop();
      await rm(clone, { recursive: true, force: true });
    },
  };
}
