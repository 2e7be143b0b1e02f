import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { APIGateway } from "@aws-sdk/client-api-gateway";
import { callApi } from "../support/api-call.ts";
import { cannotRun, startPlatform, type TestPlatform } from "../support/platform.ts";
import { openStacks } from "../support/stacks.ts";

/** Answers by the token; `n` says how often it was asked. */
const AUTHORIZER = `let n = 0;
exports.handler = async (e) => {
  const token = e.authorizationToken ?? e.headers['x-user'];
  n++;
  if (token === 'unauthorized') throw new Error('Unauthorized');
  if (token === 'throws') throw new Error('other');
  if (token === 'not-a-policy') return { principalId: 'p', policyDocument: { Statement: [{ Effect: 'Maybe' }] } };
  if (token === 'nested') return { principalId: 'p', policyDocument: { Version: '2012-10-17', Statement: [] }, context: { a: {} } };
  const Resource = token === 'only-get' ? e.methodArn.split('/').slice(0, 2).join('/') + '/GET/*' : token === 'other' ? e.methodArn + 'x' : e.methodArn.split('/')[0] + '/*';
  const Effect = token === 'deny' ? 'Deny' : 'Allow';
  return { principalId: 'user-1', context: { n, flag: true, name: token, query: JSON.stringify(e.queryStringParameters ?? null) },
    policyDocument: { Version: '2012-10-17', Statement: [{ Action: 'execute-api:Invoke', Effect, Resource }] } };
};`;
const ECHO = "exports.handler = async (e) => ({ statusCode: 200, body: JSON.stringify(e.requestContext) });";

const event = (Path: string, Method: string, more: object = {}) => ({
  Type: "Api",
  Properties: { Path, Method, RestApiId: { Ref: "Api" }, ...more },
});
const inline = (InlineCode: string, Events: object = {}) => ({
  Type: "AWS::Serverless::Function",
  Properties: { InlineCode, Handler: "index.handler", Runtime: "nodejs24.x", Events },
});
const template = {
  Transform: "AWS::Serverless-2016-10-31",
  Resources: {
    Authorizer: inline(AUTHORIZER),
    Echo: inline(ECHO, {
      Items: event("/items/{id}", "any"),
      Asked: event("/asked", "get", { Auth: { Authorizer: "ByRequest" } }),
      Open: event("/open", "get", { Auth: { Authorizer: "NONE" } }),
    }),
    Api: {
      Type: "AWS::Serverless::Api",
      Properties: {
        StageName: "Prod",
        Cors: "'*'",
        GatewayResponses: {
          AUTHORIZER_CONFIGURATION_ERROR: {
            StatusCode: "511",
            ResponseParameters: { Headers: { "x-kind": "context.error.responseType", "x-fixed": "'here'" } },
            ResponseTemplates: { "application/json": '{"why":"$context.error.responseType","at":"$context.stage"}' },
          },
        },
        Auth: {
          DefaultAuthorizer: "ByToken",
          AddDefaultAuthorizerToCorsPreflight: false,
          Authorizers: {
            ByToken: {
              FunctionArn: { "Fn::GetAtt": ["Authorizer", "Arn"] },
              Identity: { Header: "X-Token", ValidationExpression: "[a-z-]+" },
            },
            ByRequest: {
              FunctionPayloadType: "REQUEST",
              FunctionArn: { "Fn::GetAtt": ["Authorizer", "Arn"] },
              Identity: { Headers: ["X-User"], QueryStrings: ["who"], ReauthorizeEvery: 0 },
            },
          },
        },
      },
    },
  },
  Outputs: { Api: { Value: { Ref: "Api" } } },
};

