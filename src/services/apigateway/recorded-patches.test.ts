import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { APIGateway, type PatchOperation } from "@aws-sdk/client-api-gateway";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

let app: TestApp;
let gateway: APIGateway;
let restApiId: string;
let rootId: string;
before(async () => {
  app = await startTestApp();
  gateway = new APIGateway(app.client);
  const api = await gateway.createRestApi({ name: "a", binaryMediaTypes: ["image/jpeg", "image/png"] });
  [restApiId, rootId] = [api.id!, api.rootResourceId!];
});
after(() => app.stop());

const patch = (op: PatchOperation["op"], path: string, value?: string) =>
  gateway.updateRestApi({ restApiId, patchOperations: [{ op, path, value }] });

test("an API's media types and endpoint are patched as AWS was recorded", async () => {
  const { binaryMediaTypes, tags } = await patch("replace", "/binaryMediaTypes/image~1png", "image/gif");
  assert.deepEqual([binaryMediaTypes, tags], [["image/jpeg", "image/gif"], {}]);
  const { endpointConfiguration } = await patch("replace", "/endpointConfiguration/types/0", "PRIVATE");
  assert.deepEqual(endpointConfiguration, { types: ["PRIVATE"], ipAddressType: "dualstack" });
  await assert.rejects(patch("remove", "/endpointConfiguration/types/0", "EDGE"), {
    message: "Invalid patch operation specified. Must be 'add'|'remove'|'replace'",
  });
  await assert.rejects(patch("remove", "/endpointConfiguration/ipAddressType", "dualstack"), {
    message: "Invalid patch operation specified. Must be one of: [replace]",
  });
});

test("a resource has one child with a variable, and none below a greedy one", async () => {
  const create = (parentId: string, pathPart: string) => gateway.createResource({ restApiId, parentId, pathPart });
  const { id } = await create(rootId, "{proxy+}");
  await assert.rejects(create(rootId, "{other}"), {
    message: "A sibling ({proxy+}) of this resource already has a variable path part -- only one is allowed",
  });
  await assert.rejects(create(id!, "child"), {
    message: "Cannot create a child of a resource with a greedy path variable: {proxy+}",
  });
  const update = (patchOperations: PatchOperation[]) =>
    gateway.updateResource({ restApiId, resourceId: id!, patchOperations });
  await assert.rejects(update([{ op: "replace", path: "/invalid", value: "x" }]), {
    message: "Invalid patch path  '/invalid' specified for op 'replace'. Must be one of: [/parentId, /pathPart]",
  });
  await assert.rejects(update([{ op: "remove", path: "/pathPart" }]), {
    message: "Invalid patch path  '/pathPart' specified for op 'remove'. Please choose supported operations",
  });
});

test("a response of the gateway is patched where it has what the path names", async () => {
  const update = (patchOperations: PatchOperation[]) =>
    gateway.updateGatewayResponse({ restApiId, responseType: "DEFAULT_5XX", patchOperations });
  await assert.rejects(
    update([{ op: "replace", path: "/responseParameters/gatewayresponse.header.X", value: "'x'" }]),
    {
      name: "NotFoundException",
      message: "Invalid parameter name specified",
    },
  );
  await assert.rejects(update([{ op: "add", value: "'x'" }]), { message: "Invalid patch path null" });
});
