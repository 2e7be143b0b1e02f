import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { after, before, test } from "node:test";
import { CloudFormation } from "@aws-sdk/client-cloudformation";
import { IAM } from "@aws-sdk/client-iam";
import { STS } from "@aws-sdk/client-sts";
import { CERTIFICATE, KEY, samlMetadata } from "../../../test/support/certificate.ts";
import { body, openStacks } from "../../../test/support/stacks.ts";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";
import { stepAt, totpCode } from "./totp.ts";

let app: TestApp;
let iam: IAM;
before(async () => {
  app = await startTestApp();
  iam = new IAM(app.client);
});
after(() => app.stop());

const document = (...Statement: object[]) => JSON.stringify({ Version: "2012-10-17", Statement });

async function newUser(UserName: string) {
  await iam.createUser({ UserName });
  const { AccessKey } = await iam.createAccessKey({ UserName });
  return app.as({ accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! });
}

/** Bytes of base 32. */
function seedOf(text: Uint8Array): Buffer {
  const digits = Buffer.from(text).toString();
  const bits = [...digits]
    .map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0"))
    .join("");
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
}

test("codes are those of RFC 6238", () => {
  const seed = Buffer.from("12345678901234567890");
  assert.deepEqual(
    [59, 1_111_111_109, 20_000_000_000].map((s) => totpCode(seed, stepAt(s * 1000))),
    ["287082", "081804", "353130"],
  );
});

test("a user's password obeys the account's policy, and the user may change it", async () => {
  const own = new IAM(await newUser("pat"));
  const [UserName, Password] = ["pat", "Correct-horse-1"];
  await assert.rejects(iam.createLoginProfile({ UserName, Password: "short" }), {
    name: "PasswordPolicyViolationException",
  });
  await iam.createLoginProfile({ UserName, Password, PasswordResetRequired: true });
  await assert.rejects(iam.createLoginProfile({ UserName, Password }), { name: "EntityAlreadyExistsException" });
  assert.equal((await iam.getLoginProfile({ UserName })).LoginProfile!.PasswordResetRequired, true);
  await assert.rejects(iam.deleteUser({ UserName }), { name: "DeleteConflictException" });
  await assert.rejects(
    own.changePassword({ OldPassword: Password, NewPassword: "Another-horse-2" }),
    /iam:ChangePassword/,
  );
  await assert.rejects(
    iam.getAccountPasswordPolicy({}),
    /Password Policy with domain name 000000000000 cannot be found/,
  );
  await iam.updateAccountPasswordPolicy({
    AllowUsersToChangePassword: true,
    RequireSymbols: true,
    PasswordReusePrevention: 1,
  });
  const change = (OldPassword: string, NewPassword: string) => own.changePassword({ OldPassword, NewPassword });
  await assert.rejects(change("wrong", "Another-horse-2"), /old password was incorrect/);
  await assert.rejects(change(Password, Password), { name: "PasswordPolicyViolationException" });
  await assert.rejects(change(Password, "Another horse 2"), /at least one symbol/);
  await change(Password, "Another-horse-2");
  assert.equal((await iam.getLoginProfile({ UserName })).LoginProfile!.PasswordResetRequired, false);
  assert.equal((await iam.getAccountPasswordPolicy({})).PasswordPolicy!.MinimumPasswordLength, 6);
  await iam.deleteAccountPasswordPolicy({});
  await iam.deleteLoginProfile({ UserName });
  await assert.rejects(iam.getLoginProfile({ UserName }), /Login Profile for User pat cannot be found/);
});

