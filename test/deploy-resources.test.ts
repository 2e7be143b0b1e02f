import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { CloudFormation } from "@aws-sdk/client-cloudformation";
import { CodeBuild } from "@aws-sdk/client-codebuild";
import { CodeCommit } from "@aws-sdk/client-codecommit";
import { CodeDeploy } from "@aws-sdk/client-codedeploy";
import { EventBridge } from "@aws-sdk/client-eventbridge";
import { SSM } from "@aws-sdk/client-ssm";
import { startTestApp, type TestApp } from "./support/test-app.ts";

let app: TestApp;
let cloudformation: CloudFormation;
before(async () => {
  app = await startTestApp();
  cloudformation = new CloudFormation(app.client);
});
after(() => app.stop());

const template = (n: number) => ({
  Resources: {
    Group: { Type: "AWS::Logs::LogGroup", Properties: { LogGroupName: "/aws/events/x" } },
    Bus: { Type: "AWS::Events::EventBus", Properties: { Name: "shop" } },
    Sender: {
      Type: "AWS::Events::EventBusPolicy",
      Properties: {
        EventBusName: { Ref: "Bus" },
        StatementId: "other",
        Statement: {
          Effect: "Allow",
          Principal: { AWS: `arn:aws:iam::11111111111${n}:root` },
          Action: "events:PutEvents",
          Resource: { "Fn::GetAtt": ["Bus", "Arn"] },
        },
      },
    },
    Reports: {
      Type: "AWS::CodeBuild::ReportGroup",
      Properties: {
        Name: "reports",
        Type: "TEST",
        ExportConfig: { ExportConfigType: "NO_EXPORT" },
        Tags: [{ Key: "n", Value: `${n}` }],
      },
    },
    Rule: {
      Type: "AWS::Events::Rule",
      Properties: {
        Description: `d${n}`,
        EventPattern: { source: ["shop"], detail: { n: [n] } },
        Targets: [
          { Id: `t${n}`, Arn: { "Fn::Sub": "arn:aws:logs:${AWS::Region}:${AWS::AccountId}:log-group:${Group}" } },
        ],
      },
    },
    OnBus: {
      Type: "AWS::Events::Rule",
      Properties: { Name: "on-bus", EventBusName: { Ref: "Bus" }, EventPattern: { source: ["x"] } },
    },
    Parameter: {
      Type: "AWS::SSM::Parameter",
      Properties: { Name: "/stack/p", Type: "String", Value: `v${n}`, Tags: { k: `${n}` } },
    },
    Repository: {
      Type: "AWS::CodeCommit::Repository",
      Properties: { RepositoryName: "stacked", RepositoryDescription: `d${n}` },
    },
    Application: { Type: "AWS::CodeDeploy::Application", Properties: { ComputePlatform: "Lambda" } },
    Role: {
      Type: "AWS::IAM::Role",
      Properties: {
        AssumeRolePolicyDocument: {
          Version: "2012-10-17",
          Statement: [
            { Effect: "Allow", Principal: { Service: "codedeploy.amazonaws.com" }, Action: "sts:AssumeRole" },
          ],
        },
      },
    },
    Config: {
      Type: "AWS::CodeDeploy::DeploymentConfig",
      Properties: {
        ComputePlatform: "Lambda",
        TrafficRoutingConfig: {
          Type: "TimeBasedCanary",
          TimeBasedCanary: { CanaryPercentage: 20, CanaryInterval: 3 },
        },
      },
    },
    Deployments: {
      Type: "AWS::CodeDeploy::DeploymentGroup",
      Properties: {
        ApplicationName: { Ref: "Application" },
        ServiceRoleArn: { "Fn::GetAtt": ["Role", "Arn"] },
        DeploymentConfigName: n === 1 ? "CodeDeployDefault.LambdaAllAtOnce" : { Ref: "Config" },
        DeploymentStyle: { DeploymentType: "BLUE_GREEN", DeploymentOption: "WITH_TRAFFIC_CONTROL" },
        AutoRollbackConfiguration: { Enabled: true, Events: ["DEPLOYMENT_FAILURE"] },
      },
    },
  },
  Outputs: {
    Rule: { Value: { Ref: "Rule" } },
    RuleArn: { Value: { "Fn::GetAtt": ["Rule", "Arn"] } },
    OnBusArn: { Value: { "Fn::GetAtt": ["OnBus", "Arn"] } },
    Value: { Value: { "Fn::GetAtt": ["Parameter", "Value"] } },
    CloneUrl: { Value: { "Fn::GetAtt": ["Repository", "CloneUrlHttp"] } },
    Application: { Value: { Ref: "Application" } },
    Reports: { Value: { Ref: "Reports" } },
    Deployments: { Value: { Ref: "Deployments" } },
  },
});

