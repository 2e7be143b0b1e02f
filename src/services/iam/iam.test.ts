import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as Iam from "@aws-sdk/client-iam";
import { STS, type Credentials } from "@aws-sdk/client-sts";
import { body, openStacks } from "../../../test/support/stacks.ts";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

let app: TestApp;
let admin: Iam.IAM;
before(async () => {
  app = await startTestApp();
  admin = new Iam.IAM(app.client);
});
after(() => app.stop());

const policy = (statement: object): string => JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
const trust = (principal: object): string =>
  policy({ Effect: "Allow", Principal: principal, Action: "sts:AssumeRole" });

async function newUser(name: string): Promise<ReturnType<TestApp["as"]>> {
  await admin.createUser({ UserName: name });
  const { AccessKey } = await admin.createAccessKey({ UserName: name });
  return app.as({ accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! });
}

const session = (c: Credentials | undefined) =>
  app.as({ accessKeyId: c!.AccessKeyId!, secretAccessKey: c!.SecretAccessKey!, sessionToken: c!.SessionToken! });

test("GetCallerIdentity names the administrator", async () => {
  const { Arn, Account } = await new STS(app.client).getCallerIdentity({});
  assert.equal(Arn, "arn:aws:iam::000000000000:user/admin");
  assert.equal(Account, "000000000000");
});

test("a user without a policy is refused, with the action and the resource named", async () => {
  const user = new Iam.IAM(await newUser("nobody"));
  await assert.rejects(user.listRoles({}), {
    name: "AccessDenied",
    message:
      /User: arn:aws:iam::000000000000:user\/nobody is not authorized to perform: iam:ListRoles on resource: \* because no identity-based policy allows the iam:ListRoles action/,
  });
});

test("an attached and an inline policy take effect at once, and end with their removal", async () => {
  const user = new Iam.IAM(await newUser("reader"));
  await admin.putUserPolicy({
    UserName: "reader",
    PolicyName: "p",
    PolicyDocument: policy({ Effect: "Allow", Action: "iam:List*", Resource: "*" }),
  });
  await user.listRoles({});
  await assert.rejects(user.createRole({ RoleName: "x", AssumeRolePolicyDocument: trust({ AWS: "*" }) }), {
    name: "AccessDenied",
  });
  await admin.deleteUserPolicy({ UserName: "reader", PolicyName: "p" });
  await assert.rejects(user.listRoles({}), { name: "AccessDenied" });
});

test("an explicit deny wins over an administrator's policy", async () => {
  const user = new Iam.IAM(await newUser("denied"));
  await admin.attachUserPolicy({ UserName: "denied", PolicyArn: "arn:aws:iam::aws:policy/AdministratorAccess" });
  await admin.putUserPolicy({
    UserName: "denied",
    PolicyName: "no",
    PolicyDocument: policy({ Effect: "Deny", Action: "iam:ListUsers", Resource: "*" }),
  });
  await user.listRoles({});
  await assert.rejects(user.listUsers({}), /explicit deny in an identity-based policy/);
});

test("a policy may ask whose the resource is", async () => {
  const user = new Iam.IAM(await newUser("deployer"));
  const only = (account: string) =>
    admin.putUserPolicy({
      UserName: "deployer",
      PolicyName: "own",
      PolicyDocument: policy({
        Effect: "Allow",
        Action: "iam:ListRoles",
        Resource: "*",
        Condition: { StringEquals: { "aws:ResourceAccount": [account] } },
      }),
    });
  await only("000000000000");
  await user.listRoles({});
  await only("111111111111");
  await assert.rejects(user.listRoles({}), { name: "AccessDenied" });
});

test("a permissions boundary narrows", async () => {
  const { Policy } = await admin.createPolicy({
    PolicyName: "boundary",
    PolicyDocument: policy({ Effect: "Allow", Action: "iam:ListRoles", Resource: "*" }),
  });
  const user = new Iam.IAM(await newUser("bounded"));
  await admin.attachUserPolicy({ UserName: "bounded", PolicyArn: "arn:aws:iam::aws:policy/AdministratorAccess" });
  await admin.putUserPermissionsBoundary({ UserName: "bounded", PermissionsBoundary: Policy!.Arn! });
  await user.listRoles({});
  await assert.rejects(user.listUsers({}), /no permissions boundary allows the iam:ListUsers action/);
});

test("AssumeRole: by the trust policy, with a session whose credentials work", async () => {
  await admin.createRole({
    RoleName: "worker",
    AssumeRolePolicyDocument: trust({ AWS: "arn:aws:iam::000000000000:user/assumer" }),
  });
  await admin.putRolePolicy({
    RoleName: "worker",
    PolicyName: "p",
    PolicyDocument: policy({ Effect: "Allow", Action: "iam:ListRoles", Resource: "*" }),
  });
  const sts = new STS(await newUser("assumer"));
  const { Credentials, AssumedRoleUser } = await sts.assumeRole({
    RoleArn: "arn:aws:iam::000000000000:role/worker",
    RoleSessionName: "s1",
  });
  assert.equal(AssumedRoleUser!.Arn, "arn:aws:sts::000000000000:assumed-role/worker/s1");
  await new Iam.IAM(session(Credentials)).listRoles({});
  await assert.rejects(new Iam.IAM(session(Credentials)).listUsers({}), { name: "AccessDenied" });
});

test("AssumeRole: refused to a caller that the trust policy does not name, even an administrator", async () => {
  await admin.createRole({
    RoleName: "for-lambda",
    AssumeRolePolicyDocument: trust({ Service: "lambda.amazonaws.com" }),
  });
  const call = new STS(app.client).assumeRole({
    RoleArn: "arn:aws:iam::000000000000:role/for-lambda",
    RoleSessionName: "session",
  });
  await assert.rejects(call, { name: "AccessDenied" });
});

