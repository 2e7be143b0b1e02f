import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { APIGateway, type IntegrationType } from "@aws-sdk/client-api-gateway";
import { callApi } from "../../../test/support/api-call.ts";
import { readProxyResponse } from "../../compute/edge/proxy-response.ts";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

let app: TestApp;
let gateway: APIGateway;
before(async () => {
  app = await startTestApp();
  gateway = new APIGateway(app.client);
});
after(() => app.stop());

test("API keys without a name or value, without a limit, and those of a plan that is not there", async () => {
  const first = await gateway.createApiKey({ name: "", value: "" });
  assert.deepEqual([first.name, first.value!.length], [undefined, 40]);
  const second = await gateway.createApiKey({ name: "second" });
  const { items = [] } = await gateway.getApiKeys({});
  assert.deepEqual(
    items.map(({ id }) => id),
    [second.id, first.id],
    "the newest first",
  );
  const none = await gateway.getApiKeys({ limit: -1 });
  assert.deepEqual([none.items, none.position], [[], undefined]);
  assert.deepEqual((await gateway.getUsagePlanKeys({ usagePlanId: "none" })).items, []);
});

test("integrations are checked as AWS checks them", async () => {
  const { id: restApiId, rootResourceId: resourceId } = await gateway.createRestApi({ name: "a" });
  const at = { restApiId, resourceId, httpMethod: "GET" };
  const made = await gateway.putMethod({ ...at, authorizationType: "none" });
  assert.equal(made.authorizationType, "NONE");
  await assert.rejects(gateway.getIntegration(at), { message: "Invalid Integration identifier specified" });
  const put = (type: IntegrationType, uri: string, integrationHttpMethod?: string) =>
    gateway.putIntegration({ ...at, type, uri, integrationHttpMethod });
  for (const type of ["HTTP", "HTTP_PROXY", "AWS"] as const)
    await assert.rejects(put(type, "http://example.com"), {
      message: "Enumeration value for HttpMethod must be non-empty",
    });
  assert.equal((await put("HTTP", "http://example.com", "GET")).connectionType, "INTERNET");
  const odd = "arn:aws:apigateway:us-east-1:lambda:path/random/value/arn:aws:lambda:us-east-1:000000000000:function:f";
  const doubled = odd.replace("path/random/value", "path//2015-03-31/functions");
  assert.equal((await put("AWS", `${doubled}/invocations`, "POST")).uri, `${doubled}/invocations`);
  await assert.rejects(put("AWS_PROXY", `${odd}/invocations`, "POST"), {
    message:
      "Integrations of type 'AWS_PROXY' currently only supports Lambda function and Firehose stream invocations.",
  });
});

test("headers that are API Gateway's own are kept from methods, and go to the client under other names", async () => {
  const { id: restApiId, rootResourceId: resourceId } = await gateway.createRestApi({ name: "headers" });
  const at = { restApiId, resourceId, httpMethod: "POST" };
  await gateway.putMethod({ ...at, authorizationType: "NONE" });
  const requestTemplates = { "application/json": '{"statusCode": 200}' };
  await gateway.putIntegration({ ...at, type: "MOCK", requestTemplates });
  const template = '{"length": "$input.params(\'content-length\')", "warn": "$input.params(\'warn\')"}';
  await gateway.putIntegrationResponse({
    ...at,
    statusCode: "200",
    responseTemplates: { "application/json": template },
    responseParameters: {
      "method.response.header.Content-Length": "'9'",
      "method.response.header.WWW-Authenticate": "'Basic'",
    },
  });
  await gateway.createDeployment({ restApiId, stageName: "v1" });
  const { json, headers } = await callApi(app.running.port, restApiId!, "POST", "/v1/", {
    body: "{}",
    headers: { warn: "w" },
  });
  assert.deepEqual(json, { length: "", warn: "w" });
  assert.deepEqual(
    [
      headers["x-amzn-remapped-content-length"],
      headers["x-amzn-remapped-www-authenticate"],
      headers["www-authenticate"],
    ],
    ["9", "Basic", undefined],
  );
});

