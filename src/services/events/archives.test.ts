import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { CloudWatchLogs } from "@aws-sdk/client-cloudwatch-logs";
import { EventBridge } from "@aws-sdk/client-eventbridge";
import { IAM } from "@aws-sdk/client-iam";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

let app: TestApp;
let events: EventBridge;
let logs: CloudWatchLogs;
const busArn = (name: string) => `arn:aws:events:us-east-1:000000000000:event-bus/${name}`;

before(async () => {
  app = await startTestApp();
  events = new EventBridge(app.client);
  logs = new CloudWatchLogs(app.client);
});
after(() => app.stop());

const range = { EventStartTime: new Date(Date.now() - 3600_000), EventEndTime: new Date(Date.now() + 3600_000) };

/** Asks again until the answer is as wanted; the last answer in any case. */
async function until<T>(ask: () => Promise<T>, isDone: (answer: T) => boolean): Promise<T> {
  const deadline = Date.now() + 5_000;
  for (;;) {
    const answer = await ask();
    if (isDone(answer) || Date.now() > deadline) return answer;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function ruleTo(Name: string): Promise<{ group: string; arn: string }> {
  const group = `/aws/events/${Name}`;
  await logs.createLogGroup({ logGroupName: group });
  const { RuleArn } = await events.putRule({ Name, EventPattern: '{"source":["shop"]}' });
  const Arn = `arn:aws:logs:us-east-1:000000000000:log-group:${group}`;
  await events.putTargets({ Rule: Name, Targets: [{ Id: "1", Arn }] });
  return { group, arn: RuleArn! };
}

const received = (group: string, count: number) =>
  until(
    async () => (await logs.filterLogEvents({ logGroupName: group })).events!.map((e) => JSON.parse(e.message!)),
    (found) => found.length >= count,
  );

test("an archive keeps what matches, and a replay sends it to the rules it names, once", async () => {
  const [first, second] = [await ruleTo("first"), await ruleTo("second")];
  const { ArchiveArn, State } = await events.createArchive({
    ArchiveName: "kept",
    EventSourceArn: busArn("default"),
    EventPattern: '{"detail":{"keep":[true]}}',
    RetentionDays: 1,
  });
  assert.equal(State, "ENABLED");
  const entry = (keep: boolean) => ({ Source: "shop", DetailType: "t", Detail: JSON.stringify({ keep }) });
  await events.putEvents({ Entries: [entry(true), entry(false)] });
  const { EventCount, SizeBytes } = await events.describeArchive({ ArchiveName: "kept" });
  assert.equal(EventCount, 1);
  assert.ok(SizeBytes! > 100);
  await received(first.group, 2);
  await events.startReplay({
    ReplayName: "again",
    EventSourceArn: ArchiveArn!,
    Destination: { Arn: busArn("default"), FilterArns: [first.arn] },
    ...range,
  });
  const replay = await until(
    () => events.describeReplay({ ReplayName: "again" }),
    (r) => r.State === "COMPLETED",
  );
  assert.equal(replay.State, "COMPLETED");
  assert.ok(replay.EventLastReplayedTime && replay.ReplayEndTime);
  const found = await received(first.group, 3);
  assert.deepEqual(found.map((e) => e["replay-name"]).filter(Boolean), ["again"]);
  assert.equal((await received(second.group, 2)).length, 2);
  assert.equal((await events.describeArchive({ ArchiveName: "kept" })).EventCount, 1, "a replay is not archived again");
  await assert.rejects(events.cancelReplay({ ReplayName: "again" }), { name: "IllegalStatusException" });
  await events.deleteArchive({ ArchiveName: "kept" });
  await assert.rejects(events.describeArchive({ ArchiveName: "kept" }), /Archive kept does not exist\./);
});

test("who may not archive a bus may not under another name of it", async () => {
  const iam = new IAM(app.client);
  await iam.createUser({ UserName: "eve" });
  const Statement = [
    { Effect: "Allow", Action: "*", Resource: "*" },
    { Effect: "Deny", Action: "*", Resource: busArn("default") },
  ];
  const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement });
  await iam.putUserPolicy({ UserName: "eve", PolicyName: "p", PolicyDocument });
  const { AccessKey: key } = await iam.createAccessKey({ UserName: "eve" });
  const eve = new EventBridge(app.as({ accessKeyId: key!.AccessKeyId!, secretAccessKey: key!.SecretAccessKey! }));
  for (const EventSourceArn of [busArn("default"), busArn("default").replace("us-east-1", "eu-west-1")])
    await assert.rejects(eve.createArchive({ ArchiveName: "eve", EventSourceArn }), { name: "AccessDeniedException" });
});

test("archives and replays that cannot be are refused in AWS's words", async () => {
  await events.createArchive({ ArchiveName: "a", EventSourceArn: busArn("default") });
  await events.createEventBus({ Name: "other" });
  const EventSourceArn = "arn:aws:events:us-east-1:000000000000:archive/a";
  const replay = { ReplayName: "r", EventSourceArn, Destination: { Arn: busArn("default") }, ...range };
  const cases: [() => Promise<unknown>, RegExp][] = [
    [() => events.createArchive({ ArchiveName: "a", EventSourceArn: busArn("default") }), /Archive a already exists\./],
    [
      () => events.createArchive({ ArchiveName: "b", EventSourceArn: busArn("none") }),
      /Event bus none does not exist\./,
    ],
    [() => events.updateArchive({ ArchiveName: "a" }), /At least one of EventPattern/],
    [() => events.listArchives({ NamePrefix: "a", State: "ENABLED" }), /At most one filter is allowed/],
    [() => events.startReplay({ ...replay, Destination: { Arn: busArn("other") } }), /Cross event bus replay/],
    [() => events.startReplay({ ...replay, EventSourceArn: `${EventSourceArn}x` }), /Archive ax does not exist/],
    [() => events.startReplay({ ...replay, EventEndTime: range.EventStartTime }), /EventStartTime must be before/],
    [() => events.describeReplay({ ReplayName: "none" }), /Replay none does not exist\./],
  ];
  for (const [call, message] of cases) await assert.rejects(call(), { message });
});
