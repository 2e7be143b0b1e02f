import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { CloudWatchLogs } from "@aws-sdk/client-cloudwatch-logs";
import { body, openStacks } from "../../../test/support/stacks.ts";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

let app: TestApp;
let logs: CloudWatchLogs;
const minute = Math.floor(Date.now() / 60_000) * 60_000 - 120_000;
const GROUP = "/aws/lambda/shop";

before(async () => {
  app = await startTestApp();
  logs = new CloudWatchLogs(app.client);
  await logs.createLogGroup({ logGroupName: GROUP });
  await logs.createLogStream({ logGroupName: GROUP, logStreamName: "s" });
  const messages = [
    '{"level":"info","ms":5,"user":{"name":"ada"}}',
    '{"level":"error","ms":50,"user":{"name":"bob"}}',
    '{"level":"info","ms":15,"user":{"name":"ada"}}',
    "GET /cart took 7 ms",
    "REPORT RequestId: 0b5b\tDuration: 12.50 ms\tBilled Duration: 13 ms\tMemory Size: 128 MB\tMax Memory Used: 64 MB\t",
  ];
  const logEvents = messages.map((message, i) => ({ message, timestamp: minute + i * 20_000 }));
  await logs.putLogEvents({ logGroupName: GROUP, logStreamName: "s", logEvents });
});
after(() => app.stop());

const range = { startTime: minute / 1000, endTime: minute / 1000 + 300 };

/** The rows of a query's answer, without the pointers to their events. */
async function ask(queryString: string): Promise<Record<string, string>[]> {
  const { queryId } = await logs.startQuery({ logGroupName: GROUP, queryString, ...range });
  const { status, results } = await logs.getQueryResults({ queryId });
  assert.equal(status, "Complete");
  return results!.map((row) =>
    Object.fromEntries(row.filter((c) => c.field !== "@ptr").map((c) => [c.field, c.value ?? ""])),
  );
}

test("fields, filters, order and limits", async () => {
  assert.deepEqual(await ask("fields ms, upper | filter level = 'info' | sort ms desc"), [{ ms: "15" }, { ms: "5" }]);
  assert.deepEqual(await ask('filter user.name like "a" and ms > 5 | display user.name as who, ms * 2 as twice'), [
    { who: "ada", twice: "30" },
  ]);
  assert.deepEqual(await ask("fields @message | filter @message like /(?i)get .cart/ | limit 1"), [
    { "@message": "GET /cart took 7 ms" },
  ]);
  assert.deepEqual(await ask("filter level in ['error', 'fatal'] or not ispresent(level) and ms = 1 | fields level"), [
    { level: "error" },
  ]);
  assert.equal((await ask("fields @timestamp, @message | sort @timestamp asc"))[0]!["@timestamp"]!.length, 23);
  assert.deepEqual(await ask("filter ispresent(level) | dedup level | sort level | display level"), [
    { level: "error" },
    { level: "info" },
  ]);
});

test("stats by fields and by time", async () => {
  assert.deepEqual(await ask("filter ispresent(ms) | stats count(*) as n, avg(ms), max(ms) by level | sort n desc"), [
    { level: "info", n: "2", "avg(ms)": "10", "max(ms)": "15" },
    { level: "error", n: "1", "avg(ms)": "50", "max(ms)": "50" },
  ]);
  const bins = await ask("stats count(*) by bin(1m) as t | sort t");
  assert.deepEqual(
    bins.map((b) => b["count(*)"]),
    ["3", "2"],
  );
  assert.deepEqual(await ask("stats pct(ms, 50) as p, count_distinct(user.name) as u"), [{ p: "15", u: "2" }]);
});

test("parse, and what Lambda's own lines say", async () => {
  assert.deepEqual(await ask('parse @message "GET * took * ms" as path, took | filter took > 5 | display path, took'), [
    { path: "/cart", took: "7" },
  ]);
  assert.deepEqual(
    await ask('filter @type = "REPORT" | stats max(@duration) as d, max(@maxMemoryUsed / 1000 / 1000) as mb'),
    [{ d: "12.5", mb: "64" }],
  );
});

