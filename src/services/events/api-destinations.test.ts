import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { EventBridge } from "@aws-sdk/client-eventbridge";
import { IAM } from "@aws-sdk/client-iam";
import { S3 } from "@aws-sdk/client-s3";
import { body, openStacks } from "../../../test/support/stacks.ts";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

let app: TestApp;
let events: EventBridge;
let s3: S3;
/** The other side: a bucket of the platform itself that everybody may write to and read. */
let site: string;

before(async () => {
  app = await startTestApp();
  events = new EventBridge(app.client);
  s3 = new S3({ ...app.client, forcePathStyle: true });
  site = `${app.running.platform.settings.publicUrl}/site`;
  await s3.createBucket({ Bucket: "site" });
  await s3.deletePublicAccessBlock({ Bucket: "site" });
  const Statement = { Effect: "Allow", Principal: "*", Action: "s3:*Object", Resource: "arn:aws:s3:::site/*" };
  await s3.putBucketPolicy({ Bucket: "site", Policy: JSON.stringify({ Version: "2012-10-17", Statement }) });
});
after(() => app.stop());

async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (const deadline = Date.now() + 20_000; Date.now() < deadline;) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("it did not come to that");
}

async function invoker(RoleName: string, Resource: string): Promise<string> {
  const Version = "2012-10-17";
  const trust = { Effect: "Allow", Principal: { Service: "events.amazonaws.com" }, Action: "sts:AssumeRole" };
  const AssumeRolePolicyDocument = JSON.stringify({ Version, Statement: trust });
  const iam = new IAM(app.client);
  const { Role } = await iam.createRole({ RoleName, AssumeRolePolicyDocument });
  const allow = { Effect: "Allow", Action: "events:InvokeApiDestination", Resource };
  const PolicyDocument = JSON.stringify({ Version, Statement: allow });
  await iam.putRolePolicy({ RoleName, PolicyName: "p", PolicyDocument });
  return Role!.Arn!;
}

test("an event goes to an endpoint with the connection's headers, body and key", async () => {
  const AuthParameters = {
    ApiKeyAuthParameters: { ApiKeyName: "x-amz-meta-old", ApiKeyValue: "secret" },
    InvocationHttpParameters: { BodyParameters: [{ Key: "team", Value: "red", IsValueSecret: true }] },
  };
  const made = await events.createConnection({ Name: "site", AuthorizationType: "API_KEY", AuthParameters });
  assert.equal(made.ConnectionState, "AUTHORIZED");
  const renamed = { ApiKeyAuthParameters: { ApiKeyName: "x-amz-meta-key" } };
  await events.updateConnection({ Name: "site", AuthParameters: renamed });
  const shown = await events.describeConnection({ Name: "site" });
  assert.deepEqual(shown.AuthParameters, {
    ApiKeyAuthParameters: { ApiKeyName: "x-amz-meta-key" },
    InvocationHttpParameters: { BodyParameters: [{ Key: "team", IsValueSecret: true }] },
  });
  const { ApiDestinationArn, ApiDestinationState } = await events.createApiDestination({
    Name: "put",
    ConnectionArn: made.ConnectionArn!,
    HttpMethod: "PUT",
    InvocationEndpoint: `${site}/*/event`,
  });
  assert.equal(ApiDestinationState, "ACTIVE");
  const iam = new IAM(app.client);
  await iam.createUser({ UserName: "eve" });
  const Allow = { Effect: "Allow", Action: "events:*", Resource: "arn:aws:events:*:*:api-destination/*" };
  const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement: Allow });
  await iam.putUserPolicy({ UserName: "eve", PolicyName: "p", PolicyDocument });
  const { AccessKey: key } = await iam.createAccessKey({ UserName: "eve" });
  const eve = new EventBridge(app.as({ accessKeyId: key!.AccessKeyId!, secretAccessKey: key!.SecretAccessKey! }));
  const mine = {
    Name: "mine",
    ConnectionArn: made.ConnectionArn!,
    HttpMethod: "PUT",
    InvocationEndpoint: site,
  } as const;
  await assert.rejects(eve.createApiDestination(mine), /on resource: \S+connection\/site\//);
  const RoleArn = await invoker("invoker", ApiDestinationArn!);
  await events.putRule({ Name: "orders", EventPattern: JSON.stringify({ source: ["shop"] }) });
  const HttpParameters = {
    PathParameterValues: ["a/b"],
    HeaderParameters: { "x-amz-meta-of": "target", Host: "evil", Range: "bytes=0-0", "Transfer-Encoding": "x" },
  };
  const target = { Id: "1", Arn: ApiDestinationArn!, InputPath: "$.detail" };
  await assert.rejects(events.putTargets({ Rule: "orders", Targets: [target] }), /RoleArn is required/);
  await events.putTargets({ Rule: "orders", Targets: [{ ...target, RoleArn, HttpParameters }] });
  await events.putEvents({ Entries: [{ Source: "shop", DetailType: "order", Detail: JSON.stringify({ id: 7 }) }] });
  const object = await until(() => s3.getObject({ Bucket: "site", Key: "a/b/event" }).catch(() => undefined));
  assert.deepEqual(object.Metadata, { key: "secret", of: "target" });
  assert.deepEqual(JSON.parse(await object.Body!.transformToString()), { id: 7, team: "red" });
});

