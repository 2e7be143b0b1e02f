import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { CloudFormation, type Stack } from "@aws-sdk/client-cloudformation";
import { CloudWatchLogs } from "@aws-sdk/client-cloudwatch-logs";
import { Lambda } from "@aws-sdk/client-lambda";
import { S3 } from "@aws-sdk/client-s3";
import { startChild } from "../support/child.ts";
import { cannotRun, startPlatform, type TestPlatform } from "../support/platform.ts";
import { zip } from "../support/zip.ts";

const AWS = "/usr/bin/aws";
const trust = {
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" }],
};
const logsPolicy = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole";

describe("CloudFormation on a whole platform", { skip: cannotRun }, () => {
  let platform: TestPlatform;
  let cfn: CloudFormation;
  let folder: string;
  before(async () => {
    platform = await startPlatform();
    cfn = new CloudFormation(platform.client);
    folder = await mkdtemp(join(tmpdir(), "starling-cfn-"));
  });
  after(async () => {
    await platform?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  async function ended(StackName: string): Promise<Stack> {
    for (const deadline = Date.now() + 60_000; Date.now() < deadline;) {
      const { Stacks } = await cfn.describeStacks({ StackName });
      if (!Stacks![0]!.StackStatus!.endsWith("_IN_PROGRESS")) return Stacks![0]!;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`${StackName} did not end:\n${platform.output()}`);
  }

  function aws(...args: string[]): Promise<string> {
    const { accessKeyId, secretAccessKey } = platform.client.credentials;
    const env = {
      ...process.env,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_DEFAULT_REGION: "us-east-1",
      AWS_PAGER: "",
    };
    return new Promise((resolve, reject) => {
      const child = startChild(AWS, ["--endpoint-url", platform.endpoint, ...args], {
        env,
        limitMs: 180_000,
        stdio: ["ignore", "pipe", "pipe"],
      });
      let output = "";
      child.stdout!.on("data", (chunk) => (output += chunk));
      child.stderr!.on("data", (chunk) => (output += chunk));
      child.on("error", reject);
      child.on("close", (code) =>
        code === 0 ? resolve(output) : reject(new Error(`aws ${args.join(" ")} ended with ${code}:\n${output}`)),
      );
    });
  }

  const call = async (name: string): Promise<unknown> => {
    const { Payload } = await new Lambda(platform.client).invoke({ FunctionName: name });
    return JSON.parse(Buffer.from(Payload!).toString());
  };

  test(
    "aws cloudformation deploy brings a serverless function to life, and changes it",
    { skip: !existsSync(AWS) && "needs the aws CLI" },
    async () => {
      const s3 = new S3({ ...platform.client, forcePathStyle: true });
      await s3.createBucket({ Bucket: "artifacts" });
      const packaged = join(folder, "packaged.yml");
      // As `package` writes it; that command of old CLIs takes no endpoint for S3, so it works inside builds only.
      const template = (key: string): string => `AWSTemplateFormatVersion: 2010-09-09
Transform: AWS::Serverless-2016-10-31
Resources:
  Hello:
    Type: AWS::Serverless::Function
    Properties: { Handler: index.handler, Runtime: nodejs24.x, AutoPublishAlias: live, CodeUri: s3://artifacts/${key} }
Outputs:
  Name: { Value: !Ref Hello }
`;
      const deploy = async (text: string): Promise<string> => {
        await s3.putObject({
          Bucket: "artifacts",
          Key: text,
          Body: await zip({ "index.js": `exports.handler = async () => ${JSON.stringify(text)}` }),
        });
        await writeFile(packaged, template(text));
        return aws(
          "cloudformation",
          "deploy",
          "--template-file",
          packaged,
          "--stack-name",
          "hello",
          "--capabilities",
          "CAPABILITY_IAM",
        );
      };
      assert.match(await deploy("one"), /Successfully created\/updated stack - hello/);
      const name = (await ended("hello")).Outputs![0]!.OutputValue!;
      assert.equal(await call(`${name}:live`), "one");
      await deploy("two");
      assert.equal((await ended("hello")).StackStatus, "UPDATE_COMPLETE");
      assert.equal(await call(`${name}:live`), "two");
      assert.match(await deploy("two"), /No changes to deploy/);
      const { StackResourceSummaries } = await cfn.listStackResources({ StackName: "hello" });
      assert.deepEqual(StackResourceSummaries!.map((r) => r.ResourceType).sort(), [
        "AWS::IAM::Role",
        "AWS::Lambda::Alias",
        "AWS::Lambda::Function",
        "AWS::Lambda::Version",
      ]);
    },
  );

  test("macros rewrite parts of a template and all of it, innermost first, and say why they fail", async () => {
    const code = `exports.handler = async ({ fragment, params, requestId, transformId, templateParameterValues: p }) => {
  if (params.Fail === "throw") throw new Error("no");
  if (params.Fail) return { requestId, status: "failed", errorMessage: params.Fail };
  const walk = (v) => typeof v === "string" ? v.replace("<here>", params.Word + " " + p.P + " <here>") : Array.isArray(v) ? v.map(walk) : v && typeof v === "object" ? Object.fromEntries(Object.entries(v).map(([k, i]) => [k, walk(i)])) : v;
  return { requestId, status: "success", fragment: params.Text ? transformId + params.Text : walk(fragment) };
};`;
    const AssumeRolePolicyDocument = trust;
    const Resources = {
      Role: { Type: "AWS::IAM::Role", Properties: { AssumeRolePolicyDocument, ManagedPolicyArns: [logsPolicy] } },
      F: {
        Type: "AWS::Lambda::Function",
        Properties: {
          Runtime: "nodejs24.x",
          Handler: "index.handler",
          Role: { "Fn::GetAtt": ["Role", "Arn"] },
          Code: { ZipFile: code },
        },
      },
      M: { Type: "AWS::CloudFormation::Macro", Properties: { Name: "Words", FunctionName: { Ref: "F" } } },
    };
    const Capabilities = ["CAPABILITY_IAM" as const];
    await cfn.createStack({ StackName: "macros", TemplateBody: JSON.stringify({ Resources }), Capabilities });
    assert.equal((await ended("macros")).StackStatus, "CREATE_COMPLETE");
    const transform = (Word: string, Name = "Words") => ({ Name, Parameters: { Word } });
    const template = (more: object, value: unknown = "<here>") =>
      JSON.stringify({
        ...more,
        Parameters: { P: { Type: "String", Default: "p" } },
        Resources: {
          A: {
            Type: "AWS::SSM::Parameter",
            Properties: { Type: "String", Value: value, "Fn::Transform": [transform("1"), transform("2")] },
          },
        },
        Outputs: { Value: { Value: { "Fn::GetAtt": ["A", "Value"] } } },
      });
    const run = (TemplateBody: string, more: object = { Capabilities: ["CAPABILITY_AUTO_EXPAND"] }) =>
      cfn.createStack({ StackName: "worded", TemplateBody, ...more });
    const all = { Transform: [transform("3"), transform("4")] };
    await assert.rejects(run(template(all), {}), {
      name: "InsufficientCapabilitiesException",
      message: "Requires capabilities : [CAPABILITY_AUTO_EXPAND]",
    });
    await run(template(all));
    assert.equal((await ended("worded")).Outputs![0]!.OutputValue, "1 p 2 p 3 p 4 p <here>");
    const inside = {
      "Fn::Transform": { Name: "Words", Parameters: { Text: { "Fn::Join": ["-", ["", { Ref: "P" }]] } } },
    };
    await cfn.updateStack({
      StackName: "worded",
      TemplateBody: template({}, inside),
      Capabilities: ["CAPABILITY_AUTO_EXPAND"],
    });
    assert.equal((await ended("worded")).Outputs![0]!.OutputValue, "000000000000::Words-p");
    for (const [Transform, message] of [
      [{ Name: "Words", Parameters: { Fail: "on purpose" } }, "Transform 000000000000::Words failed with: on purpose"],
      [
        { Name: "Words", Parameters: { Fail: "throw" } },
        "Received malformed response from transform 000000000000::Words",
      ],
      ["Nobody", "No transform named 000000000000::Nobody found."],
    ] as const) {
      const Capabilities = ["CAPABILITY_AUTO_EXPAND" as const];
      await cfn.createStack({ StackName: "unworded", TemplateBody: template({ Transform }), Capabilities });
      const { StackId, StackStatus } = await ended("unworded");
      assert.equal(StackStatus, "ROLLBACK_COMPLETE");
      const { StackEvents } = await cfn.describeStackEvents({ StackName: StackId! });
      const reason = StackEvents!.find((e) => e.ResourceStatus === "ROLLBACK_IN_PROGRESS")!.ResourceStatusReason;
      assert.equal(reason, `${message}. Rollback requested by user.`);
      await cfn.deleteStack({ StackName: StackId! });
      await ended(StackId!);
    }
    const TemplateBody = template({ Transform: { Name: { Ref: "P" } } });
    await assert.rejects(
      cfn.createStack({ StackName: "unworded", TemplateBody, Capabilities: ["CAPABILITY_AUTO_EXPAND"] }),
      { name: "ValidationError", message: "Key Name of transform definition must be a string." },
    );
  });

  test("a custom resource's function is asked to create, update and delete, and its answers count", async () => {
    const code = `const https = require("https");
exports.handler = (event, context) => new Promise((resolve, reject) => {
  const { RequestType, ResourceProperties: p, PhysicalResourceId } = event;
  console.log(JSON.stringify(event));
  const body = JSON.stringify({ Status: p.Fail ? "FAILED" : "SUCCESS", Reason: "because", PhysicalResourceId: p.Id ?? PhysicalResourceId, StackId: event.StackId, RequestId: event.RequestId, LogicalResourceId: event.LogicalResourceId, Data: { Did: RequestType, N: p.N } });
  const url = new URL(event.ResponseURL);
  if (p.Delay) setTimeout(() => send(), Number(p.Delay)); else send();
  function send() { const request = https.request({ hostname: url.hostname, path: url.pathname + url.search, method: "PUT", headers: { "content-type": "", "content-length": body.length } }, (r) => { r.resume(); r.on("end", () => resolve(r.statusCode)); });
  request.on("error", (e) => { console.log(e); reject(e); });
  request.end(body); }
});`;
    const template = (custom: object, more: object = {}): string =>
      JSON.stringify({
        Resources: {
          R: {
            Type: "AWS::IAM::Role",
            Properties: { AssumeRolePolicyDocument: trust, ManagedPolicyArns: [logsPolicy] },
          },
          F: {
            Type: "AWS::Lambda::Function",
            Properties: {
              Role: { "Fn::GetAtt": ["R", "Arn"] },
              Runtime: "nodejs24.x",
              Handler: "index.handler",
              Code: { ZipFile: code },
            },
          },
          C: {
            Type: "Custom::Thing",
            Properties: { ServiceToken: { "Fn::GetAtt": ["F", "Arn"] }, ServiceTimeout: 20, ...custom },
          },
          ...more,
        },
        Outputs: {
          Id: { Value: { Ref: "C" } },
          Did: { Value: { "Fn::GetAtt": ["C", "Did"] } },
          N: { Value: { "Fn::GetAtt": ["C", "N"] } },
        },
      });
    const input = { StackName: "custom", Capabilities: ["CAPABILITY_IAM" as const] };
    await cfn.createStack({ ...input, TemplateBody: template({ Id: "thing-1", N: 1 }) });
    const outputs = async (): Promise<unknown> =>
      Object.fromEntries((await ended("custom")).Outputs!.map((o) => [o.OutputKey, o.OutputValue]));
    assert.deepEqual(await outputs(), { Id: "thing-1", Did: "Create", N: "1" });
    await cfn.updateStack({ ...input, TemplateBody: template({ Id: "thing-2", N: 2 }) });
    assert.deepEqual(await outputs(), { Id: "thing-2", Did: "Update", N: "2" });
    await cfn.updateStack({ ...input, TemplateBody: template({ Id: "thing-2", N: 3, Fail: "yes" }) });
    assert.equal((await ended("custom")).StackStatus, "UPDATE_ROLLBACK_COMPLETE");
    const { StackEvents } = await cfn.describeStackEvents({ StackName: "custom" });
    assert.match(
      StackEvents!.find((e) => e.ResourceStatus === "UPDATE_FAILED")!.ResourceStatusReason!,
      /^Received response status \[FAILED\] from custom resource\. Message returned: because/,
    );
    // Cancelled while the function is at work: what comes behind is not begun, and the former values come back.
    const behind = { G: { Type: "AWS::Logs::LogGroup", Properties: { LogGroupName: "behind" }, DependsOn: "C" } };
    const updating = cfn.updateStack({
      ...input,
      TemplateBody: template({ Id: "thing-2", N: 4, Delay: 1000 }, behind),
    });
    for (let status = ""; status !== "UPDATE_IN_PROGRESS";)
      status = (await cfn.describeStackResource({ StackName: "custom", LogicalResourceId: "C" })).StackResourceDetail!
        .ResourceStatus!;
    await cfn.cancelUpdateStack({ StackName: "custom" });
    await updating;
    assert.equal((await ended("custom")).StackStatus, "UPDATE_ROLLBACK_COMPLETE");
    assert.deepEqual(await outputs(), { Id: "thing-2", Did: "Update", N: "2" });
    assert.deepEqual(
      (await new CloudWatchLogs(platform.client).describeLogGroups({ logGroupNamePrefix: "behind" })).logGroups,
      [],
    );
    await cfn.deleteStack({ StackName: "custom" });
    assert.equal((await ended(StackEvents![0]!.StackId!)).StackStatus, "DELETE_COMPLETE");
  });

  test("inline functions of custom resources find the module that answers for them", async () => {
    const functions = {
      Python: [
        "python3.13",
        "import cfnresponse\ndef handler(e, c): cfnresponse.send(e, c, cfnresponse.SUCCESS, {'By': 'py'}, 'p')",
      ],
      Callbacks: [
        "nodejs22.x",
        "const r = require('cfn-response'); exports.handler = (e, c) => { r.send(e, c, r.SUCCESS, { By: 'ü' }); };",
      ],
      Promises: [
        "nodejs24.x",
        "const r = require('cfn-response'); exports.handler = async (e, c) => { await r.send(e, c, r.SUCCESS, { By: 'js' }); };",
      ],
    };
    const Resources: Record<string, object> = {
      Role: {
        Type: "AWS::IAM::Role",
        Properties: { AssumeRolePolicyDocument: trust, ManagedPolicyArns: [logsPolicy] },
      },
    };
    const Outputs: Record<string, object> = {};
    for (const [name, [Runtime, ZipFile]] of Object.entries(functions)) {
      const Properties = {
        Role: { "Fn::GetAtt": ["Role", "Arn"] },
        Runtime,
        Handler: "index.handler",
        Code: { ZipFile },
      };
      Resources[`${name}Function`] = { Type: "AWS::Lambda::Function", Properties };
      const ServiceToken = { "Fn::GetAtt": [`${name}Function`, "Arn"] };
      Resources[name] = { Type: "Custom::Answer", Properties: { ServiceToken, ServiceTimeout: 20 } };
      Outputs[name] = { Value: { "Fn::GetAtt": [name, "By"] } };
    }
    const TemplateBody = JSON.stringify({ Resources, Outputs });
    await cfn.createStack({ StackName: "answers", TemplateBody, Capabilities: ["CAPABILITY_IAM"] });
    const stack = await ended("answers");
    assert.deepEqual(
      Object.fromEntries(stack.Outputs!.map((o) => [o.OutputKey, o.OutputValue])),
      { Python: "py", Callbacks: "ü", Promises: "js" },
      stack.StackStatusReason,
    );
  });

  test("kill -9 in the middle of an operation: it goes on after the restart, everything is there once, nothing is left over", async () => {
    const logs = new CloudWatchLogs(platform.client);
    const template = (length: number, days: number, broken = false): string => {
      const Resources: Record<string, object> = {};
      for (let i = 0; i < length; i++) {
        Resources[`G${i}`] = {
          Type: "AWS::Logs::LogGroup",
          Properties: { RetentionInDays: days },
          ...(i > 0 ? { DependsOn: `G${i - 1}` } : {}),
        };
      }
      if (broken)
        Resources["Bad"] = {
          Type: "AWS::Logs::LogGroup",
          Properties: { LogGroupName: "taken" },
          DependsOn: `G${length - 1}`,
        };
      return JSON.stringify({ Resources });
    };
    await logs.createLogGroup({ logGroupName: "taken" });
    const found = async (prefix: string): Promise<(number | undefined)[]> =>
      (await logs.describeLogGroups({ logGroupNamePrefix: prefix })).logGroups!.map((g) => g.retentionInDays);
    /** Starts something and pulls the plug as soon as the stack has this many events. */
    const killAt = async (StackName: string, count: number, start: () => Promise<unknown>): Promise<void> => {
      const request = start().catch(() => undefined);
      for (const deadline = Date.now() + 10_000; Date.now() < deadline;) {
        const n = await cfn.describeStackEvents({ StackName }).then(
          (r) => r.StackEvents!.length,
          () => 0,
        );
        if (n >= count) break;
      }
      await platform.kill();
      await request;
      await platform.restart();
    };
    const events = async (StackName: string): Promise<number> =>
      (await cfn.describeStackEvents({ StackName })).StackEvents!.length;
    for (const at of [1, 4, 9]) {
      const StackName = `crash${at}`;
      await killAt(StackName, at, () => cfn.createStack({ StackName, TemplateBody: template(12, 1) }));
      assert.equal((await ended(StackName)).StackStatus, "CREATE_COMPLETE");
      assert.deepEqual(await found(StackName), Array(12).fill(1));
    }
    const StackName = "crash4";
    await killAt(StackName, (await events(StackName)) + 6, () =>
      cfn.updateStack({ StackName, TemplateBody: template(12, 3) }),
    );
    assert.equal((await ended(StackName)).StackStatus, "UPDATE_COMPLETE");
    assert.deepEqual(await found(StackName), Array(12).fill(3));
    // Far enough that the rollback is under way, which must give the former values back.
    await killAt(StackName, (await events(StackName)) + 34, () =>
      cfn.updateStack({ StackName, TemplateBody: template(14, 5, true) }),
    );
    assert.equal((await ended(StackName)).StackStatus, "UPDATE_ROLLBACK_COMPLETE");
    assert.deepEqual(await found(StackName), Array(12).fill(3));
    const { Stacks } = await cfn.describeStacks({ StackName });
    await killAt(Stacks![0]!.StackId!, (await events(StackName)) + 5, () => cfn.deleteStack({ StackName }));
    assert.equal((await ended(Stacks![0]!.StackId!)).StackStatus, "DELETE_COMPLETE");
    assert.deepEqual(await found(StackName), []);
  });
});
