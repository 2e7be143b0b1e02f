import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { APIGateway } from "@aws-sdk/client-api-gateway";
import { IAM } from "@aws-sdk/client-iam";
import { SQS } from "@aws-sdk/client-sqs";
import { callApi } from "../../../test/support/api-call.ts";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

let app: TestApp;
let gateway: APIGateway;
before(async () => {
  app = await startTestApp();
  gateway = new APIGateway(app.client);
});
after(() => app.stop());

async function deployed(paths: object): Promise<string> {
  const body = { swagger: "2.0", info: { title: "mapped", version: "1" }, paths };
  const { id } = await gateway.importRestApi({ body: Buffer.from(JSON.stringify(body)) });
  await gateway.createDeployment({ restApiId: id, stageName: "v1", variables: { color: "blue" } });
  return id!;
}
const integration = (given: object) => ({ "x-amazon-apigateway-integration": given });
const send = (api: string, method: string, path: string, body = "", headers: Record<string, string> = {}) =>
  callApi(app.running.port, api, method, `/v1${path}`, { body, headers });

const REQUEST = `#set($in = $input.path('$'))
#if($in.fail)
#set($context.responseOverride.status = 418)
{"statusCode": 400}
#else
{"statusCode": 200}
#end`;
const RESPONSE = `{"id": "$input.params('id')", "q": "$input.params().querystring.q", "color": "$stageVariables.color",
 "method": "$context.httpMethod"}`;

test("a MOCK integration by templates: parameters, variables, context, overrides, several responses", async () => {
  const responses = {
    default: {
      statusCode: "200",
      responseTemplates: { "application/json": RESPONSE },
      responseParameters: {
        "method.response.header.X-Stage": "context.stage",
        "method.response.header.X-Fixed": "'yes'",
      },
    },
    "4\\d\\d": { statusCode: "400", responseTemplates: { "application/json": '{"failed":true}' } },
  };
  const mock = { type: "mock", requestTemplates: { "application/json": REQUEST }, responses };
  const strict = { ...mock, passthroughBehavior: "never" };
  const api = await deployed({
    "/a/{id}": { post: integration(mock), put: integration(strict) },
    "/bad": { get: integration({ ...mock, requestTemplates: { "application/json": "#if(" } }) },
  });
  const { status, json, headers } = await send(api, "POST", "/a/7?q=x", "{}");
  assert.deepEqual([status, json], [200, { id: "7", q: "x", color: "blue", method: "POST" }]);
  assert.deepEqual([headers["x-stage"], headers["x-fixed"]], ["v1", "yes"]);
  const failed = await send(api, "POST", "/a/7", '{"fail":true}');
  assert.deepEqual([failed.status, failed.json], [418, { failed: true }]);
  const other = await send(api, "PUT", "/a/7", "x", { "content-type": "text/plain" });
  assert.deepEqual([other.status, other.json], [415, { message: "Unsupported Media Type" }]);
  assert.deepEqual((await send(api, "GET", "/bad")).json, { message: "Internal server error" });
});

test("HTTP integrations reach the platform itself, and nothing else without the internet", async () => {
  const template = '{"at":"$context.path","who":"$input.params(\'X-Who\')","q":"$input.params(\'q\')"}';
  const mock = {
    type: "mock",
    requestTemplates: { "application/json": '{"statusCode": 200}' },
    responses: { default: { statusCode: "201", responseTemplates: { "application/json": template } } },
  };
  const backend = await deployed({ "/{any+}": { "x-amazon-apigateway-any-method": integration(mock) } });
  const base = `http://${backend}.execute-api.localhost:${app.running.port}/v1`;
  const proxy = {
    type: "http_proxy",
    httpMethod: "ANY",
    uri: `${base}/got/{proxy}`,
    requestParameters: {
      "integration.request.path.proxy": "method.request.path.proxy",
      "integration.request.header.X-Who": "stageVariables.color",
    },
  };
  const mapped = {
    type: "http",
    httpMethod: "GET",
    uri: `${base}/mapped`,
    requestParameters: { "integration.request.querystring.q": "method.request.header.X-Q" },
    responses: {
      default: { statusCode: "500" },
      "2\\d\\d": { statusCode: "200", responseTemplates: { "application/json": "$input.json('$.q')" } },
    },
  };
  const away = (uri: string) => ({ get: integration({ type: "http_proxy", httpMethod: "GET", uri }) });
  const api = await deployed({
    "/p/{proxy+}": { "x-amazon-apigateway-any-method": integration(proxy) },
    "/mapped": { get: integration(mapped) },
    "/metadata": away("http://169.254.169.254/latest"),
    "/host": away("http://127.0.0.1:22/"),
    "/inside": away(`http://localhost:${app.running.port}/_starling/health`),
    "/web": away("https://example.com/"),
  });
  const passed = await send(api, "POST", "/p/a/b%20c?q=1", "{}");
  assert.deepEqual([passed.status, passed.json], [201, { at: "/v1/got/a/b%20c", who: "blue", q: "1" }]);
  assert.deepEqual((await send(api, "GET", "/mapped", "", { "x-q": "two" })).json, "two");
  for (const path of ["/metadata", "/host", "/inside", "/web"]) {
    const { status, json } = await send(api, "GET", path);
    assert.deepEqual([status, json], [500, { message: "Internal server error" }], path);
  }
});

