import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { ApiGatewayV2 } from "@aws-sdk/client-apigatewayv2";
import { callApi } from "../support/api-call.ts";
import { cannotRun, startPlatform, type TestPlatform } from "../support/platform.ts";
import { openStacks } from "../support/stacks.ts";

const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const jwk = { ...publicKey.export({ format: "jwk" }), kid: "k1", use: "sig", alg: "RS256" };

/** An issuer of tokens: an API of the platform itself, which is all that may be asked without the internet. */
const ISSUER = `exports.handler = async (e) => e.rawPath.startsWith('/.well-known')
  ? { issuer: 'http://' + e.headers.host, jwks_uri: 'http://' + e.headers.host + '/keys' }
  : { keys: [${JSON.stringify(jwk)}] };`;
const ECHO =
  "exports.handler = async (e) => ({ statusCode: 200, body: JSON.stringify(e.requestContext.authorizer ?? null) });";
const ASKED = `let n = 0;
exports.handler = async (e) => {
  n++;
  const [user] = [e.identitySource].flat();
  if (user === 'throws') throw new Error('x');
  if (e.version === '2.0') return { isAuthorized: user === 'ann', context: { n, at: e.routeArn.split('/').slice(1).join('/'), key: e.routeKey } };
  return { principalId: user, context: { token: e.authorizationToken }, policyDocument: { Version: '2012-10-17',
    Statement: [{ Action: 'execute-api:Invoke', Effect: user === 'deny' ? 'Deny' : 'Allow', Resource: e.methodArn }] } };
};`;

const inline = (InlineCode: string, Events: object = {}) => ({
  Type: "AWS::Serverless::Function",
  Properties: { InlineCode, Handler: "index.handler", Runtime: "nodejs24.x", Events },
});
const event = (ApiId: string, Path: string, more: object = {}) => ({
  Type: "HttpApi",
  Properties: { ApiId: { Ref: ApiId }, Path, Method: "get", ...more },
});
const FunctionArn = { "Fn::GetAtt": ["Asked", "Arn"] };
const issuer = {
  "Fn::Sub": [
    "http://${Host}",
    { Host: { "Fn::Select": [2, { "Fn::Split": ["/", { "Fn::GetAtt": ["Issuer", "ApiEndpoint"] }] }] } },
  ],
};
const template = {
  Transform: "AWS::Serverless-2016-10-31",
  Resources: {
    Issuer: { Type: "AWS::Serverless::HttpApi" },
    Keys: inline(ISSUER, { All: event("Issuer", "/{proxy+}") }),
    Asked: inline(ASKED),
    Echo: inline(ECHO, {
      Token: event("Api", "/token"),
      Scoped: event("Api", "/scoped", { Auth: { AuthorizationScopes: ["items:write", "items:all"] } }),
      Simple: event("Api", "/simple", { Auth: { Authorizer: "Simple" } }),
      Old: event("Api", "/old", { Auth: { Authorizer: "Old" } }),
      Open: event("Api", "/open", { Auth: { Authorizer: "NONE" } }),
    }),
    Api: {
      Type: "AWS::Serverless::HttpApi",
      Properties: {
        Auth: {
          DefaultAuthorizer: "Token",
          Authorizers: {
            Token: { JwtConfiguration: { issuer, audience: ["app"] }, IdentitySource: "$request.header.Authorization" },
            Simple: {
              FunctionArn,
              AuthorizerPayloadFormatVersion: "2.0",
              EnableSimpleResponses: true,
              EnableFunctionDefaultPermissions: true,
              Identity: { Headers: ["X-User"], ReauthorizeEvery: 300 },
            },
            Old: {
              FunctionArn,
              AuthorizerPayloadFormatVersion: "1.0",
              EnableFunctionDefaultPermissions: true,
              Identity: { QueryStrings: ["user"] },
            },
          },
        },
      },
    },
  },
  Outputs: {
    Api: { Value: { Ref: "Api" } },
    Issuer: { Value: issuer },
  },
};

