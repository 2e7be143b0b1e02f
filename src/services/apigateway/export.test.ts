import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { APIGateway } from "@aws-sdk/client-api-gateway";
import { parse } from "yaml";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

let app: TestApp;
let rest: APIGateway;
let restApiId: string;
const integration = {
  type: "http",
  httpMethod: "GET",
  uri: "http://localhost/pets",
  responses: { default: { statusCode: "200", responseParameters: { "method.response.header.X-A": "'*'" } } },
  requestParameters: { "integration.request.querystring.type": "method.request.querystring.type" },
  passthroughBehavior: "when_no_match",
};
const document = {
  swagger: "2.0",
  info: { title: "Pets", version: "1.0.0" },
  paths: {
    "/pets": {
      get: {
        produces: ["application/json"],
        parameters: [{ name: "type", in: "query", required: false, type: "string" }],
        responses: {
          "200": {
            description: "200 response",
            schema: { $ref: "#/definitions/Pets" },
            headers: { "X-A": { type: "string" } },
          },
        },
        security: [{ api_key: [] }],
        "x-amazon-apigateway-integration": integration,
      },
    },
  },
  securityDefinitions: { api_key: { type: "apiKey", name: "x-api-key", in: "header" } },
  definitions: {
    Pets: { type: "array", items: { $ref: "#/definitions/Pet" } },
    Pet: { type: "object", properties: { id: { type: "integer" } } },
  },
};

before(async () => {
  app = await startTestApp();
  rest = new APIGateway(app.client);
  restApiId = String((await rest.importRestApi({ body: Buffer.from(JSON.stringify(document)) })).id);
  await rest.createDeployment({ restApiId, stageName: "local" });
});
after(() => app.stop());

const exported = async (exportType: string, more: object = {}) => {
  const answer = await rest.getExport({ restApiId, stageName: "local", exportType, ...more });
  return { ...answer, text: Buffer.from(answer.body!).toString() };
};

test("an imported API is exported as it came, with its integrations where they are asked for", async () => {
  const { text, contentDisposition, contentType } = await exported("swagger");
  const { host, basePath, schemes, paths, ...rest } = JSON.parse(text);
  assert.equal(host, `${restApiId}.execute-api.localhost:${app.running.port}`);
  assert.deepEqual([basePath, schemes], ["/local", ["http"]]);
  const { "x-amazon-apigateway-integration": _i, ...get } = document.paths["/pets"].get;
  assert.deepEqual(paths, { "/pets": { get } });
  const { paths: _p, ...wanted } = document;
  assert.deepEqual(rest, wanted);
  assert.equal(contentDisposition, 'attachment; filename="swagger_1.0.0.json"');
  assert.equal(contentType, "application/octet-stream");
  const full = JSON.parse((await exported("swagger", { parameters: { extensions: "integrations" } })).text);
  assert.deepEqual(full.paths, document.paths);
});

test("OpenAPI 3 has servers, contents and components; YAML is the same document", async () => {
  const { text } = await exported("oas30", { accepts: "application/yaml" });
  const { servers, paths, components } = parse(text);
  assert.equal(servers[0].url, `http://${restApiId}.execute-api.localhost:${app.running.port}/{basePath}`);
  assert.deepEqual(servers[0].variables, { basePath: { default: "local" } });
  assert.deepEqual(paths["/pets"].get.responses["200"], {
    description: "200 response",
    headers: { "X-A": { schema: { type: "string" } } },
    content: { "application/json": { schema: { $ref: "#/components/schemas/Pets" } } },
  });
  assert.deepEqual(Object.keys(components.schemas), ["Pets", "Pet"]);
  const again = await rest.importRestApi({ body: Buffer.from((await exported("oas30")).text) });
  assert.equal(again.name, "Pets");
});

test("a version is kept as YAML writes it", async () => {
  const text = 'swagger: "2.0"\ninfo:\n  title: v\n  version: 2.0\npaths: {}\n';
  assert.equal((await rest.importRestApi({ body: Buffer.from(text) })).version, "2.0");
});

test("what a document says of itself breaks no header, and no model is of a name that all objects have", async () => {
  const get = {
    responses: { "200": { schema: { $ref: "#/definitions/constructor" } } },
    "x-amazon-apigateway-integration": { type: "mock" },
  };
  const strange = { swagger: "2.0", info: { title: "s", version: '1"\r\nx: y' }, paths: { "/": { get } } };
  const { id } = await rest.importRestApi({ body: Buffer.from(JSON.stringify(strange)) });
  await rest.createDeployment({ restApiId: id, stageName: "local" });
  const { contentDisposition, text } = await exported("swagger", { restApiId: id });
  assert.equal(contentDisposition, 'attachment; filename="swagger_1x: y.json"');
  assert.equal(JSON.parse(text).paths["/"].get.responses["200"].schema, undefined);
  const produces = Array.from({ length: 101 }, (_, i) => `a/${i}`);
  const body = Buffer.from(JSON.stringify({ ...document, paths: { "/": { get: { ...get, produces } } } }));
  await assert.rejects(rest.importRestApi({ body }), /More than 100 media types/);
});

test("what cannot be exported is refused", async () => {
  await assert.rejects(exported("raml"), { name: "BadRequestException", message: "No API exporter for type 'raml'" });
  await assert.rejects(exported("swagger", { stageName: "no" }), { name: "NotFoundException" });
  await assert.rejects(exported("swagger", { restApiId: "aaaaaaaaaa" }), { name: "NotFoundException" });
});
