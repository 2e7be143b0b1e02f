import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { APIGateway, type PatchOperation } from "@aws-sdk/client-api-gateway";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

let app: TestApp;
let rest: APIGateway;
before(async () => {
  app = await startTestApp();
  rest = new APIGateway(app.client);
});
after(() => app.stop());

const refused = (work: Promise<unknown>, message: string, name = "BadRequestException") =>
  assert.rejects(work, { name, message });

test("endpoints of APIs are chosen, changed and refused as in API Gateway", async () => {
  const make = (endpointConfiguration: object, more: object = {}) =>
    rest.createRestApi({ name: "a", endpointConfiguration, ...more });
  await refused(make({ types: [] }), "REGIONAL Configuration and EDGE Configuration cannot be both DISABLED.");
  await refused(make({ types: ["EDGE", "REGIONAL"] }), "Cannot create an api with multiple Endpoint Types.");
  await refused(
    make({ types: ["PRIVATE"], ipAddressType: "ipv4" }),
    "Only dualstack ipAddressType is supported for Private APIs.",
  );
  await refused(make({ types: ["EDGE"] }, { description: "" }), "Description cannot be an empty string");
  await refused(
    make({ types: ["EDGE"], ipAddressType: "x" }),
    "1 validation error detected: Value 'x' at 'createRestApiInput.endpointConfiguration.ipAddressType' failed to satisfy constraint: Member must satisfy enum value set: [ipv4, dualstack]",
    "ValidationException",
  );
  const { id: restApiId } = await make({ types: ["EDGE"] });
  const patch = (path: string, value: string, op: PatchOperation["op"] = "replace") =>
    rest.updateRestApi({ restApiId, patchOperations: [{ op, path, value }] });
  const changed = await patch("/endpointConfiguration/types/EDGE", "REGIONAL");
  assert.deepEqual(changed.endpointConfiguration, { types: ["REGIONAL"], ipAddressType: "ipv4" });
  await refused(
    patch("/endpointConfiguration/types/EDGE", "x"),
    "Invalid EndpointTypes specified. Valid options are REGIONAL,EDGE,PRIVATE",
  );
  await refused(patch("/endpointConfiguration/ipAddressType", "x"), "ipAddressType must be either ipv4 or dualstack.");
  await refused(patch("/binaryMediaTypes", "a/b", "add"), "Invalid patch path /binaryMediaTypes");
  await refused(
    patch("/minimumCompressionSize", "1", "add"),
    "Invalid patch operation specified. Must be one of: [replace]",
  );
});

test("roots stay where they are, keys have bounds, the account keeps its features", async () => {
  const { id: restApiId, rootResourceId: resourceId } = await rest.createRestApi({ name: "a" });
  for (const field of ["pathPart", "parentId"])
    await refused(
      rest.updateResource({
        restApiId,
        resourceId,
        patchOperations: [{ op: "replace", path: `/${field}`, value: "x" }],
      }),
      `Root resource cannot update its ${field}.`,
    );
  await refused(rest.createApiKey({ name: "x".repeat(1025) }), "Invalid API Key name, can be at most 1024 characters.");
  await refused(
    rest.updateAccount({ patchOperations: [{ op: "remove", path: "/features", value: "UsagePlans" }] }),
    "Usage Plans cannot be disabled once enabled",
  );
  const patchOperations = [{ op: "add" as const, path: "/features", value: "UsagePlans" }];
  assert.deepEqual((await rest.updateAccount({ patchOperations })).features, ["UsagePlans"]);
});

test("patches of what is not there are refused, however deep their path", async () => {
  const { id: restApiId } = await rest.createRestApi({ name: "a" });
  const patch = (path: string, value = "x") =>
    rest.updateRestApi({ restApiId, patchOperations: [{ op: "replace", path, value }] });
  await assert.rejects(patch("/some/thing"), {
    name: "BadRequestException",
    message: /^Invalid patch path {2}'\/some\/thing'/,
  });
  await assert.rejects(patch("/endpointConfiguration/vpcEndpointIds/a"), { name: "NotImplemented" });
  const domainName = "api.patched.example";
  await rest.createDomainName({ domainName, endpointConfiguration: { types: ["REGIONAL"] } });
  const change = (path: string, value = "x") =>
    rest.updateDomainName({ domainName, patchOperations: [{ op: "replace", path, value }] });
  await assert.rejects(change("/mutualTlsAuthentication/truststoreUri", "s3://a/b"), { name: "NotImplemented" });
  await assert.rejects(change("/endpointConfiguration/ipAddressType", "dualstack"), { name: "NotImplemented" });
  await assert.rejects(change("/policy/more"), { name: "BadRequestException" });
  const kept = await change("/endpointConfiguration/ipAddressType", "ipv4");
  assert.deepEqual(kept.endpointConfiguration, { types: ["REGIONAL"], ipAddressType: "ipv4" });
  const moved = await change("/endpointConfiguration/types/REGIONAL", "EDGE");
  assert.deepEqual(moved.endpointConfiguration?.types, ["EDGE"]);
});

test("imports fail on warnings where they are to, deployments tell what they serve, usage comes in pages", async () => {
  const integration = { type: "mock", requestParameters: { "integration.request.header.a": true } };
  const paths = { "/pets": { get: { "x-amazon-apigateway-integration": integration } } };
  const body = Buffer.from(JSON.stringify({ swagger: "2.0", info: { title: "pets", version: "1" }, paths }));
  const warned = {
    name: "BadRequestException",
    message: /^Warnings found during import:\n\tInvalid format for 'requestParameters'/,
  };
  await assert.rejects(rest.importRestApi({ body, failOnWarnings: true }), warned);
  const { id: restApiId, warnings } = await rest.importRestApi({ body });
  assert.equal(warnings?.length, 1);
  await assert.rejects(rest.putRestApi({ restApiId, body, mode: "overwrite", failOnWarnings: true }), warned);
  const { id: deploymentId } = await rest.createDeployment({ restApiId, stageName: "v1" });
  const plain = await rest.getDeployment({ restApiId, deploymentId });
  assert.equal(plain.apiSummary, undefined);
  const { apiSummary } = await rest.getDeployment({ restApiId, deploymentId, embed: ["apisummary"] });
  assert.deepEqual(apiSummary, { "/pets": { GET: { authorizationType: "NONE", apiKeyRequired: false } } });
  const plan = { name: "p", apiStages: [{ apiId: restApiId!, stage: "v1" }] };
  const { id: usagePlanId } = await rest.createUsagePlan(plan);
  const keys: string[] = [];
  for (const name of ["a", "b"]) {
    const { id: keyId } = await rest.createApiKey({ name, enabled: true });
    await rest.createUsagePlanKey({ usagePlanId, keyId, keyType: "API_KEY" });
    keys.push(keyId!);
  }
  const range = { usagePlanId, startDate: "2024-01-01", endDate: "2024-01-01", limit: 1 };
  const first = await rest.getUsage(range);
  const second = await rest.getUsage({ ...range, position: first.position });
  assert.equal(second.position, undefined);
  assert.deepEqual([...Object.keys(first.items!), ...Object.keys(second.items!)].toSorted(), keys.toSorted());
});
