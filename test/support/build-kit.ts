import assert from "node:assert/strict";
import { CloudWatchLogs } from "@aws-sdk/client-cloudwatch-logs";
import {
  CodeBuild,
  type Build,
  type CreateProjectCommandInput,
  type StartBuildCommandInput,
} from "@aws-sdk/client-codebuild";
import { IAM } from "@aws-sdk/client-iam";
import { S3 } from "@aws-sdk/client-s3";
import type { TestPlatform } from "./platform.ts";
import { zip } from "./zip.ts";

const LIMIT_MS = 60_000;

/** Looks until `look` answers something; a deadline ends a wait that has no end. */
export async function until<T>(look: () => Promise<T | undefined>, what: string): Promise<T> {
  const deadline = Date.now() + LIMIT_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    assert.ok(Date.now() < deadline, `waited too long for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** What tests of builds and pipelines share. */
export interface BuildKit {
  readonly codebuild: CodeBuild;
  readonly s3: S3;
  /** ARN of a role that builds may take, and that may do everything. */
  readonly role: string;
  readonly environment: NonNullable<CreateProjectCommandInput["environment"]>;
  /** A role that may do everything, for services that may take it. */
  makeRole(name: string, services: string[]): Promise<string>;
  /** A project whose source is a zip of the files. */
  project(files: Record<string, string>, more?: Partial<CreateProjectCommandInput>): Promise<string>;
  run(projectName: string, more?: Partial<StartBuildCommandInput>): Promise<Build>;
  ended(id: string): Promise<Build>;
  logOf(build: Build): Promise<string>;
  /** Phases of a build that did not succeed, each in a line. */
  failure(build: Build): string;
}

/** Clients, a bucket named `work` and a role for builds on a new platform. */
export async function openBuildKit(platform: TestPlatform): Promise<BuildKit> {
  const codebuild = new CodeBuild(platform.client);
  const s3 = new S3({ ...platform.client, forcePathStyle: true });
  const makeRole: BuildKit["makeRole"] = (name, services) => createRole(platform, name, services);
  const role = await makeRole("builder", ["codebuild.amazonaws.com"]);
  await s3.createBucket({ Bucket: "work" });
  const environment: BuildKit["environment"] = {
    type: "LINUX_CONTAINER",
    image: "aws/codebuild/standard:7.0",
    computeType: "BUILD_GENERAL1_SMALL",
  };
  let n = 0;
  const ended: BuildKit["ended"] = (id) =>
    until(async () => {
      const { builds } = await codebuild.batchGetBuilds({ ids: [id] });
      return builds?.[0]?.buildComplete ? builds[0] : undefined;
    }, `the end of ${id}`);
  return {
    codebuild,
    s3,
    role,
    environment,
    makeRole,
    ended,
    async project(files, more = {}) {
      const name = `project-${++n}`;
      await s3.putObject({ Bucket: "work", Key: `${name}.zip`, Body: await zip(files) });
      const source: CreateProjectCommandInput["source"] = { type: "S3", location: `work/${name}.zip` };
      const artifacts: CreateProjectCommandInput["artifacts"] = { type: "NO_ARTIFACTS" };
      await codebuild.createProject({ name, serviceRole: role, source, artifacts, environment, ...more });
      return name;
    },
    async run(projectName, more = {}) {
      const { build } = await codebuild.startBuild({ projectName, ...more });
      return await ended(build!.id!);
    },
    async logOf(build) {
      const { groupName: logGroupName = "", streamName: logStreamName = "" } = build.logs!;
      const input = { logGroupName, logStreamName, startFromHead: true };
      const { events } = await new CloudWatchLogs(platform.client).getLogEvents(input);
      return (events ?? []).map((e) => e.message).join("");
    },
    failure: (build) =>
      (build.phases ?? [])
        .filter((p) => p.phaseStatus && p.phaseStatus !== "SUCCEEDED")
        .map((p) => `${p.phaseType} ${p.phaseStatus} ${p.contexts?.[0]?.statusCode}: ${p.contexts?.[0]?.message}`)
        .join("\n"),
  };
}

async function createRole(platform: TestPlatform, RoleName: string, services: string[]): Promise<string> {
  const iam = new IAM(platform.client);
  const trust = {
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Principal: { Service: services }, Action: "sts:AssumeRole" }],
  };
  const { Role } = await iam.createRole({ RoleName, AssumeRolePolicyDocument: JSON.stringify(trust) });
  const policy = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] };
  await iam.putRolePolicy({ RoleName, PolicyName: "all", PolicyDocument: JSON.stringify(policy) });
  return Role!.Arn!;
}
