import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { CloudWatch } from "@aws-sdk/client-cloudwatch";
import { CloudWatchLogs, type DescribeLogGroupsRequest } from "@aws-sdk/client-cloudwatch-logs";
import { IAM } from "@aws-sdk/client-iam";
import { Lambda } from "@aws-sdk/client-lambda";
import { compileLogFilter } from "./filter-pattern.ts";
import { body, openStacks } from "../../../test/support/stacks.ts";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";
import { zip } from "../../../test/support/zip.ts";
import { compileFilter } from "./filter-pattern.ts";

let app: TestApp;
let logs: CloudWatchLogs;
before(async () => {
  app = await startTestApp();
  logs = new CloudWatchLogs(app.client);
});
after(() => app.stop());

async function group(logGroupName: string): Promise<string> {
  await logs.createLogGroup({ logGroupName });
  await logs.createLogStream({ logGroupName, logStreamName: "s" });
  return logGroupName;
}

const put = (logGroupName: string, ...messages: string[]) =>
  logs.putLogEvents({
    logGroupName,
    logStreamName: "s",
    logEvents: messages.map((message) => ({ message, timestamp: Date.now() })),
  });

/** Inputs of asynchronous calls that Lambda has accepted: they are on disk until a function runs, which none does here. */
async function asynchronousInputs(count: number): Promise<{ awslogs: { data: string } }[]> {
  const deadline = Date.now() + 5_000;
  for (;;) {
    const rows = await app.running.platform.database.all<{ body: string }>({
      sql: "select body from queue_message where topic = 'lambda-async'",
      parameters: [],
    });
    if (rows.length >= count || Date.now() > deadline) {
      const payload = (row: { body: string }): string =>
        (JSON.parse(row.body) as { body: { payload: string } }).body.payload;
      return rows.map((row) => JSON.parse(Buffer.from(payload(row), "base64").toString()));
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The ARN of a role that functions can take. */
async function role(): Promise<string> {
  const trust = {
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" }],
  };
  const { Role } = await new IAM(app.client).createRole({
    RoleName: "fn",
    AssumeRolePolicyDocument: JSON.stringify(trust),
  });
  return Role!.Arn!;
}

test("patterns of terms, JSON and fields in their order", () => {
  const line = '127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /a.png HTTP/1.0" 404 1534';
  const cases: [pattern: string, message: string, matches: boolean][] = [
    ["ERROR -Exiting", "ERROR in x", true],
    ["ERROR -Exiting", "ERROR Exiting", false],
    ["?ERROR ?WARN", "a WARN", true],
    ['"GET /a"', line, true],
    ["[ip, id, user, time, request, status = 4*, bytes]", line, true],
    ["[ip, id, user, time, request, status = 5*, bytes]", line, false],
    ["[..., status = 404 || status = 500, bytes > 1000]", line, true],
    ["[..., bytes < 1000]", line, false],
    ["[ip = 127.*, ...]", line, true],
    ["[ip, ..., request = *.png*, status, bytes]", line, true],
    ["[a, b]", line, false],
    ["[]", line, true],
    ['{ $.code = 404 && ($.user.name = "a*" || $.user IS NULL) }', '{"code":404,"user":{"name":"anna"}}', true],
    ["{ $.code >= 500 }", '{"code":404}', false],
    ["{ $.items[1] = 2 }", '{"items":[1,2]}', true],
    ["{ $.code NOT EXISTS }", '{"other":1}', true],
    ["{ $.__proto__ NOT EXISTS }", "{}", true],
  ];
  for (const [pattern, message, matches] of cases) assert.equal(compileFilter(pattern)(message), matches, pattern);
  for (const wrong of ["[a, b", "[a = 1 && c = 2]", "[..., ...]", "{ $.a = }"])
    assert.throws(() => compileFilter(wrong), { code: "InvalidParameterException" }, wrong);
});

test("a metric filter makes metrics of what is logged, with its value and dimensions", async () => {
  const logGroupName = await group("measured");
  const filterPattern = '{ $.event = "sale" }';
  await logs.putMetricFilter({
    logGroupName,
    filterName: "sales",
    filterPattern,
    metricTransformations: [
      { metricName: "Amount", metricNamespace: "Shop", metricValue: "$.amount", dimensions: { Item: "$.item" } },
    ],
  });
  await put(logGroupName, '{"event":"sale","amount":3,"item":"tea"}', '{"event":"sale","amount":4,"item":"tea"}', "x");
  const cloudWatch = new CloudWatch(app.client);
  const { Datapoints } = await cloudWatch.getMetricStatistics({
    Namespace: "Shop",
    MetricName: "Amount",
    Dimensions: [{ Name: "Item", Value: "tea" }],
    StartTime: new Date(Date.now() - 120_000),
    EndTime: new Date(Date.now() + 120_000),
    Period: 3600,
    Statistics: ["Sum", "SampleCount"],
  });
  assert.deepEqual(
    Datapoints!.reduce((all, d) => [all[0]! + d.Sum!, all[1]! + d.SampleCount!], [0, 0]),
    [7, 2],
  );
  const { metricFilters } = await logs.describeMetricFilters({ logGroupName });
  assert.equal(metricFilters![0]!.filterPattern, filterPattern);
  assert.equal((await logs.describeLogGroups({ logGroupNamePrefix: "measured" })).logGroups![0]!.metricFilterCount, 1);
  await logs.deleteMetricFilter({ logGroupName, filterName: "sales" });
  await assert.rejects(logs.deleteMetricFilter({ logGroupName, filterName: "sales" }), {
    message: "The specified metric filter does not exist.",
  });
});

test("a pattern is tried, and tells what its fields are", async () => {
  const { matches } = await logs.testMetricFilter({
    filterPattern: "[ip, status = 4*]",
    logEventMessages: ["1.2.3.4 404", "1.2.3.4 200"],
  });
  assert.deepEqual(matches, [
    { eventNumber: 1, eventMessage: "1.2.3.4 404", extractedValues: { $ip: "1.2.3.4", $status: "404" } },
  ]);
});

test("a subscription calls its function with what matches, where the function's policy lets it", async () => {
  const lambda = new Lambda(app.client);
  const logGroupName = await group("subscribed");
  const { FunctionArn } = await lambda.createFunction({
    FunctionName: "reader",
    Role: await role(),
    Runtime: "nodejs22.x",
    Handler: "index.handler",
    Code: { ZipFile: await zip({ "index.js": "exports.handler = async () => 1" }) },
  });
  const filter = { logGroupName, filterName: "f", filterPattern: "ERROR", destinationArn: FunctionArn! };
  await assert.rejects(logs.putSubscriptionFilter(filter), /Could not execute the lambda function/);
  await lambda.addPermission({
    FunctionName: "reader",
    StatementId: "logs",
    Action: "lambda:InvokeFunction",
    Principal: "logs.amazonaws.com",
    SourceArn: `arn:aws:logs:us-east-1:000000000000:log-group:${logGroupName}:*`,
  });
  await logs.putSubscriptionFilter(filter);
  const { subscriptionFilters } = await logs.describeSubscriptionFilters({ logGroupName });
  assert.deepEqual(
    subscriptionFilters!.map((f) => [f.filterName, f.destinationArn, f.distribution]),
    [["f", FunctionArn, "ByLogStream"]],
  );
  await logs.putSubscriptionFilter({ ...filter, filterName: "g" });
  await assert.rejects(logs.putSubscriptionFilter({ ...filter, filterName: "h" }), { name: "LimitExceededException" });
  await logs.deleteSubscriptionFilter({ logGroupName, filterName: "g" });
  await put(logGroupName, "an ERROR", "fine");
  const [payload] = await asynchronousInputs(1);
  const data = JSON.parse(gunzipSync(Buffer.from(payload!.awslogs.data, "base64")).toString());
  assert.deepEqual(
    [data.messageType, data.logGroup, data.logStream, data.subscriptionFilters],
    ["DATA_MESSAGE", logGroupName, "s", ["f"]],
  );
  assert.deepEqual(
    data.logEvents.map((e: { message: string }) => e.message),
    ["an ERROR"],
  );
});

test("resource policies are kept, listed and deleted", async () => {
  const statement = {
    Effect: "Allow",
    Principal: { Service: "x.amazonaws.com" },
    Action: "logs:PutLogEvents",
    Resource: "*",
  };
  const policyDocument = JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
  await logs.putResourcePolicy({ policyName: "p", policyDocument });
  const { resourcePolicies } = await logs.describeResourcePolicies({});
  assert.deepEqual(
    resourcePolicies!.map((p) => [p.policyName, p.policyDocument]),
    [["p", policyDocument]],
  );
  await assert.rejects(logs.putResourcePolicy({ policyName: "q", policyDocument: "{" }), /Invalid policy document/);
  await logs.deleteResourcePolicy({ policyName: "p" });
  await assert.rejects(logs.deleteResourcePolicy({ policyName: "p" }), {
    message: "Policy with name [p] does not exist.",
  });
});

test("patterns of many stars, and messages of many open brackets, take no time", () => {
  const started = performance.now();
  const stars = compileLogFilter(`{ $.a = "${"*a".repeat(100)}*b" }`);
  assert.equal(stars.matches(JSON.stringify({ a: "a".repeat(20_000) })), false);
  assert.equal(stars.matches(JSON.stringify({ a: `${"a".repeat(200)}b` })), true);
  const fields = compileLogFilter("[first, ..., last]");
  assert.deepEqual(fields.extracted(`${"[ ".repeat(100_000)}"x y" end`), { $first: "[", $last: "end" });
  assert.deepEqual(fields.extracted('"a b" [c d] e'), { $first: "a b", $last: "e" });
  assert.ok(performance.now() - started < 2_000);
});

test("groups are listed by parts of their names; a name and an ARN together are refused; policies are kept as AWS keeps them", async () => {
  for (const name of ["list/one", "list/two", "other-list"]) await group(name);
  const listed = async (logGroupNamePattern: string) =>
    (await logs.listLogGroups({ logGroupNamePattern })).logGroups!.map((g) => g.logGroupName);
  assert.deepEqual(await listed("^list/|er-l"), ["list/one", "list/two", "other-list"]);
  assert.deepEqual(await listed("^list"), ["list/one", "list/two"]);
  const described = async (asked: DescribeLogGroupsRequest) =>
    (await logs.describeLogGroups({ ...asked })).logGroups!.map((g) => g.logGroupName);
  const arn = "arn:aws:logs:us-east-1:000000000000:log-group:list/two";
  assert.deepEqual(await described({ logGroupIdentifiers: ["list/one", arn] }), ["list/one", "list/two"]);
  assert.deepEqual(await described({ logGroupClass: "INFREQUENT_ACCESS" }), []);
  assert.deepEqual(await described({ includeLinkedAccounts: true, accountIdentifiers: ["111111111111"] }), []);
  assert.deepEqual((await logs.describeResourcePolicies({ policyScope: "RESOURCE" })).resourcePolicies, []);
  await assert.rejects(logs.createLogGroup({ logGroupName: "ia", logGroupClass: "INFREQUENT_ACCESS" }), {
    name: "NotImplemented",
  });
  await assert.rejects(logs.describeLogStreams({ logGroupName: "list/one", logGroupIdentifier: "list/one" }), {
    name: "ValidationException",
    message: "LogGroup name and LogGroup ARN are mutually exclusive parameters.",
  });
  const statement = {
    Effect: "Allow",
    Principal: { Service: ["es.amazonaws.com"] },
    Action: "logs:PutLogEvents",
    Resource: "*",
  };
  const policyDocument = JSON.stringify({ Statement: [statement] });
  const { resourcePolicy } = await logs.putResourcePolicy({ policyName: "kept", policyDocument });
  assert.equal(resourcePolicy!.policyDocument, policyDocument, "it is answered as it was given");
  const { resourcePolicies } = await logs.describeResourcePolicies({});
  const kept = resourcePolicies!.find((policy) => policy.policyName === "kept")!;
  assert.deepEqual(JSON.parse(kept.policyDocument!), {
    Version: "2008-10-17",
    Statement: [{ ...statement, Principal: { Service: "es.amazonaws.com" } }],
  });
});

test("a metric's namespace may have colons, its name may not", async () => {
  const logGroupName = await group("namespaces");
  const filter = (metricName: string, metricNamespace: string) =>
    logs.putMetricFilter({
      logGroupName,
      filterName: "f",
      filterPattern: "",
      metricTransformations: [{ metricName, metricNamespace, metricValue: "1" }],
    });
  await filter("name", "A.B-c_d/1#2:namespace");
  await assert.rejects(filter("na:me", "A"), { message: /at 'metricTransformations.1.member.metricName'/ });
  await assert.rejects(filter("name", "A*"), { message: /at 'metricTransformations.1.member.metricNamespace'/ });
});

test("a template's subscription waits a moment for the permission that is made beside it", async () => {
  const stacks = openStacks(app.client);
  const { FunctionArn } = await new Lambda(app.client).createFunction({
    FunctionName: "late",
    Role: "arn:aws:iam::000000000000:role/fn",
    Runtime: "nodejs22.x",
    Handler: "index.handler",
    Code: { ZipFile: await zip({ "index.js": "exports.handler = async () => 1" }) },
  });
  await group("late");
  const Filter = {
    Type: "AWS::Logs::SubscriptionFilter",
    Properties: { LogGroupName: "late", FilterPattern: "", DestinationArn: FunctionArn },
  };
  // What the permission depends on keeps it back until the filter has been tried.
  const Before = { Type: "AWS::SSM::Parameter", Properties: { Type: "String", Value: "v" } };
  const Permission = {
    Type: "AWS::Lambda::Permission",
    DependsOn: "Before",
    Properties: { FunctionName: "late", Action: "lambda:InvokeFunction", Principal: "logs.amazonaws.com" },
  };
  await stacks.create("late", body({ Filter, Before, Permission }));
  assert.equal((await logs.describeSubscriptionFilters({ logGroupName: "late" })).subscriptionFilters!.length, 1);
});
