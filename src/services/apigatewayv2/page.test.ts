import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ApiGatewayV2 } from "@aws-sdk/client-apigatewayv2";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

let app: TestApp;
before(async () => {
  app = await startTestApp();
});
after(() => app.stop());

test("lists come in the pages that are asked for, and each has everything once", async () => {
  const gateway = new ApiGatewayV2(app.client);
  const { ApiId } = await gateway.createApi({ Name: "one", ProtocolType: "HTTP" });
  await gateway.createApi({ Name: "two", ProtocolType: "HTTP" });
  for (const name of ["a", "b", "c"]) {
    await gateway.createStage({ ApiId, StageName: name });
    await gateway.createRoute({ ApiId, RouteKey: `GET /${name}` });
    await gateway.createIntegration({
      ApiId,
      IntegrationType: "HTTP_PROXY",
      IntegrationMethod: "GET",
      IntegrationUri: "https://example.com",
      PayloadFormatVersion: "1.0",
    });
  }
  type Page = { Items?: object[]; NextToken?: string };
  type List = (page: { MaxResults: string; NextToken?: string }) => Promise<Page>;
  const lists: Record<string, { list: List; all: number }> = {
    apis: { list: (page) => gateway.getApis(page), all: 2 },
    stages: { list: (page) => gateway.getStages({ ApiId, ...page }), all: 3 },
    routes: { list: (page) => gateway.getRoutes({ ApiId, ...page }), all: 3 },
    integrations: { list: (page) => gateway.getIntegrations({ ApiId, ...page }), all: 3 },
  };
  for (const [name, { list, all }] of Object.entries(lists)) {
    const seen = new Set<string>();
    let NextToken: string | undefined;
    for (let pages = 0; pages < all; pages++) {
      const page = await list({ MaxResults: "1", ...(NextToken ? { NextToken } : {}) });
      assert.equal(page.Items?.length, 1, name);
      seen.add(JSON.stringify(page.Items));
      NextToken = page.NextToken;
    }
    assert.deepEqual([seen.size, NextToken], [all, undefined], name);
    await assert.rejects(list({ MaxResults: "none" }), { name: "BadRequestException" });
  }
});

test("what quick create has made says so, and changes with its API", async () => {
  const gateway = new ApiGatewayV2(app.client);
  const { ApiId } = await gateway.createApi({ Name: "quick", ProtocolType: "HTTP", Target: "https://example.com/a" });
  const parts = async () => {
    const [integration] = (await gateway.getIntegrations({ ApiId })).Items!;
    const [route] = (await gateway.getRoutes({ ApiId })).Items!;
    const { ApiGatewayManaged } = await gateway.getStage({ ApiId, StageName: "$default" });
    assert.deepEqual([integration!.ApiGatewayManaged, route!.ApiGatewayManaged, ApiGatewayManaged], [true, true, true]);
    return [integration!.IntegrationType, integration!.IntegrationUri, route!.RouteKey];
  };
  assert.deepEqual(await parts(), ["HTTP_PROXY", "https://example.com/a", "$default"]);
  await gateway.updateApi({ ApiId, Target: "https://example.com/b", RouteKey: "GET /b" });
  assert.deepEqual(await parts(), ["HTTP_PROXY", "https://example.com/b", "GET /b"]);
  const Target = "arn:aws:lambda:us-east-1:000000000000:function:f";
  await gateway.updateApi({ ApiId, Target });
  assert.deepEqual(await parts(), ["AWS_PROXY", Target, "GET /b"]);
  const plain = await gateway.createApi({ Name: "plain", ProtocolType: "HTTP" });
  await assert.rejects(gateway.updateApi({ ApiId: plain.ApiId, Target }), { name: "BadRequestException" });
});