describe("authorizers of HTTP APIs", { skip: cannotRun }, () => {
  let platform: TestPlatform;
  let api: string;
  let iss: string;

  before(async () => {
    platform = await startPlatform();
    const stacks = openStacks(platform.client);
    const Capabilities = ["CAPABILITY_IAM" as const, "CAPABILITY_AUTO_EXPAND" as const];
    const outputs = await stacks.created("authorizers", JSON.stringify(template), { Capabilities });
    [api, iss] = [outputs["Api"]!, outputs["Issuer"]!];
  });
  after(() => platform?.stop());

  const call = (path: string, headers: Record<string, string> = {}) =>
    callApi(platform.port, api, "GET", path, { headers });
  const text = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  function token(more: object = {}, header: object = {}): string {
    const claims = { iss, aud: "app", sub: "ann", exp: Math.floor(Date.now() / 1000) + 60, ...more };
    const signed = `${text({ alg: "RS256", kid: "k1", ...header })}.${text(claims)}`;
    return `${signed}.${sign("sha256", Buffer.from(signed), privateKey).toString("base64url")}`;
  }
  const bearer = (value: string) => ({ authorization: `Bearer ${value}` });

  test("a good token lets through; its claims reach the function as text", async () => {
    const { status, json } = await call("/token", bearer(token({ groups: ["a", "b"], admin: true, level: 3 })));
    assert.equal(status, 200);
    const { claims, scopes } = json.jwt;
    assert.deepEqual(
      [claims.sub, claims.groups, claims.admin, claims.level, scopes],
      ["ann", "[a b]", "true", "3", null],
    );
    assert.equal((await call("/open")).text, "null");
  });

  test("no token, a bad one, and one for somebody else are 401 with a challenge", async () => {
    const missing = await call("/token");
    assert.deepEqual([missing.status, missing.json], [401, { message: "Unauthorized" }]);
    assert.equal(missing.headers["www-authenticate"], "Bearer");
    const bad = [
      token({ aud: "other" }),
      token({ iss: "https://elsewhere.example" }),
      token({ exp: 1000 }),
      token({}, { alg: "none" }),
      token({}, { kid: "k2" }),
      `${token().slice(0, -8)}AAAAAAAA`,
      "x",
    ];
    for (const one of bad) {
      const { status, headers } = await call("/token", bearer(one));
      assert.equal(status, 401, one);
      assert.match(String(headers["www-authenticate"]), /error="invalid_token" error_description="/);
    }
  });

  test("a route's scopes: one of them is enough, none is 403", async () => {
    const { json } = await call("/scoped", bearer(token({ scope: "items:read items:write" })));
    assert.deepEqual(json.jwt.scopes, ["items:write"]);
    const { status, headers } = await call("/scoped", bearer(token({ scope: "items:read" })));
    assert.equal(status, 403);
    assert.match(String(headers["www-authenticate"]), /scope="items:write items:all" error="insufficient_scope"/);
  });

  test("a function with simple responses: context, cache, 401 without identity, 403, 500", async () => {
    const first = await call("/simple", { "x-user": "ann" });
    assert.deepEqual(first.json, { lambda: { n: 1, at: "$default/GET/simple", key: "GET /simple" } });
    assert.equal((await call("/simple", { "x-user": "ann" })).json.lambda.n, 1);
    assert.deepEqual(
      [(await call("/simple")).status, (await call("/simple")).json],
      [401, { message: "Unauthorized" }],
    );
    const refused = await call("/simple", { "x-user": "bob" });
    assert.deepEqual([refused.status, refused.json], [403, { message: "Forbidden" }]);
    const failed = await call("/simple", { "x-user": "throws" });
    assert.deepEqual([failed.status, failed.json], [500, { message: "Internal Server Error" }]);
    await new ApiGatewayV2(platform.client).resetAuthorizersCache({ ApiId: api, StageName: "$default" });
    assert.notEqual((await call("/simple", { "x-user": "ann" })).json.lambda.n, 1);
  });

  test("a function with policies, in format 1.0", async () => {
    const { json } = await call("/old?user=ann");
    assert.deepEqual(json.lambda, { token: "ann" });
    assert.equal((await call("/old?user=deny")).status, 403);
    assert.equal((await call("/old")).status, 401);
  });

  test("authorizers through the API; an issuer that may not be asked lets nobody through", async () => {
    const gateway = new ApiGatewayV2(platform.client);
    const { Items = [] } = await gateway.getAuthorizers({ ApiId: api });
    assert.deepEqual(Items.map((a) => a.Name).toSorted(), ["Old", "Simple", "Token"]);
    const jwt = Items.find((a) => a.Name === "Token")!;
    assert.deepEqual(jwt.JwtConfiguration, { Issuer: iss, Audience: ["app"] });
    await assert.rejects(gateway.deleteAuthorizer({ ApiId: api, AuthorizerId: jwt.AuthorizerId }), {
      name: "ConflictException",
    });
    await assert.rejects(
      gateway.createRoute({ ApiId: api, RouteKey: "GET /x", AuthorizationType: "JWT", AuthorizerId: "nobody" }),
      { name: "NotFoundException" },
    );
    for (const Issuer of ["http://127.0.0.1:1", "http://169.254.169.254", "https://issuer.example"]) {
      const JwtConfiguration = { Issuer, Audience: ["app"] };
      await gateway.updateAuthorizer({ ApiId: api, AuthorizerId: jwt.AuthorizerId, JwtConfiguration });
      assert.equal((await call("/token", bearer(token({ iss: Issuer })))).status, 401);
    }
  });
});
