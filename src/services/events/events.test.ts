import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { CloudWatch } from "@aws-sdk/client-cloudwatch";
import { CodePipeline } from "@aws-sdk/client-codepipeline";
import { EventBridge } from "@aws-sdk/client-eventbridge";
import { IAM } from "@aws-sdk/client-iam";
import { Lambda } from "@aws-sdk/client-lambda";
import { CloudWatchLogs } from "@aws-sdk/client-cloudwatch-logs";
import { zip } from "../../../test/support/zip.ts";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";
import { FakeClock } from "../../kernel/clock.ts";
import { createContext } from "../../aws/context.ts";
import { servicePrincipal } from "../../aws/principal.ts";

let app: TestApp;
let events: EventBridge;
let logs: CloudWatchLogs;
const clock = new FakeClock(Date.now());
const ACCOUNT = "000000000000";
const groupArn = (name: string) => `arn:aws:logs:us-east-1:${ACCOUNT}:log-group:${name}`;

before(async () => {
  app = await startTestApp({ clock });
  events = new EventBridge(app.client);
  logs = new CloudWatchLogs(app.client);
});
after(() => app.stop());

/** Messages of a log group, once there are as many as wanted. */
async function received(logGroupName: string, count: number): Promise<unknown[]> {
  const deadline = Date.now() + 5_000;
  for (;;) {
    const { events: found = [] } = await new CloudWatchLogs(signedNow()).filterLogEvents({ logGroupName });
    if (found.length >= count || Date.now() > deadline)
      return found.map((e) => JSON.parse(String(e.message)) as unknown);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function ruleTo(
  name: string,
  rule: { EventPattern?: string; ScheduleExpression?: string },
  target: object = {},
): Promise<string> {
  const logGroupName = `/aws/events/${name}`;
  await logs.createLogGroup({ logGroupName });
  await events.putRule({ Name: name, ...rule });
  await events.putTargets({ Rule: name, Targets: [{ Id: "1", Arn: groupArn(logGroupName), ...target }] });
  return logGroupName;
}

/** Settings of a client that signs by the platform's time; for one call, as a client takes the time of the first answer's Date. */
const signedNow = () => ({ ...app.client, systemClockOffset: clock.now() - Date.now() });

const entry = (Source: string, detail: object = {}) => ({ Source, DetailType: "t", Detail: JSON.stringify(detail) });

test("an event reaches the target of a rule that matches, whole, and no other", async () => {
  const group = await ruleTo("whole", { EventPattern: '{"source":["shop"],"detail":{"n":[1]}}' });
  const { Entries, FailedEntryCount } = await events.putEvents({
    Entries: [entry("shop", { n: 2 }), { ...entry("shop", { n: 1 }), Resources: ["arn:x"], Time: new Date(1e12) }],
  });
  assert.equal(FailedEntryCount, 0);
  assert.deepEqual(await received(group, 1), [
    {
      version: "0",
      id: Entries![1]!.EventId,
      "detail-type": "t",
      source: "shop",
      account: ACCOUNT,
      time: "2001-09-09T01:46:40Z",
      region: "us-east-1",
      resources: ["arn:x"],
      detail: { n: 1 },
    },
  ]);
});

test("a target's input: constant, path, transformer", async () => {
  const pattern = { EventPattern: '{"source":["inputs"]}' };
  const constant = await ruleTo("constant", pattern, { Input: '{"c":1}' });
  const path = await ruleTo("path", pattern, { InputPath: "$.detail.n" });
  const made = await ruleTo("made", pattern, {
    InputTransformer: { InputPathsMap: { n: "$.detail.n" }, InputTemplate: '{"n":<n>,"rule":<aws.events.rule-name>}' },
  });
  await events.putEvents({ Entries: [entry("inputs", { n: 7 })] });
  assert.deepEqual(await received(constant, 1), [{ c: 1 }]);
  assert.deepEqual(await received(path, 1), [7]);
  assert.deepEqual(await received(made, 1), [{ n: 7, rule: "made" }]);
});

test("a disabled rule stops, an enabled one goes on", async () => {
  const group = await ruleTo("switch", { EventPattern: '{"source":["switch"]}' });
  await events.disableRule({ Name: "switch" });
  await events.putEvents({ Entries: [entry("switch", { n: 1 })] });
  await events.enableRule({ Name: "switch" });
  await events.putEvents({ Entries: [entry("switch", { n: 2 })] });
  assert.deepEqual(
    (await received(group, 1)).map((e) => (e as { detail: unknown }).detail),
    [{ n: 2 }],
  );
});

test("a user may not speak for AWS, a service may", async () => {
  const refused = await events.putEvents({ Entries: [entry("aws.codecommit")] });
  assert.equal(refused.FailedEntryCount, 1);
  assert.equal(refused.Entries![0]!.ErrorCode, "NotAuthorizedForSourceException");
  const { platform, registry } = app.running;
  const principal = servicePrincipal("codecommit.amazonaws.com", ACCOUNT);
  const ctx = createContext(platform, registry, {
    service: "codecommit",
    account: ACCOUNT,
    region: "us-east-1",
    principal,
  });
  const accepted = await ctx.call("events", "PutEvents", { Entries: [entry("aws.codecommit")] });
  assert.equal(accepted.FailedEntryCount, 0);
});

test("entries that are not events fail one by one", async () => {
  const { Entries } = await events.putEvents({
    Entries: [{ ...entry("x"), Detail: "[1]" }, { Source: "x", DetailType: "y" }, entry("x")],
  });
  assert.deepEqual(
    Entries!.map((e) => e.ErrorCode),
    ["MalformedDetail", "InvalidArgument", undefined],
  );
});

test("one bus sends to another; rules that send in circles end", async () => {
  await events.createEventBus({ Name: "other" });
  const bus = (name: string) => `arn:aws:events:us-east-1:${ACCOUNT}:event-bus/${name}`;
  await events.putRule({ Name: "forth", EventPattern: '{"source":["loop"]}' });
  await events.putTargets({ Rule: "forth", Targets: [{ Id: "1", Arn: bus("other") }] });
  await events.putRule({ Name: "back", EventBusName: "other", EventPattern: '{"source":["loop"]}' });
  await logs.createLogGroup({ logGroupName: "/aws/events/loop" });
  await events.putTargets({
    Rule: "back",
    EventBusName: "other",
    Targets: [
      { Id: "1", Arn: bus("default") },
      { Id: "2", Arn: groupArn("/aws/events/loop") },
    ],
  });
  await events.putEvents({ Entries: [entry("loop")] });
  const passed = await received("/aws/events/loop", 3);
  assert.equal(passed.length, 3);
  assert.equal(new Set(passed.map((e) => (e as { id: string }).id)).size, 1);
});

test("what cannot be is refused in AWS's words", async () => {
  await assert.rejects(events.putRule({ Name: "none" }), {
    name: "ValidationException",
    message: "Parameter(s) EventPattern or ScheduleExpression must be specified.",
  });
  await assert.rejects(events.putRule({ Name: "none", EventPattern: "{}" }), { name: "InvalidEventPatternException" });
  await assert.rejects(events.putRule({ Name: "none", ScheduleExpression: "rate(5 minute)" }), {
    name: "ValidationException",
    message: "Parameter ScheduleExpression is not valid.",
  });
  await assert.rejects(events.describeRule({ Name: "none" }), {
    name: "ResourceNotFoundException",
    message: "Rule none does not exist on EventBus default.",
  });
  await events.deleteRule({ Name: "none" });
  await assert.rejects(events.deleteRule({ Name: "whole" }), {
    name: "ValidationException",
    message: "Rule can't be deleted since it has targets.",
  });
  await assert.rejects(
    events.putTargets({ Rule: "whole", Targets: [{ Id: "x", Arn: `arn:aws:codepipeline:us-east-1:${ACCOUNT}:p` }] }),
  );
  await assert.rejects(
    events.putTargets({ Rule: "whole", Targets: [{ Id: "x", Arn: "arn:aws:batch:us-east-1:1:job-queue/x" }] }),
    { name: "NotImplemented" },
  );
  const fifo = { Id: "x", Arn: `arn:aws:sqs:us-east-1:${ACCOUNT}:q.fifo` };
  await assert.rejects(events.putTargets({ Rule: "whole", Targets: [fifo] }), {
    message: "Parameter(s) SqsParameters must be specified for target: x.",
  });
  await assert.rejects(events.putTargets({ Rule: "whole", Targets: [{ Id: "x", Arn: groupArn("x"), Input: "{" }] }), {
    name: "ValidationException",
  });
});

test("a rule may hand over a role only where the caller may", async () => {
  const iam = new IAM(app.client);
  await iam.createUser({ UserName: "limited" });
  await iam.putUserPolicy({
    UserName: "limited",
    PolicyName: "p",
    PolicyDocument: JSON.stringify({
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Action: "events:*", Resource: "*" }],
    }),
  });
  const { AccessKey } = await iam.createAccessKey({ UserName: "limited" });
  const limited = new EventBridge(
    app.as({ accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! }),
  );
  const target = { Id: "x", Arn: groupArn("x"), RoleArn: `arn:aws:iam::${ACCOUNT}:role/admin` };
  await assert.rejects(limited.putTargets({ Rule: "whole", Targets: [target] }), {
    name: "AccessDeniedException",
    message: /iam:PassRole/,
  });
});

