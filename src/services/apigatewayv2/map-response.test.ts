import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { APIGateway } from "@aws-sdk/client-api-gateway";
import { ApiGatewayV2, type CreateIntegrationCommandInput } from "@aws-sdk/client-apigatewayv2";
import {
  CloudFormation,
  waitUntilStackCreateComplete,
  waitUntilStackUpdateComplete,
} from "@aws-sdk/client-cloudformation";
import { callApi } from "../../../test/support/api-call.ts";
import { deployMockApi } from "../../../test/support/mock-api.ts";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

let app: TestApp;
let gateway: ApiGatewayV2;
let IntegrationUri: string;
before(async () => {
  app = await startTestApp();
  gateway = new ApiGatewayV2(app.client);
  const restApiId = await deployMockApi(new APIGateway(app.client), "v1", {
    statusCode: "202",
    template: '{"deep":{"word":"from the body"}}',
    responseParameters: { "method.response.header.X-Own": "'theirs'", "method.response.header.X-Secret": "'s'" },
  });
  IntegrationUri = `http://${restApiId}.execute-api.localhost:${app.running.port}/v1/x`;
});
after(() => app.stop());

const mapped = {
  "overwrite:statuscode": "403",
  "append:header.x-own": "${response.header.x-own} of ${stageVariables.name}",
  "append:header.x-word": "$response.body.deep.word",
  "overwrite:header.x-route": "$context.routeKey",
  "remove:header.X-Secret": "''",
};

const endpoint = (ApiId: string, more: Partial<CreateIntegrationCommandInput>): CreateIntegrationCommandInput => ({
  ApiId,
  IntegrationType: "HTTP_PROXY",
  IntegrationMethod: "ANY",
  IntegrationUri,
  PayloadFormatVersion: "1.0",
  ...more,
});

async function newApi(Name: string): Promise<string> {
  const { ApiId } = await gateway.createApi({ Name, ProtocolType: "HTTP" });
  await gateway.createStage({ ApiId, StageName: "$default", AutoDeploy: true, StageVariables: { name: "prod" } });
  return ApiId!;
}

async function assertMapped(ApiId: string): Promise<void> {
  const { status, headers, json } = await callApi(app.running.port, ApiId, "GET", "/in");
  assert.equal(status, 403);
  assert.equal(headers["x-own"], "theirs, theirs of prod");
  assert.deepEqual([headers["x-word"], headers["x-route"]], ["from the body", "GET /in"]);
  assert.equal(headers["x-secret"], undefined);
  assert.deepEqual(json, { deep: { word: "from the body" } });
}

test("response parameters change the status and headers of an integration's answer", async () => {
  const ApiId = await newApi("mapped");
  const made = await gateway.createIntegration(
    endpoint(ApiId, { ResponseParameters: { "202": mapped, "500": { "overwrite:statuscode": "404" } } }),
  );
  const { IntegrationId } = made;
  assert.deepEqual(made.ResponseParameters?.["202"], mapped);
  await gateway.createRoute({ ApiId, RouteKey: "GET /in", Target: `integrations/${IntegrationId}` });
  await assertMapped(ApiId);
  // An update changes what it names; an empty text takes a parameter out.
  const changed = await gateway.updateIntegration({
    ApiId,
    IntegrationId,
    RequestParameters: { "append:header.a": "1", "append:header.b": "2" },
    ResponseParameters: { "202": { "overwrite:statuscode": "201", "append:header.gone": "" } },
  });
  assert.deepEqual(changed.ResponseParameters, {
    "202": { "overwrite:statuscode": "201" },
    "500": { "overwrite:statuscode": "404" },
  });
  const again = await gateway.updateIntegration({ ApiId, IntegrationId, RequestParameters: { "append:header.a": "" } });
  assert.deepEqual(again.RequestParameters, { "append:header.b": "2" });
  assert.equal((await callApi(app.running.port, ApiId, "GET", "/in")).status, 201);
});

test("a header takes what callers send as UTF-8, and nothing that would end it", async () => {
  const ApiId = await newApi("texts");
  const ResponseParameters = { "202": { "overwrite:header.x-own": "$request.querystring.q" } };
  const { IntegrationId } = await gateway.createIntegration(endpoint(ApiId, { ResponseParameters }));
  await gateway.createRoute({ ApiId, RouteKey: "GET /in", Target: `integrations/${IntegrationId}` });
  const own = async (q: string): Promise<unknown> => {
    const { status, headers } = await callApi(app.running.port, ApiId, "GET", `/in?q=${encodeURIComponent(q)}`);
    assert.equal(status, 202);
    return headers["x-own"];
  };
  assert.equal(Buffer.from(String(await own("Grüße 中")), "latin1").toString(), "Grüße 中");
  assert.equal(await own("a\r\nx-more: b"), "theirs");
});

