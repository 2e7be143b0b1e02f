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