test("targets are listed, replaced by id and removed", async () => {
  const Targets = [
    { Id: "a", Arn: groupArn("a") },
    { Id: "b", Arn: groupArn("b") },
  ];
  await events.putRule({ Name: "list", EventPattern: '{"source":["list"]}', Tags: [{ Key: "k", Value: "v" }] });
  await events.putTargets({ Rule: "list", Targets });
  await events.putTargets({ Rule: "list", Targets: [{ Id: "a", Arn: groupArn("c") }] });
  assert.deepEqual(
    (await events.listTargetsByRule({ Rule: "list" })).Targets!.map((t) => t.Arn),
    [groupArn("c"), groupArn("b")],
  );
  assert.deepEqual((await events.listRuleNamesByTarget({ TargetArn: groupArn("c") })).RuleNames, ["list"]);
  const removed = await events.removeTargets({ Rule: "list", Ids: ["a", "zz"] });
  assert.equal(removed.FailedEntryCount, 1);
  const { Rules } = await events.listRules({ NamePrefix: "li" });
  assert.deepEqual(
    Rules!.map((r) => r.Name),
    ["list"],
  );
  const ResourceARN = Rules![0]!.Arn!;
  await events.tagResource({ ResourceARN, Tags: [{ Key: "l", Value: "w" }] });
  await events.untagResource({ ResourceARN, TagKeys: ["k"] });
  assert.deepEqual((await events.listTagsForResource({ ResourceARN })).Tags, [{ Key: "l", Value: "w" }]);
});

