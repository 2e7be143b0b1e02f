import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { IAM } from "@aws-sdk/client-iam";
import { SSM, type ParameterStringFilter } from "@aws-sdk/client-ssm";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

let app: TestApp;
let ssm: SSM;
before(async () => {
  app = await startTestApp();
  ssm = new SSM(app.client);
});
after(() => app.stop());

const put = (Name: string, Value = "v", more: object = {}) =>
  ssm.putParameter({ Name, Value, Type: "String", ...more });

test("a value, its versions and labels", async () => {
  assert.deepEqual([(await put("/a/b", "1")).Version, (await put("/a/b", "2", { Overwrite: true })).Version], [1, 2]);
  const { Parameter } = await ssm.getParameter({ Name: "/a/b" });
  assert.deepEqual(
    [Parameter!.Value, Parameter!.Version, Parameter!.ARN, Parameter!.DataType],
    ["2", 2, "arn:aws:ssm:us-east-1:000000000000:parameter/a/b", "text"],
  );
  assert.equal((await ssm.getParameter({ Name: "/a/b:1" })).Parameter!.Value, "1");
  assert.equal((await ssm.getParameter({ Name: Parameter!.ARN! })).Parameter!.Value, "2");
  const labelled = await ssm.labelParameterVersion({
    Name: "/a/b",
    ParameterVersion: 1,
    Labels: ["prod", "aws-x", "1x"],
  });
  assert.deepEqual(labelled.InvalidLabels, ["aws-x", "1x"]);
  const byLabel = (await ssm.getParameter({ Name: "/a/b:prod" })).Parameter!;
  assert.deepEqual([byLabel.Value, byLabel.Selector], ["1", ":prod"]);
  const { Parameters } = await ssm.getParameterHistory({ Name: "/a/b" });
  assert.deepEqual(
    Parameters!.map((p) => [p.Value, p.Labels, p.LastModifiedUser]),
    [
      ["1", ["prod"], "arn:aws:iam::000000000000:user/admin"],
      ["2", [], "arn:aws:iam::000000000000:user/admin"],
    ],
  );
  await ssm.unlabelParameterVersion({ Name: "/a/b", ParameterVersion: 1, Labels: ["prod"] });
  await assert.rejects(ssm.getParameter({ Name: "/a/b:prod" }), { name: "ParameterVersionNotFound" });
  await assert.rejects(ssm.getParameter({ Name: "/a/b:9" }), {
    name: "ParameterVersionNotFound",
    message: "Systems Manager could not find version 9 of /a/b. Verify the version and try again.",
  });
});

test("a secret is sealed, and open only to who asks for it", async () => {
  await put("secret", "hush", { Type: "SecureString" });
  const sealed = (await ssm.getParameter({ Name: "secret" })).Parameter!.Value!;
  assert.ok(!sealed.includes("hush"));
  assert.equal((await ssm.getParameter({ Name: "secret", WithDecryption: true })).Parameter!.Value, "hush");
  const rows = await app.running.platform.database.all<{ value: string }>({
    sql: "select value from record where service = 'ssm'",
    parameters: [],
  });
  assert.ok(rows.length > 0 && rows.every((row) => !row.value.includes("hush")));
});

test("paths, filters and pages", async () => {
  for (let i = 0; i < 12; i++) await put(`/p/x${String(i).padStart(2, "0")}`, String(i));
  await put("/p/deep/y", "y", { Type: "StringList", Tags: [{ Key: "env", Value: "prod" }] });
  const first = await ssm.getParametersByPath({ Path: "/p" });
  assert.equal(first.Parameters!.length, 10);
  const rest = await ssm.getParametersByPath({ Path: "/p", NextToken: first.NextToken });
  assert.deepEqual(
    rest.Parameters!.map((p) => p.Name),
    ["/p/x10", "/p/x11"],
  );
  assert.equal((await ssm.getParametersByPath({ Path: "/p/", Recursive: true })).Parameters![0]!.Name, "/p/deep/y");
  const described = await ssm.describeParameters({});
  assert.deepEqual([described.Parameters!.length, described.NextToken !== undefined], [10, true]);
  const names = async (Key: string, Option: string, ...Values: string[]) =>
    (await ssm.describeParameters({ ParameterFilters: [{ Key, Option, Values }] })).Parameters!.map((p) => p.Name);
  assert.deepEqual(await names("tag:env", "Equals", "prod"), ["/p/deep/y"]);
  assert.deepEqual(await names("Type", "Equals", "StringList"), ["/p/deep/y"]);
  assert.deepEqual(await names("Name", "BeginsWith", "/p/x1"), ["/p/x10", "/p/x11"]);
  assert.deepEqual(await names("Path", "OneLevel", "/p/deep"), ["/p/deep/y"]);
  await assert.rejects(names("Label", "Equals", "x"), { name: "InvalidFilterKey" });
  await put("rootless", "r");
  const atRoot = (await ssm.getParametersByPath({ Path: "/" })).Parameters!.map((p) => p.Name!);
  assert.ok(atRoot.includes("rootless") && !atRoot.some((name) => name.startsWith("/p/")));
  const refused = (filters: ParameterStringFilter[], message: RegExp) =>
    assert.rejects(ssm.describeParameters({ ParameterFilters: filters }), { message });
  await refused([{ Key: "Name" }], /values are missing : null for filter key Name/);
  await refused(
    ["a", "b"].map((one) => ({ Key: "Name", Values: [one] })),
    /filter is duplicated in the request: Name/,
  );
  await refused([{ Key: "Path", Option: "Equals", Values: ["/p"] }], /Valid options include: \[Recursive, OneLevel\]/);
  await refused([{ Key: "Path", Values: ["/p//q"] }], /must begin with a forward slash/);
  await refused([{ Key: "Path", Values: ["/aws/x"] }], /Filters for common parameters/);
  await refused(
    [{ Key: "Tier", Values: ["test"] }],
    /Valid values include: \[Standard, Advanced, Intelligent-Tiering\]/,
  );
  await assert.rejects(put("typed", "v", { DataType: "not_text" }), {
    name: "ValidationException",
    message: "The following data type is not supported: not_text (Data type names are all lowercase.)",
  });
  const some = await ssm.getParameters({ Names: ["/p/x00", "/none"] });
  assert.deepEqual([some.Parameters!.map((p) => p.Value), some.InvalidParameters], [["0"], ["/none"]]);
});

