import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { IAM } from "@aws-sdk/client-iam";
import { S3 } from "@aws-sdk/client-s3";
import { STS, type Credentials } from "@aws-sdk/client-sts";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

let app: TestApp;
let iam: IAM;
let sts: STS;
before(async () => {
  app = await startTestApp();
  iam = new IAM(app.client);
  sts = new STS(app.client);
});
after(() => app.stop());

const session = (c: Credentials | undefined) =>
  app.as({ accessKeyId: c!.AccessKeyId!, secretAccessKey: c!.SecretAccessKey!, sessionToken: c!.SessionToken! });
const statement = (value: object) => JSON.stringify({ Version: "2012-10-17", Statement: [value] });

async function role(RoleName: string, actions: string[], Condition?: object): Promise<string> {
  const Principal = { AWS: "000000000000" };
  const trust = { Effect: "Allow", Principal, Action: actions, ...(Condition ? { Condition } : {}) };
  const { Role } = await iam.createRole({ RoleName, AssumeRolePolicyDocument: statement(trust) });
  await iam.attachRolePolicy({ RoleName, PolicyArn: "arn:aws:iam::aws:policy/AdministratorAccess" });
  return Role!.Arn!;
}

test("a federated user may what its giver may and the policy says, and is named so", async () => {
  const Policy = statement({ Effect: "Allow", Action: "s3:ListAllMyBuckets", Resource: "*" });
  const { Credentials: c, FederatedUser } = await sts.getFederationToken({ Name: "visitor", Policy });
  assert.equal(FederatedUser!.Arn, "arn:aws:sts::000000000000:federated-user/visitor");
  const client = session(c);
  assert.equal((await new STS(client).getCallerIdentity({})).Arn, FederatedUser!.Arn);
  await new S3(client).listBuckets({});
  await assert.rejects(new IAM(client).listUsers({}), { name: "InvalidClientTokenId" });
  const bare = session((await sts.getFederationToken({ Name: "nobody" })).Credentials);
  await assert.rejects(new S3(bare).listBuckets({}), { name: "AccessDenied" });
  await assert.rejects(new STS(client).getFederationToken({ Name: "xy" }), { name: "AccessDenied" });
  const all = statement({ Effect: "Allow", Action: "*", Resource: "*" });
  const mighty = session((await sts.getFederationToken({ Name: "mighty", Policy: all })).Credentials);
  await assert.rejects(new IAM(mighty).createUser({ UserName: "lasting" }), { name: "InvalidClientTokenId" });
  const RoleArn = await role("open", ["sts:AssumeRole"]);
  await assert.rejects(new STS(mighty).assumeRole({ RoleArn, RoleSessionName: "s1" }), { name: "AccessDenied" });
});

test("a session token gives no other, and an access key tells its account", async () => {
  const { Credentials: c } = await sts.getSessionToken({});
  await assert.rejects(new STS(session(c)).getSessionToken({}), /Cannot call GetSessionToken with session credentials/);
  await assert.rejects(new IAM(session(c)).createAccessKey({}), { name: "InvalidClientTokenId" });
  const { accessKeyId } = app.client.credentials;
  assert.equal((await sts.getAccessKeyInfo({ AccessKeyId: accessKeyId })).Account, "000000000000");
  await assert.rejects(sts.getAccessKeyInfo({ AccessKeyId: "AKIAIOSFODNN7EXAMPLE" }), /not a valid access key/);
});

test("session tags: as the trust policy lets them, handed on where they are transitive", async () => {
  const RoleSessionName = "s1";
  const ofTeam = { StringLike: { "aws:RequestTag/team": "*" } };
  const first = await role("first", ["sts:AssumeRole", "sts:TagSession"]);
  const second = await role("second", ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]);
  const closed = await role("closed", ["sts:AssumeRole"], ofTeam);
  const Tags = [{ Key: "team", Value: "red" }];
  await assert.rejects(sts.assumeRole({ RoleArn: closed, RoleSessionName }), { name: "AccessDenied" });
  await assert.rejects(sts.assumeRole({ RoleArn: closed, RoleSessionName, Tags }), /sts:TagSession/);
  const wrong = { RoleArn: first, RoleSessionName, Tags, TransitiveTagKeys: ["other"] };
  await assert.rejects(sts.assumeRole(wrong), /transitive tag key must be included/);
  const twice = [...Tags, { Key: "Team", Value: "x" }];
  await assert.rejects(sts.assumeRole({ RoleArn: first, RoleSessionName, Tags: twice }), /Duplicate tag keys/);
  const one = await sts.assumeRole({ RoleArn: first, RoleSessionName, Tags, TransitiveTagKeys: ["Team"] });
  assert.ok(one.PackedPolicySize! > 0);
  const chained = new STS(session(one.Credentials));
  const again = { RoleArn: second, RoleSessionName, Tags: [{ Key: "TEAM", Value: "blue" }] };
  await assert.rejects(chained.assumeRole(again), /conflicts with a transitive tag key/);
  const fifty = Array.from({ length: 50 }, (_, i) => ({ Key: `k${i}`, Value: "v" }));
  await assert.rejects(chained.assumeRole({ RoleArn: second, RoleSessionName, Tags: fifty }), /at most 50 tags/);
  const PolicyArns = Array.from({ length: 11 }, () => ({ arn: "arn:aws:iam::aws:policy/AdministratorAccess" }));
  await assert.rejects(sts.assumeRole({ RoleArn: first, RoleSessionName, PolicyArns }), /less than or equal to 10/);
  const two = await chained.assumeRole({ RoleArn: second, RoleSessionName, SourceIdentity: "ada" });
  assert.equal(two.SourceIdentity, "ada");
  const third = await role("third", ["sts:AssumeRole", "sts:TagSession"]);
  const handed = new STS(session(two.Credentials)).assumeRole({ RoleArn: third, RoleSessionName });
  await assert.rejects(handed, /sts:SetSourceIdentity/, "a source identity is handed on where the role takes it");
  await iam.putRolePolicy({
    RoleName: "second",
    PolicyName: "p",
    PolicyDocument: statement({
      Effect: "Deny",
      Action: "s3:*",
      Resource: "*",
      Condition: { StringEquals: { "aws:PrincipalTag/team": "red", "aws:SourceIdentity": "ada" } },
    }),
  });
  await assert.rejects(new S3(session(two.Credentials)).listBuckets({}), { name: "AccessDenied" });
  assert.ok((await iam.getRole({ RoleName: "second" })).Role!.RoleLastUsed!.LastUsedDate);
});

test("what is no ARN is refused as such", async () => {
  for (const RoleArn of ["nothing-valid-in-here", "arn::b:::something/test-role", "arn:a:a::aaaaaaaaaa:"])
    await assert.rejects(sts.assumeRole({ RoleArn, RoleSessionName: "s1" }), { message: `${RoleArn} is invalid` });
});