test("buses: policy, list, delete", async () => {
  await events.putPermission({ StatementId: "s", Action: "events:PutEvents", Principal: "111122223333" });
  assert.match((await events.describeEventBus({})).Policy!, /111122223333/);
  await events.removePermission({ StatementId: "s" });
  assert.equal((await events.describeEventBus({})).Policy, undefined);
  await events.createEventBus({ Name: "gone" });
  assert.deepEqual(
    (await events.listEventBuses({})).EventBuses!.map((b) => b.Name),
    ["default", "gone", "other"],
  );
  await events.updateEventBus({ Name: "gone", Description: "d" });
  assert.equal((await events.describeEventBus({ Name: "gone" })).Description, "d");
  await assert.rejects(events.updateEventBus({ Name: "gone", KmsKeyIdentifier: "k" }), { name: "NotImplemented" });
  await events.deleteEventBus({ Name: "gone" });
  await events.deleteEventBus({ Name: "gone" });
  // As AWS: what is sent to a bus that is not there is accepted, and reaches nobody.
  const sent = await events.putEvents({ Entries: [{ ...entry("x"), EventBusName: "gone" }] });
  assert.deepEqual([sent.FailedEntryCount, typeof sent.Entries![0]!.EventId], [0, "string"]);
});

test("a pattern is tried", async () => {
  const Event = JSON.stringify({
    id: "1",
    account: "1",
    source: "s",
    time: "2020-01-01T00:00:00Z",
    region: "r",
    "detail-type": "t",
    detail: {},
  });
  assert.equal((await events.testEventPattern({ Event, EventPattern: '{"source":["s"]}' })).Result, true);
  assert.equal((await events.testEventPattern({ Event, EventPattern: '{"source":["z"]}' })).Result, false);
});

