import assert from "node:assert/strict";
import { createSign, generateKeyPairSync, type KeyObject } from "node:crypto";
import { after, before, test } from "node:test";
import { IAM } from "@aws-sdk/client-iam";
import { S3 } from "@aws-sdk/client-s3";
import { STS } from "@aws-sdk/client-sts";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

let app: TestApp;
let iam: IAM;
let issuer: string;
let roleArn: string;
const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });

before(async () => {
  app = await startTestApp();
  iam = new IAM(app.client);
  // The issuer's pages are objects of a bucket that everybody may read, on the platform itself.
  const s3 = new S3({ ...app.client, forcePathStyle: true });
  issuer = `${app.running.platform.settings.publicUrl}/issuer`;
  await s3.createBucket({ Bucket: "issuer" });
  await s3.deletePublicAccessBlock({ Bucket: "issuer" });
  const statement = { Effect: "Allow", Principal: "*", Action: "s3:GetObject", Resource: "arn:aws:s3:::issuer/*" };
  await s3.putBucketPolicy({
    Bucket: "issuer",
    Policy: JSON.stringify({ Version: "2012-10-17", Statement: [statement] }),
  });
  const page = (Key: string, value: object) => s3.putObject({ Bucket: "issuer", Key, Body: JSON.stringify(value) });
  await page(".well-known/openid-configuration", { issuer, jwks_uri: `${issuer}/keys` });
  await page("keys", { keys: [{ ...publicKey.export({ format: "jwk" }), kid: "k1", use: "sig", alg: "RS256" }] });
  const url = issuer.replace("http://", "");
  const { OpenIDConnectProviderArn } = await iam.createOpenIDConnectProvider({ Url: issuer, ClientIDList: ["ci"] });
  const trust = {
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Principal: { Federated: OpenIDConnectProviderArn },
        Action: "sts:AssumeRoleWithWebIdentity",
        Condition: { StringEquals: { [`${url}:aud`]: "ci" }, StringLike: { [`${url}:sub`]: "repo:shop/*" } },
      },
    ],
  };
  roleArn = (await iam.createRole({ RoleName: "ci", AssumeRolePolicyDocument: JSON.stringify(trust) })).Role!.Arn!;
});
after(() => app.stop());

function token(claims: object = {}, key: KeyObject = privateKey): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const seconds = Math.floor(Date.now() / 1000);
  const payload = { iss: issuer, aud: "ci", sub: "repo:shop/web", exp: seconds + 60, iat: seconds, ...claims };
  const signed = `${part({ alg: "RS256", kid: "k1" })}.${part(payload)}`;
  return `${signed}.${createSign("sha256").update(signed).sign(key).toString("base64url")}`;
}

/** The call as SDKs make it: unsigned. */
const assume = (WebIdentityToken: string) =>
  new STS(app.client).assumeRoleWithWebIdentity({ RoleArn: roleArn, RoleSessionName: "run1", WebIdentityToken });

test("a token of a provider that the role trusts gives credentials of the role", async () => {
  const answer = await assume(token());
  assert.equal(answer.SubjectFromWebIdentityToken, "repo:shop/web");
  assert.equal(answer.Audience, "ci");
  const { AccessKeyId, SecretAccessKey, SessionToken } = answer.Credentials!;
  const credentials = { accessKeyId: AccessKeyId!, secretAccessKey: SecretAccessKey!, sessionToken: SessionToken! };
  const { Arn } = await new STS(app.as(credentials)).getCallerIdentity({});
  assert.equal(Arn, "arn:aws:sts::000000000000:assumed-role/ci/run1");
});

test("what is not such a token gives none", async () => {
  const other = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
  const cases: [string, string][] = [
    ["nonsense", "InvalidIdentityTokenException"],
    [token({}, other), "InvalidIdentityTokenException"],
    [token({ aud: "other" }), "InvalidIdentityTokenException"],
    [token({ exp: 1 }), "ExpiredTokenException"],
    [token({ iss: "http://localhost:1/other" }), "InvalidIdentityTokenException"],
    [token({ sub: "repo:other/web" }), "AccessDenied"],
    [token().replace(/\.[^.]*$/, "."), "InvalidIdentityTokenException"],
  ];
  for (const [given, name] of cases) await assert.rejects(assume(given), { name }, given);
});
