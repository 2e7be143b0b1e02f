import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { APIGateway } from "@aws-sdk/client-api-gateway";
import { ApiGatewayV2 } from "@aws-sdk/client-apigatewayv2";
import { callApi } from "../../../test/support/api-call.ts";
import { deployMockApi } from "../../../test/support/mock-api.ts";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

let app: TestApp;
before(async () => {
  app = await startTestApp();
});
after(() => app.stop());

test("an HTTP proxy passes requests on to the platform itself, and to no address of the host", async () => {
  const restApiId = await deployMockApi(new APIGateway(app.client), "v1", {
    statusCode: "202",
    template: '{"path":"$context.path","method":"$context.httpMethod","q":"$input.params(\'q\')"}',
    responseParameters: { "method.response.header.X-Own": "'kept'" },
  });
  const base = `http://${restApiId}.execute-api.localhost:${app.running.port}/v1`;
  const gateway = new ApiGatewayV2(app.client);
  const { ApiId } = await gateway.createApi({ Name: "proxy", ProtocolType: "HTTP" });
  const route = async (RouteKey: string, IntegrationUri: string) => {
    const integration = { ApiId, IntegrationType: "HTTP_PROXY" as const, IntegrationMethod: "ANY", IntegrationUri };
    const { IntegrationId } = await gateway.createIntegration({ ...integration, PayloadFormatVersion: "1.0" });
    await gateway.createRoute({ ApiId, RouteKey, Target: `integrations/${IntegrationId}` });
  };
  await route("ANY /in/{rest+}", `${base}/got/{rest}`);
  // Addresses of the host in all their spellings, and pages of the platform that trust who asks from the host.
  const { port } = app.running;
  const refused = [
    "http://127.0.0.1:22/",
    `http://127.0.0.1:${port}/`,
    "http://2130706433/",
    "http://0x7f.1/",
    "http://0/",
    "http://[::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[fe80::1]/",
    "http://169.254.169.254/latest/meta-data",
    "http://localhost:22/",
    "http://localhost./",
    `http://localhost:${port}/_starling/health`,
    `http://localhost:${port}//_starling/health`,
    `http://localhost:${port}/a/../_starling/health`,
    `http://localhost:${port}/metrics`,
    `http://localhost:${port}/moto-api/reset`,
    "http://x.s3.amazonaws.com/moto-api/reset",
    "http://x.s3.amazonaws.com/_starling/health",
    "http://user:secret@localhost/",
  ];
  for (const [i, uri] of refused.entries()) await route(`POST /refused/${i}`, uri);
  await gateway.createStage({ ApiId, StageName: "$default", AutoDeploy: true });
  const { status, json, headers } = await callApi(app.running.port, ApiId!, "PUT", "/in/a/b?q=1", { body: "{}" });
  assert.deepEqual([status, json], [202, { path: "/v1/got/a/b", method: "PUT", q: "1" }]);
  assert.equal(headers["x-own"], "kept");
  // What a client names stays below the path that the route has for it.
  const outside = await callApi(app.running.port, ApiId!, "GET", "/in/%2e%2E/secret");
  assert.match(outside.json.path, /^\/v1\/got\/.*secret$/);
  for (const [i, uri] of refused.entries())
    assert.equal((await callApi(port, ApiId!, "POST", `/refused/${i}`)).status, 500, uri);
});
