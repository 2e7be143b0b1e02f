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
  const given = `{"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow", "Action": "sns:*", "Resource": "arn:aws:sns:*:*:}"},
  {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]}`;
  const places = await iam.simulateCustomPolicy({ PolicyInputList: [given], ActionNames: ["sqs:SendMessage"] });
  const [statement, ...others] = places.EvaluationResults![0]!.MatchedStatements!;
  assert.deepEqual(
    [statement!.StartPosition, statement!.EndPosition, others],
    [{ Line: 3, Column: 4 }, { Line: 3, Column: 58 }, []],
  );
  const Condition = { StringEquals: { "aws:RequestedRegion": "x", "s3:Prefix": "y" } };
  const asked = await iam.simulateCustomPolicy({
    PolicyInputList: [document({ Effect: "Allow", Action: "s3:ListBucket", Resource: "*", Condition })],
    ActionNames: ["s3:ListBucket"],
    ContextEntries: [{ ContextKeyName: "S3:prefix", ContextKeyType: "string", ContextKeyValues: ["y"] }],
  });
  assert.deepEqual(asked.EvaluationResults![0]!.MissingContextValues, ["aws:RequestedRegion"]);
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
  assert.deepEqual(await entities({ EntityFilter: "User" }), [[], ["bound"]]);
  assert.deepEqual(await entities({ EntityFilter: "User", PolicyUsageFilter: "PermissionsPolicy" }), [[], []]);
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

test("roles of a service: AWS's name and path, changed and deleted by nobody else", async () => {
  const AWSServiceName = "replicator.lambda.amazonaws.com";
  const { Role } = await iam.createServiceLinkedRole({ AWSServiceName, Description: "d" });
  const RoleName = "AWSServiceRoleForLambdaReplicator";
  assert.equal(Role!.Arn, `arn:aws:iam::000000000000:role/aws-service-role/${AWSServiceName}/${RoleName}`);
  await assert.rejects(iam.createServiceLinkedRole({ AWSServiceName }), /has been taken in this account/);
  const unmodifiable = { name: "UnmodifiableEntityException" };
  await assert.rejects(iam.deleteRole({ RoleName }), unmodifiable);
  const PolicyArn = "arn:aws:iam::aws:policy/ReadOnlyAccess";
  await assert.rejects(iam.attachRolePolicy({ RoleName, PolicyArn }), unmodifiable);
  await assert.rejects(
    iam.updateAssumeRolePolicy({ RoleName, PolicyDocument: document() }),
    /Statement|protected role/,
  );
  await iam.updateRole({ RoleName, Description: "e" });
  const { DeletionTaskId } = await iam.deleteServiceLinkedRole({ RoleName });
  assert.equal((await iam.getServiceLinkedRoleDeletionStatus({ DeletionTaskId })).Status, "SUCCEEDED");
  await assert.rejects(iam.getRole({ RoleName }), { name: "NoSuchEntityException" });
});

test("all users, groups, roles and policies in one list, page by page", async () => {
  const { Policy } = await iam.createPolicy({
    PolicyName: "own",
    PolicyDocument: document({ Effect: "Allow", Action: "s3:Get*", Resource: "*" }),
  });
  await iam.createUser({ UserName: "detail", PermissionsBoundary: Policy!.Arn! });
  await iam.attachUserPolicy({ UserName: "detail", PolicyArn: Policy!.Arn! });
  await iam.putUserPolicy({
    UserName: "detail",
    PolicyName: "in",
    PolicyDocument: document({ Effect: "Deny", Action: "*", Resource: "*" }),
  });
  const { UserDetailList, Policies, RoleDetailList } = await iam.getAccountAuthorizationDetails({
    Filter: ["User", "LocalManagedPolicy"],
  });
  const user = UserDetailList!.find((u) => u.UserName === "detail")!;
  assert.deepEqual(user.AttachedManagedPolicies, [{ PolicyName: "own", PolicyArn: Policy!.Arn }]);
  assert.match(decodeURIComponent(user.UserPolicyList![0]!.PolicyDocument!), /"Effect":"Deny"/);
  const own = Policies!.find((p) => p.PolicyName === "own")!;
  assert.deepEqual([own.AttachmentCount, own.PermissionsBoundaryUsageCount, own.PolicyVersionList!.length], [1, 1, 1]);
  assert.deepEqual(RoleDetailList, []);
  const names: (string | undefined)[] = [];
  for (let Marker: string | undefined; ;) {
    const answer = await iam.getAccountAuthorizationDetails({
      MaxItems: 1,
      Filter: ["User"],
      ...(Marker ? { Marker } : {}),
    });
    assert.equal(answer.UserDetailList!.length, 1);
    names.push(answer.UserDetailList![0]!.UserName);
    if (!answer.IsTruncated) break;
    Marker = answer.Marker;
  }
  assert.deepEqual(names.sort(), (await iam.listUsers({})).Users!.map((u) => u.UserName).sort());
});

test("the keys that policies test", async () => {
  const condition = { StringLike: { "aws:UserId": "x*", "s3:prefix": "a" }, Bool: { "AWS:userid": "true" } };
  const policy = document({ Effect: "Allow", Action: "*", Resource: "*", Condition: condition });
  const { ContextKeyNames } = await iam.getContextKeysForCustomPolicy({ PolicyInputList: [policy] });
  assert.deepEqual(ContextKeyNames!.map((key) => key.toLowerCase()).sort(), ["aws:userid", "s3:prefix"]);
  await iam.createRole({
    RoleName: "keys",
    AssumeRolePolicyDocument: document({
      Effect: "Allow",
      Principal: { Service: "lambda.amazonaws.com" },
      Action: "sts:AssumeRole",
    }),
  });
  await iam.putRolePolicy({ RoleName: "keys", PolicyName: "p", PolicyDocument: policy });
  const own = await iam.getContextKeysForPrincipalPolicy({ PolicySourceArn: "arn:aws:iam::000000000000:role/keys" });
  assert.equal(own.ContextKeyNames!.length, 2);
});

test("when an access key was used last, and for what", async () => {
  await iam.createUser({ UserName: "keyed" });
  const { AccessKey } = await iam.createAccessKey({ UserName: "keyed" });
  const AccessKeyId = AccessKey!.AccessKeyId!;
  const unused = await iam.getAccessKeyLastUsed({ AccessKeyId });
  assert.deepEqual(unused.AccessKeyLastUsed, { ServiceName: "N/A", Region: "N/A" });
  const credentials = { accessKeyId: AccessKeyId, secretAccessKey: AccessKey!.SecretAccessKey! };
  const own = new IAM({ ...app.client, credentials });
  await assert.rejects(own.listUsers({}), /not authorized/);
  const before = Date.now() - 60_000;
  const { UserName, AccessKeyLastUsed } = await iam.getAccessKeyLastUsed({ AccessKeyId });
  assert.deepEqual(
    [UserName, AccessKeyLastUsed!.ServiceName, AccessKeyLastUsed!.Region],
    ["keyed", "iam", "us-east-1"],
  );
  assert.ok(AccessKeyLastUsed!.LastUsedDate!.getTime() > before);
  await assert.rejects(iam.getAccessKeyLastUsed({ AccessKeyId: "AKIA0000000000000000" }), /cannot be found/);
});
