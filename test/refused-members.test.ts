import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { APIGateway } from "@aws-sdk/client-api-gateway";
import { ApiGatewayV2 } from "@aws-sdk/client-apigatewayv2";
import { CloudWatch } from "@aws-sdk/client-cloudwatch";
import { CodeBuild } from "@aws-sdk/client-codebuild";
import { EventBridge } from "@aws-sdk/client-eventbridge";
import { Lambda } from "@aws-sdk/client-lambda";
import { S3 } from "@aws-sdk/client-s3";
import type { Shape } from "../src/aws/model.ts";
import { refusedIn, type Refused } from "../src/aws/refused-members.ts";
import { startTestApp, type TestApp } from "./support/test-app.ts";

let app: TestApp;
before(async () => {
  app = await startTestApp();
});
after(() => app.stop());

/** A value of the shape that holds something where the path leads; undefined where it leads nowhere. */
function asking(shape: Shape, path: readonly string[]): unknown {
  const within = (value: unknown, wrap: (value: unknown) => unknown) => (value === undefined ? undefined : wrap(value));
  if (shape.kind === "list") return within(asking(shape.value.shape, path), (value) => [value]);
  const [name, ...rest] = path;
  if (shape.kind === "map")
    return name === "*" ? within(asking(shape.value.shape, rest), (value) => ({ key: value })) : { key: "value" };
  if (name === undefined) return shape.kind === "structure" || shape.kind === "union" ? { some: "thing" } : "something";
  const member = shape.members.find((m) => m.name === name);
  return member && within(asking(member.shape, rest), (value) => ({ [name]: value }));
}

test("what services refuse are members of their operations, which are there", () => {
  const wrong: string[] = [];
  for (const { name: service, operations, refuses } of app.running.registry.services) {
    const model = app.running.registry.models.load(service);
    for (const [name, refused] of Object.entries(refuses)) {
      const shape = model.operation(name)?.input;
      if (!shape || !operations[name]) wrong.push(`${service} ${name}`);
      else wrong.push(...wrongPaths(shape, refused!).map((path) => `${service} ${name} ${path}`));
    }
  }
  assert.deepEqual(wrong, []);
});

const wrongPaths = (shape: Shape, refused: Refused): string[] =>
  Object.keys(refused).filter((path) => {
    const input = asking(shape, path.split("."));
    return input === undefined || !refusedIn(refused, input).includes(path);
  });

test("only what asks for something is refused", () => {
  const refused: Refused = { "a.b": ["NONE", 1], c: [], "m.*.d": [] };
  const nothing = [
    {},
    { a: {} },
    { a: { b: "NONE" } },
    { a: [{ b: 1 }, { b: "" }] },
    { c: false },
    { c: [] },
    { c: {} },
  ];
  for (const input of nothing) assert.deepEqual(refusedIn(refused, input), [], JSON.stringify(input));
  assert.deepEqual(refusedIn(refused, { a: [{ b: "NONE" }, { b: "ALL" }], c: true }), ["a.b", "c"]);
  assert.deepEqual(refusedIn(refused, { c: { deep: 1 }, m: { one: { d: 1 }, two: {} } }), ["c", "m.*.d"]);
  assert.deepEqual(refusedIn(refused, { c: new Date(0) }), ["c"]);
});

test("calls that ask for what nothing does are answered 501 by its name", async () => {
  const lambda = new Lambda(app.client);
  const codebuild = new CodeBuild(app.client);
  const gateway = new APIGateway(app.client);
  const http = new ApiGatewayV2(app.client);
  const events = new EventBridge(app.client);
  const s3 = new S3(app.client);
  await s3.createBucket({ Bucket: "b-here" }); // of buckets that are not there S3 says so
  const cloudwatch = new CloudWatch(app.client);
  const Targets = [
    { Id: "a", Arn: "arn:aws:sqs:us-east-1:000000000000:q", KinesisParameters: { PartitionKeyPath: "$" } },
  ];
  const overrides = { artifactsOverride: { type: "S3" as const, bucketOwnerAccess: "FULL" as const } };
  const calls: Record<string, () => Promise<unknown>> = {
    "TenantId of Invoke": () => lambda.invoke({ FunctionName: "f", TenantId: "a" }),
    "SourceKMSKeyArn of UpdateFunctionCode": () =>
      lambda.updateFunctionCode({
        FunctionName: "f",
        SourceKMSKeyArn: "arn:aws:kms:us-east-1:000000000000:key/a",
      }),
    "PublishTo of PublishVersion": () => lambda.publishVersion({ FunctionName: "f", PublishTo: "LATEST_PUBLISHED" }),
    "artifactsOverride.bucketOwnerAccess of StartBuild": () => codebuild.startBuild({ projectName: "p", ...overrides }),
    "cloneFrom of CreateRestApi": () => gateway.createRestApi({ name: "a", cloneFrom: "b" }),
    "IpAddressType of CreateApi": () => http.createApi({ Name: "a", ProtocolType: "HTTP", IpAddressType: "dualstack" }),
    "Targets.KinesisParameters of PutTargets": () => events.putTargets({ Rule: "r", Targets }),
    "IfMatchSize of DeleteObject": () => s3.deleteObject({ Bucket: "b-here", Key: "k", IfMatchSize: 1 }),
    "Tags of PutDashboard": () =>
      cloudwatch.putDashboard({
        DashboardName: "d",
        DashboardBody: "{}",
        Tags: [{ Key: "a", Value: "b" }],
      }),
  };
  for (const [what, call] of Object.entries(calls))
    await assert.rejects(call(), { name: "NotImplemented", message: `Starling does not implement ${what} yet.` });
});