test("an import gives integrations what they have by default, and takes the path in front as it is told", async () => {
  const requestParameters = { "integration.request.header.nothing": true };
  const cacheKeyParameters = ["method.request.path.id"];
  const uri = "http://example.com";
  const integration = { type: "http", httpMethod: "GET", uri, requestParameters, cacheKeyParameters };
  const get = { "x-amazon-apigateway-integration": integration };
  const document = {
    swagger: "2.0",
    info: { title: "pets", version: "2" },
    basePath: "/a/b",
    "x-amazon-apigateway-binary-media-types": ["image/png"],
    paths: { "/pets/{id}": { get } },
  };
  const body = Buffer.from(JSON.stringify(document));
  const paths: Record<string, string[]> = {};
  for (const basepath of ["ignore", "prepend", "split"]) {
    const { id: restApiId } = await gateway.importRestApi({ body, parameters: { basepath } });
    const { items = [] } = await gateway.getResources({ restApiId });
    paths[basepath] = items.map(({ path }) => path!).toSorted();
    if (basepath !== "ignore") continue;
    const resourceId = items.find(({ path }) => path === "/pets/{id}")!.id!;
    const method = await gateway.getMethod({ restApiId, resourceId, httpMethod: "GET" });
    assert.deepEqual(method.requestParameters, { "method.request.path.id": true });
    const { cacheNamespace, connectionType, timeoutInMillis, ...rest } = method.methodIntegration!;
    const found = [cacheNamespace, rest.cacheKeyParameters, connectionType, timeoutInMillis];
    assert.deepEqual(found, [resourceId, cacheKeyParameters, "INTERNET", 29_000]);
  }
  assert.deepEqual(paths, {
    ignore: ["/", "/pets", "/pets/{id}"],
    prepend: ["/", "/a", "/a/b", "/a/b/pets", "/a/b/pets/{id}"],
    split: ["/", "/b", "/b/pets", "/b/pets/{id}"],
  });
  const { id: restApiId, rootResourceId } = await gateway.createRestApi({ name: "b", binaryMediaTypes: ["image/gif"] });
  const both = await gateway.putRestApi({ restApiId, body, mode: "merge" });
  assert.deepEqual(both.warnings, [
    "Invalid format for 'requestParameters'. Expected type string for property 'integration.request.header.nothing' of resource '/pets/{id}' and method 'GET' but got 'true'",
  ]);
  assert.deepEqual([both.binaryMediaTypes, both.name, both.version], [["image/gif", "image/png"], "pets", "2"]);
  const over = await gateway.putRestApi({ restApiId, body, mode: "overwrite" });
  assert.deepEqual([over.binaryMediaTypes, over.rootResourceId], [["image/png"], rootResourceId]);
  const bad = gateway.putRestApi({ restApiId: "none", body: Buffer.from("- [") });
  await assert.rejects(bad, { name: "BadRequestException", message: "Invalid OpenAPI input." });
});

test("what is below an API that is not there, and entries of responses that are not there", async () => {
  const none = { restApiId: "none", resourceId: "r", httpMethod: "GET" };
  const missing = { name: "NotFoundException", message: "Invalid Resource identifier specified" };
  await assert.rejects(gateway.getIntegration(none), missing);
  await assert.rejects(gateway.putIntegrationResponse({ ...none, statusCode: "200" }), missing);
  await assert.rejects(gateway.getMethod(none), missing);
  const { id: restApiId, rootResourceId: resourceId } = await gateway.createRestApi({ name: "c" });
  const at = { restApiId, resourceId, httpMethod: "GET", statusCode: "200" };
  await assert.rejects(gateway.deleteIntegrationResponse(at), { message: "Invalid Integration identifier specified" });
  await gateway.putMethod({ ...at, authorizationType: "NONE" });
  await gateway.putMethodResponse({ ...at, responseModels: { "application/json": "Empty" } });
  for (const [path, message] of [
    ["/responseModels/wrong", "Content-Type specified was not found"],
    ["/responseParameters/wrong", "Invalid parameter name specified"],
  ]) {
    const update = gateway.updateMethodResponse({ ...at, patchOperations: [{ op: "replace", path, value: "x" }] });
    await assert.rejects(update, { name: "NotFoundException", message });
  }
});

test("a resource without the method gives way to one that has it, and slashes before the stage are passed over", async () => {
  const mock = (said: string) => ({
    "x-amazon-apigateway-integration": {
      type: "mock",
      requestTemplates: { "application/json": '{"statusCode": 200}' },
      responses: { default: { statusCode: "200", responseTemplates: { "application/json": `"${said}"` } } },
    },
  });
  const document = {
    swagger: "2.0",
    info: { title: "routes", version: "1" },
    "x-amazon-apigateway-api-key-source": "AUTHORIZER",
    paths: { "/test": { post: mock("literal") }, "/{proxy+}": { get: mock("greedy") } },
  };
  const { id, apiKeySource } = await gateway.importRestApi({ body: Buffer.from(JSON.stringify(document)) });
  assert.equal(apiKeySource, "AUTHORIZER");
  await gateway.createDeployment({ restApiId: id, stageName: "v1" });
  const said = async (method: string, path: string) => (await callApi(app.running.port, id!, method, path)).json;
  assert.equal(await said("POST", "/v1/test"), "literal");
  assert.equal(await said("GET", "/v1/test"), "greedy");
  assert.equal(await said("GET", "//v1/test"), "greedy");
  assert.deepEqual(await said("DELETE", "/v1/test"), { message: "Missing Authentication Token" });
});

test("what a function may answer to a proxy integration", () => {
  const read = (value: unknown) =>
    readProxyResponse(Buffer.from(JSON.stringify(value)), { inferred: false, decodes: false });
  assert.equal(read(null), undefined);
  assert.equal(read({})?.status, 200);
  const both = { multiValueHeaders: { "A-B": ["1", "2"] }, headers: { "a-b": "3" } };
  assert.deepEqual(
    read(both)?.headers.map(([, value]) => value),
    ["1", "2", "3"],
  );
  assert.deepEqual(read({ ...both, headers: { "a-b": "2" } })?.headers.length, 2);
  assert.equal(read({ statusCode: 200, multiValueHeaders: { a: "1" } }), undefined);
  assert.equal(read({ headers: { a: "1" } })?.status, 200);
});
