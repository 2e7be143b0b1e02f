import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { APIGateway } from "@aws-sdk/client-api-gateway";
import { IAM } from "@aws-sdk/client-iam";
import { S3 } from "@aws-sdk/client-s3";
import { SQS } from "@aws-sdk/client-sqs";
import { SSM } from "@aws-sdk/client-ssm";
import { callApi } from "../../../test/support/api-call.ts";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

let app: TestApp;
let gateway: APIGateway;
let credentials: string;
before(async () => {
  app = await startTestApp();
  gateway = new APIGateway(app.client);
  const iam = new IAM(app.client);
  const trust = { Effect: "Allow", Principal: { Service: "apigateway.amazonaws.com" }, Action: "sts:AssumeRole" };
  const document = (Statement: object) => JSON.stringify({ Version: "2012-10-17", Statement: [Statement] });
  const { Role } = await iam.createRole({ RoleName: "api", AssumeRolePolicyDocument: document(trust) });
  const Action = ["s3:*", "sqs:SendMessage", "sqs:GetQueueUrl", "ssm:GetParameter", "events:PutEvents"];
  const PolicyDocument = document({ Effect: "Allow", Action, Resource: "*" });
  await iam.putRolePolicy({ RoleName: "api", PolicyName: "p", PolicyDocument });
  credentials = Role!.Arn!;
});
after(() => app.stop());

const OK = { default: { statusCode: "200" } };
async function deployed(paths: Record<string, object>, more: object = {}): Promise<string> {
  const made = Object.fromEntries(
    Object.entries(paths).map(([path, integration]) => {
      const given = { type: "aws", httpMethod: "POST", credentials, responses: OK, ...integration };
      return [path, { "x-amazon-apigateway-any-method": { "x-amazon-apigateway-integration": given } }];
    }),
  );
  const body = { swagger: "2.0", info: { title: "services", version: "1" }, paths: made, ...more };
  const { id } = await gateway.importRestApi({ body: Buffer.from(JSON.stringify(body)) });
  await gateway.createDeployment({ restApiId: id, stageName: "v1" });
  return id!;
}
const send = (api: string, method: string, path: string, body: string | Buffer = "", headers = {}) =>
  callApi(app.running.port, api, method, `/v1${path}`, { body: body as string, headers });

test("objects of a bucket are put, got and deleted by an API, as text and as bytes", async () => {
  const s3 = new S3(app.client);
  await s3.createBucket({ Bucket: "shelf" });
  const requestParameters = {
    "integration.request.path.key": "method.request.path.key",
    "integration.request.header.Content-Type": "method.request.header.Content-Type",
  };
  const responses = {
    default: {
      statusCode: "200",
      responseParameters: {
        "method.response.header.Content-Type": "integration.response.header.Content-Type",
        "method.response.header.Content-Length": "integration.response.header.Content-Length",
      },
    },
    "404": { statusCode: "404" },
  };
  const uri = "arn:aws:apigateway:us-east-1:s3:path/shelf/{key}";
  const toShelf = { httpMethod: "ANY", uri, requestParameters, responses };
  const paths = {
    "/{key+}": toShelf,
    "/text/{key}": { ...toShelf, responses: { default: { ...responses.default, contentHandling: "CONVERT_TO_TEXT" } } },
  };
  const api = await deployed(paths, { "x-amazon-apigateway-binary-media-types": ["image/png"] });
  assert.equal(
    (await send(api, "PUT", "/a%20b/c.json", '{"a":1}', { "content-type": "application/json" })).status,
    200,
  );
  const { Body, ContentType } = await s3.getObject({ Bucket: "shelf", Key: "a b/c.json" });
  assert.deepEqual([await Body!.transformToString(), ContentType], ['{"a":1}', "application/json"]);
  const got = await send(api, "GET", "/a%20b/c.json");
  assert.deepEqual([got.json, got.headers["x-amzn-remapped-content-length"]], [{ a: 1 }, "7"]);

  const picture = Buffer.from([0x89, 0x50, 0xff, 0]);
  await s3.putObject({ Bucket: "shelf", Key: "p.png", Body: picture, ContentType: "image/png" });
  assert.equal((await send(api, "GET", "/p.png")).text, picture.toString("base64"), "who accepts text gets base64");
  const bytes = await send(api, "GET", "/p.png", "", { accept: "image/png" });
  assert.deepEqual(bytes.headers["content-type"], "image/png");
  assert.equal((await send(api, "GET", "/text/p.png", "", { accept: "image/png" })).text, picture.toString("base64"));

  assert.equal((await send(api, "DELETE", "/p.png")).status, 200);
  const gone = await send(api, "GET", "/p.png");
  assert.equal(gone.status, 404);
  assert.match(gone.text, /<Code>NoSuchKey<\/Code>/);
});