test("a virtual device is enabled by two codes in turn, and its codes make sessions that count as such", async () => {
  const client = await newUser("mia");
  const { VirtualMFADevice } = await iam.createVirtualMFADevice({ VirtualMFADeviceName: "phone" });
  const { SerialNumber } = VirtualMFADevice!;
  assert.equal(SerialNumber, "arn:aws:iam::000000000000:mfa/phone");
  assert.deepEqual(
    [...VirtualMFADevice!.QRCodePNG!.subarray(1, 4)],
    [..."PNG"].map((c) => c.charCodeAt(0)),
  );
  const seed = seedOf(VirtualMFADevice!.Base32StringSeed!);
  const enable = (AuthenticationCode1: string, AuthenticationCode2: string) =>
    iam.enableMFADevice({ UserName: "mia", SerialNumber, AuthenticationCode1, AuthenticationCode2 });
  const start = stepAt(Date.now());
  const code = (offset: number) => totpCode(seed, start + offset);
  await assert.rejects(enable(code(0), code(0)), { name: "InvalidAuthenticationCodeException" });
  await enable(code(-1), code(0));
  assert.equal((await iam.listMFADevices({ UserName: "mia" })).MFADevices![0]!.SerialNumber, SerialNumber);
  const listed = await iam.listVirtualMFADevices({ AssignmentStatus: "Assigned" });
  assert.equal(listed.VirtualMFADevices![0]!.User!.UserName, "mia");
  await assert.rejects(iam.deleteVirtualMFADevice({ SerialNumber }), { name: "DeleteConflictException" });
  await assert.rejects(iam.deleteUser({ UserName: "mia" }), { name: "DeleteConflictException" });

  const condition = { Bool: { "aws:MultiFactorAuthPresent": "true" } };
  await iam.putUserPolicy({
    UserName: "mia",
    PolicyName: "p",
    PolicyDocument: document({
      Effect: "Allow",
      Action: ["iam:ListRoles", "iam:GetMFADevice"],
      Resource: "*",
      Condition: condition,
    }),
  });
  const sts = new STS(client);
  const listRoles = async (input: object) => {
    const { Credentials: c } = await sts.getSessionToken(input);
    const credentials = {
      accessKeyId: c!.AccessKeyId!,
      secretAccessKey: c!.SecretAccessKey!,
      sessionToken: c!.SessionToken!,
    };
    await new IAM(app.as(credentials)).listRoles({});
    return new IAM(app.as(credentials));
  };
  await assert.rejects(listRoles({}), { name: "InvalidClientTokenId" });
  // Only the code behind those that were used counts; a code of the next half minute is early enough to.
  await assert.rejects(sts.getSessionToken({ SerialNumber, TokenCode: code(0) }), /MultiFactorAuthentication failed/);
  const proved = await listRoles({ SerialNumber, TokenCode: code(1) });
  const { VirtualMFADevice: other } = await iam.createVirtualMFADevice({ VirtualMFADeviceName: "other" });
  await assert.rejects(proved.getMFADevice({ SerialNumber: other!.SerialNumber }), /doesn't exist/);
  assert.equal((await proved.getMFADevice({ SerialNumber })).UserName, "mia");

  // The app's clock is an hour ahead: two codes in turn tell, and from then on each counts as it comes.
  const [AuthenticationCode1, AuthenticationCode2] = [code(120), code(121)];
  await iam.resyncMFADevice({ UserName: "mia", SerialNumber, AuthenticationCode1, AuthenticationCode2 });
  await sts.getSessionToken({ SerialNumber, TokenCode: code(122) });
  // Codes are not to be guessed: after some wrong ones a right one is not looked at either.
  for (let i = 0; i < 5; i++)
    await assert.rejects(
      sts.getSessionToken({ SerialNumber, TokenCode: code(-9) }),
      /MultiFactorAuthentication failed/,
    );
  await assert.rejects(sts.getSessionToken({ SerialNumber, TokenCode: code(123) }), /MultiFactorAuthentication failed/);
  await iam.deactivateMFADevice({ UserName: "mia", SerialNumber });
  assert.deepEqual((await iam.listMFADevices({ UserName: "mia" })).MFADevices, []);
  await iam.deleteVirtualMFADevice({ SerialNumber });
  await assert.rejects(iam.deleteVirtualMFADevice({ SerialNumber }), /doesn't exist/);
});

test("SSH public keys are read, told apart and given back in both forms", async () => {
  const UserName = "sam";
  await iam.createUser({ UserName });
  const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const SSHPublicKeyBody = publicKey.export({ type: "spki", format: "pem" }).toString();
  const { SSHPublicKey } = await iam.uploadSSHPublicKey({ UserName, SSHPublicKeyBody });
  const { SSHPublicKeyId } = SSHPublicKey!;
  assert.match(SSHPublicKey!.Fingerprint!, /^([0-9a-f]{2}:){15}[0-9a-f]{2}$/);
  const get = async (Encoding: "SSH" | "PEM") =>
    (await iam.getSSHPublicKey({ UserName, SSHPublicKeyId, Encoding })).SSHPublicKey!.SSHPublicKeyBody!;
  assert.equal(await get("PEM"), SSHPublicKeyBody);
  const ssh = await get("SSH");
  assert.match(ssh, /^ssh-rsa AAAAB3NzaC1yc2E/);
  await assert.rejects(iam.uploadSSHPublicKey({ UserName, SSHPublicKeyBody: ssh }), {
    name: "DuplicateSSHPublicKeyException",
  });
  for (const bad of ["ssh-rsa AAAA", "nonsense"])
    await assert.rejects(iam.uploadSSHPublicKey({ UserName, SSHPublicKeyBody: bad }), {
      name: "InvalidPublicKeyException",
    });
  await iam.updateSSHPublicKey({ UserName, SSHPublicKeyId, Status: "Inactive" });
  assert.equal((await iam.listSSHPublicKeys({ UserName })).SSHPublicKeys![0]!.Status, "Inactive");
  await assert.rejects(iam.deleteUser({ UserName }), /must remove referenced objects first/);
  await iam.deleteSSHPublicKey({ UserName, SSHPublicKeyId });
  await iam.deleteUser({ UserName });
});

test("server and signing certificates are read before they are kept", async () => {
  const upload = { ServerCertificateName: "site", CertificateBody: CERTIFICATE, PrivateKey: KEY, Path: "/web/" };
  await assert.rejects(iam.uploadServerCertificate({ ...upload, CertificateBody: "x" }), {
    name: "MalformedCertificateException",
  });
  const other = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ type: "pkcs8", format: "pem" });
  await assert.rejects(iam.uploadServerCertificate({ ...upload, PrivateKey: String(other) }), {
    name: "KeyPairMismatchException",
  });
  const { ServerCertificateMetadata } = await iam.uploadServerCertificate(upload);
  assert.equal(ServerCertificateMetadata!.Arn, "arn:aws:iam::000000000000:server-certificate/web/site");
  assert.ok(ServerCertificateMetadata!.Expiration!.getTime() > Date.now());
  await iam.updateServerCertificate({ ServerCertificateName: "site", NewServerCertificateName: "site2", NewPath: "/" });
  const { ServerCertificateMetadataList } = await iam.listServerCertificates({ PathPrefix: "/" });
  assert.deepEqual(
    ServerCertificateMetadataList!.map((c) => c.ServerCertificateName),
    ["site2"],
  );
  await iam.deleteServerCertificate({ ServerCertificateName: "site2" });
  await assert.rejects(
    iam.getServerCertificate({ ServerCertificateName: "site2" }),
    /Server Certificate with name site2 cannot be found/,
  );

  await iam.createUser({ UserName: "signer" });
  const signing = { UserName: "signer", CertificateBody: CERTIFICATE };
  const { Certificate } = await iam.uploadSigningCertificate(signing);
  await assert.rejects(iam.uploadSigningCertificate(signing), { name: "DuplicateCertificateException" });
  await iam.updateSigningCertificate({
    UserName: "signer",
    CertificateId: Certificate!.CertificateId!,
    Status: "Inactive",
  });
  assert.equal((await iam.listSigningCertificates({ UserName: "signer" })).Certificates![0]!.Status, "Inactive");
  await iam.deleteSigningCertificate({ UserName: "signer", CertificateId: Certificate!.CertificateId! });
});