async function ended(StackName: string): Promise<Record<string, string>> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const { Stacks } = await cloudformation.describeStacks({ StackName });
    const { StackStatus, Outputs = [] } = Stacks![0]!;
    if (!StackStatus!.endsWith("IN_PROGRESS")) {
      const { StackEvents = [] } = await cloudformation.describeStackEvents({ StackName });
      const failed = StackEvents.filter((e) => e.ResourceStatus?.endsWith("FAILED"));
      const reasons = failed.map((e) => `${e.LogicalResourceId}: ${e.ResourceStatusReason}`);
      assert.match(StackStatus!, /^(CREATE|UPDATE|DELETE)_COMPLETE$/, reasons.join("\n"));
      return Object.fromEntries(Outputs.map((o) => [o.OutputKey!, o.OutputValue!]));
    }
    assert.ok(Date.now() < deadline, `the stack is still ${StackStatus}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

test("rules, parameters, repositories and deployment groups of a stack: made, changed in place, removed", async () => {
  const stack = { StackName: "s", Capabilities: ["CAPABILITY_IAM" as const] };
  const { StackId } = await cloudformation.createStack({ ...stack, TemplateBody: JSON.stringify(template(1)) });
  const made = await ended("s");
  assert.equal(made["RuleArn"], `arn:aws:events:us-east-1:000000000000:rule/${made["Rule"]}`);
  assert.equal(made["OnBusArn"], "arn:aws:events:us-east-1:000000000000:rule/shop/on-bus");
  assert.equal(made["Value"], "v1");
  assert.match(made["CloneUrl"]!, /\/v1\/repos\/stacked$/);
  await cloudformation.updateStack({ ...stack, TemplateBody: JSON.stringify(template(2)) });
  const changed = await ended("s");
  assert.deepEqual([changed["Rule"], changed["Value"]], [made["Rule"], "v2"]);
  const events = new EventBridge(app.client);
  const { Targets } = await events.listTargetsByRule({ Rule: made["Rule"]! });
  assert.deepEqual(
    Targets!.map((t) => t.Id),
    ["t2"],
  );
  assert.deepEqual(JSON.parse((await events.describeRule({ Name: made["Rule"]! })).EventPattern!).detail, { n: [2] });
  assert.match((await events.describeEventBus({ Name: "shop" })).Policy!, /111111111112/);
  const codebuild = new CodeBuild(app.client);
  const { reportGroups } = await codebuild.batchGetReportGroups({ reportGroupArns: [made["Reports"]!] });
  assert.deepEqual(reportGroups![0]!.tags, [{ key: "n", value: "2" }]);
  const ssm = new SSM(app.client);
  assert.equal((await ssm.getParameter({ Name: "/stack/p" })).Parameter!.Version, 2);
  const codecommit = new CodeCommit(app.client);
  assert.equal(
    (await codecommit.getRepository({ repositoryName: "stacked" })).repositoryMetadata!.repositoryDescription,
    "d2",
  );
  const codedeploy = new CodeDeploy(app.client);
  const on = { applicationName: made["Application"]!, deploymentGroupName: made["Deployments"]! };
  const { deploymentGroupInfo } = await codedeploy.getDeploymentGroup(on);
  const { deploymentConfigInfo } = await codedeploy.getDeploymentConfig({
    deploymentConfigName: deploymentGroupInfo!.deploymentConfigName!,
  });
  assert.deepEqual(deploymentConfigInfo!.trafficRoutingConfig, {
    type: "TimeBasedCanary",
    timeBasedCanary: { canaryPercentage: 20, canaryInterval: 3 },
  });
  await cloudformation.deleteStack({ StackName: "s" });
  await ended(StackId!);
  await assert.rejects(events.describeRule({ Name: made["Rule"]! }), { name: "ResourceNotFoundException" });
  await assert.rejects(events.describeEventBus({ Name: "shop" }), { name: "ResourceNotFoundException" });
  await assert.rejects(ssm.getParameter({ Name: "/stack/p" }), { name: "ParameterNotFound" });
  await assert.rejects(codecommit.getRepository({ repositoryName: "stacked" }), {
    name: "RepositoryDoesNotExistException",
  });
  await assert.rejects(codedeploy.getApplication({ applicationName: made["Application"]! }), {
    name: "ApplicationDoesNotExistException",
  });
});
