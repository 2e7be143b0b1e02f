import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { APIGateway } from "@aws-sdk/client-api-gateway";
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

const integration = {
  type: "mock",
  requestTemplates: { "application/json": '{"statusCode": 200}' },
  responses: { default: { statusCode: "200" } },
};
const document = {
  openapi: "3.0.1",
  info: { title: "checked", version: "1" },
  components: {
    schemas: {
      Pet: { type: "object", required: ["name"], properties: { name: { $ref: "#/components/schemas/Name" } } },
      Name: { type: "string", minLength: 2 },
    },
  },
  "x-amazon-apigateway-request-validators": {
    all: { validateRequestBody: true, validateRequestParameters: true },
    none: { validateRequestBody: false, validateRequestParameters: false },
  },
  "x-amazon-apigateway-request-validator": "all",
  "x-amazon-apigateway-gateway-responses": {
    BAD_REQUEST_BODY: {
      statusCode: 422,
      responseTemplates: { "application/json": '{"why":"$context.error.validationErrorString"}' },
    },
    DEFAULT_4XX: { responseParameters: { "gatewayresponse.header.Access-Control-Allow-Origin": "'*'" } },
  },
  paths: {
    "/pets": {
      post: {
        parameters: [
          { name: "x-kind", in: "header", required: true },
          { name: "page", in: "query", required: true },
          { name: "size", in: "query" },
        ],
        requestBody: { content: { "application/json": { schema: { $ref: "#/components/schemas/Pet" } } } },
        "x-amazon-apigateway-integration": integration,
      },
      put: { "x-amazon-apigateway-request-validator": "none", "x-amazon-apigateway-integration": integration },
    },
  },
};

test("a request is checked by its method's validator, and refused by the API's own responses", async () => {
  const { id: api } = await gateway.importRestApi({ body: Buffer.from(JSON.stringify(document)) });
  await gateway.createDeployment({ restApiId: api, stageName: "v1" });
  const send = (path: string, body: string, headers: Record<string, string> = {}, method = "POST") =>
    callApi(app.running.port, api!, method, `/v1${path}`, { body, headers });
  const missing = await send("/pets", "{}");
  assert.deepEqual(
    [missing.status, missing.json],
    [400, { message: "Missing required request parameters: [x-kind, page]" }],
  );
  assert.equal(missing.headers["access-control-allow-origin"], "*");
  const kind = { "x-kind": "dog", "content-type": "application/json" };
  assert.equal((await send("/pets?page=1", '{"name":"ab"}', kind)).status, 200);
  for (const body of ['{"name":"a"}', "{}", "[", ""]) {
    const { status, json } = await send("/pets?page=1", body, kind);
    assert.equal(status, 422, body);
    assert.match(json?.why ?? "", /too short|required|not valid JSON|does not match/);
  }
  assert.equal((await send("/pets?page=1", "<x/>", { ...kind, "content-type": "text/xml" })).status, 200);
  assert.equal((await send("/pets", "", {}, "PUT")).status, 200);
});

