import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, describe, test } from "node:test";
import { ApiGatewayV2 } from "@aws-sdk/client-apigatewayv2";
import { IAM } from "@aws-sdk/client-iam";
import * as L from "@aws-sdk/client-lambda";
import { cannotRun, startPlatform, type TestPlatform } from "../support/platform.ts";
import { trust } from "../support/stacks.ts";
import { zip } from "../support/zip.ts";

const answering = (text: string) => zip({ "index.mjs": `export const handler = async () => "${text}";` });

/** What a warm call has found and decided is kept: each of these changes must be seen by the very next one. */
describe("changes under warm calls", { skip: cannotRun }, () => {
  let platform: TestPlatform;
  let lambda: L.Lambda;
  let iam: IAM;
  let gateway: ApiGatewayV2;
  let api: string;
  let target: string;

  before(async () => {
    platform = await startPlatform();
    lambda = new L.Lambda(platform.client);
    iam = new IAM(platform.client);
    gateway = new ApiGatewayV2(platform.client);
    const { Role } = await iam.createRole({ RoleName: "fn", AssumeRolePolicyDocument: JSON.stringify(trust) });
    const made = await lambda.createFunction({
      FunctionName: "f",
      Role: Role!.Arn!,
      Runtime: "nodejs24.x",
      Handler: "index.handler",
      MemorySize: 512,
      Code: { ZipFile: await answering("one") },
    });
    await lambda.publishVersion({ FunctionName: "f" });
    await lambda.createAlias({ FunctionName: "f", Name: "live", FunctionVersion: "1" });
    api = (await gateway.createApi({ Name: "t", ProtocolType: "HTTP" })).ApiId!;
    target = await integrationOf(`${made.FunctionArn}:live`);
    await gateway.createStage({ ApiId: api, StageName: "$default", AutoDeploy: true });
  });
  after(() => platform?.stop());

  async function integrationOf(arn: string): Promise<string> {
    const integration = { ApiId: api, IntegrationType: "AWS_PROXY" as const, PayloadFormatVersion: "2.0" };
    const { IntegrationId } = await gateway.createIntegration({ ...integration, IntegrationUri: arn });
    return `integrations/${IntegrationId}`;
  }

  /** Status, or the function's text. */
  function get(): Promise<string> {
    return new Promise((resolve, reject) => {
      const headers = { host: `${api}.execute-api.localhost` };
      const sent = request({ host: "127.0.0.1", port: platform.port, path: "/a", headers }, (answer) => {
        let text = "";
        answer.on("data", (chunk) => (text += chunk));
        answer.on("end", () => resolve(answer.statusCode === 200 ? text : String(answer.statusCode)));
      });
      sent.on("error", reject).end();
    });
  }

  const permission = { FunctionName: "f", Qualifier: "live", StatementId: "api" };
  const permit = () =>
    lambda.addPermission({
      ...permission,
      Action: "lambda:InvokeFunction",
      Principal: "apigateway.amazonaws.com",
      SourceArn: `arn:aws:execute-api:us-east-1:000000000000:${api}/*/GET/a`,
    });

  async function warm(expected: string): Promise<void> {
    for (let n = 0; n < 3; n++) assert.equal(await get(), expected);
  }

  test("through an HTTP API: route, permission, alias, limit, integration, function", async () => {
    await warm("404");
    const { RouteId } = await gateway.createRoute({ ApiId: api, RouteKey: "GET /a", Target: target });
    await warm("500"); // the function does not permit it yet
    await permit();
    await warm("one");
    await lambda.removePermission(permission);
    await warm("500");
    await permit();
    await warm("one");

    await lambda.updateFunctionCode({ FunctionName: "f", ZipFile: await answering("two") });
    await warm("one");
    const { Version } = await lambda.publishVersion({ FunctionName: "f" });
    await lambda.updateAlias({ FunctionName: "f", Name: "live", FunctionVersion: Version! });
    await warm("two");
    await lambda.putFunctionConcurrency({ FunctionName: "f", ReservedConcurrentExecutions: 0 });
    await warm("503");
    await lambda.deleteFunctionConcurrency({ FunctionName: "f" });
    await warm("two");

    const missing = await integrationOf("arn:aws:lambda:us-east-1:000000000000:function:none");
    await gateway.updateRoute({ ApiId: api, RouteId: RouteId!, Target: missing });
    await warm("500");
    await gateway.updateRoute({ ApiId: api, RouteId: RouteId!, Target: target });
    await warm("two");
    await gateway.updateStage({ ApiId: api, StageName: "$default", AutoDeploy: false });
    await gateway.deleteRoute({ ApiId: api, RouteId: RouteId! });
    await gateway.updateStage({ ApiId: api, StageName: "$default", AutoDeploy: true });
    await warm("404");
    await gateway.createRoute({ ApiId: api, RouteKey: "GET /a", Target: target });
    await warm("two");
    await lambda.deleteFunction({ FunctionName: "f" });
    await warm("500");
  });

  test("a signed Invoke: policy of the user, its boundary and the function", async () => {
    const role = (await iam.getRole({ RoleName: "fn" })).Role!.Arn!;
    const definition = { Role: role, Runtime: "nodejs24.x", Handler: "index.handler", MemorySize: 512 } as const;
    await lambda.createFunction({ FunctionName: "g", ...definition, Code: { ZipFile: await answering("one") } });
    const { User } = await iam.createUser({ UserName: "u" });
    const { AccessKey } = await iam.createAccessKey({ UserName: "u" });
    const credentials = { accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! };
    const asUser = new L.Lambda({ ...platform.client, credentials });
    const call = async (): Promise<string> => {
      const answer = await asUser.invoke({ FunctionName: "g" }).catch((error: Error) => error.name);
      return typeof answer === "string" ? answer : String(JSON.parse(Buffer.from(answer.Payload!).toString()));
    };
    const expect = async (expected: string): Promise<void> => {
      for (let n = 0; n < 3; n++) assert.equal(await call(), expected);
    };
    const document = (Effect: string) =>
      JSON.stringify({
        Version: "2012-10-17",
        Statement: [{ Effect, Action: "lambda:InvokeFunction", Resource: "*" }],
      });
    const inline = { UserName: "u", PolicyName: "p" };

    await expect("AccessDeniedException");
    await iam.putUserPolicy({ ...inline, PolicyDocument: document("Allow") });
    await expect("one");
    await iam.putUserPolicy({ ...inline, PolicyDocument: document("Deny") });
    await expect("AccessDeniedException");
    await iam.deleteUserPolicy(inline);
    const grant = { FunctionName: "g", StatementId: "u" };
    await lambda.addPermission({ ...grant, Action: "lambda:InvokeFunction", Principal: User!.Arn! });
    await expect("one");
    await lambda.removePermission(grant);
    await expect("AccessDeniedException");
    await iam.putUserPolicy({ ...inline, PolicyDocument: document("Allow") });
    await lambda.updateFunctionCode({ FunctionName: "g", ZipFile: await answering("two") });
    await expect("two");

    const { Policy } = await iam.createPolicy({ PolicyName: "b", PolicyDocument: document("Deny") });
    await iam.putUserPermissionsBoundary({ UserName: "u", PermissionsBoundary: Policy!.Arn! });
    await expect("AccessDeniedException");
    await iam.deleteUserPermissionsBoundary({ UserName: "u" });
    await expect("two");
  });
});