test("a session policy narrows, and a deleted role ends its sessions", async () => {
  await admin.createRole({ RoleName: "short", AssumeRolePolicyDocument: trust({ AWS: "000000000000" }) });
  await admin.attachRolePolicy({ RoleName: "short", PolicyArn: "arn:aws:iam::aws:policy/AdministratorAccess" });
  const Policy = policy({ Effect: "Allow", Action: "iam:ListRoles", Resource: "*" });
  const { Credentials } = await new STS(app.client).assumeRole({
    RoleArn: "arn:aws:iam::000000000000:role/short",
    RoleSessionName: "session",
    Policy,
  });
  const user = new Iam.IAM(session(Credentials));
  await user.listRoles({});
  await assert.rejects(user.listUsers({}), /no session policy allows/);
  await admin.detachRolePolicy({ RoleName: "short", PolicyArn: "arn:aws:iam::aws:policy/AdministratorAccess" });
  await admin.deleteRole({ RoleName: "short" });
  await assert.rejects(user.listRoles({}), { name: "InvalidClientTokenId" });
});

test("bad keys, bad secrets and altered tokens are refused", async () => {
  const sts = (credentials: any) => new STS(app.as(credentials)).getCallerIdentity({});
  const { accessKeyId, secretAccessKey } = app.client.credentials;
  await assert.rejects(sts({ accessKeyId: "AKIANOSUCHKEY0000000", secretAccessKey }), { name: "InvalidClientTokenId" });
  await assert.rejects(sts({ accessKeyId, secretAccessKey: "wrong" }), { name: "SignatureDoesNotMatch" });
  await assert.rejects(sts({ accessKeyId, secretAccessKey, sessionToken: "forged" }), { name: "InvalidClientTokenId" });
});

test("CreateRole: refuses a taken name, a malformed trust policy and an unknown boundary", async () => {
  const role = { RoleName: "taken", AssumeRolePolicyDocument: trust({ Service: "lambda.amazonaws.com" }) };
  await admin.createRole(role);
  await assert.rejects(admin.createRole(role), {
    name: "EntityAlreadyExistsException",
    message: "Role with name taken already exists.",
  });
  await assert.rejects(admin.createRole({ ...role, RoleName: "bad", AssumeRolePolicyDocument: "{}" }), {
    name: "MalformedPolicyDocumentException",
  });
  const PermissionsBoundary = "arn:aws:iam::000000000000:policy/none";
  await assert.rejects(admin.createRole({ ...role, RoleName: "b", PermissionsBoundary }), {
    name: "NoSuchEntityException",
  });
});

test("DeleteRole: refuses while policies are attached", async () => {
  await admin.createRole({ RoleName: "held", AssumeRolePolicyDocument: trust({ Service: "lambda.amazonaws.com" }) });
  await admin.attachRolePolicy({ RoleName: "held", PolicyArn: "arn:aws:iam::aws:policy/AdministratorAccess" });
  await assert.rejects(admin.deleteRole({ RoleName: "held" }), { name: "DeleteConflictException" });
});

test("groups pass their policies to members", async () => {
  await admin.createGroup({ GroupName: "ops" });
  await admin.putGroupPolicy({
    GroupName: "ops",
    PolicyName: "p",
    PolicyDocument: policy({ Effect: "Allow", Action: "iam:ListRoles", Resource: "*" }),
  });
  const user = new Iam.IAM(await newUser("member"));
  await admin.addUserToGroup({ GroupName: "ops", UserName: "member" });
  await user.listRoles({});
  const { Groups } = await admin.listGroupsForUser({ UserName: "member" });
  assert.deepEqual(
    Groups!.map((g) => g.GroupName),
    ["ops"],
  );
});

test("a stack's access key works with the secret that GetAtt gives", async () => {
  const template = body(
    {
      User: { Type: "AWS::IAM::User", Properties: { UserName: "of-a-stack" } },
      Key: { Type: "AWS::IAM::AccessKey", Properties: { UserName: { Ref: "User" } } },
    },
    { Outputs: { Id: { Value: { Ref: "Key" } }, Secret: { Value: { "Fn::GetAtt": ["Key", "SecretAccessKey"] } } } },
  );
  const { Outputs = [] } = await openStacks(app.client).create("keys", template, {
    Capabilities: ["CAPABILITY_NAMED_IAM"],
  });
  const output = (name: string) => Outputs.find((o) => o.OutputKey === name)!.OutputValue!;
  const key = app.as({ accessKeyId: output("Id"), secretAccessKey: output("Secret") });
  assert.equal((await new STS(key).getCallerIdentity({})).Arn, "arn:aws:iam::000000000000:user/of-a-stack");
});

test("an account has no more groups than its quota says", async () => {
  const { SummaryMap } = await admin.getAccountSummary({});
  const left = SummaryMap!["GroupsQuota"]! - SummaryMap!["Groups"]!;
  await Promise.all(Array.from({ length: left }, (_, i) => admin.createGroup({ GroupName: `many-${i}` })));
  await assert.rejects(admin.createGroup({ GroupName: "one-more" }), {
    name: "LimitExceededException",
    message: "Cannot exceed quota for GroupsPerAccount: 300",
  });
});

test("policies that AWS manages may be attached, those for services that are not here, too", async () => {
  await admin.createUser({ UserName: "translator" });
  const PolicyArn = "arn:aws:iam::aws:policy/TranslateReadOnly";
  await admin.attachUserPolicy({ UserName: "translator", PolicyArn });
  const { AttachedPolicies } = await admin.listAttachedUserPolicies({ UserName: "translator" });
  assert.deepEqual(AttachedPolicies, [{ PolicyName: "TranslateReadOnly", PolicyArn }]);
});
