import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { APIGateway } from "@aws-sdk/client-api-gateway";
import { ApiGatewayV2 } from "@aws-sdk/client-apigatewayv2";
import { CloudFormation } from "@aws-sdk/client-cloudformation";
import { callApi } from "../../../test/support/api-call.ts";
import { deployMockApi } from "../../../test/support/mock-api.ts";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

let app: TestApp;
let rest: APIGateway;
let gateway: ApiGatewayV2;
let restApiId: string;
before(async () => {
  app = await startTestApp();
  rest = new APIGateway(app.client);
  gateway = new ApiGatewayV2(app.client);
  const template = '{"path":"$context.path","domain":"$context.domainName"}';
  restApiId = await deployMockApi(rest, "live", { statusCode: "200", template });
});
after(() => app.stop());

const get = (host: string, path: string) =>
  callApi(app.running.port, "", "GET", path, { headers: { host: `${host}:${app.running.port}` } });

const refused = (work: Promise<unknown>, name: string, message: RegExp) => assert.rejects(work, { name, message });

test("a custom domain name leads to the stages that its mappings name, by the longest base path", async () => {
  assert.equal((await get("api.example.com", "/x")).status, 421, "a host that nobody named is none of ours");
  const regionalCertificateArn = "arn:aws:acm:us-east-1:000000000000:certificate/a";
  const made = await rest.createDomainName({
    domainName: "api.example.com",
    regionalCertificateArn,
    endpointConfiguration: { types: ["REGIONAL"] },
    tags: { a: "b" },
  });
  assert.match(made.regionalDomainName!, /^d-[a-z0-9]{10}\.execute-api\.localhost$/);
  assert.equal(made.domainNameStatus, "AVAILABLE");
  assert.equal((await get("api.example.com", "/x")).status, 403, "nothing is mapped yet");
  await rest.createBasePathMapping({ domainName: "api.example.com", restApiId, stage: "live", basePath: "v1" });
  await gateway.createApiMapping({
    DomainName: "api.example.com",
    ApiId: restApiId,
    Stage: "live",
    ApiMappingKey: "v1/deep",
  });
  const answer = await get("api.example.com", "/v1/pets");
  assert.deepEqual(answer.json, { path: "/v1/pets", domain: "api.example.com" });
  assert.equal((await get("api.example.com", "/v1/deep/pets")).json.path, "/v1/deep/pets");
  assert.equal((await get("api.example.com", "/v2/pets")).status, 403);
  await rest.createBasePathMapping({ domainName: "api.example.com", restApiId });
  assert.equal((await get("api.example.com", "/live/pets")).json.path, "/live/pets", "the path names the stage");
  assert.deepEqual(
    (await rest.getBasePathMappings({ domainName: "api.example.com" })).items?.map((m) => [m.basePath, m.stage]),
    [
      ["(none)", undefined],
      ["v1", "live"],
      ["v1/deep", "live"],
    ],
  );
  assert.equal((await gateway.getDomainName({ DomainName: "api.example.com" })).Tags?.["a"], "b");
  await rest.deleteDomainName({ domainName: "api.example.com" });
  assert.equal((await get("api.example.com", "/v1/pets")).status, 421);
});

test("an HTTP API is reached by a name below localhost, its path with the mapping's key", async () => {
  const { ApiId } = await gateway.createApi({ Name: "h", ProtocolType: "HTTP" });
  const { IntegrationId } = await gateway.createIntegration({
    ApiId,
    IntegrationType: "HTTP_PROXY",
    IntegrationMethod: "GET",
    IntegrationUri: `http://${restApiId}.execute-api.localhost:${app.running.port}/live/got/{rest}`,
    PayloadFormatVersion: "1.0",
  });
  await gateway.createRoute({ ApiId, RouteKey: "GET /in/{rest+}", Target: `integrations/${IntegrationId}` });
  await gateway.createStage({ ApiId, StageName: "$default", AutoDeploy: true });
  await gateway.createDomainName({ DomainName: "*.shop.localhost" });
  await gateway.createApiMapping({ DomainName: "*.shop.localhost", ApiId, Stage: "$default", ApiMappingKey: "h" });
  assert.equal((await get("a.shop.localhost", "/h/in/x")).json.path, "/live/got/x");
  assert.equal((await get("b.shop.localhost", "/in/x")).status, 403);
  await gateway.updateApi({ ApiId, CorsConfiguration: { AllowOrigins: ["https://a.example"], AllowMethods: ["PUT"] } });
  const preflight = await callApi(app.running.port, "", "OPTIONS", "/h/in/x", {
    headers: {
      host: `a.shop.localhost:${app.running.port}`,
      origin: "https://a.example",
      "access-control-request-method": "PUT",
    },
  });
  assert.equal(preflight.headers["access-control-allow-origin"], "https://a.example", "no bucket answers for it");
});

