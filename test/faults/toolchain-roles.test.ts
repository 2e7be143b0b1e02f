import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CloudFormation } from "@aws-sdk/client-cloudformation";
import { IAM } from "@aws-sdk/client-iam";
import { S3 } from "@aws-sdk/client-s3";
import { cannotRun, startPlatform, type TestPlatform } from "../support/platform.ts";
import { openStacks, type Stacks } from "../support/stacks.ts";
import { starling, visit } from "../support/starling.ts";

const STACK = "awscodestar-web-lambda";
const ROLE = { RoleName: "CodeStarWorker-web-CloudFormation", PolicyName: "CloudFormationPolicy" };
/** Statements of the role that deploys which the sample needs nothing of, with the reason; the test proves it. */
const NOT_NEEDED: Readonly<Record<string, string>> = {
  Transforms: "whoever asks for the change set needs it: the toolchain's role, which has it too",
  FunctionLists: "for event source mappings, which the sample's function does not have",
  Buckets: "for templates with buckets; the sample's assets are in the toolchain's own",
};

describe("the role that deploys a project", { skip: cannotRun }, () => {
  let platform: TestPlatform;
  let stacks: Stacks;
  let cfn: CloudFormation;
  let iam: IAM;
  let policy: { Statement: { Sid: string }[] };
  let roleArn: string;
  let template: string;

  before(async () => {
    platform = await startPlatform();
    const made = await starling(platform, "new", "web", "--template", "nodejs-web-application", "--json");
    assert.equal(made.code, 0, made.stderr);
    stacks = openStacks(platform.client);
    cfn = new CloudFormation(platform.client);
    iam = new IAM(platform.client);
    policy = JSON.parse(decodeURIComponent((await iam.getRolePolicy(ROLE)).PolicyDocument!));
    roleArn = (await iam.getRole(ROLE)).Role!.Arn!;
    // What the build has packaged, with its code in the project's bucket.
    template = (await cfn.getTemplate({ StackName: STACK })).TemplateBody!;
  });
  after(() => platform?.stop());

  const allow = (without?: string) => {
    const Statement = policy.Statement.filter((s) => s.Sid !== without);
    return iam.putRolePolicy({ ...ROLE, PolicyDocument: JSON.stringify({ ...policy, Statement }) });
  };
  const page = async () => (await visit(`http://web.localhost:${platform.port}/`)).text;
  const parameters = () => ({
    Capabilities: ["CAPABILITY_NAMED_IAM" as const, "CAPABILITY_AUTO_EXPAND" as const],
    Parameters: [
      { ParameterKey: "ProjectId", ParameterValue: "web" },
      { ParameterKey: "CodeDeployRole", ParameterValue: roleArn.replace(/CloudFormation$/, "CodeDeploy") },
    ],
    RoleARN: roleArn,
  });
  async function removed(): Promise<void> {
    const { Stacks } = await cfn.describeStacks({ StackName: STACK });
    await cfn.deleteStack({ StackName: STACK, RoleARN: roleArn });
    assert.equal((await stacks.ended(Stacks![0]!.StackId!)).StackStatus, "DELETE_COMPLETE");
  }

  test("an update that is refused is taken back under the same role, and the next one succeeds", async () => {
    const s3 = new S3({ ...platform.client, forcePathStyle: true });
    const [, Bucket, Key] = /CodeUri: s3:\/\/([^/\s]+)\/(\S+)/.exec(template)!;
    await s3.copyObject({ Bucket: Bucket!, Key: "again.zip", CopySource: `${Bucket}/${Key}` });
    const next = template.replace(`s3://${Bucket}/${Key}`, `s3://${Bucket}/again.zip`);
    const was = await page();
    await allow("Code");
    const refused = await stacks.update(STACK, next, parameters());
    assert.equal(refused.StackStatus, "UPDATE_ROLLBACK_COMPLETE", refused.StackStatusReason);
    assert.equal(await page(), was);
    await allow();
    assert.equal((await stacks.update(STACK, next, parameters())).StackStatus, "UPDATE_COMPLETE");
    assert.equal(await page(), was);
  });

  test("it is enough for the sample, and too little without any one statement that the sample needs", async (t) => {
    await removed();
    assert.ok(policy.Statement.length > 5);
    for (const sid of [undefined, ...policy.Statement.map((s) => s.Sid)]) {
      await t.test(sid ? `without ${sid}` : "with all statements", async () => {
        await allow(sid);
        const needed = sid !== undefined && NOT_NEEDED[sid] === undefined;
        const made = await stacks
          .create(STACK, template, parameters())
          .catch((error: Error) => ({ StackStatus: error.name, StackStatusReason: error.message }));
        await allow();
        const created = made.StackStatus === "CREATE_COMPLETE";
        if (!/AccessDenied/.test(made.StackStatus!)) await removed();
        assert.equal(created, !needed, `${made.StackStatus}: ${made.StackStatusReason}`);
      });
    }
    for (const sid of Object.keys(NOT_NEEDED))
      assert.ok(
        policy.Statement.some((s) => s.Sid === sid),
        sid,
      );
  });
});