test("models, validators and responses of a template", async () => {
  const made = (Type: string, Properties: object) => ({ Type: `AWS::ApiGateway::${Type}`, Properties });
  const RestApiId = { Ref: "Api" };
  const template = (minLength: number) => ({
    Resources: {
      Api: made("RestApi", { Name: "templated" }),
      Shape: made("Model", { RestApiId, Name: "Shape", Schema: { type: "string", minLength } }),
      Validator: made("RequestValidator", { RestApiId, ValidateRequestBody: true }),
      Refusal: made("GatewayResponse", { RestApiId, ResponseType: "BAD_REQUEST_BODY", StatusCode: `4${minLength}0` }),
      Method: made("Method", {
        RestApiId,
        ResourceId: { "Fn::GetAtt": ["Api", "RootResourceId"] },
        HttpMethod: "POST",
        AuthorizationType: "NONE",
        RequestModels: { "application/json": { Ref: "Shape" } },
        RequestValidatorId: { Ref: "Validator" },
        Integration: {
          Type: "MOCK",
          RequestTemplates: { "application/json": '{"statusCode": 200}' },
          IntegrationResponses: [{ StatusCode: 200 }],
        },
      }),
    },
    Outputs: { Api: { Value: { Ref: "Api" } } },
  });
  const stacks = openStacks(app.client);
  const stack = await stacks.create("templated", JSON.stringify(template(2)));
  assert.equal(stack.StackStatus, "CREATE_COMPLETE", stack.StackStatusReason);
  const api = stack.Outputs![0]!.OutputValue!;
  const send = async (body: string) => {
    await gateway.createDeployment({ restApiId: api, stageName: "v1" });
    return (await callApi(app.running.port, api, "POST", "/v1/", { body })).status;
  };
  assert.deepEqual([await send('"ab"'), await send('"a"')], [200, 420]);
  assert.equal((await stacks.update("templated", JSON.stringify(template(3)))).StackStatus, "UPDATE_COMPLETE");
  assert.deepEqual([await send('"abc"'), await send('"ab"')], [200, 430]);
});

test("definitions through the API, in AWS's words", async () => {
  const { id: restApiId } = await gateway.createRestApi({ name: "defined" });
  const model = { restApiId, name: "Pet", contentType: "application/json", schema: '{"type":"object"}' };
  await gateway.createModel(model);
  await assert.rejects(gateway.createModel(model), { message: "Model name already exists for this REST API" });
  await assert.rejects(gateway.createModel({ ...model, name: "B", schema: "" }), {
    message: "Model schema must have at least 1 property or array items defined",
  });
  const { items = [] } = await gateway.getModels({ restApiId });
  assert.deepEqual(items.map((m) => m.name).toSorted(), ["Empty", "Error", "Pet"]);
  const patchOperations = [{ op: "replace" as const, path: "/name", value: "x" }];
  await assert.rejects(gateway.updateModel({ restApiId, modelName: "Pet", patchOperations }), {
    message: "Invalid patch path  '/name' specified for op 'replace'. Must be one of: [/description, /schema]",
  });
  const { items: all = [] } = await gateway.getGatewayResponses({ restApiId });
  assert.equal(all.length, 21);
  await gateway.putGatewayResponse({ restApiId, responseType: "DEFAULT_5XX", statusCode: "599" });
  const failure = await gateway.getGatewayResponse({ restApiId, responseType: "AUTHORIZER_FAILURE" });
  assert.deepEqual([failure.statusCode, failure.defaultResponse], ["599", true]);
  await gateway.deleteGatewayResponse({ restApiId, responseType: "DEFAULT_5XX" });
  await assert.rejects(gateway.deleteGatewayResponse({ restApiId, responseType: "DEFAULT_5XX" }), {
    message: "Gateway response type not defined on api",
  });
});

test("a document of another version, or without paths, is refused and makes nothing", async () => {
  const info = { title: "broken", version: "1" };
  for (const [body, message] of [
    [{ openapi: "2.0.0", info, paths: {} }, /^Only OpenAPI 3\.x\.x are currently supported$/],
    [{ swagger: "3.0", info, paths: {} }, /only Swagger 2\.0/],
    [{ openapi: "3.0.1", info, paaths: {} }, /attribute paths is (missing|not of type `object`)/],
    [{ swagger: "2.0", info, paths: null }, /attribute paths is (missing|not of type `object`)/],
    [{ info, paths: {} }, /neither `swagger` nor `openapi`/],
  ] as const)
    await assert.rejects(gateway.importRestApi({ body: Buffer.from(JSON.stringify(body)) }), {
      name: "BadRequestException",
      message,
    });
  const { items = [] } = await gateway.getRestApis({ limit: 500 });
  assert.ok(!items.some((api) => api.name === "broken"));
});

test("Swagger 2.0 without paths makes an API that has none", async () => {
  const body = Buffer.from(JSON.stringify({ swagger: "2.0", info: { title: "pathless", version: "1.2.3" } }));
  const { id: restApiId, name } = await gateway.importRestApi({ body });
  const { items } = await gateway.getResources({ restApiId });
  assert.deepEqual([name, items!.map(({ path }) => path)], ["pathless", ["/"]]);
});

