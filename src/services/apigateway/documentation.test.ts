import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { APIGateway } from "@aws-sdk/client-api-gateway";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

let app: TestApp;
let rest: APIGateway;
let restApiId: string;
const parts = (version: string) => ({
  version,
  documentationParts: [
    { location: { type: "API" }, properties: { description: `of ${version}` } },
    { location: { type: "METHOD", path: "/", method: "GET" }, properties: { description: "Method" } },
  ],
});
const document = (version: string) =>
  Buffer.from(
    JSON.stringify({
      swagger: "2.0",
      info: { title: "d", version: "1" },
      paths: { "/": { get: { "x-amazon-apigateway-integration": { type: "mock" } } } },
      "x-amazon-apigateway-documentation": parts(version),
    }),
  );

before(async () => {
  app = await startTestApp();
  rest = new APIGateway(app.client);
  restApiId = String((await rest.importRestApi({ body: document("1") })).id);
});
after(() => app.stop());

const list = async () =>
  (await rest.getDocumentationParts({ restApiId })).items!.map((p) => [p.location?.type, p.properties]);

test("parts come with an import, are made, changed and removed by themselves", async () => {
  assert.equal((await list()).length, 2);
  const numbered = {
    "x-amazon-apigateway-documentation": { documentationParts: [{ location: { type: "MODEL", name: 5 } }] },
  };
  const other = await rest.importRestApi({
    body: Buffer.from(JSON.stringify({ ...JSON.parse(String(document("2"))), ...numbered })),
  });
  assert.equal((await rest.getDocumentationParts({ restApiId: other.id, nameQuery: "5" })).items!.length, 1);
  const location = { type: "MODEL", name: "Pet" } as const;
  const made = await rest.createDocumentationPart({ restApiId, location, properties: '{"title":"a"}' });
  assert.deepEqual(made.location, location);
  await assert.rejects(rest.createDocumentationPart({ restApiId, location, properties: "{}" }), {
    name: "ConflictException",
  });
  const one = { restApiId, documentationPartId: made.id };
  const replace = (path: string, op: "add" | "replace" = "replace") =>
    rest.updateDocumentationPart({ ...one, patchOperations: [{ op, path, value: '{"title":"b"}' }] });
  assert.equal((await replace("/properties")).properties, '{"title":"b"}');
  await assert.rejects(replace("/invalidPath"), {
    message: "Invalid patch path  '/invalidPath' specified for op 'replace'. Must be one of: [/properties]",
  });
  await assert.rejects(replace("/properties", "add"), {
    message: "Invalid patch path  '/properties' specified for op 'add'. Please choose supported operations",
  });
  await rest.deleteDocumentationPart(one);
  await assert.rejects(rest.getDocumentationPart(one), {
    name: "NotFoundException",
    message: "Invalid Documentation part identifier specified",
  });
  const { ids } = await rest.importDocumentationParts({ restApiId, mode: "overwrite", body: document("2") });
  assert.equal(ids!.length, 2);
  assert.ok((await list()).some(([, text]) => text === '{"description":"of 2"}'));
  await assert.rejects(rest.importDocumentationParts({ restApiId, body: Buffer.from("x") }), {
    message: "Unable to build importer with provided input.",
  });
});

test("an import with too many parts makes no API", async () => {
  const documentationParts = Array.from({ length: 2_001 }, (_, i) => ({ location: { type: "MODEL", name: `m${i}` } }));
  const body = { ...JSON.parse(String(document("1"))), "x-amazon-apigateway-documentation": { documentationParts } };
  const before = (await rest.getRestApis({})).items!.length;
  await assert.rejects(rest.importRestApi({ body: Buffer.from(JSON.stringify(body)) }), /at most 2000 documentation/);
  assert.equal((await rest.getRestApis({})).items!.length, before);
});

test("a version keeps the parts as they were, and is exported with its stage", async () => {
  await rest.createDeployment({ restApiId, stageName: "live" });
  const version = { restApiId, documentationVersion: "v1" };
  await rest.createDocumentationVersion({ ...version, stageName: "live", description: "first" });
  for (const stageName of [undefined, "live"])
    await assert.rejects(rest.createDocumentationVersion({ ...version, stageName }), { name: "ConflictException" });
  await rest.importDocumentationParts({ restApiId, mode: "overwrite", body: document("3") });
  const parameters = { extensions: "documentation" };
  const { body } = await rest.getExport({ restApiId, stageName: "live", exportType: "oas30", parameters });
  const exported = JSON.parse(Buffer.from(body!).toString())["x-amazon-apigateway-documentation"];
  assert.equal(exported.version, "v1");
  assert.ok(exported.documentationParts.some((p: any) => p.properties.description === "of 2"));
  assert.equal((await rest.getDocumentationVersions({ restApiId })).items?.[0]?.description, "first");
  await rest.deleteDocumentationVersion(version);
  await assert.rejects(rest.getDocumentationVersion(version), { name: "NotFoundException" });
});
