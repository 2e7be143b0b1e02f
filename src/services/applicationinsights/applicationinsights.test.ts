import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  CloudFormation,
  waitUntilStackCreateComplete,
  waitUntilStackDeleteComplete,
} from "@aws-sdk/client-cloudformation";
import { rootContext } from "../../app/first-start.ts";
import type { Context } from "../../aws/context.ts";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

let app: TestApp;
let root: Context<any>;
before(async () => {
  app = await startTestApp();
  root = rootContext(app.running.platform, app.running.registry).inRegion("us-east-1");
});
after(() => app.stop());

const insights = (operation: string, input: object) => root.call("applicationinsights", operation, input);
const ResourceGroupName = "watched";
const ResourceARN = "arn:aws:applicationinsights:us-east-1:000000000000:application/resource-group/watched";

test("an application is of a resource group that is there, and says that nothing monitors it", async () => {
  await assert.rejects(insights("CreateApplication", { ResourceGroupName }), { code: "ResourceNotFoundException" });
  const Query = JSON.stringify({ TagFilters: [{ Key: "a" }] });
  await root.call("resource-groups", "CreateGroup", {
    Name: ResourceGroupName,
    ResourceQuery: { Type: "TAG_FILTERS_1_0", Query },
  });
  const made = await insights("CreateApplication", { ResourceGroupName, AutoConfigEnabled: true });
  const { LifeCycle, AutoConfigEnabled, Remarks, AccountId } = made.ApplicationInfo;
  assert.deepEqual([LifeCycle, AutoConfigEnabled, AccountId], ["NOT_CONFIGURED", true, "000000000000"]);
  assert.match(Remarks, /monitors nothing/);
  await assert.rejects(insights("CreateApplication", { ResourceGroupName }), { code: "ResourceInUseException" });
  const changed = await insights("UpdateApplication", { ResourceGroupName, CWEMonitorEnabled: true });
  assert.deepEqual(
    [changed.ApplicationInfo.CWEMonitorEnabled, changed.ApplicationInfo.AutoConfigEnabled],
    [true, true],
  );
  await insights("TagResource", {
    ResourceARN,
    Tags: [
      { Key: "a", Value: "1" },
      { Key: "b", Value: "2" },
    ],
  });
  await insights("UntagResource", { ResourceARN, TagKeys: ["a"] });
  assert.deepEqual((await insights("ListTagsForResource", { ResourceARN })).Tags, [{ Key: "b", Value: "2" }]);
  const { ApplicationInfoList } = await insights("ListApplications", {});
  assert.deepEqual(ApplicationInfoList, [
    (await insights("DescribeApplication", { ResourceGroupName })).ApplicationInfo,
  ]);
  await insights("DeleteApplication", { ResourceGroupName });
  await assert.rejects(insights("DescribeApplication", { ResourceGroupName }), { code: "ResourceNotFoundException" });
});

test("what would need somebody who watches is refused", async () => {
  for (const [operation, input] of [
    ["ListProblems", {}],
    ["ListComponents", { ResourceGroupName }],
    [
      "CreateApplication",
      { ResourceGroupName, SNSNotificationArn: `arn:aws:sns:us-east-1:000000000000:${"t".repeat(10)}` },
    ],
  ] as const)
    await assert.rejects(insights(operation, input), { status: 501 });
});

test("what sam init writes for monitoring deploys", async () => {
  const cloudformation = new CloudFormation(app.client);
  const Name = { "Fn::Sub": "ApplicationInsights-SAM-${AWS::StackName}" };
  const TemplateBody = JSON.stringify({
    Transform: "AWS::Serverless-2016-10-31",
    Resources: {
      ApplicationResourceGroup: {
        Type: "AWS::ResourceGroups::Group",
        Properties: { Name, ResourceQuery: { Type: "CLOUDFORMATION_STACK_1_0" } },
      },
      ApplicationInsightsMonitoring: {
        Type: "AWS::ApplicationInsights::Application",
        Properties: { ResourceGroupName: Name, AutoConfigurationEnabled: "true" },
        DependsOn: "ApplicationResourceGroup",
      },
    },
    Outputs: { Arn: { Value: { Ref: "ApplicationInsightsMonitoring" } } },
  });
  const Capabilities = ["CAPABILITY_AUTO_EXPAND" as const];
  await cloudformation.createStack({ StackName: "hello", TemplateBody, Capabilities });
  const waiter = { client: cloudformation, maxWaitTime: 20, minDelay: 0.05, maxDelay: 0.1 };
  await waitUntilStackCreateComplete(waiter, { StackName: "hello" });
  const [stack] = (await cloudformation.describeStacks({ StackName: "hello" })).Stacks!;
  const group = "ApplicationInsights-SAM-hello";
  assert.equal(stack!.Outputs![0]!.OutputValue, ResourceARN.replace("watched", group));
  const { ApplicationInfo } = await insights("DescribeApplication", { ResourceGroupName: group });
  assert.equal(ApplicationInfo.AutoConfigEnabled, true);
  await cloudformation.deleteStack({ StackName: "hello" });
  await waitUntilStackDeleteComplete(waiter, { StackName: "hello" });
  assert.deepEqual((await insights("ListApplications", {})).ApplicationInfoList, []);
});