test("documents and templates have response parameters", async () => {
  const integration = {
    type: "http_proxy",
    httpMethod: "ANY",
    uri: IntegrationUri,
    payloadFormatVersion: "1.0",
    responseParameters: { "202": mapped },
  };
  const Body = JSON.stringify({
    openapi: "3.0.1",
    info: { title: "all", version: "1" },
    paths: { "/in": { get: { "x-amazon-apigateway-integration": integration } } },
  });
  const { ApiId } = await gateway.importApi({ Body });
  await gateway.createStage({ ApiId, StageName: "$default", AutoDeploy: true, StageVariables: { name: "prod" } });
  await assertMapped(ApiId!);

  const list = (parameters: object) => ({
    ResponseParameters: Object.entries(parameters).map(([Destination, Source]) => ({ Destination, Source })),
  });
  const template = (ResponseParameters: object) =>
    JSON.stringify({
      Resources: {
        Api: { Type: "AWS::ApiGatewayV2::Api", Properties: { Name: "of a stack", ProtocolType: "HTTP" } },
        Stage: {
          Type: "AWS::ApiGatewayV2::Stage",
          Properties: {
            ApiId: { Ref: "Api" },
            StageName: "$default",
            AutoDeploy: true,
            StageVariables: { name: "prod" },
          },
        },
        In: {
          Type: "AWS::ApiGatewayV2::Integration",
          Properties: endpoint({ Ref: "Api" } as unknown as string, { ResponseParameters } as object),
        },
        Route: {
          Type: "AWS::ApiGatewayV2::Route",
          Properties: {
            ApiId: { Ref: "Api" },
            RouteKey: "GET /in",
            Target: { "Fn::Join": ["/", ["integrations", { Ref: "In" }]] },
          },
        },
      },
      Outputs: { Api: { Value: { Ref: "Api" } } },
    });
  const cloudformation = new CloudFormation(app.client);
  const wait = { client: cloudformation, maxWaitTime: 30, minDelay: 0.1, maxDelay: 0.2 };
  const StackName = "mapped";
  await cloudformation.createStack({ StackName, TemplateBody: template({ "202": list(mapped) }) });
  await waitUntilStackCreateComplete(wait, { StackName });
  const { Stacks } = await cloudformation.describeStacks({ StackName });
  const made = Stacks![0]!.Outputs![0]!.OutputValue!;
  await assertMapped(made);
  await cloudformation.updateStack({
    StackName,
    TemplateBody: template({ "203": list({ "overwrite:statuscode": "418" }) }),
  });
  await waitUntilStackUpdateComplete(wait, { StackName });
  assert.equal((await callApi(app.running.port, made, "GET", "/in")).status, 202);
});

test("what cannot be mapped or is for other APIs is refused by name", async () => {
  const ApiId = await newApi("refused");
  const create = (more: object) => gateway.createIntegration(endpoint(ApiId, more));
  const refused: [object, RegExp][] = [
    [{ ResponseParameters: { "199": {} } }, /status code/i],
    [
      { ResponseParameters: { "200": { "append:statuscode": "201" } } },
      /Invalid mapping expression specified.*append:statuscode/,
    ],
    [
      { ResponseParameters: { "200": { "overwrite:header.via": "x" } } },
      /Invalid mapping expression specified.*overwrite:header.via/,
    ],
    [{ ResponseParameters: { "200": { "append:querystring.a": "x" } } }, /Invalid mapping expression specified/],
    [{ ResponseParameters: { "200": { "overwrite:statuscode": "99" } } }, /Invalid mapping expression specified/],
    [{ TlsConfig: { ServerNameToVerify: "x" } }, /does not implement .*TlsConfig/],
    [{ ConnectionType: "VPC_LINK", ConnectionId: "l" }, /does not implement .*VPC links/],
    [{ RequestTemplates: { a: "b" } }, /RequestTemplates .*HTTP/],
    [{ ContentHandlingStrategy: "CONVERT_TO_TEXT" }, /ContentHandlingStrategy .*HTTP/],
    [{ IntegrationType: "MOCK" }, /may only be associated with proxy integrations \(AWS_PROXY, HTTP_PROXY\)/],
  ];
  for (const [more, message] of refused) await assert.rejects(create(more), { message }, JSON.stringify(more));
  const route = (more: object) => gateway.createRoute({ ApiId, RouteKey: "GET /x", ...more });
  for (const more of [
    { ApiKeyRequired: true },
    { RequestModels: { a: "b" } },
    { ModelSelectionExpression: "$x" },
    { RequestParameters: { "route.request.querystring.a": { Required: true } } },
    { RouteResponseSelectionExpression: "$default" },
  ])
    await assert.rejects(route(more), { name: "BadRequestException", message: new RegExp(Object.keys(more)[0]!) });
  await assert.rejects(gateway.createStage({ ApiId, StageName: "s", ClientCertificateId: "c" }), {
    name: "BadRequestException",
    message: /ClientCertificateId/,
  });
});
