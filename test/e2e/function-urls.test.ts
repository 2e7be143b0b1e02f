import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, describe, test } from "node:test";
import { SignatureV4 } from "@smithy/signature-v4";
import { functionKit, type FunctionKit } from "../support/function-kit.ts";
import { cannotRun, startPlatform, type TestPlatform } from "../support/platform.ts";
import { Sha256 } from "../support/sha256.ts";
import { body, group, openStacks } from "../support/stacks.ts";

describe("function URLs", { skip: cannotRun }, () => {
  let platform: TestPlatform;
  let lambda: FunctionKit["lambda"];
  let create: FunctionKit["create"];
  before(async () => {
    platform = await startPlatform();
    ({ lambda, create } = await functionKit(platform.client));
  });
  after(() => platform?.stop());

  test("a function URL: who may call it, what the function gets and answers, CORS", async () => {
    const FunctionName = await create({
      "index.mjs": `export const handler = async (e) => {
  if (e.rawPath === "/fail") throw new Error("no");
  if (e.rawPath === "/plain") return { hello: "world" };
  const { method } = e.requestContext.http;
  return {
    statusCode: 201, cookies: ["a=1", "b=2"], isBase64Encoded: true,
    headers: { "access-control-allow-origin": "https://own.example" },
    body: Buffer.from(JSON.stringify([method, e.rawPath, e.queryStringParameters, e.body, e.requestContext.authorizer?.iam.userArn])).toString("base64"),
  };
};`,
    });
    const AllowOrigins = ["https://a.example"];
    const made = await lambda.createFunctionUrlConfig({
      FunctionName,
      AuthType: "NONE",
      Cors: { AllowOrigins, AllowMethods: ["PUT"], MaxAge: 60 },
    });
    assert.match(
      made.FunctionUrl!,
      new RegExp(`^http://[a-z0-9]{32}\\.lambda-url\\.us-east-1\\.(localhost|127\\.0\\.0\\.1):${platform.port}/$`),
    );
    const id = new URL(made.FunctionUrl!).hostname.split(".")[0];
    const send = (path: string, options: { method?: string; host?: string; headers?: object; body?: string } = {}) =>
      new Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; text: string }>((resolve, reject) => {
        const { method = "GET", host = `${id}.lambda-url.us-east-1.localhost:${platform.port}` } = options;
        const to = { host: "127.0.0.1", port: platform.port, method, path, headers: { host, ...options.headers } };
        request(to, (answer) => {
          let text = "";
          answer.setEncoding("utf8").on("data", (chunk) => (text += chunk));
          answer.on("end", () => resolve({ status: answer.statusCode!, headers: answer.headers, text }));
        })
          .on("error", reject)
          .end(options.body);
      });
    const closed = await send("/");
    assert.equal(closed.status, 403);
    assert.match(JSON.parse(closed.text).Message, /^Forbidden\. For troubleshooting/);
    assert.equal(closed.headers["x-amzn-errortype"], "AccessDeniedException");
    const open = { FunctionName, Principal: "*", Action: "lambda:InvokeFunctionUrl" };
    await lambda.addPermission({ ...open, StatementId: "iam", FunctionUrlAuthType: "AWS_IAM" });
    assert.equal((await send("/")).status, 403, "a statement for the other kind of URL");
    await lambda.addPermission({ ...open, StatementId: "none", FunctionUrlAuthType: "NONE" });
    const put = await send("/a%20b?q=1&q=2", {
      method: "PUT",
      body: "text",
      host: `${id}.lambda-url.us-east-1.on.aws`,
    });
    assert.equal(put.status, 201);
    assert.deepEqual(JSON.parse(put.text), ["PUT", "/a b", { q: "1,2" }, "text", null]);
    assert.deepEqual(put.headers["set-cookie"], ["a=1", "b=2"]);
    assert.equal(put.headers["content-type"], "application/json");
    assert.match(String(put.headers["x-amzn-requestid"]), /^[0-9a-f-]{36}$/);
    assert.equal((await send("/plain")).text, '{"hello":"world"}');
    const failed = await send("/fail");
    assert.deepEqual([failed.status, failed.text], [502, "Internal Server Error"]);
    const cors = await send("/", { headers: { origin: "https://a.example" } });
    assert.equal(cors.headers["access-control-allow-origin"], "https://a.example");
    const ask = { origin: "https://a.example", "access-control-request-method": "PUT" };
    const preflight = await send("/", { method: "OPTIONS", headers: ask });
    assert.equal(preflight.headers["access-control-allow-methods"], "PUT");
    assert.equal(preflight.headers["access-control-max-age"], "60");
    assert.equal((await send("/", { host: `${"a".repeat(32)}.lambda-url.us-east-1.localhost` })).status, 403);
    const hardly = { FunctionName, Principal: "*", Action: "lambda:InvokeFunction", InvokedViaFunctionUrl: true };
    const { Statement } = await lambda.addPermission({ ...hardly, StatementId: "via" });
    assert.deepEqual(JSON.parse(Statement!).Condition, { Bool: { "lambda:InvokedViaFunctionUrl": "true" } });

    await lambda.removePermission({ FunctionName, StatementId: "iam" });
    await lambda.updateFunctionUrlConfig({ FunctionName, AuthType: "AWS_IAM" });
    assert.equal((await send("/")).status, 403, "not signed");
    const hostname = `${id}.lambda-url.us-east-1.localhost`;
    const { credentials } = platform.client;
    const signer = new SignatureV4({ credentials, region: "us-east-1", service: "lambda", sha256: Sha256 as never });
    const headers = { host: hostname };
    const signed = await signer.sign({ method: "GET", protocol: "http:", hostname, path: "/who", headers });
    const who = await send("/who", { host: hostname, headers: signed.headers });
    assert.equal(who.status, 201, who.text);
    assert.match(JSON.parse(who.text)[4], /^arn:aws:iam::000000000000:user\/admin$/);
    const forged = await send("/other", { host: hostname, headers: signed.headers });
    assert.equal(forged.status, 403);

    assert.equal(
      (await lambda.listFunctionUrlConfigs({ FunctionName })).FunctionUrlConfigs![0]!.InvokeMode,
      "BUFFERED",
    );
    await assert.rejects(lambda.createFunctionUrlConfig({ FunctionName, AuthType: "NONE" }), {
      name: "ResourceConflictException",
      message:
        /^Failed to create function url config for \[functionArn = .*\]\. Error message: {2}FunctionUrlConfig exists/,
    });
    await lambda.deleteFunctionUrlConfig({ FunctionName });
    assert.equal((await send("/")).status, 403);
    await assert.rejects(lambda.getFunctionUrlConfig({ FunctionName }), { name: "ResourceNotFoundException" });
  });

  test("a stack makes, changes and removes a function's URL and the settings of its asynchronous calls", async () => {
    const stacks = openStacks(platform.client);
    const FunctionName = await create({ "index.js": "exports.handler = async () => 1" });
    const template = (AuthType: string, MaximumRetryAttempts: number) =>
      body(
        {
          Url: { Type: "AWS::Lambda::Url", Properties: { TargetFunctionArn: FunctionName, AuthType } },
          Events: {
            Type: "AWS::Lambda::EventInvokeConfig",
            Properties: { FunctionName, Qualifier: "$LATEST", MaximumRetryAttempts },
          },
        },
        { Outputs: { Url: { Value: { "Fn::GetAtt": ["Url", "FunctionUrl"] } } } },
      );
    const stack = await stacks.create("urls", template("NONE", 0));
    assert.equal(stack.StackStatus, "CREATE_COMPLETE");
    const { FunctionUrl } = await lambda.getFunctionUrlConfig({ FunctionName });
    assert.equal(stack.Outputs![0]!.OutputValue, FunctionUrl);
    assert.equal((await stacks.update("urls", template("AWS_IAM", 1))).StackStatus, "UPDATE_COMPLETE");
    const after = await lambda.getFunctionUrlConfig({ FunctionName });
    assert.deepEqual([after.FunctionUrl, after.AuthType], [FunctionUrl, "AWS_IAM"]);
    assert.equal((await lambda.getFunctionEventInvokeConfig({ FunctionName })).MaximumRetryAttempts, 1);
    assert.equal((await stacks.update("urls", body({ Other: group("/urls") }))).StackStatus, "UPDATE_COMPLETE");
    await assert.rejects(lambda.getFunctionUrlConfig({ FunctionName }), { name: "ResourceNotFoundException" });
    await assert.rejects(lambda.getFunctionEventInvokeConfig({ FunctionName }), { name: "ResourceNotFoundException" });
  });
});