test("certificates and metadata that never end are refused at once", async () => {
  const from = performance.now();
  const CertificateChain = "-----BEGIN CERTIFICATE-----".repeat(25_000);
  const upload = { ServerCertificateName: "endless", CertificateBody: CERTIFICATE, PrivateKey: KEY, CertificateChain };
  await assert.rejects(iam.uploadServerCertificate(upload), { name: "MalformedCertificateException" });
  const SAMLMetadataDocument = `<EntityDescriptor ${"a".repeat(120_000)}/>`;
  await assert.rejects(iam.createSAMLProvider({ Name: "endless", SAMLMetadataDocument }), {
    name: "InvalidInputException",
  });
  assert.ok(performance.now() - from < 5_000);
});

test("who may change a user may not move it where it may change none", async () => {
  const client = new IAM(await newUser("mover"));
  await iam.createUser({ UserName: "moved", Path: "/low/" });
  await iam.putUserPolicy({
    UserName: "mover",
    PolicyName: "p",
    PolicyDocument: document({ Effect: "Allow", Action: "iam:UpdateUser", Resource: "arn:aws:iam::*:user/low/*" }),
  });
  await assert.rejects(client.updateUser({ UserName: "moved", NewPath: "/high/" }), { name: "AccessDenied" });
  await client.updateUser({ UserName: "moved", NewUserName: "moved2" });
  assert.equal((await iam.getUser({ UserName: "moved2" })).User!.Path, "/low/");
});

