import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  CloudFormation,
  waitUntilStackCreateComplete,
  waitUntilStackDeleteComplete,
  waitUntilStackUpdateComplete,
} from "@aws-sdk/client-cloudformation";
import { IAM } from "@aws-sdk/client-iam";
import { ResourceGroups } from "@aws-sdk/client-resource-groups";
import { S3 } from "@aws-sdk/client-s3";
import { SQS } from "@aws-sdk/client-sqs";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

let app: TestApp;
let groups: ResourceGroups;
let cloudformation: CloudFormation;
before(async () => {
  app = await startTestApp();
  groups = new ResourceGroups(app.client);
  cloudformation = new CloudFormation(app.client);
});
after(() => app.stop());

const tagged = (types: string[], ...TagFilters: object[]) => ({
  Type: "TAG_FILTERS_1_0" as const,
  Query: JSON.stringify({ ResourceTypeFilters: types, TagFilters }),
});
const byStage = tagged(["AWS::AllSupported"], { Key: "Stage", Values: ["test"] });
const arnsOf = async (Group: string) =>
  (await groups.listGroupResources({ Group })).ResourceIdentifiers!.map((r) => r.ResourceArn);

test("a group is made, found, changed, tagged and removed", async () => {
  const made = await groups.createGroup({ Name: "one", Description: "d", ResourceQuery: byStage, Tags: { a: "1" } });
  const GroupArn = "arn:aws:resource-groups:us-east-1:000000000000:group/one";
  assert.deepEqual(made.Group, { GroupArn, Name: "one", Description: "d" });
  assert.deepEqual([made.ResourceQuery, made.Tags], [byStage, { a: "1" }]);
  await assert.rejects(groups.createGroup({ Name: "one", ResourceQuery: byStage }), {
    name: "BadRequestException",
    message: "Cannot create group: group already exists",
  });
  await groups.updateGroup({ Group: GroupArn, Description: "other" });
  assert.equal((await groups.getGroup({ GroupName: "one" })).Group!.Description, "other");
  await groups.tag({ Arn: GroupArn, Tags: { b: "2" } });
  await groups.untag({ Arn: GroupArn, Keys: ["a"] });
  assert.deepEqual((await groups.getTags({ Arn: GroupArn })).Tags, { b: "2" });
  const other = tagged(["AWS::S3::Bucket"], { Key: "k" });
  await groups.updateGroupQuery({ Group: "one", ResourceQuery: other });
  assert.deepEqual((await groups.getGroupQuery({ Group: "one" })).GroupQuery, {
    GroupName: "one",
    ResourceQuery: other,
  });
  await groups.createGroup({ Name: "two", ResourceQuery: byStage });
  const page = await groups.listGroups({ MaxResults: 1 });
  assert.deepEqual(page.GroupIdentifiers, [{ GroupName: "one", GroupArn, Description: "other" }]);
  assert.equal((await groups.listGroups({ NextToken: page.NextToken! })).Groups![0]!.Name, "two");
  for (const Group of ["one", "two"]) await groups.deleteGroup({ Group });
  await assert.rejects(groups.getGroup({ Group: "one" }), { name: "NotFoundException" });
});

test("queries that mean nothing are refused with the reason", async () => {
  const stack = (StackIdentifier: string) => ({
    Type: "CLOUDFORMATION_STACK_1_0" as const,
    Query: JSON.stringify({ StackIdentifier }),
  });
  const refused: [string, Parameters<ResourceGroups["createGroup"]>[0]["ResourceQuery"]][] = [
    ["it is no JSON", { Type: "TAG_FILTERS_1_0", Query: "{" }],
    ["TagFilters is a list of 1 to 20 tags", { Type: "TAG_FILTERS_1_0", Query: "{}" }],
    ['"Bucket" in ResourceTypeFilters is no resource type', tagged(["Bucket"], { Key: "k" })],
    ["StackIdentifier is the ARN of a CloudFormation stack", stack("name")],
    [
      "The specified CloudFormation stack doesn't exist.",
      stack("arn:aws:cloudformation:us-east-1:000000000000:stack/none/00000000-0000-0000-0000-000000000000"),
    ],
  ];
  for (const [reason, ResourceQuery] of refused)
    await assert.rejects(groups.createGroup({ Name: "g", ResourceQuery }), {
      name: "BadRequestException",
      message: `Query not valid: ${reason}`,
    });
  await assert.rejects(groups.createGroup({ Name: "aws-x", ResourceQuery: byStage }), { name: "BadRequestException" });
  await assert.rejects(
    groups.createGroup({ Name: "g", Configuration: [{ Type: "AWS::EC2::CapacityReservationPool" }] }),
    (error: Error & { $metadata?: { httpStatusCode?: number } }) => error.$metadata?.httpStatusCode === 501,
  );
});