test("a queue takes forms with attributes, and JSON by the header that names its operation", async () => {
  const sqs = new SQS(app.client);
  const { QueueUrl } = await sqs.createQueue({ QueueName: "inbox" });
  const uri = "arn:aws:apigateway:us-east-1:sqs:path/000000000000/inbox";
  const form =
    "Action=SendMessage&MessageBody=$input.body&MessageAttribute.1.Name=who&MessageAttribute.1.Value.DataType=String" +
    "&MessageAttribute.1.Value.StringValue=$input.params('x-who')";
  const xml = { "integration.request.header.Accept": "'application/xml'" };
  const target = { "integration.request.header.X-Amz-Target": "'AmazonSQS.SendMessage'" };
  const api = await deployed({
    "/form": { uri, requestTemplates: { "application/json": form } },
    "/xml": {
      uri,
      requestTemplates: { "application/json": "Action=GetQueueUrl&QueueName=inbox" },
      requestParameters: xml,
    },
    "/json": { uri, requestTemplates: { "application/json": '{"MessageBody": "two"}' }, requestParameters: target },
    "/get": {
      uri: "arn:aws:apigateway:us-east-1:sqs:action/SendMessage",
      requestParameters: {
        "integration.request.querystring.QueueUrl": `'${QueueUrl}'`,
        "integration.request.querystring.MessageBody": "method.request.querystring.text",
      },
    },
  });
  const sent = await send(api, "POST", "/form", "", { "x-who": "me" });
  const { SendMessageResult } = (sent.json as any).SendMessageResponse;
  assert.deepEqual([SendMessageResult.MD5OfMessageBody.length, SendMessageResult.SequenceNumber], [32, null]);
  assert.equal(typeof ((await send(api, "POST", "/json")).json as any).MessageId, "string");
  assert.match((await send(api, "POST", "/xml")).text, /^<GetQueueUrlResponse.*<QueueUrl>.*inbox<\/QueueUrl>/s);
  assert.equal((await send(api, "GET", "/get?text=three")).status, 200);
  const found = new Map<string, unknown>();
  for (let i = 0; i < 20 && found.size < 3; i++) {
    const { Messages = [] } = await sqs.receiveMessage({
      QueueUrl,
      MessageAttributeNames: ["All"],
      WaitTimeSeconds: 1,
    });
    for (const { Body, MessageAttributes } of Messages) found.set(Body!, MessageAttributes?.["who"]?.StringValue);
  }
  assert.deepEqual(Object.fromEntries(found), { "{}": "me", two: undefined, three: undefined });
});

test("a parameter is got by its name, and events are put by what a template has set of the headers", async () => {
  await new SSM(app.client).putParameter({ Name: "color", Value: "blue", Type: "String" });
  const template = `#set($context.requestOverride.header.X-Amz-Target = "AWSEvents.PutEvents")
{"Entries": [{"Detail": "$util.escapeJavaScript($input.json('$')).replaceAll("\\\\'","'")", "DetailType": "t", "Source": "mine"}]}`;
  const api = await deployed({
    "/color": {
      uri: "arn:aws:apigateway:us-east-1:ssm:action/GetParameter",
      requestParameters: { "integration.request.querystring.Name": "'color'" },
    },
    "/events": {
      uri: "arn:aws:apigateway:us-east-1:events:action/PutEvents",
      requestTemplates: { "application/json": template },
    },
  });
  const { GetParameterResponse } = (await send(api, "GET", "/color")).json as any;
  const { Value, Selector } = GetParameterResponse.GetParameterResult.Parameter;
  assert.deepEqual([Value, Selector], ["blue", null]);
  const { json } = await send(api, "POST", "/events", JSON.stringify({ text: "it's" }));
  assert.equal((json as any).FailedEntryCount, 0);
});

test("an integration with a function is called by POST alone", async () => {
  const uri =
    "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:000000000000:function:f/invocations";
  const api = await deployed({ "/": { type: "aws_proxy", httpMethod: "GET", uri, credentials: undefined } });
  const { status, json } = await send(api, "GET", "/");
  assert.deepEqual([status, json], [500, { message: "Internal server error" }]);
});
