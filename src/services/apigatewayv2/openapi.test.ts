import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiGatewayV2 } from "@aws-sdk/client-apigatewayv2";
import { CloudFormation, waitUntilStackCreateComplete } from "@aws-sdk/client-cloudformation";
import { S3 } from "@aws-sdk/client-s3";
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

test("a template names its API's document in S3, as SAM's DefinitionUri does", async (t) => {
  const app = await startTestApp();
  t.after(() => app.stop());
  const s3 = new S3({ ...app.client, forcePathStyle: true });
  const [Bucket, Key] = ["documents", "api.yaml"];
  await s3.createBucket({ Bucket });
  const Body = `openapi: "3.0.1"
info: { title: in S3, version: "1" }
paths:
  /pets:
    get:
      x-amazon-apigateway-integration:
        { type: http_proxy, httpMethod: GET, uri: "http://example.com/", payloadFormatVersion: "1.0" }
`;
  const { ETag } = await s3.putObject({ Bucket, Key, Body });
  const cloudformation = new CloudFormation(app.client);
  const wait = { client: cloudformation, maxWaitTime: 30, minDelay: 0.1, maxDelay: 0.2 };
  const Api = { Type: "AWS::ApiGatewayV2::Api", Properties: { BodyS3Location: { Bucket, Key, Etag: ETag } } };
  const TemplateBody = JSON.stringify({ Resources: { Api }, Outputs: { Id: { Value: { Ref: "Api" } } } });
  await cloudformation.createStack({ StackName: "pets", TemplateBody });
  await waitUntilStackCreateComplete(wait, { StackName: "pets" });
  const { Stacks } = await cloudformation.describeStacks({ StackName: "pets" });
  const gateway = new ApiGatewayV2(app.client);
  const { Items } = await gateway.getRoutes({ ApiId: Stacks![0]!.Outputs![0]!.OutputValue });
  assert.deepEqual(
    Items?.map((route) => route.RouteKey),
    ["GET /pets"],
  );
});