test("a group by tags has what has the tags now", async () => {
  await groups.createGroup({ Name: "tagged", ResourceQuery: byStage });
  assert.deepEqual(await arnsOf("tagged"), []);
  const [s3, sqs] = [new S3({ ...app.client, forcePathStyle: true }), new SQS(app.client)];
  await s3.createBucket({ Bucket: "tagged-bucket" });
  await s3.createBucket({ Bucket: "other-bucket" });
  await s3.putBucketTagging({ Bucket: "tagged-bucket", Tagging: { TagSet: [{ Key: "Stage", Value: "test" }] } });
  const { QueueUrl } = await sqs.createQueue({ QueueName: "q", tags: { Stage: "test", More: "x" } });
  await sqs.createQueue({ QueueName: "r", tags: { Stage: "live" } });
  const [bucket, queue] = ["arn:aws:s3:::tagged-bucket", "arn:aws:sqs:us-east-1:000000000000:q"];
  assert.deepEqual(await arnsOf("tagged"), [bucket, queue]);
  const filtered = await groups.listGroupResources({
    Group: "tagged",
    Filters: [{ Name: "resource-type", Values: ["AWS::SQS::Queue"] }],
  });
  assert.deepEqual(filtered.Resources, [{ Identifier: { ResourceArn: queue, ResourceType: "AWS::SQS::Queue" } }]);
  const both = tagged(
    ["AWS::S3::Bucket", "AWS::SQS::Queue"],
    { Key: "Stage", Values: ["test", "live"] },
    { Key: "More" },
  );
  const search = await groups.searchResources({ ResourceQuery: both });
  assert.deepEqual(search.ResourceIdentifiers, [{ ResourceArn: queue, ResourceType: "AWS::SQS::Queue" }]);
  await sqs.untagQueue({ QueueUrl, TagKeys: ["Stage"] });
  assert.deepEqual(await arnsOf("tagged"), [bucket]);
});

test("who may not ask for resources by their tags sees no members", async () => {
  const iam = new IAM(app.client);
  await iam.createUser({ UserName: "reader" });
  const allow = (Action: string) =>
    JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action, Resource: "*" }] });
  await iam.putUserPolicy({ UserName: "reader", PolicyName: "groups", PolicyDocument: allow("resource-groups:*") });
  const { AccessKey: key } = await iam.createAccessKey({ UserName: "reader" });
  const reader = new ResourceGroups(app.as({ accessKeyId: key!.AccessKeyId!, secretAccessKey: key!.SecretAccessKey! }));
  await assert.rejects(reader.searchResources({ ResourceQuery: byStage }), { name: "ForbiddenException" });
  await iam.putUserPolicy({ UserName: "reader", PolicyName: "tags", PolicyDocument: allow("tag:GetResources") });
  assert.ok((await reader.searchResources({ ResourceQuery: byStage })).ResourceIdentifiers);
});

test("a template's group has its own stack's resources", async () => {
  const template = (description: string) =>
    JSON.stringify({
      Resources: {
        Group: {
          Type: "AWS::ResourceGroups::Group",
          Properties: {
            Name: "of-stack",
            Description: description,
            ResourceQuery: { Type: "CLOUDFORMATION_STACK_1_0" },
          },
        },
        Queue: { Type: "AWS::SQS::Queue", Properties: { QueueName: "in-stack" } },
        Handle: { Type: "AWS::CloudFormation::WaitConditionHandle" },
      },
      Outputs: { Name: { Value: { Ref: "Group" } }, Arn: { Value: { "Fn::GetAtt": ["Group", "Arn"] } } },
    });
  const waiter = { client: cloudformation, maxWaitTime: 20, minDelay: 0.05, maxDelay: 0.1 };
  const { StackId } = await cloudformation.createStack({ StackName: "grouped", TemplateBody: template("a") });
  await waitUntilStackCreateComplete(waiter, { StackName: "grouped" });
  const [stack] = (await cloudformation.describeStacks({ StackName: "grouped" })).Stacks!;
  const own = "arn:aws:resource-groups:us-east-1:000000000000:group/of-stack";
  assert.deepEqual(stack!.Outputs!.map((o) => o.OutputValue).toSorted(), [own, "of-stack"]);
  assert.deepEqual(await arnsOf("of-stack"), [own, "arn:aws:sqs:us-east-1:000000000000:in-stack"]);
  const { GroupQuery } = await groups.getGroupQuery({ Group: "of-stack" });
  assert.deepEqual(JSON.parse(GroupQuery!.ResourceQuery!.Query!), {
    ResourceTypeFilters: ["AWS::AllSupported"],
    StackIdentifier: StackId,
  });
  await cloudformation.updateStack({ StackName: "grouped", TemplateBody: template("b") });
  await waitUntilStackUpdateComplete(waiter, { StackName: "grouped" });
  assert.equal((await groups.getGroup({ Group: "of-stack" })).Group!.Description, "b");
  await groups.createGroup({
    Name: "outside",
    ResourceQuery: { Type: "CLOUDFORMATION_STACK_1_0", Query: JSON.stringify({ StackIdentifier: StackId }) },
  });
  await cloudformation.deleteStack({ StackName: "grouped" });
  await waitUntilStackDeleteComplete(waiter, { StackName: "grouped" });
  const { QueryErrors, ResourceIdentifiers } = await groups.listGroupResources({ Group: "outside" });
  assert.deepEqual([QueryErrors![0]!.ErrorCode, ResourceIdentifiers], ["CLOUDFORMATION_STACK_INACTIVE", []]);
});
