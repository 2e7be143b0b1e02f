import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { APIGateway } from "@aws-sdk/client-api-gateway";
import { ApiGatewayV2 } from "@aws-sdk/client-apigatewayv2";
import { CloudFormation } from "@aws-sdk/client-cloudformation";
import { CloudWatchLogs } from "@aws-sdk/client-cloudwatch-logs";
import { CloudWatch } from "@aws-sdk/client-cloudwatch";
import { ECR } from "@aws-sdk/client-ecr";
import { EventBridge } from "@aws-sdk/client-eventbridge";
import { Lambda } from "@aws-sdk/client-lambda";
import { S3 } from "@aws-sdk/client-s3";
import { SSM } from "@aws-sdk/client-ssm";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";
import { openStacks, type Stacks } from "../../../test/support/stacks.ts";

const MINE = [{ Key: "own", Value: "1" }];
const asMap = (tags: readonly { Key?: string; Value?: string }[] = []) =>
  Object.fromEntries(tags.map((t) => [t.Key!, t.Value]));
const template = (retention: number, tags: object[] = MINE): string =>
  JSON.stringify({
    Resources: {
      Bucket: { Type: "AWS::S3::Bucket", Properties: { BucketName: "marked", Tags: tags } },
      Group: { Type: "AWS::Logs::LogGroup", Properties: { LogGroupName: "marked", RetentionInDays: retention } },
      Parameter: { Type: "AWS::SSM::Parameter", Properties: { Name: "marked", Type: "String", Value: "v" } },
      Bus: { Type: "AWS::Events::EventBus", Properties: { Name: "marked" } },
      Repository: { Type: "AWS::ECR::Repository", Properties: { RepositoryName: "marked" } },
      Rest: { Type: "AWS::ApiGateway::RestApi", Properties: { Name: "marked" } },
      Http: { Type: "AWS::ApiGatewayV2::Api", Properties: { Name: "marked", ProtocolType: "HTTP" } },
      Alarm: {
        Type: "AWS::CloudWatch::Alarm",
        Properties: {
          AlarmName: "marked",
          ComparisonOperator: "GreaterThanThreshold",
          EvaluationPeriods: 1,
          MetricName: "m",
          Namespace: "n",
          Period: 60,
          Statistic: "Sum",
          Threshold: 1,
        },
      },
      Function: {
        Type: "AWS::Lambda::Function",
        Properties: {
          FunctionName: "marked",
          Runtime: "nodejs22.x",
          Handler: "index.handler",
          Role: { "Fn::GetAtt": ["Role", "Arn"] },
          Code: { ZipFile: "exports.handler = async () => 1" },
        },
      },
      Role: {
        Type: "AWS::IAM::Role",
        Properties: {
          AssumeRolePolicyDocument: {
            Version: "2012-10-17",
            Statement: {
              Effect: "Allow",
              Principal: { Service: "lambda.amazonaws.com" },
              Action: "sts:AssumeRole",
            },
          },
        },
      },
    },
  });

