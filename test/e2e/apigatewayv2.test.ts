import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, describe, test } from "node:test";
import { ApiGatewayV2 } from "@aws-sdk/client-apigatewayv2";
import { CloudWatchLogs } from "@aws-sdk/client-cloudwatch-logs";
import { IAM } from "@aws-sdk/client-iam";
import { Lambda } from "@aws-sdk/client-lambda";
import { cannotRun, startPlatform, type TestPlatform } from "../support/platform.ts";
import { zip } from "../support/zip.ts";

const HANDLER = `exports.handler = async (e) => e.rawPath === '/plain' ? { hello: 'world' }
  : e.rawPath === '/binary' ? { statusCode: 200, isBase64Encoded: true, body: Buffer.from([0, 255]).toString('base64'), cookies: ['a=1'] }
  : { statusCode: 201, body: JSON.stringify(e) }`;

describe("HTTP APIs", { skip: cannotRun }, () => {
  let platform: TestPlatform;
  let gateway: ApiGatewayV2;
  let api: string;

  before(async () => {
    platform = await startPlatform();
    const trust = {
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" }],
    };
    const { Role } = await new IAM(platform.client).createRole({
      RoleName: "fn",
      AssumeRolePolicyDocument: JSON.stringify(trust),
    });
    const lambda = new Lambda(platform.client);
    const Code = { ZipFile: await zip({ "index.js": HANDLER }) };
    const made = await lambda.createFunction({
      FunctionName: "web",
      Role: Role!.Arn!,
      Runtime: "nodejs24.x",
      Handler: "index.handler",
      Code,
    });
    gateway = new ApiGatewayV2(platform.client);
    const CorsConfiguration = { AllowOrigins: ["http://site.example"], AllowMethods: ["GET"], MaxAge: 60 };
    api = (await gateway.createApi({ Name: "t", ProtocolType: "HTTP", CorsConfiguration })).ApiId!;
    const integration = {
      ApiId: api,
      IntegrationType: "AWS_PROXY" as const,
      IntegrationUri: made.FunctionArn!,
      PayloadFormatVersion: "2.0",
    };
    const Target = `integrations/${(await gateway.createIntegration(integration)).IntegrationId}`;
    for (const RouteKey of ["GET /items/{id}", "ANY /{proxy+}"])
      await gateway.createRoute({ ApiId: api, RouteKey, Target });
    await gateway.createStage({ ApiId: api, StageName: "$default", AutoDeploy: true });
    const SourceArn = `arn:aws:execute-api:us-east-1:000000000000:${api}/*/*`;
    await lambda.addPermission({
      FunctionName: "web",
      StatementId: "api",
      Action: "lambda:InvokeFunction",
      Principal: "apigateway.amazonaws.com",
      SourceArn,
    });
  });
  after(() => platform?.stop());

  function call(method: string, path: string, headers: Record<string, string> = {}) {
    return new Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; body: Buffer }>((resolve, reject) => {
      const host = `${api}.execute-api.localhost:${platform.port}`;
      const sent = request(
        { host: "127.0.0.1", port: platform.port, method, path, headers: { host, ...headers } },
        (answer) => {
          const chunks: Buffer[] = [];
          answer.on("data", (chunk) => chunks.push(chunk));
          answer.on("end", () =>
            resolve({ status: answer.statusCode!, headers: answer.headers, body: Buffer.concat(chunks) }),
          );
        },
      );
      sent.on("error", reject).end();
    });
  }

  test("payload 2.0: route key, path parameters, query, cookies", async () => {
    const { status, body } = await call("GET", "/items/7?a=1&a=2", { cookie: "x=1; y=2" });
    const event = JSON.parse(body.toString());
    assert.equal(status, 201);
    assert.equal(event.version, "2.0");
    assert.equal(event.routeKey, "GET /items/{id}");
    assert.deepEqual(event.pathParameters, { id: "7" });
    assert.equal(event.rawQueryString, "a=1&a=2");
    assert.deepEqual(event.queryStringParameters, { a: "1,2" });
    assert.deepEqual(event.cookies, ["x=1", "y=2"]);
    assert.equal(event.requestContext.stage, "$default");
  });

  test("a stage's route settings and access log: throttle, metrics and what $context says", async () => {
    const logs = new CloudWatchLogs(platform.client);
    await logs.createLogGroup({ logGroupName: "access" });
    const DestinationArn = "arn:aws:logs:us-east-1:000000000000:log-group:access:*";
    const Format = "$context.routeKey|$context.status|$context.path|$context.identity.sourceIp|$context.error.message";
    const where = { ApiId: api, StageName: "watched" };
    const stage = await gateway.createStage({
      ...where,
      AutoDeploy: true,
      AccessLogSettings: { DestinationArn, Format },
      DefaultRouteSettings: { DetailedMetricsEnabled: true },
      RouteSettings: { "GET /items/{id}": { ThrottlingBurstLimit: 1, ThrottlingRateLimit: 0.001 } },
    });
    assert.deepEqual(stage.RouteSettings, {
      "GET /items/{id}": { ThrottlingBurstLimit: 1, ThrottlingRateLimit: 0.001 },
    });
    const answers = [];
    for (const path of ["/items/1", "/items/2", "/other"]) answers.push(await call("GET", `/watched${path}`));
    assert.deepEqual(
      answers.map((a) => a.status),
      [201, 429, 201],
    );
    assert.deepEqual(JSON.parse(answers[1]!.body.toString()), { message: "Too Many Requests" });
    let messages: string[] = [];
    for (const deadline = Date.now() + 5_000; messages.length < 3 && Date.now() < deadline;)
      messages = ((await logs.filterLogEvents({ logGroupName: "access" })).events ?? []).map((e) => e.message!);
    assert.deepEqual(messages, [
      "GET /items/{id}|201|/watched/items/1|127.0.0.1|-",
      "GET /items/{id}|429|/watched/items/2|127.0.0.1|Too Many Requests",
      "ANY /{proxy+}|201|/watched/other|127.0.0.1|-",
    ]);
    await gateway.deleteAccessLogSettings(where);
    await gateway.deleteRouteSettings({ ...where, RouteKey: "GET /items/{id}" });
    const then = await gateway.getStage(where);
    assert.deepEqual([then.AccessLogSettings, then.RouteSettings], [undefined, {}]);
    assert.equal((await call("GET", "/watched/items/1")).status, 201);
  });

  test("an answer without statusCode is a body with 200; base64 becomes bytes; cookies are set", async () => {
    const plain = await call("GET", "/plain");
    assert.deepEqual(
      [plain.status, plain.body.toString(), plain.headers["content-type"]],
      [200, '{"hello":"world"}', "application/json"],
    );
    const binary = await call("GET", "/binary");
    assert.deepEqual([...binary.body], [0, 255]);
    assert.deepEqual(binary.headers["set-cookie"], ["a=1"]);
  });

  test("a path without a route is 404; preflights are answered from the configuration", async () => {
    await gateway.deleteRoute({
      ApiId: api,
      RouteId: (await gateway.getRoutes({ ApiId: api })).Items!.find((r) => r.RouteKey === "ANY /{proxy+}")!.RouteId!,
    });
    const missing = await call("GET", "/nowhere");
    assert.deepEqual([missing.status, missing.body.toString()], [404, '{"message":"Not Found"}']);
    const headers = { origin: "http://site.example", "access-control-request-method": "GET" };
    const preflight = await call("OPTIONS", "/items/1", headers);
    assert.deepEqual(
      [
        preflight.status,
        preflight.headers["access-control-allow-origin"],
        preflight.headers["access-control-allow-methods"],
      ],
      [204, "http://site.example", "GET"],
    );
    const other = await call("OPTIONS", "/items/1", { ...headers, origin: "http://evil.example" });
    assert.equal(other.headers["access-control-allow-origin"], undefined);
  });

  test("a function is called where its policy names the API and the route: with its variables, or a wildcard", async () => {
    const lambda = new Lambda(platform.client);
    await lambda.removePermission({ FunctionName: "web", StatementId: "api" });
    const statement = { FunctionName: "web", StatementId: "one" };
    const statusWith = async (source: string) => {
      const SourceArn = `arn:aws:execute-api:us-east-1:000000000000:${source}`;
      const Principal = "apigateway.amazonaws.com";
      await lambda.addPermission({ ...statement, Action: "lambda:InvokeFunction", Principal, SourceArn });
      const { status } = await call("GET", "/items/1");
      await lambda.removePermission(statement);
      return status;
    };
    assert.equal(await statusWith("other/*/*"), 500);
    assert.equal(await statusWith(`${api}/*/*/items/{id}`), 201, "as the CDK writes it");
    assert.equal(await statusWith(`${api}/*/GET/items/*`), 201, "as SAM writes it");
    assert.equal(await statusWith(`${api}/*/GET/items/1`), 500);
  });
});