test("what is no query is refused, and queries are listed", async () => {
  for (const queryString of [
    "nonsense",
    "fields",
    "filter (",
    "stats sum() by",
    'parse @message "*" as a, b',
    "fields nope(",
  ])
    await assert.rejects(logs.startQuery({ logGroupName: GROUP, queryString, ...range }), {
      name: "MalformedQueryException",
    });
  await assert.rejects(logs.startQuery({ logGroupName: "none", queryString: "fields @message", ...range }), {
    name: "ResourceNotFoundException",
  });
  await assert.rejects(logs.getQueryResults({ queryId: "none" }), { name: "ResourceNotFoundException" });
  const { queries } = await logs.describeQueries({ logGroupName: GROUP, maxResults: 1 });
  assert.match(queries![0]!.queryString!, /^SOURCE "\/aws\/lambda\/shop" START=\d+ END=\d+999 \| /);
});

test("a query that makes texts without end, or looks too long, is refused", async () => {
  const many = (part: string, count: number) => Array.from({ length: count }, () => part).join(",");
  const hostile = [
    ["fields @message as a", ...Array.from({ length: 9 }, () => `fields concat(${many("a", 200)}) as a`)].join(" | "),
    ["fields @message as a", ...Array.from({ length: 9 }, () => "fields replace(a, '', concat(a, a)) as a")].join(
      " | ",
    ),
  ];
  for (const queryString of hostile) {
    const { queryId } = await logs.startQuery({ logGroupName: GROUP, queryString, ...range });
    await assert.rejects(logs.getQueryResults({ queryId }), /too much/);
  }
});

test("queries are kept under names, by templates too", async () => {
  const put = { name: "slow calls", queryString: "filter ms > 10", logGroupNames: [GROUP] };
  const once = { ...put, clientToken: "5f0c1a52-0000-4000-8000-000000000001" };
  const { queryDefinitionId } = await logs.putQueryDefinition(once);
  assert.equal((await logs.putQueryDefinition(once)).queryDefinitionId, queryDefinitionId);
  await logs.putQueryDefinition({ ...put, queryDefinitionId, queryString: "filter ms > 20" });
  await assert.rejects(logs.putQueryDefinition({ ...put, queryDefinitionId: "other" }), {
    name: "ResourceNotFoundException",
  });
  const PolicyDocument = JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      { Effect: "Allow", Principal: { Service: "events.amazonaws.com" }, Action: "logs:PutLogEvents", Resource: "*" },
    ],
  });
  const template = body({
    Query: { Type: "AWS::Logs::QueryDefinition", Properties: { Name: "of a stack", QueryString: "fields @message" } },
    Stream: { Type: "AWS::Logs::LogStream", Properties: { LogGroupName: GROUP, LogStreamName: "of-stack" } },
    Policy: { Type: "AWS::Logs::ResourcePolicy", Properties: { PolicyName: "events", PolicyDocument } },
  });
  await openStacks(app.client).created("queries", template);
  const { queryDefinitions } = await logs.describeQueryDefinitions({});
  assert.deepEqual(
    queryDefinitions!.map((q) => [q.name, q.queryString]),
    [
      ["of a stack", "fields @message"],
      ["slow calls", "filter ms > 20"],
    ],
  );
  const { logStreams } = await logs.describeLogStreams({ logGroupName: GROUP, logStreamNamePrefix: "of-" });
  assert.equal(logStreams!.length, 1);
  assert.equal((await logs.describeResourcePolicies({})).resourcePolicies![0]!.policyName, "events");
  await logs.deleteQueryDefinition({ queryDefinitionId: queryDefinitionId! });
  assert.equal(
    (await logs.describeQueryDefinitions({ queryDefinitionNamePrefix: "slow" })).queryDefinitions!.length,
    0,
  );
});
