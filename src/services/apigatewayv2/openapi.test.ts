import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiGatewayV2 } from "@aws-sdk/client-apigatewayv2";
import { startTestApp } from "../../../test/support/test-app.ts";

test("the catch-all of a document is the default route, with a slash and, as SAM writes it, without", async (t) => {
  const app = await startTestApp();
  t.after(() => app.stop());
  const gateway = new ApiGatewayV2(app.client);
  const integration = {
    type: "http_proxy",
    httpMethod: "ANY",
    uri: "http://example.com/",
    payloadFormatVersion: "1.0",
  };
  for (const path of ["$default", "/$default"]) {
    const operation = { "x-amazon-apigateway-integration": integration, isDefaultRoute: true };
    const Body = JSON.stringify({
      openapi: "3.0.1",
      info: { title: "all", version: "1" },
      paths: { [path]: { "x-amazon-apigateway-any-method": operation } },
    });
    const { ApiId } = await gateway.importApi({ Body });
    const { Items } = await gateway.getRoutes({ ApiId });
    assert.deepEqual(
      Items?.map((route) => route.RouteKey),
      ["$default"],
      path,
    );
  }
});
