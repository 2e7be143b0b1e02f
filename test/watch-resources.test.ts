import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { CloudFormation } from "@aws-sdk/client-cloudformation";
import { CloudWatch } from "@aws-sdk/client-cloudwatch";
import { CloudWatchLogs } from "@aws-sdk/client-cloudwatch-logs";
import { EventBridge } from "@aws-sdk/client-eventbridge";
import { IAM } from "@aws-sdk/client-iam";
import { body, openStacks, trust } from "./support/stacks.ts";
import { startTestApp, type TestApp } from "./support/test-app.ts";

let app: TestApp;
before(async () => {
  app = await startTestApp();
});
after(() => app.stop());

const BUS = { "Fn::Sub": "arn:aws:events:${AWS::Region}:${AWS::AccountId}:event-bus/default" };
const template = (n: number) =>
  body({
    Group: { Type: "AWS::Logs::LogGroup", Properties: { LogGroupName: "/watched" } },
    Filter: {
      Type: "AWS::Logs::MetricFilter",
      Properties: {
        LogGroupName: { Ref: "Group" },
        FilterPattern: `ERROR ${n}`,
        MetricTransformations: [{ MetricName: "Errors", MetricNamespace: "Own", MetricValue: "1", DefaultValue: 0 }],
      },
    },
    Alarm: {
      Type: "AWS::CloudWatch::Alarm",
      Properties: {
        Namespace: "Own",
        MetricName: "Errors",
        Statistic: "Sum",
        Period: 60,
        EvaluationPeriods: n,
        Threshold: 0,
        ComparisonOperator: "GreaterThanThreshold",
        Tags: [{ Key: "n", Value: `${n}` }],
      },
    },
    Both: {
      Type: "AWS::CloudWatch::CompositeAlarm",
      Properties: { AlarmName: "both", AlarmRule: { "Fn::Sub": "ALARM(${Alarm})" } },
    },
    Board: {
      Type: "AWS::CloudWatch::Dashboard",
      Properties: { DashboardName: "board", DashboardBody: JSON.stringify({ widgets: [], n }) },
    },
    Archive: {
      Type: "AWS::Events::Archive",
      Properties: { ArchiveName: "kept", SourceArn: BUS, RetentionDays: n, EventPattern: { source: ["shop"] } },
    },
    Role: { Type: "AWS::IAM::Role", Properties: { AssumeRolePolicyDocument: trust } },
    Profile: {
      Type: "AWS::IAM::InstanceProfile",
      Properties: { InstanceProfileName: "profile", Roles: [{ Ref: "Role" }] },
    },
    Provider: {
      Type: "AWS::IAM::OIDCProvider",
      Properties: { Url: "https://token.example.com", ClientIdList: [`client${n}`] },
    },
  });

test("a stack makes, changes and removes what watches others", async () => {
  const stacks = openStacks(app.client);
  const cloudWatch = new CloudWatch(app.client);
  const iam = new IAM(app.client);
  const named = { Capabilities: ["CAPABILITY_NAMED_IAM" as const] };
  const OpenIDConnectProviderArn = "arn:aws:iam::000000000000:oidc-provider/token.example.com";
  const seen = async () => {
    const AlarmTypes = ["MetricAlarm" as const, "CompositeAlarm" as const];
    const { MetricAlarms, CompositeAlarms } = await cloudWatch.describeAlarms({ AlarmTypes });
    const { metricFilters } = await new CloudWatchLogs(app.client).describeMetricFilters({ logGroupName: "/watched" });
    return {
      periods: MetricAlarms!.map((a) => a.EvaluationPeriods),
      isRule: CompositeAlarms![0]!.AlarmRule === `ALARM(${MetricAlarms![0]!.AlarmName})`,
      tags: (await cloudWatch.listTagsForResource({ ResourceARN: MetricAlarms![0]!.AlarmArn! })).Tags!.filter(
        ({ Key }) => !Key!.startsWith("aws:"),
      ),
      pattern: metricFilters![0]!.filterPattern,
      board: JSON.parse((await cloudWatch.getDashboard({ DashboardName: "board" })).DashboardBody!).n as number,
      days: (await new EventBridge(app.client).describeArchive({ ArchiveName: "kept" })).RetentionDays,
      roles: (await iam.getInstanceProfile({ InstanceProfileName: "profile" })).InstanceProfile!.Roles!.length,
      clients: (await iam.getOpenIDConnectProvider({ OpenIDConnectProviderArn })).ClientIDList,
    };
  };
  const wanted = (n: number) => ({
    periods: [n],
    isRule: true,
    tags: [{ Key: "n", Value: `${n}` }],
    pattern: `ERROR ${n}`,
    board: n,
    days: n,
    roles: 1,
    clients: [`client${n}`],
  });
  const made = await stacks.create("watching", template(1), named);
  assert.equal(made.StackStatus, "CREATE_COMPLETE", JSON.stringify(await stacks.events("watching")));
  assert.deepEqual(await seen(), wanted(1));
  const changed = await stacks.update("watching", template(2), named);
  assert.equal(changed.StackStatus, "UPDATE_COMPLETE", JSON.stringify(await stacks.events("watching")));
  assert.deepEqual(await seen(), wanted(2));
  await new CloudFormation(app.client).deleteStack({ StackName: "watching" });
  assert.equal((await stacks.ended(made.StackId!)).StackStatus, "DELETE_COMPLETE");
  assert.deepEqual((await cloudWatch.describeAlarms({})).MetricAlarms, []);
  assert.deepEqual((await iam.listInstanceProfiles({})).InstanceProfiles, []);
});
