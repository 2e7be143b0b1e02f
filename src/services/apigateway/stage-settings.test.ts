import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { APIGateway } from "@aws-sdk/client-api-gateway";
import { CloudWatch } from "@aws-sdk/client-cloudwatch";
import { CloudWatchLogs } from "@aws-sdk/client-cloudwatch-logs";
import { callApi } from "../../../test/support/api-call.ts";
import { openStacks } from "../../../test/support/stacks.ts";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

let app: TestApp;
let gateway: APIGateway;
before(async () => {
  app = await startTestApp();
  gateway = new APIGateway(app.client);
});
after(() => app.stop());

const mock = (template: string) => ({
  "x-amazon-apigateway-integration": {
    type: "mock",
    requestTemplates: { "application/json": '{"statusCode": 200}' },
    responses: { default: { statusCode: "200", responseTemplates: { "application/json": template } } },
  },
});
const definition = (text: string) => ({
  swagger: "2.0",
  info: { title: "observed", version: "1" },
  paths: { "/a/b": { get: mock(text) }, "/c": { get: mock(text) } },
});

async function messages(logGroupName: string, count: number): Promise<string[]> {
  const logs = new CloudWatchLogs(app.client);
  const deadline = Date.now() + 5_000;
  for (;;) {
    const { events = [] } = await logs.filterLogEvents({ logGroupName }).catch(() => ({ events: [] }));
    if (events.length >= count || Date.now() > deadline) return events.map((e) => e.message!);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const SETTINGS = {
  MethodSettings: [
    { ResourcePath: "/a/b", HttpMethod: "GET", ThrottlingBurstLimit: 1, ThrottlingRateLimit: 0.001 },
    { ResourcePath: "/*", HttpMethod: "*", MetricsEnabled: true, LoggingLevel: "INFO", DataTraceEnabled: true },
  ],
  AccessLogSetting: {
    DestinationArn: { "Fn::GetAtt": ["Logs", "Arn"] },
    Format:
      '{"id":"$context.requestId","path":"$context.path","status":$context.status,"who":"$context.authorizer.principalId"}\n',
  },
};
const template = (Description: string, settings: object) =>
  JSON.stringify({
    Transform: "AWS::Serverless-2016-10-31",
    Resources: {
      Logs: { Type: "AWS::Logs::LogGroup", Properties: { LogGroupName: "access" } },
      Api: {
        Type: "AWS::Serverless::Api",
        Properties: { StageName: "v1", Description, DefinitionBody: definition("{}"), ...settings },
      },
    },
    Outputs: { Api: { Value: { Ref: "Api" } } },
  });

test("a stage's settings from a template: throttle, access log, execution log, metrics of each method", async () => {
  const stacks = openStacks(app.client);
  const Capabilities = ["CAPABILITY_IAM" as const, "CAPABILITY_AUTO_EXPAND" as const];
  const stack = await stacks.create("observed", template("one", SETTINGS), { Capabilities });
  assert.equal(stack.StackStatus, "CREATE_COMPLETE", stack.StackStatusReason);
  const api = stack.Outputs![0]!.OutputValue!;
  const get = (path: string) => callApi(app.running.port, api, "GET", `/v1${path}`);
  const statuses = [(await get("/a/b")).status, (await get("/a/b")).status, (await get("/c")).status];
  assert.deepEqual(statuses, [200, 429, 200]);

  const access = (await messages("access", 3)).map((line) => JSON.parse(line));
  assert.deepEqual(
    access.map((line) => [line.path, line.status, line.who]),
    [
      ["/v1/a/b", 200, "-"],
      ["/v1/a/b", 429, "-"],
      ["/v1/c", 200, "-"],
    ],
  );
  const execution = await messages(`API-Gateway-Execution-Logs_${api}/v1`, 5);
  const own = execution.filter((line) => line.startsWith(`(${access[2].id})`)).map((line) => line.slice(39));
  assert.ok(own.includes("HTTP Method: GET, Resource Path: /c"), own.join("\n"));
  assert.ok(own.includes("Method completed with status: 200"));
  assert.ok(own.some((line) => line.startsWith("Method request headers: {host=") || line.includes("headers: {")));

  const { Metrics = [] } = await new CloudWatch(app.client).listMetrics({
    Namespace: "AWS/ApiGateway",
    MetricName: "Count",
    Dimensions: [{ Name: "Resource", Value: "/c" }],
  });
  assert.deepEqual(Metrics[0]?.Dimensions?.map((d) => `${d.Name}=${d.Value}`).toSorted(), [
    "ApiName=observed",
    "Method=GET",
    "Resource=/c",
    "Stage=v1",
  ]);

  const { methodSettings } = await gateway.getStage({ restApiId: api, stageName: "v1" });
  assert.deepEqual(Object.keys(methodSettings!).toSorted(), ["*/*", "a/b/GET"]);
  const updated = await stacks.update("observed", template("two", {}), { Capabilities });
  assert.equal(updated.StackStatus, "UPDATE_COMPLETE", updated.StackStatusReason);
  const then = await gateway.getStage({ restApiId: api, stageName: "v1" });
  assert.deepEqual([then.methodSettings, then.accessLogSettings], [{}, undefined]);
  assert.equal((await get("/a/b")).status, 200);
});

test("a canary gets its share, with its own variables, and is promoted", async () => {
  const put = (restApiId: string, text: string) =>
    gateway.putRestApi({ restApiId, mode: "overwrite", body: Buffer.from(JSON.stringify(definition(text))) });
  const { id: restApiId } = await gateway.importRestApi({ body: Buffer.from(JSON.stringify(definition("old"))) });
  const where = { restApiId: restApiId!, stageName: "v1" };
  await gateway.createDeployment({ ...where, variables: { color: "blue", shape: "round" } });
  await put(restApiId!, "new");
  const canarySettings = { percentTraffic: 100, stageVariableOverrides: { color: "green" } };
  const { id: deploymentId } = await gateway.createDeployment({ ...where, canarySettings });
  const text = async () => (await callApi(app.running.port, restApiId!, "GET", "/v1/c")).text;
  assert.equal(await text(), "new");
  const patch = (op: "replace" | "copy" | "remove", path: string, more: object = {}) =>
    gateway.updateStage({ ...where, patchOperations: [{ op, path, ...more }] });
  await patch("replace", "/canarySettings/percentTraffic", { value: "0" });
  assert.equal(await text(), "old");
  await patch("copy", "/deploymentId", { from: "/canarySettings/deploymentId" });
  const stage = await patch("copy", "/variables", { from: "/canarySettings/stageVariableOverrides" });
  assert.deepEqual([stage.deploymentId, stage.variables], [deploymentId, { color: "green", shape: "round" }]);
  assert.equal((await patch("remove", "/canarySettings")).canarySettings, undefined);
  assert.equal(await text(), "new");
});

test("what a stage cannot be told is refused in AWS's words", async () => {
  const { id: restApiId } = await gateway.importRestApi({ body: Buffer.from(JSON.stringify(definition("x"))) });
  await gateway.createDeployment({ restApiId, stageName: "v1" });
  const refused: readonly [op: string, path: string, value: string, message: RegExp][] = [
    ["replace", "/accessLogSettings/other", "x", /^Invalid accessLogSettings path\. Must be one of : /],
    ["remove", "/accessLogSettings/other", "", /^Cannot remove method setting accessLogSettings\/other because/],
    ["replace", "/accessLogSettings/format", "", /^Access Log value must not be empty$/],
    ["replace", "/deploymentId", "nothing", /^Deployment id does not exist$/],
    ["remove", "/*/*", "", /^Cannot remove method setting \*\/\* because there is no method setting for this method $/],
    ["replace", "/tags/a", "b", /^Invalid method setting path: \/tags\/a\. Must be one of: \[\/deploymentId, /],
    ["replace", "/cacheClusterEnabled", "true", /does not implement cache clusters/],
    ["add", "/canarySettings/deploymentId", "x", /^Invalid add operation with path: \/canarySettings\/deploymentId$/],
  ];
  for (const [op, path, value, message] of refused) {
    const patchOperations = [{ op: op as "replace", path, value }];
    await assert.rejects(gateway.updateStage({ restApiId, stageName: "v1", patchOperations }), { message });
  }
});

test("methods, integrations and their responses are changed one member at a time", async () => {
  const { id: restApiId } = await gateway.importRestApi({ body: Buffer.from(JSON.stringify(definition("x"))) });
  const { items = [] } = await gateway.getResources({ restApiId });
  const { id: resourceId } = items.find((r) => r.path === "/c")!;
  const where = { restApiId, resourceId, httpMethod: "GET" };
  const replace = (path: string, value: string) => ({ op: "replace" as const, path, value });
  const method = await gateway.updateMethod({
    ...where,
    patchOperations: [
      replace("/authorizationType", "AWS_IAM"),
      replace("/requestParameters/method.request.header.a", "true"),
    ],
  });
  assert.deepEqual(
    [method.authorizationType, method.requestParameters],
    ["AWS_IAM", { "method.request.header.a": true }],
  );
  await assert.rejects(gateway.updateMethod({ ...where, patchOperations: [replace("/authorizationType", "CUSTOM")] }), {
    message: /^Invalid authorizer ID specified\./,
  });
  await assert.rejects(gateway.updateMethod({ ...where, patchOperations: [replace("/httpMethod", "PUT")] }), {
    message: "Invalid patch path /httpMethod",
  });
  const changes = [replace("/requestTemplates/application~1xml", "<x/>"), replace("/timeoutInMillis", "1000")];
  const integration = await gateway.updateIntegration({ ...where, patchOperations: changes });
  assert.deepEqual([integration.requestTemplates!["application/xml"], integration.timeoutInMillis], ["<x/>", 1000]);
  const response = { ...where, statusCode: "200" };
  await gateway.updateIntegrationResponse({ ...response, patchOperations: [replace("/selectionPattern", "2..")] });
  assert.equal((await gateway.getIntegrationResponse(response)).selectionPattern, "2..");
  await gateway.deleteIntegrationResponse(response);
  await assert.rejects(gateway.getIntegrationResponse(response), { message: "Invalid Response status code specified" });
  const { id } = items.find((r) => r.path === "/a")!;
  await gateway.updateResource({ restApiId, resourceId: id, patchOperations: [replace("/pathPart", "z")] });
  const paths = (await gateway.getResources({ restApiId })).items!.map((r) => r.path).toSorted();
  assert.deepEqual(paths, ["/", "/c", "/z", "/z/b"]);
});
