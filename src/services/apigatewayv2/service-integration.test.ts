import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { APIGateway } from "@aws-sdk/client-api-gateway";
import { ApiGatewayV2 } from "@aws-sdk/client-apigatewayv2";
import { EventBridge } from "@aws-sdk/client-eventbridge";
import { IAM } from "@aws-sdk/client-iam";
import { SQS } from "@aws-sdk/client-sqs";
import { callApi } from "../../../test/support/api-call.ts";
import { deployMockApi } from "../../../test/support/mock-api.ts";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

let app: TestApp;
let gateway: ApiGatewayV2;
let sqs: SQS;
let CredentialsArn: string;
before(async () => {
  app = await startTestApp();
  gateway = new ApiGatewayV2(app.client);
  sqs = new SQS(app.client);
  const iam = new IAM(app.client);
  const document = (statement: object) =>
    JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", ...statement }] });
  const { Role } = await iam.createRole({
    RoleName: "sends",
    AssumeRolePolicyDocument: document({
      Principal: { Service: "apigateway.amazonaws.com" },
      Action: "sts:AssumeRole",
    }),
  });
  const PolicyDocument = document({ Action: ["sqs:*", "events:PutEvents"], Resource: "*" });
  await iam.putRolePolicy({ RoleName: "sends", PolicyName: "p", PolicyDocument });
  CredentialsArn = Role!.Arn!;
});
after(() => app.stop());

async function api(Name: string): Promise<string> {
  const { ApiId } = await gateway.createApi({ Name, ProtocolType: "HTTP" });
  await gateway.createStage({ ApiId, StageName: "$default", AutoDeploy: true });
  return ApiId!;
}

async function route(ApiId: string, RouteKey: string, IntegrationSubtype: string, RequestParameters: object) {
  const integration = { ApiId, IntegrationType: "AWS_PROXY" as const, IntegrationSubtype, PayloadFormatVersion: "1.0" };
  const parameters = RequestParameters as Record<string, string>;
  const made = await gateway.createIntegration({ ...integration, CredentialsArn, RequestParameters: parameters });
  await gateway.createRoute({ ApiId, RouteKey, Target: `integrations/${made.IntegrationId}` });
  return made;
}

test("routes send, receive and delete messages of a queue without a function", async () => {
  const ApiId = await api("queue");
  const { QueueUrl } = await sqs.createQueue({ QueueName: "in" });
  const attribute = { DataType: "String", StringValue: "${request.header.x-own} of ${request.querystring.q}" };
  const made = await route(ApiId, "POST /send/{who}", "SQS-SendMessage", {
    QueueUrl,
    MessageBody: "$request.body.text",
    DelaySeconds: "0",
    MessageAttributes: JSON.stringify({
      own: attribute,
      who: { DataType: "String", StringValue: "${request.path.who}" },
    }),
  });
  assert.deepEqual([made.IntegrationSubtype, made.IntegrationUri], ["SQS-SendMessage", undefined]);
  assert.equal(made.RequestParameters!["MessageBody"], "$request.body.text");
  await route(ApiId, "GET /receive", "SQS-ReceiveMessage", { QueueUrl });
  const sent = await callApi(app.running.port, ApiId, "POST", "/send/me?q=b", {
    body: JSON.stringify({ text: "hello" }),
    headers: { "x-own": "a" },
  });
  assert.equal(sent.status, 200);
  assert.match(sent.text, /<SendMessageResponse.*<MD5OfMessageBody>5d41402abc4b2a76b9719d911017c592</s);
  const { Messages } = await sqs.receiveMessage({ QueueUrl, MessageAttributeNames: ["All"], VisibilityTimeout: 0 });
  const [message] = Messages!;
  assert.equal(message!.Body, "hello");
  assert.equal(message!.MessageAttributes!["own"]!.StringValue, "a of b");
  assert.equal(message!.MessageAttributes!["who"]!.StringValue, "me");
  assert.match((await callApi(app.running.port, ApiId, "GET", "/receive")).text, /<Body>hello</);
  // What the request does not have is not sent: SQS says so.
  const empty = await callApi(app.running.port, ApiId, "POST", "/send/me?q=b", { body: "{}" });
  assert.equal(empty.status, 400);
});