test("what cannot be is refused in AWS's words", async () => {
  await put("once");
  await assert.rejects(put("once"), {
    name: "ParameterAlreadyExists",
    message: "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.",
  });
  await assert.rejects(put("a/b"), {
    name: "ValidationException",
    message: "Parameter name must be a fully qualified name.",
  });
  for (const Name of ["a/b/c", "/a//b"])
    await assert.rejects(ssm.getParameter({ Name }), {
      name: "ValidationException",
      message: /divided by slash symbol/,
    });
  await assert.rejects(put("/aws/x"), {
    name: "AccessDeniedException",
    message: "No access to reserved parameter name: /aws/x.",
  });
  await assert.rejects(put("ssm-x"), { name: "ValidationException", message: /can't be prefixed with "ssm"/ });
  await assert.rejects(put("a b"), { name: "ValidationException" });
  await assert.rejects(put(`/${Array.from({ length: 16 }, () => "l").join("/")}`), {
    name: "HierarchyLevelLimitExceededException",
  });
  await assert.rejects(ssm.putParameter({ Name: "typeless", Value: "v" }), {
    message: "A parameter type is required when you create a parameter.",
  });
  await assert.rejects(put("big", "x".repeat(4097)), {
    message: /Standard tier parameters support a maximum parameter value of 4096 characters/,
  });
  assert.equal((await put("big", "x".repeat(4097), { Tier: "Intelligent-Tiering" })).Tier, "Advanced");
  await assert.rejects(put("big", "x", { Tier: "Standard", Overwrite: true }), { message: /You can't downgrade/ });
  await assert.rejects(put("once", "v", { Type: "StringList", Overwrite: true }), {
    name: "HierarchyTypeMismatchException",
  });
  await assert.rejects(put("digits", "x", { AllowedPattern: "\\d+" }), {
    name: "ParameterPatternMismatchException",
    message: "Parameter value, cannot be validated against allowedPattern: \\d+",
  });
  await assert.rejects(put("slow", `${"a".repeat(40)}!`, { AllowedPattern: "(a+)+" }), {
    name: "InvalidAllowedPatternException",
  });
  await assert.rejects(put("wrong", "x", { AllowedPattern: "(" }), { name: "InvalidAllowedPatternException" });
  await assert.rejects(ssm.getParameter({ Name: "nowhere" }), { name: "ParameterNotFound" });
  await assert.rejects(ssm.getParameter({ Name: "/aws/service/ami-amazon-linux-latest/x" }), {
    name: "NotImplemented",
  });
  await assert.rejects(ssm.deleteParameter({ Name: "nowhere" }), { name: "ParameterNotFound" });
});

test("a hundred versions are kept, and one with a label is not lost", async () => {
  for (let i = 0; i < 101; i++) await put("many", String(i), { Overwrite: i > 0 });
  await assert.rejects(ssm.getParameter({ Name: "many:1" }), { name: "ParameterVersionNotFound" });
  await ssm.labelParameterVersion({ Name: "many", ParameterVersion: 2, Labels: ["keep"] });
  await assert.rejects(put("many", "x", { Overwrite: true }), { name: "ParameterMaxVersionLimitExceeded" });
});

test("concurrent writers each make a version", async () => {
  await put("race", "0");
  const versions = await Promise.all(
    Array.from({ length: 8 }, async (_, i) => (await put("race", String(i), { Overwrite: true })).Version),
  );
  assert.deepEqual(versions.sort(), [2, 3, 4, 5, 6, 7, 8, 9]);
});

test("tags, deletion and permission", async () => {
  await put("tagged", "v", { Tags: [{ Key: "a", Value: "1" }] });
  const on = { ResourceType: "Parameter", ResourceId: "tagged" } as const;
  await ssm.addTagsToResource({ ...on, Tags: [{ Key: "b", Value: "2" }] });
  await ssm.removeTagsFromResource({ ...on, TagKeys: ["a"] });
  assert.deepEqual((await ssm.listTagsForResource(on)).TagList, [{ Key: "b", Value: "2" }]);
  const iam = new IAM(app.client);
  await iam.createUser({ UserName: "one" });
  await iam.putUserPolicy({
    UserName: "one",
    PolicyName: "p",
    PolicyDocument: JSON.stringify({
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Action: "ssm:GetParameter*", Resource: "arn:aws:ssm:*:*:parameter/tagged" }],
    }),
  });
  const { AccessKey } = await iam.createAccessKey({ UserName: "one" });
  const one = new SSM(app.as({ accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! }));
  assert.equal((await one.getParameter({ Name: "tagged" })).Parameter!.Value, "v");
  await assert.rejects(one.getParameters({ Names: ["tagged", "once"] }), { name: "AccessDeniedException" });
  assert.deepEqual(
    await ssm.deleteParameters({ Names: ["tagged", "none"] }).then((r) => [r.DeletedParameters, r.InvalidParameters]),
    [["tagged"], ["none"]],
  );
  await assert.rejects(ssm.getParameterHistory({ Name: "tagged" }), { name: "ParameterNotFound" });
});

test("an ARN finds its parameter, whether its name begins with a slash or not", async () => {
  const names = ["/slash", "plain", "/in/a/path"];
  for (const name of names) await put(name, `of ${name}`);
  for (const name of names) {
    const { ARN } = (await ssm.getParameter({ Name: name })).Parameter!;
    const { Parameter } = await ssm.getParameter({ Name: ARN! });
    assert.deepEqual([Parameter!.Name, Parameter!.Value], [name, `of ${name}`]);
    assert.equal((await ssm.getParameterHistory({ Name: ARN! })).Parameters![0]!.Name, name);
  }
});

test("a name of one level is the same with and without its slash", async () => {
  await put("/led", "1");
  await put("bare", "1");
  for (const [made, other] of [
    ["/led", "led"],
    ["bare", "/bare"],
  ] as const) {
    assert.equal((await ssm.getParameter({ Name: other })).Parameter!.Name, other);
    await assert.rejects(put(other), { name: "ParameterAlreadyExists" });
    const on = { ResourceType: "Parameter", ResourceId: other } as const;
    await ssm.addTagsToResource({ ...on, Tags: [{ Key: "k", Value: "v" }] });
    assert.equal((await ssm.listTagsForResource({ ...on, ResourceId: made })).TagList!.length, 1);
    await ssm.deleteParameter({ Name: other });
    await assert.rejects(ssm.getParameter({ Name: made }), { name: "ParameterNotFound" });
  }
});

const policy = (Type: string, Attributes: object) => ({ Type, Version: "1.0", Attributes });

test("policies of advanced parameters: kept, refused where they make no sense, and a parameter that expires goes", async () => {
  const soon = new Date(Date.now() + 400).toISOString();
  const given = [
    policy("Expiration", { Timestamp: soon }),
    policy("NoChangeNotification", { After: "2", Unit: "Days" }),
  ];
  const Policies = JSON.stringify(given);
  await assert.rejects(put("leased", "v", { Policies }), {
    message: "Parameter policies are only supported for parameters of the advanced-parameter tier.",
  });
  await put("leased", "v", { Policies, Tier: "Advanced" });
  const [shown] = (await ssm.describeParameters({ Filters: [{ Key: "Name", Values: ["leased"] }] })).Parameters!;
  assert.deepEqual(
    shown!.Policies!.map((one) => [one.PolicyType, JSON.parse(one.PolicyText!).Attributes, one.PolicyStatus]),
    given.map((one) => [one.Type, one.Attributes, "Pending"]),
  );
  const refused = async (list: object[], name: string) =>
    assert.rejects(put("refused", "v", { Tier: "Advanced", Policies: JSON.stringify(list) }), { name });
  await refused([policy("Nonsense", {})], "InvalidPolicyTypeException");
  await refused([policy("Expiration", { Timestamp: "then" })], "InvalidPolicyAttributeException");
  await refused([policy("ExpirationNotification", { Before: "1", Unit: "Days" })], "IncompatiblePolicyException");
  for (const until = Date.now() + 10_000; ;) {
    const isGone = await ssm.getParameter({ Name: "leased" }).then(
      () => false,
      (error: Error) => error.name === "ParameterNotFound",
    );
    if (isGone) break;
    assert.ok(Date.now() < until, "the parameter did not expire");
  }
});
