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

const mock = {
  type: "mock",
  requestTemplates: { "application/json": '{"statusCode": 200}' },
  responses: { default: { statusCode: "200" } },
};
const secured = { "x-amazon-apigateway-integration": mock, security: [{ api_key: [] }] };

/** A stack of SAM with an API whose methods ask for a key, and its plan. */
const template = (plan: object) =>
  JSON.stringify({
    Transform: "AWS::Serverless-2016-10-31",
    Resources: {
      Api: {
        Type: "AWS::Serverless::Api",
        Properties: {
          StageName: "v1",
          DefinitionBody: {
            swagger: "2.0",
            info: { title: "metered", version: "1" },
            paths: {
              "/a": { get: secured },
              "/b": { get: secured },
              "/open": { get: { "x-amazon-apigateway-integration": mock, security: [] } },
            },
          },
          Auth: { ApiKeyRequired: true, UsagePlan: { CreateUsagePlan: "PER_API", ...plan } },
        },
      },
    },
    Outputs: {
      Api: { Value: { Ref: "Api" } },
      Key: { Value: { Ref: "ApiApiKey" } },
      Plan: { Value: { Ref: "ApiUsagePlan" } },
    },
  });

async function deployed(name: string, plan: object) {
  const Capabilities = ["CAPABILITY_IAM" as const, "CAPABILITY_AUTO_EXPAND" as const];
  const stack = await openStacks(app.client).create(name, template(plan), { Capabilities });
  assert.equal(stack.StackStatus, "CREATE_COMPLETE", stack.StackStatusReason);
  const output = (key: string) => stack.Outputs!.find((o) => o.OutputKey === key)!.OutputValue!;
  const apiKey = output("Key");
  const { value } = await gateway.getApiKey({ apiKey, includeValue: true });
  return { api: output("Api"), apiKey, usagePlanId: output("Plan"), value: value! };
}

const call = (api: string, path: string, key?: string) =>
  callApi(app.running.port, api, "GET", `/v1${path}`, { headers: key === undefined ? {} : { "x-api-key": key } });

test("a method that asks for a key is forbidden without one, with another's and with one that is switched off", async () => {
  const { api, apiKey, value } = await deployed("keys", {});
  assert.equal((await call(api, "/open")).status, 200);
  assert.equal((await call(api, "/a", value)).status, 200);
  const other = await gateway.createApiKey({ name: "other", enabled: true });
  assert.match(other.value!, /^[a-zA-Z0-9]{40}$/);
  await gateway.updateApiKey({ apiKey, patchOperations: [{ op: "replace", path: "/enabled", value: "false" }] });
  for (const key of [undefined, "nobody's", other.value, value]) {
    const { status, json, headers } = await call(api, "/a", key);
    assert.deepEqual(
      [status, json, headers["x-amzn-errortype"]],
      [403, { message: "Forbidden" }, "ForbiddenException"],
    );
  }
});

test("a quota is counted by key, shown and changed", async () => {
  const { api, apiKey, usagePlanId, value } = await deployed("quota", { Quota: { Limit: 2, Period: "DAY" } });
  const statuses = async (n: number) => {
    const all: number[] = [];
    for (let i = 0; i < n; i++) all.push((await call(api, "/a", value)).status);
    return all;
  };
  assert.deepEqual(await statuses(3), [200, 200, 429]);
  assert.deepEqual((await call(api, "/a", value)).json, { message: "Limit Exceeded" });
  const today = new Date().toISOString().slice(0, 10);
  const { items } = await gateway.getUsage({ usagePlanId, startDate: today, endDate: today });
  assert.deepEqual(items, { [apiKey]: [[2, 0]] });
  const patchOperations = [{ op: "replace" as const, path: "/remaining", value: "1" }];
  await gateway.updateUsage({ usagePlanId, keyId: apiKey, patchOperations });
  assert.deepEqual(await statuses(2), [200, 429]);
});

test("a plan's throttle is 429, one method's by itself too", async () => {
  const { api, usagePlanId, value } = await deployed("throttle", { Throttle: { BurstLimit: 2, RateLimit: 0.001 } });
  const first = [await call(api, "/a", value), await call(api, "/b", value), await call(api, "/a", value)];
  assert.deepEqual(
    first.map((a) => a.status),
    [200, 200, 429],
  );
  assert.deepEqual(first[2]!.json, { message: "Too Many Requests" });
  assert.equal((await call(api, "/open", value)).status, 200);
  const at = `/apiStages/${api}:v1/throttle/~1b/GET`;
  const plan = await gateway.updateUsagePlan({
    usagePlanId,
    patchOperations: [
      { op: "remove", path: "/throttle" },
      { op: "replace", path: `${at}/rateLimit`, value: "0.001" },
      { op: "replace", path: `${at}/burstLimit`, value: "1" },
    ],
  });
  assert.deepEqual(plan.apiStages, [
    { apiId: api, stage: "v1", throttle: { "/b/GET": { burstLimit: 1, rateLimit: 0.001 } } },
  ]);
  const then = [await call(api, "/b", value), await call(api, "/b", value), await call(api, "/a", value)];
  assert.deepEqual(
    then.map((a) => a.status),
    [200, 429, 200],
  );
});

test("plans and keys through the API: what is not there, what is there twice, what is in use", async () => {
  const value = "a".repeat(20);
  const key = await gateway.createApiKey({ name: "k", value, tags: { a: "b" } });
  assert.deepEqual([key.enabled, key.value, key.stageKeys, key.tags], [false, value, [], { a: "b" }]);
  await assert.rejects(gateway.createApiKey({ value }), {
    name: "ConflictException",
    message: "API Key already exists",
  });
  await assert.rejects(gateway.createApiKey({ value: "short" }), /at least 20 characters/);
  await assert.rejects(gateway.createUsagePlan({ name: "p", apiStages: [{ apiId: "none", stage: "v1" }] }), {
    name: "NotFoundException",
    message: /^Invalid API Stage \{api: none, stage: v1\} specified for usageplan /,
  });
  const plan = await gateway.createUsagePlan({ name: "p" });
  const linked = { usagePlanId: plan.id, keyId: key.id };
  await gateway.createUsagePlanKey({ ...linked, keyType: "API_KEY" });
  await assert.rejects(gateway.createUsagePlanKey({ ...linked, keyType: "API_KEY" }), { name: "ConflictException" });
  assert.deepEqual(
    (await gateway.getUsagePlanKeys({ usagePlanId: plan.id })).items!.map((k) => k.id),
    [key.id],
  );
  assert.deepEqual(
    (await gateway.getUsagePlans({ keyId: key.id })).items!.map((p) => p.id),
    [plan.id],
  );
  await gateway.deleteApiKey({ apiKey: key.id });
  await assert.rejects(gateway.getUsagePlanKey(linked), { name: "NotFoundException" });
  await gateway.deleteUsagePlan({ usagePlanId: plan.id });
  await assert.rejects(gateway.getUsagePlan({ usagePlanId: plan.id }), {
    name: "NotFoundException",
    message: "Invalid Usage Plan ID specified",
  });
});