test("routes put events on a bus without a function", async () => {
  const ApiId = await api("bus");
  const events = new EventBridge(app.client);
  const { QueueUrl } = await sqs.createQueue({ QueueName: "events" });
  const { Attributes } = await sqs.getQueueAttributes({ QueueUrl, AttributeNames: ["QueueArn"] });
  const queueArn = Attributes!["QueueArn"]!;
  const Statement = [{ Effect: "Allow", Principal: "*", Action: "sqs:SendMessage", Resource: queueArn }];
  await sqs.setQueueAttributes({
    QueueUrl,
    Attributes: { Policy: JSON.stringify({ Version: "2012-10-17", Statement }) },
  });
  await events.createEventBus({ Name: "own" });
  await events.putRule({ Name: "all", EventBusName: "own", EventPattern: '{"source":[{"prefix":"com.mine."}]}' });
  await events.putTargets({ Rule: "all", EventBusName: "own", Targets: [{ Id: "q", Arn: queueArn }] });
  await route(ApiId, "POST /{source}", "EventBridge-PutEvents", {
    Source: "com.mine.$request.path.source",
    DetailType: "made",
    Detail: "$request.body",
    EventBusName: "own",
    Resources: '["arn:aws:s3:::x"]',
    Time: "2026-01-02T03:04:05Z",
  });
  const { status, json, headers } = await callApi(app.running.port, ApiId, "POST", "/shop", { body: '{"n":1}' });
  assert.deepEqual([status, headers["content-type"], json.FailedEntryCount], [200, "application/x-amz-json-1.1", 0]);
  const { Messages } = await sqs.receiveMessage({ QueueUrl, WaitTimeSeconds: 5 });
  const event = JSON.parse(Messages![0]!.Body!);
  assert.deepEqual([event.source, event.detail, event.id], ["com.mine.shop", { n: 1 }, json.Entries[0].EventId]);
  assert.deepEqual([event.resources, event.time], [["arn:aws:s3:::x"], "2026-01-02T03:04:05Z"]);
});

test("documents have such integrations too, and what cannot be called is refused", async () => {
  const integration = {
    type: "aws_proxy",
    integrationSubtype: "SQS-PurgeQueue",
    credentials: CredentialsArn,
    payloadFormatVersion: "1.0",
    requestParameters: { QueueUrl: "http://x/q" },
  };
  const imported = (changes: object) =>
    gateway.importApi({
      Body: JSON.stringify({
        openapi: "3.0.1",
        info: { title: "all", version: "1" },
        paths: { "/x": { post: { "x-amazon-apigateway-integration": { ...integration, ...changes } } } },
      }),
    });
  const { ApiId } = await imported({});
  const { Items } = await gateway.getIntegrations({ ApiId });
  assert.deepEqual([Items![0]!.IntegrationSubtype, Items![0]!.CredentialsArn], ["SQS-PurgeQueue", CredentialsArn]);
  const refused: [object, RegExp][] = [
    [{ requestParameters: {} }, /Missing required request parameters for SQS-PurgeQueue: QueueUrl/],
    [{ requestParameters: { QueueUrl: "q", Own: "x" } }, /Invalid request parameters for SQS-PurgeQueue: Own/],
    [{ credentials: undefined }, /CredentialsArn is a required parameter/],
    [{ integrationSubtype: "SQS-Paint" }, /Invalid integration subtype specified: SQS-Paint/],
    [{ integrationSubtype: "Kinesis-PutRecord" }, /does not implement integrations of the subtype Kinesis-PutRecord/],
    [{ payloadFormatVersion: "2.0" }, /PayloadFormatVersion of SQS-PurgeQueue integrations must be 1.0/],
  ];
  for (const [changes, message] of refused) await assert.rejects(imported(changes), { message });
});

test("request parameters change what an endpoint is asked", async () => {
  const restApiId = await deployMockApi(new APIGateway(app.client), "v1", {
    statusCode: "200",
    template:
      '{"path":"$context.path","a":"$input.params(\'a\')","b":"$input.params(\'b\')","h":"$input.params(\'x-h\')"}',
    responseParameters: {},
  });
  const ApiId = await api("mapped");
  const integration = {
    ApiId,
    IntegrationType: "HTTP_PROXY" as const,
    IntegrationMethod: "ANY",
    IntegrationUri: `http://${restApiId}.execute-api.localhost:${app.running.port}/v1/x`,
    PayloadFormatVersion: "1.0",
  };
  const RequestParameters = {
    "overwrite:path": "/v1/got/$request.path.id",
    "append:querystring.a": "1",
    "remove:querystring.b": "''",
    "overwrite:header.x-h": "${context.routeKey}",
  };
  const { IntegrationId } = await gateway.createIntegration({ ...integration, RequestParameters });
  assert.deepEqual(
    (await gateway.getIntegration({ ApiId, IntegrationId: IntegrationId! })).RequestParameters,
    RequestParameters,
  );
  await gateway.createRoute({ ApiId, RouteKey: "GET /{id}", Target: `integrations/${IntegrationId}` });
  const { json } = await callApi(app.running.port, ApiId, "GET", "/seven?b=2", { headers: { "X-H": "theirs" } });
  assert.deepEqual(json, { path: "/v1/got/seven", a: "1", b: "", h: "GET /{id}" });
  for (const key of ["overwrite:header.host", "replace:header.x", "append:path"])
    await assert.rejects(gateway.createIntegration({ ...integration, RequestParameters: { [key]: "x" } }), {
      name: "BadRequestException",
      message: `Invalid mapping expression specified: ${key}`,
    });
});
