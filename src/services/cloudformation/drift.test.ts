import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { APIGateway } from "@aws-sdk/client-api-gateway";
import { CloudFormation } from "@aws-sdk/client-cloudformation";
import { CloudWatchLogs } from "@aws-sdk/client-cloudwatch-logs";
import { EventBridge } from "@aws-sdk/client-eventbridge";
import { IAM } from "@aws-sdk/client-iam";
import { Lambda } from "@aws-sdk/client-lambda";
import { S3 } from "@aws-sdk/client-s3";
import { SQS } from "@aws-sdk/client-sqs";
import { SSM } from "@aws-sdk/client-ssm";
import { body, group, openStacks, trust, type Stacks } from "../../../test/support/stacks.ts";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

const made = (Type: string, Properties: object) => ({ Type: `AWS::${Type}`, Properties });
const Tags = [
  { Key: "b", Value: "2" },
  { Key: "a", Value: "1" },
];
const policy = (Action: string | string[]) => ({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action, Resource: "*" }],
});
const RESOURCES = {
  Logs: group("drift", 3),
  Queue: made("SQS::Queue", { QueueName: "drift", VisibilityTimeout: "45", Tags, RedrivePolicy: undefined }),
  Role: made("IAM::Role", {
    RoleName: "drift",
    AssumeRolePolicyDocument: trust,
    ManagedPolicyArns: ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
    Policies: [{ PolicyName: "p", PolicyDocument: policy(["s3:GetObject"]) }],
    Tags,
  }),
  Bucket: made("S3::Bucket", {
    BucketName: "drift-bucket",
    VersioningConfiguration: { Status: "Enabled" },
    PublicAccessBlockConfiguration: { BlockPublicAcls: true },
    Tags,
  }),
  Rule: made("Events::Rule", { Name: "drift", EventPattern: { source: ["s"] }, State: "ENABLED" }),
  Rest: made("ApiGateway::RestApi", { Name: "drift", Description: "d" }),
  Http: made("ApiGatewayV2::Api", { Name: "drift", ProtocolType: "HTTP", CorsConfiguration: { AllowOrigins: ["*"] } }),
  Parameter: made("SSM::Parameter", { Name: "drift", Type: "String", Value: "v" }),
  Function: made("Lambda::Function", {
    FunctionName: "drift",
    Handler: "index.handler",
    Runtime: "nodejs22.x",
    Role: { "Fn::GetAtt": ["Role", "Arn"] },
    Code: { ZipFile: "exports.handler = async () => 1" },
    MemorySize: 256,
    Environment: { Variables: { AA: "1", SECRET: "{{resolve:ssm:drift-secret}}" } },
  }),
  Bus: made("Events::EventBus", { Name: "drift-bus" }),
  User: made("IAM::User", { UserName: "drift", Path: "/d/" }),
  Group: made("IAM::Group", { GroupName: "drift" }),
  Images: made("ECR::Repository", { RepositoryName: "drift", ImageTagMutability: "IMMUTABLE" }),
  Alarm: made("CloudWatch::Alarm", {
    AlarmName: "drift",
    Namespace: "n",
    MetricName: "m",
    Statistic: "Sum",
    Period: 60,
    EvaluationPeriods: 1,
    Threshold: 1,
    ComparisonOperator: "GreaterThanThreshold",
  }),
  Other: made("CloudFormation::WaitConditionHandle", {}),
};