describe("the tags that say which stack a resource is of", () => {
  let app: TestApp;
  let stacks: Stacks;
  let cfn: CloudFormation;
  before(async () => {
    app = await startTestApp();
    cfn = new CloudFormation(app.client);
    stacks = openStacks(app.client);
  });
  after(() => app.stop());

  /** The tags of everything that the stack made, by logical id. */
  async function shown(): Promise<Record<string, Record<string, string | undefined>>> {
    const { client } = app;
    const arn = (service: string, resource: string): string => `arn:aws:${service}:us-east-1:000000000000:${resource}`;
    const s3 = new S3({ ...client, forcePathStyle: true });
    const { items } = await new APIGateway(client).getRestApis({});
    const { Items } = await new ApiGatewayV2(client).getApis({});
    const logs = await new CloudWatchLogs(client).listTagsForResource({ resourceArn: arn("logs", "log-group:marked") });
    const bus = await new EventBridge(client).listTagsForResource({ ResourceARN: arn("events", "event-bus/marked") });
    const alarm = await new CloudWatch(client).listTagsForResource({ ResourceARN: arn("cloudwatch", "alarm:marked") });
    const ecr = await new ECR(client).listTagsForResource({ resourceArn: arn("ecr", "repository/marked") });
    const parameter = { ResourceType: "Parameter", ResourceId: "marked" } as const;
    return {
      Bucket: asMap((await s3.getBucketTagging({ Bucket: "marked" })).TagSet),
      Group: logs.tags ?? {},
      Parameter: asMap((await new SSM(client).listTagsForResource(parameter)).TagList),
      Bus: asMap(bus.Tags),
      Repository: asMap(ecr.tags),
      Rest: items![0]!.tags ?? {},
      Http: Items![0]!.Tags ?? {},
      Alarm: asMap(alarm.Tags),
      Function: (await new Lambda(client).getFunction({ FunctionName: "marked" })).Tags ?? {},
    };
  }

  test("are on what AWS puts them on, stay through updates, and are nobody's to set or remove", async () => {
    const Capabilities = ["CAPABILITY_IAM" as const];
    const made = await stacks.create("marked", template(1), { Capabilities, Tags: [{ Key: "team", Value: "x" }] });
    assert.equal(made.StackStatus, "CREATE_COMPLETE", made.StackStatusReason);
    const expected = (id: string, team: string) => ({
      ...(id === "Bucket" ? { own: "1" } : {}),
      team,
      "aws:cloudformation:stack-name": "marked",
      "aws:cloudformation:logical-id": id,
      "aws:cloudformation:stack-id": made.StackId,
    });
    const all = async (team: string): Promise<void> => {
      for (const [id, tags] of Object.entries(await shown())) assert.deepEqual(tags, expected(id, team), id);
    };
    await all("x");
    assert.deepEqual(made.Tags, [{ Key: "team", Value: "x" }]);
    await stacks.update("marked", template(3), { Capabilities, Tags: [{ Key: "team", Value: "y" }] });
    await all("y");

    const Resource = "arn:aws:lambda:us-east-1:000000000000:function:marked";
    const lambda = new Lambda(app.client);
    await assert.rejects(lambda.tagResource({ Resource, Tags: { "aws:mine": "1" } }), {
      name: "InvalidParameterValueException",
    });
    await assert.rejects(lambda.untagResource({ Resource, TagKeys: ["AWS:cloudformation:stack-name"] }), {
      name: "InvalidParameterValueException",
    });
    const s3 = new S3({ ...app.client, forcePathStyle: true });
    const { TagSet } = await s3.getBucketTagging({ Bucket: "marked" });
    const put = (tags: { Key?: string; Value?: string }[]) =>
      s3.putBucketTagging({ Bucket: "marked", Tagging: { TagSet: tags as { Key: string; Value: string }[] } });
    await assert.rejects(put(MINE), { message: "System tags cannot be removed by requester" });
    await assert.rejects(put([...TagSet!, { Key: "aws:mine", Value: "1" }]), {
      message: "System tags cannot be added/updated by requester",
    });
    await put([...TagSet!, { Key: "more", Value: "2" }]);
    await s3.deleteBucketTagging({ Bucket: "marked" });
    assert.deepEqual(Object.keys((await shown())["Bucket"]!).sort(), [
      "aws:cloudformation:logical-id",
      "aws:cloudformation:stack-id",
      "aws:cloudformation:stack-name",
    ]);
    const { StackDriftDetectionId } = await cfn.detectStackDrift({ StackName: "marked" });
    assert.ok(StackDriftDetectionId);
  });

  test("are refused in a template", async () => {
    const made = await stacks.create("pretender", template(1, [{ Key: "aws:mine", Value: "1" }]), {
      Capabilities: ["CAPABILITY_IAM"],
      OnFailure: "DELETE",
    });
    assert.equal(made.StackStatus, "DELETE_COMPLETE");
    const { StackEvents } = await cfn.describeStackEvents({ StackName: made.StackId });
    assert.ok(StackEvents?.some((e) => e.ResourceStatusReason?.includes("aws: prefixed tag key names")));
  });
});
