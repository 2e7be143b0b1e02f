import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, describe, test } from "node:test";
import { APIGateway } from "@aws-sdk/client-api-gateway";
import { IAM } from "@aws-sdk/client-iam";
import { Lambda } from "@aws-sdk/client-lambda";
import { callApi } from "../support/api-call.ts";
import { cannotRun, startPlatform, type TestPlatform } from "../support/platform.ts";
import { zip } from "../support/zip.ts";

const HANDLER = `exports.handler = async (e) => {
  if (e.path === '/throw') throw new Error('x');
  if (e.path === '/bad') return 'not a response';
  return { statusCode: 200, headers: { 'content-type': 'text/html', connection: 'close' }, multiValueHeaders: { 'set-cookie': ['a=1', 'b=2'] }, body: JSON.stringify(e) };
}`;

describe("REST APIs", { skip: cannotRun }, () => {
  let platform: TestPlatform;
  let api: string;

  before(async () => {
    platform = await startPlatform();
    const iam = new IAM(platform.client);
    const trust = {
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" }],
    };
    const { Role } = await iam.createRole({ RoleName: "fn", AssumeRolePolicyDocument: JSON.stringify(trust) });
    const lambda = new Lambda(platform.client);
    const made = await lambda.createFunction({
      FunctionName: "web",
      Role: Role!.Arn!,
      Runtime: "nodejs24.x",
      Handler: "index.handler",
      Code: { ZipFile: await zip({ "index.js": HANDLER }) },
    });
    await lambda.addPermission({
      FunctionName: "web",
      StatementId: "api",
      Action: "lambda:InvokeFunction",
      Principal: "apigateway.amazonaws.com",
    });
    const uri = `arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/${made.FunctionArn}/invocations`;
    const integration = { "x-amazon-apigateway-integration": { type: "aws_proxy", httpMethod: "POST", uri } };
    const options = {
      "x-amazon-apigateway-integration": {
        type: "mock",
        requestTemplates: { "application/json": '{"statusCode": 200}' },
        responses: {
          default: {
            statusCode: "200",
            responseParameters: { "method.response.header.Access-Control-Allow-Origin": "'*'" },
          },
        },
      },
    };
    const body = {
      swagger: "2.0",
      info: { title: "t", version: "1" },
      paths: {
        "/": { get: integration },
        "/items/{id}": { post: integration, options },
        "/{proxy+}": { "x-amazon-apigateway-any-method": integration },
      },
    };
    const gateway = new APIGateway(platform.client);
    const imported = await gateway.importRestApi({ body: Buffer.from(JSON.stringify(body)) });
    api = imported.id!;
    await gateway.createDeployment({ restApiId: api, stageName: "Prod", variables: { color: "blue" } });
  });
  after(() => platform?.stop());

  function call(
    method: string,
    path: string,
    options: { headers?: Record<string, string>; body?: string; byPath?: boolean } = {},
  ) {
    return new Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; text: string; json: any }>(
      (resolve, reject) => {
        const byHost = options.byPath ? {} : { host: `${api}.execute-api.localhost:${platform.port}` };
        const target = options.byPath ? `/restapis/${api}/Prod/_user_request_${path}` : `/Prod${path}`;
        const sent = request(
          { host: "127.0.0.1", port: platform.port, method, path: target, headers: { ...byHost, ...options.headers } },
          (answer) => {
            let text = "";
            answer.setEncoding("utf8").on("data", (chunk) => (text += chunk));
            answer.on("end", () =>
              resolve({
                status: answer.statusCode!,
                headers: answer.headers,
                text,
                json: text.startsWith("{") ? JSON.parse(text) : undefined,
              }),
            );
          },
        );
        sent.on("error", reject).end(options.body);
      },
    );
  }

  test("a proxy integration gets the event of payload 1.0 and its answer is served", async () => {
    const { status, headers, json } = await call("POST", "/items/a%20b?x=1&x=2", {
      headers: { "X-Own": "v" },
      body: "hi",
    });
    assert.equal(status, 200);
    assert.equal(headers["content-type"], "text/html");
    assert.deepEqual(headers["set-cookie"], ["a=1", "b=2"]);
    assert.equal(json.resource, "/items/{id}");
    assert.equal(json.path, "/items/a b");
    assert.deepEqual(json.pathParameters, { id: "a b" });
    assert.deepEqual(json.multiValueQueryStringParameters, { x: ["1", "2"] });
    assert.deepEqual(json.queryStringParameters, { x: "2" });
    assert.deepEqual(json.stageVariables, { color: "blue" });
    assert.equal(json.headers["X-Own"], "v");
    assert.equal(json.body, "hi");
    assert.equal(json.requestContext.stage, "Prod");
    assert.equal(json.requestContext.path, "/Prod/items/a%20b");
  });

  test("literal paths win over a greedy one, and the path form serves the same with a sandboxed origin", async () => {
    assert.equal((await call("GET", "/")).json.resource, "/");
    assert.equal((await call("GET", "/else/where")).json.pathParameters.proxy, "else/where");
    const byPath = await call("GET", "/", { byPath: true });
    assert.equal(byPath.json.resource, "/");
    assert.match(String(byPath.headers["content-security-policy"]), /sandbox/);
  });

  test("a method that is not there, an unknown API, a function that fails or answers wrongly", async () => {
    assert.equal((await call("DELETE", "/items/1")).status, 200, "the greedy resource has the method");
    const missing = await call("DELETE", "/");
    assert.deepEqual([missing.status, missing.json.message], [403, "Missing Authentication Token"]);
    assert.equal((await call("GET", "/throw")).status, 502);
    assert.deepEqual((await call("GET", "/bad")).json, { message: "Internal server error" });
  });

  test("a MOCK integration answers preflights, by host and by path", async () => {
    const asked = { origin: "http://x", "access-control-request-method": "POST" };
    for (const options of [{ headers: { origin: "http://x" } }, { headers: asked }, { headers: asked, byPath: true }]) {
      const { status, headers } = await call("OPTIONS", "/items/1", options);
      assert.deepEqual([status, headers["access-control-allow-origin"]], [200, "*"]);
    }
  });

  test("a resource policy is enforced, in its short form and from an import; an empty one is none", async () => {
    const gateway = new APIGateway(platform.client);
    const allow = (Resource: string) => ({
      Version: "2012-10-17",
      Statement: { Effect: "Allow", Principal: "*", Action: "execute-api:Invoke", Resource },
    });
    const put = (value: string) =>
      gateway.updateRestApi({ restApiId: api, patchOperations: [{ op: "replace", path: "/policy", value }] });
    const { policy } = await put(JSON.stringify(allow("execute-api:/Prod/OPTIONS/items/*")));
    assert.match(policy!, new RegExp(`arn:aws:execute-api:us-east-1:000000000000:${api}/Prod/OPTIONS/items/\\*`));
    assert.deepEqual([(await call("OPTIONS", "/items/1")).status, (await call("GET", "/")).status], [200, 403]);
    await assert.rejects(put("{"), { name: "BadRequestException", message: /^Invalid policy document\./ });
    assert.equal((await put("")).policy, undefined);
    assert.equal((await call("GET", "/")).status, 200);
    const info = { title: "t", version: "1" };
    const body = { openapi: "3.0.1", info, paths: {}, "x-amazon-apigateway-policy": allow("execute-api:/*") };
    const imported = await gateway.importRestApi({ body: Buffer.from(JSON.stringify(body)) });
    assert.match(imported.policy!, new RegExp(`:${imported.id}/\\*`));
  });

  test("a Lambda integration is mapped: its request by a template, its error by a selection pattern", async () => {
    const gateway = new APIGateway(platform.client);
    const { Role } = await new IAM(platform.client).getRole({ RoleName: "fn" });
    const lambda = new Lambda(platform.client);
    const code =
      "exports.handler = async (e) => { if (e.name === 'bad') throw new Error('Bad name: ' + e.name); return { hello: e.name }; }";
    const made = await lambda.createFunction({
      FunctionName: "mapped",
      Role: Role!.Arn!,
      Runtime: "nodejs24.x",
      Handler: "index.handler",
      Code: { ZipFile: await zip({ "index.js": code }) },
    });
    await lambda.addPermission({
      FunctionName: "mapped",
      StatementId: "api",
      Action: "lambda:InvokeFunction",
      Principal: "apigateway.amazonaws.com",
    });
    const integration = {
      type: "aws",
      httpMethod: "POST",
      uri: `arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/${made.FunctionArn}/invocations`,
      requestTemplates: { "application/json": '{"name": "$input.params(\'name\')"}' },
      responses: {
        default: { statusCode: "200", responseTemplates: { "application/json": "{\"said\": $input.json('$.hello')}" } },
        "Bad.*": {
          statusCode: "422",
          responseTemplates: { "application/json": "{\"why\": $input.json('$.errorMessage')}" },
        },
      },
    };
    const paths = { "/": { get: { "x-amazon-apigateway-integration": integration } } };
    const body = Buffer.from(JSON.stringify({ swagger: "2.0", info: { title: "m", version: "1" }, paths }));
    const { id: restApiId } = await gateway.importRestApi({ body });
    await gateway.createDeployment({ restApiId, stageName: "v1" });
    const get = (name: string) => callApi(platform.port, restApiId!, "GET", `/v1/?name=${name}`);
    const [good, bad] = [await get("ann"), await get("bad")];
    assert.deepEqual([good.status, good.json], [200, { said: "ann" }]);
    assert.deepEqual([bad.status, bad.json], [422, { why: "Bad name: bad" }]);
  });
});