test("an API whose own endpoint is disabled is reached by its domain name alone", async () => {
  const own = () => callApi(app.running.port, restApiId, "GET", "/live/x");
  await rest.createDomainName({ domainName: "only.example.com" });
  await rest.createBasePathMapping({ domainName: "only.example.com", restApiId, stage: "live" });
  const disabled = (value: string) =>
    rest.updateRestApi({ restApiId, patchOperations: [{ op: "replace", path: "/disableExecuteApiEndpoint", value }] });
  assert.equal((await disabled("true")).disableExecuteApiEndpoint, true);
  assert.deepEqual([(await own()).status, (await own()).json], [403, { message: "Forbidden" }]);
  assert.equal((await get("only.example.com", "/x")).status, 200);
  await disabled("false");
  assert.equal((await own()).status, 200);
  const { ApiId } = await gateway.createApi({ Name: "c", ProtocolType: "HTTP", DisableExecuteApiEndpoint: true });
  for (const place of [`x/apis/${ApiId}`, `arn:aws:apigateway:eu-west-1::/apis/${ApiId}`])
    await refused(gateway.tagResource({ ResourceArn: place, Tags: { a: "b" } }), "BadRequestException", /Invalid ARN/);
  const resourceArn = `arn:aws:apigateway:eu-west-1::/restapis/${restApiId}`;
  await refused(rest.tagResource({ resourceArn, tags: { a: "b" } }), "BadRequestException", /Invalid ARN/);
  assert.equal((await callApi(app.running.port, ApiId!, "OPTIONS", "/")).status, 404);
});

test("names of the platform's own, taken names and missing targets are refused", async () => {
  for (const DomainName of [
    "localhost",
    "project.localhost",
    "*.localhost",
    "*.us-east-1.localhost",
    "git-codecommit.us-east-1.localhost",
    "*.api.eu-west-3.localhost",
    "127.0.0.1",
    "s3.localhost",
    "a.execute-api.localhost",
    "x.amazonaws.com",
    "a_b.c",
  ])
    await refused(gateway.createDomainName({ DomainName }), "BadRequestException", /domain name/);
  await gateway.createDomainName({ DomainName: "once.example.com" });
  await refused(
    rest.createDomainName({ domainName: "once.example.com" }),
    "ConflictException",
    /The domain name resource already exists/,
  );
  const where = { domainName: "once.example.com" };
  await refused(rest.getDomainName({ domainName: "none.example.com" }), "NotFoundException", /Invalid domain name/);
  await refused(
    rest.createBasePathMapping({ ...where, restApiId: "nothing" }),
    "BadRequestException",
    /Invalid REST API identifier specified/,
  );
  await refused(
    rest.createBasePathMapping({ ...where, restApiId, stage: "no" }),
    "BadRequestException",
    /Invalid stage identifier specified/,
  );
  await refused(
    rest.createBasePathMapping({ ...where, restApiId, basePath: "/v1" }),
    "BadRequestException",
    /doesn't support the slash character/,
  );
  await rest.createBasePathMapping({ ...where, restApiId, basePath: "a" });
  await refused(
    rest.createBasePathMapping({ ...where, restApiId, basePath: "a" }),
    "ConflictException",
    /Base path already exists for this domain name/,
  );
  await rest.updateBasePathMapping({
    ...where,
    basePath: "a",
    patchOperations: [
      { op: "replace", path: "/stage", value: "live" },
      { op: "replace", path: "/basePath", value: "b" },
    ],
  });
  assert.equal((await rest.getBasePathMapping({ ...where, basePath: "b" })).stage, "live");
  await refused(
    rest.getBasePathMapping({ ...where, basePath: "a" }),
    "NotFoundException",
    /Invalid base path mapping identifier specified/,
  );
  await refused(
    gateway.createApiMapping({ DomainName: "once.example.com", ApiId: restApiId, Stage: "live", ApiMappingKey: "/a" }),
    "BadRequestException",
    /should not start with/,
  );
});

test("a stack makes and removes domain names with their mappings", async () => {
  const cloudformation = new CloudFormation(app.client);
  const Resources = {
    Rest: {
      Type: "AWS::ApiGateway::DomainName",
      Properties: { DomainName: "rest.example.com", EndpointConfiguration: { Types: ["REGIONAL"] } },
    },
    Base: {
      Type: "AWS::ApiGateway::BasePathMapping",
      Properties: { DomainName: { Ref: "Rest" }, RestApiId: restApiId, Stage: "live", BasePath: "b" },
    },
    Http: { Type: "AWS::ApiGatewayV2::DomainName", Properties: { DomainName: "http.example.com" } },
    Mapping: {
      Type: "AWS::ApiGatewayV2::ApiMapping",
      Properties: { DomainName: { Ref: "Http" }, ApiId: restApiId, Stage: "live" },
    },
  };
  const Outputs = { Target: { Value: { "Fn::GetAtt": ["Rest", "RegionalDomainName"] } } };
  await cloudformation.createStack({ StackName: "names", TemplateBody: JSON.stringify({ Resources, Outputs }) });
  const [stack] = (await cloudformation.describeStacks({ StackName: "names" })).Stacks!;
  assert.equal(stack?.StackStatus, "CREATE_COMPLETE", stack?.StackStatusReason);
  assert.match(stack?.Outputs?.[0]?.OutputValue ?? "", /^d-/);
  assert.equal((await get("rest.example.com", "/b/x")).json.path, "/b/x");
  assert.equal((await get("http.example.com", "/x")).json.path, "/x");
  await cloudformation.deleteStack({ StackName: "names" });
  assert.equal((await get("rest.example.com", "/b/x")).status, 421);
});