test("a queue is written to as the integration's role, and refused without its permission", async () => {
  const iam = new IAM(app.client);
  const trust = {
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Principal: { Service: "apigateway.amazonaws.com" }, Action: "sts:AssumeRole" }],
  };
  const { Role } = await iam.createRole({ RoleName: "api", AssumeRolePolicyDocument: JSON.stringify(trust) });
  const sqs = new SQS(app.client);
  const { QueueUrl } = await sqs.createQueue({ QueueName: "inbox" });
  const toQueue = {
    type: "aws",
    httpMethod: "POST",
    credentials: Role!.Arn,
    uri: "arn:aws:apigateway:us-east-1:sqs:path/000000000000/inbox",
    requestParameters: { "integration.request.header.Content-Type": "'application/x-www-form-urlencoded'" },
    requestTemplates: { "application/json": "Action=SendMessage&MessageBody=$util.urlEncode($input.body)" },
    passthroughBehavior: "never",
    responses: {
      default: {
        statusCode: "200",
        responseTemplates: { "application/json": "$input.json('$.SendMessageResponse.SendMessageResult.MessageId')" },
      },
      "4\\d\\d": { statusCode: "502" },
    },
  };
  const api = await deployed({ "/": { post: integration(toQueue) } });
  assert.equal((await send(api, "POST", "/", '{"a": "b c"}')).status, 502);
  const PolicyDocument = JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: "sqs:SendMessage", Resource: "*" }],
  });
  await iam.putRolePolicy({ RoleName: "api", PolicyName: "p", PolicyDocument });
  const sent = await send(api, "POST", "/", '{"a": "b c"}');
  assert.equal(sent.status, 200, sent.text);
  const { Messages = [] } = await sqs.receiveMessage({ QueueUrl });
  assert.deepEqual([Messages[0]?.Body, Messages[0]?.MessageId], ['{"a": "b c"}', sent.json]);
});

test("a method is tried without a deployment", async () => {
  const mock = {
    type: "mock",
    requestTemplates: { "application/json": '{"statusCode": 200}' },
    responses: {
      default: {
        statusCode: "200",
        responseTemplates: { "application/json": '{"pet":"$input.params(\'id\')$stageVariables.a"}' },
      },
    },
  };
  const body = {
    swagger: "2.0",
    info: { title: "tried", version: "1" },
    paths: { "/pets/{id}": { get: integration(mock) } },
  };
  const { id: restApiId } = await gateway.importRestApi({ body: Buffer.from(JSON.stringify(body)) });
  const { items = [] } = await gateway.getResources({ restApiId });
  const resourceId = items.find((r) => r.path === "/pets/{id}")!.id;
  const where = { restApiId, resourceId, httpMethod: "GET" };
  const tried = await gateway.testInvokeMethod({
    ...where,
    pathWithQueryString: "/pets/7?x=1",
    stageVariables: { a: "!" },
  });
  assert.deepEqual([tried.status, tried.body], [200, '{"pet":"7!"}']);
  assert.match(tried.log!, /: Method request query string: \{x=1\}\n/);
  assert.match(tried.log!, /: Method completed with status: 200\n$/);
});