test("a SAML provider is metadata with a certificate", async () => {
  const create = (certificate: string) =>
    iam.createSAMLProvider({
      Name: "idp",
      SAMLMetadataDocument: samlMetadata(certificate),
      Tags: [{ Key: "a", Value: "1" }],
    });
  for (const bad of ["", "AAAA", "<x"]) await assert.rejects(create(bad), { name: "InvalidInputException" }, bad);
  const base64 = CERTIFICATE.replace(/-----.*-----|\n/g, "");
  const { SAMLProviderArn } = await create(base64);
  assert.equal(SAMLProviderArn, "arn:aws:iam::000000000000:saml-provider/idp");
  assert.equal((await iam.getSAMLProvider({ SAMLProviderArn })).SAMLMetadataDocument, samlMetadata(base64));
  await iam.untagSAMLProvider({ SAMLProviderArn, TagKeys: ["A"] });
  assert.deepEqual((await iam.listSAMLProviderTags({ SAMLProviderArn })).Tags, []);
  await iam.deleteSAMLProvider({ SAMLProviderArn });
  assert.deepEqual((await iam.listSAMLProviders({})).SAMLProviderList, []);
});

test("the credential report has a row for each user", async () => {
  await assert.rejects(iam.getCredentialReport({}), { name: "CredentialReportNotPresentException" });
  const client = await newUser("rita");
  await new STS(client).getCallerIdentity({});
  await iam.createUser({ UserName: "a,b" });
  await iam.createLoginProfile({ UserName: "rita", Password: "Correct-horse-1" });
  assert.equal((await iam.generateCredentialReport({})).State, "STARTED");
  assert.equal((await iam.generateCredentialReport({})).State, "COMPLETE");
  const { Content, ReportFormat } = await iam.getCredentialReport({});
  assert.equal(ReportFormat, "text/csv");
  const [head = "", root = "", ...rows] = Buffer.from(Content!).toString().split("\n");
  assert.match(root, /^<root_account>,arn:aws:iam::000000000000:root,/);
  assert.ok(rows.some((row) => row.startsWith('"a,b","arn:aws:iam::000000000000:user/a,b",')));
  const cells = rows.find((row) => row.startsWith("rita,"))!.split(",");
  const of = (column: string) => cells[head.split(",").indexOf(column)];
  assert.deepEqual(
    [
      "password_enabled",
      "mfa_active",
      "access_key_1_active",
      "access_key_1_last_used_service",
      "access_key_2_active",
    ].map(of),
    ["true", "false", "true", "sts", "false"],
  );
});

