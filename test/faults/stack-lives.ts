import assert from "node:assert/strict";
import * as Cfn from "@aws-sdk/client-cloudformation";
import { CloudWatchLogs } from "@aws-sdk/client-cloudwatch-logs";
import { IAM } from "@aws-sdk/client-iam";
import { S3 } from "@aws-sdk/client-s3";
import { body, group } from "../support/stacks.ts";
import type { ClientSettings } from "../support/test-app.ts";

/** Something that stacks go through. A platform may die in `run`, which is then called again and goes on from what is there. */
export interface StackLife {
  readonly name: string;
  prepare(): Promise<void>;
  run(): Promise<void>;
  /** Looks at what has come of it, and takes it away. */
  verify(): Promise<void>;
}

const LIMIT_MS = 30_000;
const ACCOUNT = "000000000000";
const REGIONS = ["us-east-1", "eu-west-1"];
const Bucket = "lives";
const kept = { DeletionPolicy: "Delete" };

async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  for (const deadline = Date.now() + LIMIT_MS; ;) {
    const found = await look();
    if (found !== undefined) return found;
    assert.ok(Date.now() < deadline, what);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** What an error of these names leaves undefined. */
const unless = <T>(work: Promise<T>, ...names: string[]): Promise<T | undefined> =>
  work.catch((error: Error) => {
    if (names.includes(error.name)) return undefined;
    throw error;
  });

/** The lives of stacks that resources are taken into, that have stacks within them, and that stack sets make. */
export function stackLives(client: ClientSettings): { lives: readonly StackLife[]; open(): Promise<void> } {
  const cfn = new Cfn.CloudFormation(client);
  const logs = new CloudWatchLogs(client);
  const s3 = new S3({ ...client, forcePathStyle: true });
  const iam = new IAM(client);

  const stackOf = async (StackName: string, region?: string): Promise<Cfn.Stack | undefined> => {
    const at = region === undefined ? cfn : new Cfn.CloudFormation({ ...client, region });
    return (await unless(at.describeStacks({ StackName }), "ValidationError"))?.Stacks?.[0];
  };
  const ended = (StackName: string): Promise<Cfn.Stack> =>
    until(`${StackName} did not end`, async () => {
      const stack = await stackOf(StackName);
      return stack?.StackStatus!.endsWith("IN_PROGRESS") ? undefined : stack;
    });
  const gone = async (StackName: string): Promise<void> => {
    await cfn.deleteStack({ StackName });
    await until(`${StackName} is not deleted`, async () => ((await stackOf(StackName)) ? undefined : true));
  };
  const retention = async (logGroupNamePrefix: string): Promise<Record<string, number | undefined>> => {
    const { logGroups = [] } = await logs.describeLogGroups({ logGroupNamePrefix });
    return Object.fromEntries(logGroups.map((g) => [g.logGroupName!, g.retentionInDays]));
  };
  /** Makes the change set where it is not there, and executes it where it was not. */
  const change = async (input: Cfn.CreateChangeSetCommandInput & { StackName: string }): Promise<void> => {
    const { StackName, ChangeSetName } = input;
    const look = () =>
      unless(cfn.describeChangeSet({ StackName, ChangeSetName }), "ValidationError", "ChangeSetNotFoundException");
    const set = (await look()) ?? (await cfn.createChangeSet(input).then(look));
    assert.equal(set?.Status, "CREATE_COMPLETE", set?.StatusReason);
    if (set.ExecutionStatus === "AVAILABLE") await cfn.executeChangeSet({ StackName, ChangeSetName });
  };

  const imports: StackLife = {
    name: "an import",
    async prepare() {
      for (const logGroupName of ["import-a", "import-b"]) await logs.createLogGroup({ logGroupName });
    },
    async run() {
      const names = { A: "import-a", B: "import-b" };
      await change({
        StackName: "import",
        ChangeSetName: "take-in",
        ChangeSetType: "IMPORT",
        TemplateBody: body({ A: group(names.A, 3, kept), B: group(names.B, undefined, kept) }),
        ResourcesToImport: Object.entries(names).map(([LogicalResourceId, LogGroupName]) => ({
          ResourceType: "AWS::Logs::LogGroup",
          LogicalResourceId,
          ResourceIdentifier: { LogGroupName },
        })),
      });
      assert.equal((await ended("import")).StackStatus, "IMPORT_COMPLETE");
    },
    async verify() {
      const { StackResources } = await cfn.describeStackResources({ StackName: "import" });
      assert.deepEqual(
        StackResources!.map((r) => r.PhysicalResourceId),
        ["import-a", "import-b"],
      );
      assert.deepEqual(Object.keys(await retention("import-")), ["import-a", "import-b"]);
      await gone("import");
      assert.deepEqual(await retention("import-"), {});
    },
  };

  const nested = (key: string) => ({
    Type: "AWS::CloudFormation::Stack",
    Properties: { TemplateURL: `https://s3.amazonaws.com/${Bucket}/${key}` },
  });
  const put = (Key: string, days: number) =>
    s3.putObject({ Bucket, Key, Body: body({ G: group(`nested-${Key}`, days) }) });
  const nestedSets: StackLife = {
    name: "a change set with nested stacks",
    async prepare() {
      await Promise.all([put("old", 1), put("new", 1)]);
      await cfn.createStack({ StackName: "nested", TemplateBody: body({ Old: nested("old") }) });
      assert.equal((await ended("nested")).StackStatus, "CREATE_COMPLETE");
      await put("old", 7);
    },
    async run() {
      await change({
        StackName: "nested",
        ChangeSetName: "below",
        IncludeNestedStacks: true,
        TemplateBody: body({ Old: nested("old"), New: nested("new") }),
      });
      assert.equal((await ended("nested")).StackStatus, "UPDATE_COMPLETE");
    },
    async verify() {
      assert.deepEqual(await retention("nested-"), { "nested-new": 1, "nested-old": 7 });
      const { Stacks } = await cfn.describeStacks({});
      assert.deepEqual(Stacks!.map((s) => s.StackStatus).toSorted(), [
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_COMPLETE",
      ]);
      await gone("nested");
      assert.deepEqual((await cfn.describeStacks({})).Stacks, []);
    },
  };

  const StackSetName = "set";
  let told: "made" | "emptied" | "deleted" | undefined;
  /** Begins an operation of the set under its id where it was not begun, and waits for it. */
  const operate = async (OperationId: string, begin: () => Promise<unknown>): Promise<void> => {
    const look = async () =>
      (await unless(cfn.describeStackSetOperation({ StackSetName, OperationId }), "OperationNotFoundException"))
        ?.StackSetOperation?.Status;
    if ((await look()) === undefined) await begin();
    const status = await until(`${OperationId} did not end`, async () => {
      const now = await look();
      return now === "RUNNING" || now === "QUEUED" ? undefined : now;
    });
    assert.equal(status, "SUCCEEDED");
  };
  const sets: StackLife = {
    name: "a stack set",
    async prepare() {
      told = undefined;
    },
    async run() {
      const to = { StackSetName, Accounts: [ACCOUNT], Regions: REGIONS };
      if (told === undefined) {
        const TemplateBody = body({ G: group("of-a-set", 3) });
        const there = await unless(cfn.describeStackSet({ StackSetName }), "StackSetNotFoundException");
        if (!there) await cfn.createStackSet({ StackSetName, TemplateBody });
        await operate("make", () => cfn.createStackInstances({ ...to, OperationId: "make" }));
        for (const region of REGIONS) {
          const { Summaries } = await cfn.listStackInstances({ StackSetName, StackInstanceRegion: region });
          const stack = await stackOf(Summaries![0]!.StackId!, region);
          assert.deepEqual([Summaries!.length, stack?.StackStatus], [1, "CREATE_COMPLETE"]);
        }
        told = "made";
      }
      if (told === "made") {
        await operate("drop", () => cfn.deleteStackInstances({ ...to, RetainStacks: false, OperationId: "drop" }));
        told = "emptied";
      }
      await unless(cfn.deleteStackSet({ StackSetName }), "StackSetNotFoundException");
      told = "deleted";
    },
    async verify() {
      for (const region of REGIONS) {
        const { Stacks } = await new Cfn.CloudFormation({ ...client, region }).describeStacks({});
        assert.deepEqual(Stacks, []);
      }
    },
  };

  return {
    lives: [imports, nestedSets, sets],
    async open() {
      await s3.createBucket({ Bucket });
      const roles = [
        ["Administration", { Service: "cloudformation.amazonaws.com" }, "sts:AssumeRole"],
        ["Execution", { AWS: `arn:aws:iam::${ACCOUNT}:root` }, "*"],
      ] as const;
      for (const [name, Principal, Action] of roles) {
        const RoleName = `AWSCloudFormationStackSet${name}Role`;
        const document = (statement: object): string =>
          JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", ...statement }] });
        await iam.createRole({ RoleName, AssumeRolePolicyDocument: document({ Principal, Action: "sts:AssumeRole" }) });
        await iam.putRolePolicy({ RoleName, PolicyName: "p", PolicyDocument: document({ Action, Resource: "*" }) });
      }
    },
  };
}
