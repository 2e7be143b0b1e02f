import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CodeDeploy } from "@aws-sdk/client-codedeploy";
import { IAM } from "@aws-sdk/client-iam";
import { Lambda } from "@aws-sdk/client-lambda";
import { cannotRun, startPlatform, type TestPlatform } from "../support/platform.ts";
import { zip } from "../support/zip.ts";

const LIMIT_MS = 30_000;

describe("CodeDeploy with functions in sandboxes", { skip: cannotRun }, () => {
  let platform: TestPlatform;
  let lambda: Lambda;
  let codedeploy: CodeDeploy;

  before(async () => {
    platform = await startPlatform();
    lambda = new Lambda(platform.client);
    codedeploy = new CodeDeploy(platform.client);
    const iam = new IAM(platform.client);
    const role = async (RoleName: string, Service: string, policy: string): Promise<string> => {
      const statement = { Effect: "Allow", Principal: { Service }, Action: "sts:AssumeRole" };
      const trust = JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
      const { Role } = await iam.createRole({ RoleName, AssumeRolePolicyDocument: trust });
      await iam.attachRolePolicy({ RoleName, PolicyArn: `arn:aws:iam::aws:policy/${policy}` });
      return Role!.Arn!;
    };
    const Role = await role("fn", "lambda.amazonaws.com", "service-role/AWSLambdaBasicExecutionRole");
    const serviceRoleArn = await role("deployer", "codedeploy.amazonaws.com", "AWSLambda_FullAccess");
    const Code = { ZipFile: await zip({ "index.js": "exports.handler = async () => 1" }) };
    await lambda.createFunction({
      FunctionName: "f",
      Role,
      Runtime: "nodejs24.x",
      Handler: "index.handler",
      Code,
      Publish: true,
    });
    await lambda.createAlias({ FunctionName: "f", Name: "live", FunctionVersion: "1" });
    await codedeploy.createApplication({ applicationName: "app", computePlatform: "Lambda" });
    await codedeploy.createDeploymentGroup({
      applicationName: "app",
      deploymentGroupName: "group",
      serviceRoleArn,
      deploymentConfigName: "CodeDeployDefault.LambdaAllAtOnce",
      deploymentStyle: { deploymentType: "BLUE_GREEN", deploymentOption: "WITH_TRAFFIC_CONTROL" },
    });
  });
  after(() => platform?.stop());

  /** Publishes the code, deploys it to the alias, and answers how the deployment ended. */
  async function deploy(source: string) {
    await lambda.updateFunctionCode({ FunctionName: "f", ZipFile: await zip({ "index.js": source }) });
    const { Version } = await lambda.publishVersion({ FunctionName: "f" });
    const { FunctionVersion: current } = await lambda.getAlias({ FunctionName: "f", Name: "live" });
    const Properties = { Name: "f", Alias: "live", CurrentVersion: current, TargetVersion: Version };
    const content = JSON.stringify({ version: 0, Resources: [{ f: { Type: "AWS::Lambda::Function", Properties } }] });
    const revision = { revisionType: "AppSpecContent" as const, appSpecContent: { content } };
    const { deploymentId } = await codedeploy.createDeployment({
      applicationName: "app",
      deploymentGroupName: "group",
      revision,
    });
    const deadline = Date.now() + LIMIT_MS;
    for (;;) {
      const { deploymentInfo } = await codedeploy.getDeployment({ deploymentId: deploymentId! });
      if (["Succeeded", "Failed", "Stopped"].includes(String(deploymentInfo!.status)))
        return { info: deploymentInfo!, Version };
      assert.ok(Date.now() < deadline, `the deployment is still ${deploymentInfo!.status}`);
    }
  }

  test("a version that loads gets the traffic", async () => {
    const { info, Version } = await deploy("exports.handler = async () => 2");
    assert.equal(info.status, "Succeeded");
    assert.equal((await lambda.getAlias({ FunctionName: "f", Name: "live" })).FunctionVersion, Version);
  });

  test("a version that throws on load gets none: the alias stays, and the message names the file and the line", async () => {
    const before = (await lambda.getAlias({ FunctionName: "f", Name: "live" })).FunctionVersion;
    const { info } = await deploy("\nthrow new Error('broken on load');");
    assert.equal(info.status, "Failed");
    assert.match(
      String(info.errorInformation?.message),
      /cannot be loaded: Error: broken on load at .*\/var\/task\/index\.js:2/,
    );
    assert.equal((await lambda.getAlias({ FunctionName: "f", Name: "live" })).FunctionVersion, before);
    const answer = await lambda.invoke({ FunctionName: "f", Qualifier: "live" });
    assert.equal(Buffer.from(answer.Payload!).toString(), "2");
  });
});