describe("Lambda authorizers of REST APIs", { skip: cannotRun }, () => {
  let platform: TestPlatform;
  let gateway: APIGateway;
  let api: string;

  before(async () => {
    platform = await startPlatform();
    const stacks = openStacks(platform.client);
    const Capabilities = ["CAPABILITY_IAM" as const, "CAPABILITY_AUTO_EXPAND" as const];
    api = (await stacks.created("authorizers", JSON.stringify(template), { Capabilities }))["Api"]!;
    gateway = new APIGateway(platform.client);
  });
  after(() => platform?.stop());

  const call = (method: string, path: string, headers: Record<string, string> = {}) =>
    callApi(platform.port, api, method, `/Prod${path}`, { headers });
  const withToken = (token: string, method = "GET") => call(method, "/items/1", { "x-token": token });

  test("an allowed token reaches the integration with the authorizer's context as text", async () => {
    const { status, json } = await withToken("someone");
    assert.equal(status, 200);
    const { integrationLatency, n, ...rest } = json.authorizer;
    assert.deepEqual(rest, { principalId: "user-1", flag: "true", name: "someone", query: "null" });
    assert.equal(typeof integrationLatency, "number");
    assert.match(n, /^\d+$/);
  });

  test("what the function said is remembered by token, and its policy decides about each method", async () => {
    const first = await withToken("only-get");
    assert.equal((await withToken("only-get")).json.authorizer.n, first.json.authorizer.n);
    const post = await withToken("only-get", "POST");
    assert.deepEqual([post.status, post.json], [403, { Message: "User is not authorized to access this resource" }]);
    await gateway.flushStageAuthorizersCache({ restApiId: api, stageName: "Prod" });
    assert.notEqual((await withToken("only-get")).json.authorizer.n, first.json.authorizer.n);
  });

  test("a missing token, one of another form and `Unauthorized` are 401; a denial is 403; a failure 500", async () => {
    for (const answer of [await call("GET", "/items/1"), await withToken("UPPER"), await withToken("unauthorized")]) {
      assert.deepEqual([answer.status, answer.json], [401, { message: "Unauthorized" }]);
      assert.equal(answer.headers["x-amzn-errortype"], "UnauthorizedException");
    }
    const denied = await withToken("deny");
    assert.equal(denied.status, 403);
    assert.match(denied.json.Message, /^User is not authorized to access this resource with an explicit deny/);
    assert.equal((await withToken("other")).json.Message, "User is not authorized to access this resource");
    const failed = await withToken("throws");
    assert.deepEqual([failed.status, failed.json], [500, { message: null }]);
    assert.equal(failed.headers["x-amzn-errortype"], "AuthorizerConfigurationException");
  });

  test("what is no policy, or has a nested context, is answered by the API's own gateway response", async () => {
    for (const token of ["not-a-policy", "nested"]) {
      const { status, json, headers } = await withToken(token);
      assert.deepEqual([status, json], [511, { why: "AUTHORIZER_CONFIGURATION_ERROR", at: "Prod" }]);
      assert.deepEqual([headers["x-kind"], headers["x-fixed"]], ["AUTHORIZER_CONFIGURATION_ERROR", "here"]);
    }
  });

  test("a REQUEST authorizer gets the request; each of its identity sources must be there", async () => {
    assert.equal((await call("GET", "/asked?who=me")).status, 401);
    assert.equal((await call("GET", "/asked", { "x-user": "ann" })).status, 401);
    const { json } = await call("GET", "/asked?who=me", { "x-user": "ann" });
    assert.deepEqual([json.authorizer.name, json.authorizer.query], ["ann", '{"who":"me"}']);
    const again = await call("GET", "/asked?who=me", { "x-user": "ann" });
    assert.notEqual(again.json.authorizer.n, json.authorizer.n); // not remembered: its time to live is 0
  });

  test("methods without the default authorizer, and preflights, are open", async () => {
    assert.equal((await call("GET", "/open")).status, 200);
    assert.equal((await call("OPTIONS", "/items/1", { origin: "http://x" })).status, 200);
  });

  test("an authorizer is read, tried, changed and removed through the API", async () => {
    const { items = [] } = await gateway.getAuthorizers({ restApiId: api });
    assert.deepEqual(items.map((a) => [a.name, a.type, a.identitySource, a.authorizerResultTtlInSeconds]).toSorted(), [
      ["ByRequest", "REQUEST", "method.request.header.X-User, method.request.querystring.who", 0],
      ["ByToken", "TOKEN", "method.request.header.X-Token", 300],
    ]);
    const { id } = items.find((a) => a.name === "ByToken")!;
    const where = { restApiId: api, authorizerId: id };
    const tried = await gateway.testInvokeAuthorizer({ ...where, headers: { "X-Token": "someone" } });
    assert.deepEqual([tried.clientStatus, tried.principalId, tried.authorization!["name"]], [0, "user-1", ["someone"]]);
    assert.equal(JSON.parse(tried.policy!).Statement[0].Effect, "Allow");
    const changed = await gateway.updateAuthorizer({
      ...where,
      patchOperations: [{ op: "replace", path: "/authorizerResultTtlInSeconds", value: "60" }],
    });
    assert.equal(changed.authorizerResultTtlInSeconds, 60);
    await assert.rejects(gateway.deleteAuthorizer(where), { name: "ConflictException" });
    const { authorizerUri } = changed;
    const more = await gateway.createAuthorizer({ restApiId: api, name: "more", type: "TOKEN", authorizerUri });
    await gateway.deleteAuthorizer({ restApiId: api, authorizerId: more.id });
    await assert.rejects(gateway.getAuthorizer({ restApiId: api, authorizerId: more.id }), {
      name: "NotFoundException",
    });
  });
});