test("with OAuth a connection tells whether a token can be had", async () => {
  await s3.putObject({ Bucket: "site", Key: "token", Body: JSON.stringify({ access_token: "t", expires_in: 60 }) });
  const OAuthParameters = (AuthorizationEndpoint: string) => ({
    AuthorizationEndpoint,
    HttpMethod: "GET" as const,
    ClientParameters: { ClientID: "id", ClientSecret: "secret" },
  });
  const create = (Name: string, endpoint: string) =>
    events.createConnection({
      Name,
      AuthorizationType: "OAUTH_CLIENT_CREDENTIALS",
      AuthParameters: { OAuthParameters: OAuthParameters(endpoint) },
    });
  assert.equal((await create("good", `${site}/token`)).ConnectionState, "AUTHORIZING");
  await create("bad", `${site}/no-token`);
  await s3.putObject({ Bucket: "site", Key: "text", Body: "hunter2" });
  await s3.putObject({ Bucket: "site", Key: "lines", Body: JSON.stringify({ access_token: "a\r\nb: c" }) });
  await create("text", `${site}/text`);
  await create("lines", `${site}/lines`);
  const settled = (Name: string) =>
    until(async () => {
      const { ConnectionState, StateReason } = await events.describeConnection({ Name });
      return ConnectionState === "AUTHORIZING" ? undefined : [ConnectionState, StateReason];
    });
  assert.deepEqual(await settled("good"), ["AUTHORIZED", undefined]);
  assert.match(String((await settled("text"))[1]), /answer is no JSON object$/, "the answer may be a secret");
  assert.match(String((await settled("lines"))[1]), /no access_token that a header can carry/);
  const [state, reason] = await settled("bad");
  assert.equal(state, "DEAUTHORIZED");
  assert.match(String(reason), /answered with the status 40\d/);
  await assert.rejects(events.describeConnection({ Name: "none" }), /Connection 'none' does not exist/);
});

test("templates make connections and destinations", async () => {
  const template = body({
    Connection: {
      Type: "AWS::Events::Connection",
      Properties: {
        AuthorizationType: "BASIC",
        AuthParameters: { BasicAuthParameters: { Username: "u", Password: "p" } },
      },
    },
    Destination: {
      Type: "AWS::Events::ApiDestination",
      Properties: {
        Name: "of-stack",
        ConnectionArn: { "Fn::GetAtt": ["Connection", "Arn"] },
        HttpMethod: "POST",
        InvocationEndpoint: site,
        InvocationRateLimitPerSecond: 5,
      },
    },
  });
  await openStacks(app.client).created("api", template);
  const destination = await events.describeApiDestination({ Name: "of-stack" });
  assert.equal(destination.InvocationRateLimitPerSecond, 5);
  const { ApiDestinations } = await events.listApiDestinations({ ConnectionArn: destination.ConnectionArn! });
  assert.deepEqual(
    ApiDestinations!.map((one) => one.Name),
    ["of-stack"],
  );
});