test("an event starts a pipeline as the target's role, once, and only where the role may", async () => {
  const iam = new IAM(app.client);
  const pipelines = new CodePipeline(app.client);
  const roleFor = async (RoleName: string, Service: string) => {
    const trust = {
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Principal: { Service }, Action: "sts:AssumeRole" }],
    };
    return (await iam.createRole({ RoleName, AssumeRolePolicyDocument: JSON.stringify(trust) })).Role!.Arn!;
  };
  const step = (name: string, category: "Source" | "Approval", provider: string, more: object) => ({
    name,
    actions: [{ name, actionTypeId: { category, owner: "AWS" as const, provider, version: "1" }, ...more }],
  });
  const configuration = { S3Bucket: "store", S3ObjectKey: "k", PollForSourceChanges: "false" };
  const stages = [
    step("s", "Source", "S3", { configuration, outputArtifacts: [{ name: "S" }] }),
    step("a", "Approval", "Manual", {}),
  ];
  const roleArn = await roleFor("pipeline", "codepipeline.amazonaws.com");
  await pipelines.createPipeline({
    pipeline: { name: "p", roleArn, artifactStore: { type: "S3", location: "store" }, stages },
  });
  const starter = await roleFor("starter", "events.amazonaws.com");
  const pipelineArn = `arn:aws:codepipeline:us-east-1:${ACCOUNT}:p`;
  await events.putRule({ Name: "start", EventPattern: '{"source":["start"]}' });
  await assert.rejects(events.putTargets({ Rule: "start", Targets: [{ Id: "1", Arn: pipelineArn }] }), {
    message: `RoleArn is required for target ${pipelineArn}.`,
  });
  await events.putTargets({ Rule: "start", Targets: [{ Id: "1", Arn: pipelineArn, RoleArn: starter }] });
  const started = async () =>
    ((await pipelines.listPipelineExecutions({ pipelineName: "p" })).pipelineExecutionSummaries ?? []).filter(
      (e) => e.trigger?.triggerType === "CloudWatchEvent",
    );
  const failures = async () => {
    const range = {
      StartTime: new Date(clock.now() - 3600_000),
      EndTime: new Date(clock.now() + 3600_000),
      Period: 60,
    };
    const of = { Namespace: "AWS/Events", MetricName: "FailedInvocations", Statistics: ["Sum" as const] };
    const Dimensions = [{ Name: "RuleName", Value: "start" }];
    const { Datapoints } = await new CloudWatch(app.client).getMetricStatistics({ ...of, ...range, Dimensions });
    return Datapoints?.[0]?.Sum ?? 0;
  };
  const until = async (look: () => Promise<boolean>) => {
    const deadline = Date.now() + 5_000;
    while (!(await look()) && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
  };
  await events.putEvents({ Entries: [entry("start")] });
  await until(async () => (await failures()) === 1);
  assert.deepEqual([await failures(), (await started()).length], [1, 0]);
  const allow = { Effect: "Allow", Action: "codepipeline:StartPipelineExecution", Resource: pipelineArn };
  const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement: [allow] });
  await iam.putRolePolicy({ RoleName: "starter", PolicyName: "p", PolicyDocument });
  await events.putEvents({ Entries: [entry("start")] });
  await until(async () => (await started()).length > 0);
  assert.equal((await started()).length, 1);
});

test("a function is called only where its own policy lets the rule", async () => {
  const iam = new IAM(app.client);
  const lambda = new Lambda(app.client);
  const trust = {
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" }],
  };
  const { Role } = await iam.createRole({ RoleName: "fn", AssumeRolePolicyDocument: JSON.stringify(trust) });
  const code = { ZipFile: await zip({ "index.js": "" }) };
  const { FunctionArn } = await lambda.createFunction({
    FunctionName: "f",
    Role: Role!.Arn!,
    Runtime: "nodejs24.x",
    Handler: "index.handler",
    Code: code,
  });
  const { RuleArn } = await events.putRule({ Name: "call", EventPattern: '{"source":["call"]}' });
  await events.putTargets({ Rule: "call", Targets: [{ Id: "1", Arn: FunctionArn! }] });
  const counted = async (MetricName: string) => {
    const range = {
      StartTime: new Date(clock.now() - 3600_000),
      EndTime: new Date(clock.now() + 3600_000),
      Period: 60,
    };
    const of = { Namespace: "AWS/Events", MetricName, Statistics: ["Sum" as const] };
    const Dimensions = [{ Name: "RuleName", Value: "call" }];
    const deadline = Date.now() + 5_000;
    for (;;) {
      const { Datapoints } = await new CloudWatch(app.client).getMetricStatistics({ ...of, ...range, Dimensions });
      const sum = Datapoints?.[0]?.Sum;
      if (sum !== undefined || Date.now() > deadline) return sum;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  await events.putEvents({ Entries: [entry("call")] });
  assert.equal(await counted("FailedInvocations"), 1);
  await lambda.addPermission({
    FunctionName: "f",
    StatementId: "s",
    Action: "lambda:InvokeFunction",
    Principal: "events.amazonaws.com",
    SourceArn: RuleArn!,
  });
  await events.putEvents({ Entries: [entry("call")] });
  assert.equal(await counted("Invocations"), 1);
});

test("a schedule fires at its time, and once for what was missed", async () => {
  const group = await ruleTo("clock", { ScheduleExpression: "rate(5 minutes)" });
  await clock.advance(5 * 60_000 + 10);
  const [first] = (await received(group, 1)) as { "detail-type": string; source: string; resources: string[] }[];
  assert.deepEqual(
    [first!["detail-type"], first!.source, first!.resources],
    ["Scheduled Event", "aws.events", [`arn:aws:events:us-east-1:${ACCOUNT}:rule/clock`]],
  );
  await clock.advance(60 * 60_000);
  assert.equal((await received(group, 2)).length, 2);
  await new EventBridge(signedNow()).disableRule({ Name: "clock" });
  await clock.advance(60 * 60_000);
  assert.equal((await received(group, 2)).length, 2);
});