describe("drift of stacks", () => {
  let app: TestApp;
  let cfn: CloudFormation;
  let stacks: Stacks;
  before(async () => {
    app = await startTestApp();
    cfn = new CloudFormation(app.client);
    stacks = openStacks(app.client);
  });
  after(() => app.stop());

  async function detected(StackName: string) {
    const { StackDriftDetectionId } = await cfn.detectStackDrift({ StackName });
    for (const deadline = Date.now() + 20_000; Date.now() < deadline;) {
      const found = await cfn.describeStackDriftDetectionStatus({ StackDriftDetectionId });
      if (found.DetectionStatus !== "DETECTION_IN_PROGRESS") return found;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error("the detection did not end");
  }

  test("what the template says is in sync; what was changed by hand is shown, path by path", async () => {
    await new SSM(app.client).putParameter({ Name: "drift-secret", Value: "hidden", Type: "String" });
    const template = body(RESOURCES as never);
    const stack = await stacks.create("drift", template, {
      Capabilities: ["CAPABILITY_NAMED_IAM"],
      Tags: [{ Key: "team", Value: "x" }],
    });
    assert.equal(stack.StackStatus, "CREATE_COMPLETE", stack.StackStatusReason);
    assert.equal(stack.DriftInformation?.StackDriftStatus, "NOT_CHECKED");
    const first = await detected("drift");
    const { StackResourceDrifts: clean = [] } = await cfn.describeStackResourceDrifts({ StackName: "drift" });
    const differing = clean.flatMap((d) =>
      d.PropertyDifferences?.length ? [[d.LogicalResourceId, d.PropertyDifferences]] : [],
    );
    // The stack's own tags come to the resources with it: what the template does not say is no drift of the template's tags.
    assert.deepEqual(differing, []);
    assert.deepEqual(
      [first.DetectionStatus, first.StackDriftStatus, first.DriftedStackResourceCount],
      ["DETECTION_COMPLETE", "IN_SYNC", 0],
    );
    assert.deepEqual(
      clean.map((d) => d.LogicalResourceId),
      "Alarm Bucket Bus Function Group Http Images Logs Parameter Queue Rest Role Rule User".split(" "),
    );

    assert.ok(!JSON.stringify(clean).includes("hidden"));

    const { client } = app;
    const Variables = { AA: "2", SECRET: "hidden", BB: "3" };
    await new Lambda(client).updateFunctionConfiguration({ FunctionName: "drift", Environment: { Variables } });
    const sqs = new SQS(client);
    const { QueueUrl } = await sqs.getQueueUrl({ QueueName: "drift" });
    await sqs.setQueueAttributes({ QueueUrl, Attributes: { VisibilityTimeout: "60" } });
    await new CloudWatchLogs(client).deleteLogGroup({ logGroupName: "drift" });
    const iam = new IAM(client);
    const PolicyDocument = JSON.stringify(policy(["s3:GetObject", "s3:PutObject"]));
    await iam.putRolePolicy({ RoleName: "drift", PolicyName: "p", PolicyDocument });
    await new S3({ ...client, forcePathStyle: true }).putBucketVersioning({
      Bucket: "drift-bucket",
      VersioningConfiguration: { Status: "Suspended" },
    });
    await iam.deleteGroup({ GroupName: "drift" });
    await new EventBridge(client).disableRule({ Name: "drift" });
    const rest = new APIGateway(client);
    const { items } = await rest.getRestApis({});
    const patchOperations = [{ op: "replace" as const, path: "/description", value: "other" }];
    await rest.updateRestApi({ restApiId: items!.find((one) => one.name === "drift")!.id!, patchOperations });
    await new SSM(client).putParameter({ Name: "drift", Value: "w", Overwrite: true });

    const second = await detected("drift");
    assert.deepEqual([second.StackDriftStatus, second.DriftedStackResourceCount], ["DRIFTED", 9]);
    const { StackResourceDrifts: changed = [] } = await cfn.describeStackResourceDrifts({
      StackName: "drift",
      StackResourceDriftStatusFilters: ["MODIFIED", "DELETED"],
    });
    assert.deepEqual(
      changed.map((d) => [
        d.LogicalResourceId,
        d.StackResourceDriftStatus,
        ...(d.PropertyDifferences ?? []).map(
          (p) => `${p.DifferenceType} ${p.PropertyPath} ${p.ExpectedValue} ${p.ActualValue}`,
        ),
      ]),
      [
        ["Bucket", "MODIFIED", "NOT_EQUAL /VersioningConfiguration/Status Enabled Suspended"],
        ["Function", "MODIFIED", "NOT_EQUAL /Environment/Variables/AA 1 2", "ADD /Environment/Variables/BB null 3"],
        ["Group", "DELETED"],
        ["Logs", "DELETED"],
        ["Parameter", "MODIFIED", "NOT_EQUAL /Value v w"],
        ["Queue", "MODIFIED", "NOT_EQUAL /VisibilityTimeout 45 60"],
        ["Rest", "MODIFIED", "NOT_EQUAL /Description d other"],
        ["Role", "MODIFIED", "ADD /Policies/0/PolicyDocument/Statement/0/Action/1 null s3:PutObject"],
        ["Rule", "MODIFIED", "NOT_EQUAL /State ENABLED DISABLED"],
      ],
    );
    const { Stacks } = await cfn.describeStacks({ StackName: "drift" });
    assert.equal(Stacks![0]!.DriftInformation?.StackDriftStatus, "DRIFTED");
    const { StackResourceDetail } = await cfn.describeStackResource({ StackName: "drift", LogicalResourceId: "Queue" });
    assert.equal(StackResourceDetail?.DriftInformation?.StackResourceDriftStatus, "MODIFIED");
    await sqs.setQueueAttributes({ QueueUrl, Attributes: { VisibilityTimeout: "45" } });
    const one = await cfn.detectStackResourceDrift({ StackName: "drift", LogicalResourceId: "Queue" });
    assert.equal(one.StackResourceDrift?.StackResourceDriftStatus, "IN_SYNC");
    await assert.rejects(cfn.detectStackResourceDrift({ StackName: "drift", LogicalResourceId: "Other" }), {
      name: "ValidationError",
      message: /not supported for the resource type AWS::CloudFormation::WaitConditionHandle/,
    });
  });
});