test("the size from which answers are compressed lies within API Gateway's bounds", async () => {
  const refused = { name: "BadRequestException", message: /must be between 0 and 10485760/ };
  for (const minimumCompressionSize of [-1, 10_485_761])
    await assert.rejects(gateway.createRestApi({ name: "sizes", minimumCompressionSize }), refused);
  const { id: restApiId } = await gateway.createRestApi({ name: "sizes", minimumCompressionSize: 10_485_760 });
  const patch = (value?: string) =>
    gateway.updateRestApi({
      restApiId,
      patchOperations: [{ op: "replace", path: "/minimumCompressionSize", ...(value === undefined ? {} : { value }) }],
    });
  assert.equal((await patch("10")).minimumCompressionSize, 10);
  for (const value of ["-1", "test"]) await assert.rejects(patch(value), refused);
  assert.equal((await patch()).minimumCompressionSize, undefined);
});

test("a document with something of the wrong kind is refused, and the place is named; what says nothing is left out", async () => {
  const send = (more: object) =>
    gateway.importRestApi({ body: Buffer.from(JSON.stringify({ openapi: "3.0.1", info: { title: "odd" }, ...more })) });
  const at = (item: unknown) => ({ paths: { "/a": item } });
  const list = "array";
  const cases: readonly (readonly [document: object, place: string, kind?: string])[] = [
    [{ paths: 5 }, "paths"],
    [at("x"), "paths./a"],
    [at({ parameters: 5 }), "paths./a.parameters", list],
    [at({ get: 5 }), "paths./a.get"],
    [at({ get: { parameters: [5] } }), "paths./a.get.parameters[0]"],
    [at({ get: { parameters: [{ $ref: "#/info/title" }] } }), "paths./a.get.parameters[0]"],
    [at({ get: { security: {} } }), "paths./a.get.security", list],
    [at({ get: { requestBody: { content: { "a/b": 5 } } } }), "paths./a.get.requestBody.content.a/b"],
    [at({ get: { responses: { 200: 5 } } }), "paths./a.get.responses.200"],
    [
      at({ get: { "x-amazon-apigateway-integration": { ...integration, responses: { default: 5 } } } }),
      "paths./a.get.x-amazon-apigateway-integration.responses.default",
    ],
    [{ paths: {}, components: { securitySchemes: { a: 5 } } }, "components.securitySchemes.a"],
    [
      { paths: {}, "x-amazon-apigateway-gateway-responses": { DEFAULT_4XX: 5 } },
      "x-amazon-apigateway-gateway-responses.DEFAULT_4XX",
    ],
  ];
  for (const [odd, place, kind = "object"] of cases)
    await assert.rejects(send(odd), {
      name: "BadRequestException",
      message: `Failed to parse the uploaded OpenAPI document due to: attribute ${place} is not of type \`${kind}\``,
    });
  const { id: restApiId } = await send({
    ...at({ get: null, parameters: null, post: { responses: { 200: null }, security: null, parameters: [null] } }),
    components: { schemas: { Pet: null }, securitySchemes: { a: null } },
    "x-amazon-apigateway-request-validators": { v: null },
  });
  const { items } = await gateway.getResources({ restApiId, embed: ["methods"] });
  const made = items!.find(({ path }) => path === "/a")!;
  assert.deepEqual(Object.keys(made.resourceMethods!), ["POST"]);
  assert.deepEqual(made.resourceMethods!["POST"]!.methodResponses, { 200: { statusCode: "200" } });
  for (const resourceId of ["__proto__", "constructor"])
    await assert.rejects(gateway.getResource({ restApiId, resourceId }), { name: "NotFoundException" });
  for (const httpMethod of ["__proto__", "constructor"])
    await assert.rejects(gateway.getMethod({ restApiId, resourceId: made.id, httpMethod }), {
      name: "NotFoundException",
    });
});