test("git credentials are made anew, and follow their user's name", async () => {
  await iam.createUser({ UserName: "git" });
  const ServiceName = "codecommit.amazonaws.com";
  const { ServiceSpecificCredential } = await iam.createServiceSpecificCredential({ UserName: "git", ServiceName });
  const { ServiceSpecificCredentialId } = ServiceSpecificCredential!;
  const reset = await iam.resetServiceSpecificCredential({ UserName: "git", ServiceSpecificCredentialId });
  assert.notEqual(reset.ServiceSpecificCredential!.ServicePassword, ServiceSpecificCredential!.ServicePassword);
  await iam.updateUser({ UserName: "git", NewUserName: "git2" });
  const { ServiceSpecificCredentials } = await iam.listServiceSpecificCredentials({ UserName: "git2" });
  assert.equal(ServiceSpecificCredentials!.length, 1);
  await assert.rejects(iam.deleteUser({ UserName: "git2" }), /must remove referenced objects first/);

  const of = (service: string) =>
    iam
      .createServiceSpecificCredential({ UserName: "git2", ServiceName: `${service}.amazonaws.com` })
      .then((made) => made.ServiceSpecificCredential!);
  const { identity } = app.running.platform;
  const other = await of("cassandra");
  assert.equal(await identity.gitUser(other.ServiceUserName!, other.ServicePassword!), undefined);
  const second = await of("codecommit");
  const user = await identity.gitUser(second.ServiceUserName!, second.ServicePassword!);
  assert.ok(user?.kind === "user" && user.name === "git2");
  const former = { UserName: "git2", ServiceSpecificCredentialId };
  await iam.deleteServiceSpecificCredential(former);
  assert.notEqual((await of("codecommit")).ServiceUserName, second.ServiceUserName, "each has a name of its own");
});

test("templates: a user's password and groups, policies by themselves, certificates", async () => {
  const policy = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "s3:*", Resource: "*" }] };
  const resource = (type: string, Properties: object) => ({ Type: `AWS::IAM::${type}`, Properties });
  const template = (PolicyName: string, Users: object[]) =>
    body({
      User: resource("User", { UserName: "of-stack", LoginProfile: { Password: "Correct-horse-1" } }),
      Group: resource("Group", { GroupName: "of-stack" }),
      InUser: resource("UserPolicy", { PolicyName, UserName: { Ref: "User" }, PolicyDocument: policy }),
      InGroup: resource("GroupPolicy", { PolicyName, GroupName: { Ref: "Group" }, PolicyDocument: policy }),
      Members: resource("UserToGroupAddition", { GroupName: { Ref: "Group" }, Users }),
      Site: resource("ServerCertificate", { CertificateBody: CERTIFICATE, PrivateKey: KEY }),
    });
  const Capabilities: ["CAPABILITY_NAMED_IAM"] = ["CAPABILITY_NAMED_IAM"];
  const stacks = openStacks(app.client);
  await stacks.created("people", template("one", [{ Ref: "User" }]), { Capabilities });
  const UserName = "of-stack";
  assert.ok((await iam.getLoginProfile({ UserName })).LoginProfile);
  assert.deepEqual((await iam.listUserPolicies({ UserName })).PolicyNames, ["one"]);
  const members = async () => (await iam.getGroup({ GroupName: "of-stack" })).Users!.map((user) => user.UserName);
  assert.deepEqual(await members(), [UserName]);
  assert.equal((await iam.listServerCertificates({})).ServerCertificateMetadataList!.length, 1);
  const { StackId } = await stacks.update("people", template("two", []), { Capabilities });
  assert.deepEqual((await iam.listGroupPolicies({ GroupName: "of-stack" })).PolicyNames, ["two"]);
  assert.deepEqual(await members(), []);
  await new CloudFormation(app.client).deleteStack({ StackName: "people" });
  assert.equal((await stacks.ended(StackId!)).StackStatus, "DELETE_COMPLETE");
});
