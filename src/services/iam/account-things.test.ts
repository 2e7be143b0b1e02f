import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { IAM } from "@aws-sdk/client-iam";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

let app: TestApp;
let iam: IAM;
before(async () => {
  app = await startTestApp();
  iam = new IAM(app.client);
});
after(() => app.stop());

const document = (...Statement: object[]) => JSON.stringify({ Version: "2012-10-17", Statement });

test("an instance profile holds one role, and keeps it from being deleted", async () => {
  const trust = { Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" };
  await iam.createRole({ RoleName: "host", AssumeRolePolicyDocument: document(trust) });
  const InstanceProfileName = "hosts";
  const { InstanceProfile } = await iam.createInstanceProfile({ InstanceProfileName, Path: "/a/" });
  assert.equal(InstanceProfile!.Arn, "arn:aws:iam::000000000000:instance-profile/a/hosts");
  await iam.addRoleToInstanceProfile({ InstanceProfileName, RoleName: "host" });
  await assert.rejects(iam.addRoleToInstanceProfile({ InstanceProfileName, RoleName: "host" }), {
    name: "LimitExceededException",
  });
  const { InstanceProfiles } = await iam.listInstanceProfilesForRole({ RoleName: "host" });
  assert.deepEqual(
    InstanceProfiles!.map((p) => [p.InstanceProfileName, p.Roles!.map((r) => r.RoleName)]),
    [["hosts", ["host"]]],
  );
  await assert.rejects(iam.deleteRole({ RoleName: "host" }), { name: "DeleteConflictException" });
  await assert.rejects(iam.deleteInstanceProfile({ InstanceProfileName }), { name: "DeleteConflictException" });
  await iam.removeRoleFromInstanceProfile({ InstanceProfileName, RoleName: "host" });
  await iam.deleteInstanceProfile({ InstanceProfileName });
  await assert.rejects(iam.getInstanceProfile({ InstanceProfileName }), /Instance Profile hosts cannot be found\./);
});

test("identity providers: made once, changed, tagged, deleted", async () => {
  const Url = "https://token.example.com/";
  const made = await iam.createOpenIDConnectProvider({ Url, ClientIDList: ["a"], ThumbprintList: ["a".repeat(40)] });
  const on = { OpenIDConnectProviderArn: made.OpenIDConnectProviderArn! };
  assert.equal(on.OpenIDConnectProviderArn, "arn:aws:iam::000000000000:oidc-provider/token.example.com");
  await assert.rejects(iam.createOpenIDConnectProvider({ Url }), { name: "EntityAlreadyExistsException" });
  for (const wrong of ["http://example.com", "https://x.example.com/?a=1", "ftp://x"])
    await assert.rejects(iam.createOpenIDConnectProvider({ Url: wrong }), /Invalid Open ID Connect Provider URL/);
  await iam.addClientIDToOpenIDConnectProvider({ ...on, ClientID: "b" });
  await iam.removeClientIDFromOpenIDConnectProvider({ ...on, ClientID: "a" });
  await iam.tagOpenIDConnectProvider({ ...on, Tags: [{ Key: "k", Value: "v" }] });
  const got = await iam.getOpenIDConnectProvider(on);
  assert.deepEqual([got.Url, got.ClientIDList, got.Tags], ["token.example.com", ["b"], [{ Key: "k", Value: "v" }]]);
  await iam.deleteOpenIDConnectProvider(on);
  await assert.rejects(iam.getOpenIDConnectProvider(on), { name: "NoSuchEntityException" });
});

test("a simulation decides as the real call would, and says by which policy", async () => {
  await iam.createGroup({ GroupName: "readers" });
  const allow = { Effect: "Allow", Action: "s3:Get*", Resource: "arn:aws:s3:::b/*" };
  await iam.putGroupPolicy({ GroupName: "readers", PolicyName: "read", PolicyDocument: document(allow) });
  const { User } = await iam.createUser({ UserName: "ada" });
  await iam.addUserToGroup({ GroupName: "readers", UserName: "ada" });
  const deny = {
    Effect: "Deny",
    Action: "s3:GetObject",
    Resource: "*",
    Condition: { Bool: { "aws:SecureTransport": "false" } },
  };
  await iam.putUserPolicy({ UserName: "ada", PolicyName: "safe", PolicyDocument: document(deny) });
  const decide = async (more: object) => {
    const { EvaluationResults } = await iam.simulatePrincipalPolicy({
      PolicySourceArn: User!.Arn!,
      ActionNames: ["s3:GetObject", "s3:PutObject"],
      ResourceArns: ["arn:aws:s3:::b/k"],
      ...more,
    });
    return EvaluationResults!.map((r) => [r.EvalDecision, r.MatchedStatements!.map((s) => s.SourcePolicyId)]);
  };
  assert.deepEqual(await decide({}), [
    ["allowed", ["group_readers_read"]],
    ["implicitDeny", []],
  ]);
  const insecure = {
    ContextKeyName: "aws:SecureTransport",
    ContextKeyType: "boolean" as const,
    ContextKeyValues: ["false"],
  };
  assert.deepEqual((await decide({ ContextEntries: [insecure] }))[0], ["explicitDeny", ["user_ada_safe"]]);
  const { EvaluationResults } = await iam.simulateCustomPolicy({
    PolicyInputList: [document({ Effect: "Allow", Action: "sqs:*", Resource: "*" })],
    ActionNames: ["sqs:SendMessage"],
  });
  assert.equal(EvaluationResults![0]!.EvalDecision, "allowed");
});

test("the account's alias, a policy's tags, a group's name", async () => {
  await iam.createAccountAlias({ AccountAlias: "my-shop" });
  assert.deepEqual((await iam.listAccountAliases({})).AccountAliases, ["my-shop"]);
  await iam.deleteAccountAlias({ AccountAlias: "my-shop" });
  assert.deepEqual((await iam.listAccountAliases({})).AccountAliases, []);
  const PolicyDocument = document({ Effect: "Allow", Action: "*", Resource: "*" });
  const PolicyArn = (await iam.createPolicy({ PolicyName: "p", PolicyDocument })).Policy!.Arn!;
  await iam.tagPolicy({
    PolicyArn,
    Tags: [
      { Key: "a", Value: "1" },
      { Key: "b", Value: "2" },
    ],
  });
  const twice = [
    { Key: "team", Value: "1" },
    { Key: "Team", Value: "2" },
  ];
  await assert.rejects(iam.tagPolicy({ PolicyArn, Tags: twice }), /Duplicate tag keys found/);
  await iam.untagPolicy({ PolicyArn, TagKeys: ["a"] });
  assert.deepEqual((await iam.listPolicyTags({ PolicyArn })).Tags, [{ Key: "b", Value: "2" }]);
  await iam.createGroup({ GroupName: "old" });
  await iam.createGroup({ GroupName: "in-path", Path: "/a/" });
  for (const GroupName of ["old", "in-path"]) await iam.attachGroupPolicy({ GroupName, PolicyArn });
  const bound = { UserName: "bound", PermissionsBoundary: PolicyArn };
  await iam.createUser(bound);
  const entities = async (more: object) => {
    const { PolicyGroups, PolicyUsers } = await iam.listEntitiesForPolicy({ PolicyArn, ...more });
    return [PolicyGroups!.map((g) => g.GroupName), PolicyUsers!.map((u) => u.UserName)];
  };
  assert.deepEqual(await entities({ EntityFilter: "User" }), [[], []]);
  assert.deepEqual(await entities({ EntityFilter: "Group", PathPrefix: "/a/" }), [["in-path"], []]);
  assert.deepEqual(await entities({ PolicyUsageFilter: "PermissionsBoundary" }), [[], ["bound"]]);
  await iam.createUser({ UserName: "bob" });
  await iam.addUserToGroup({ GroupName: "old", UserName: "bob" });
  await iam.updateGroup({ GroupName: "old", NewGroupName: "new" });
  assert.deepEqual(
    (await iam.listGroupsForUser({ UserName: "bob" })).Groups!.map((g) => g.GroupName),
    ["new"],
  );
  await assert.rejects(iam.getGroup({ GroupName: "old" }), { name: "NoSuchEntityException" });
});
