import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { IAM } from "@aws-sdk/client-iam";
import { Lambda } from "@aws-sdk/client-lambda";
import { comparison, noRecordings, recordings } from "../support/recorded.ts";
import { trust } from "../support/stacks.ts";
import { startTestApp, type TestApp } from "../support/test-app.ts";
import { zip } from "../support/zip.ts";

const ACCOUNT = "000000000000";
const stale = { name: "PreconditionFailedException" };

describe("What belongs to a function's life, as AWS was recorded", { skip: noRecordings }, () => {
  let app: TestApp;
  let lambda: Lambda;
  let role: string;
  let code: { ZipFile: Uint8Array };
  const recorded = noRecordings ? undefined : recordings("lambda_/test_lambda_api.snapshot.json");
  const comparing = (name: string) => comparison(recorded!(name));

  before(async () => {
    app = await startTestApp();
    lambda = new Lambda(app.client);
    const { Role } = await new IAM(app.client).createRole({
      RoleName: "f",
      AssumeRolePolicyDocument: JSON.stringify(trust),
    });
    role = Role!.Arn!;
    code = { ZipFile: await zip({ "index.py": "def handler(event, context):\n    return event\n" }) };
  });
  after(() => app?.stop());

  const create = (FunctionName: string, more: object = {}) =>
    lambda.createFunction({
      FunctionName,
      Handler: "index.handler",
      Runtime: "python3.12",
      Role: role,
      Code: code,
      ...more,
    });

  test("versions: what is published, listed and deleted", async () => {
    const { compare, end } = comparing("test_version_lifecycle");
    const FunctionName = "versions";
    compare("create_response", await create(FunctionName, { Description: "No version :(" }));
    compare("list_versions_result", await lambda.listVersionsByFunction({ FunctionName }));
    const describeIt = (Description: string) => lambda.updateFunctionConfiguration({ FunctionName, Description });
    compare("first_update_response", await describeIt("First version :)"));
    const first = await lambda.publishVersion({ FunctionName, Description: "First version description :)" });
    compare("first_publish_response", first);
    compare("first_publish_get_function", await lambda.getFunction({ FunctionName, Qualifier: "1" }), ["Location"]);
    compare("second_update_response", await describeIt("Second version :))"));
    compare("second_publish_response", await lambda.publishVersion({ FunctionName }));
    const third = await lambda.publishVersion({ FunctionName, Description: "Third version description :)))" });
    compare("third_publish_response", third);
    compare("list_versions_result_after_third_publish", await lambda.listVersionsByFunction({ FunctionName }));
    await lambda.deleteFunction({ FunctionName: `${FunctionName}:1` });
    const list = await lambda.listVersionsByFunction({ FunctionName });
    compare("list_versions_result_after_deletion_of_first_version", list);
    end();
  });

  test("revisions change with the state, with publishes and with policies", async () => {
    const FunctionName = "revisions";
    const now = async () => (await lambda.getFunctionConfiguration({ FunctionName })).RevisionId!;
    const made = await create(FunctionName);
    const active = await now();
    assert.notEqual(made.RevisionId, active);
    const update = (RevisionId: string, more: object = {}) =>
      lambda.updateFunctionCode({ FunctionName, ...code, RevisionId, ...more });
    await assert.rejects(update(made.RevisionId!), stale);
    const dry = await update(active, { DryRun: true });
    assert.equal(dry.RevisionId, active);
    assert.equal(await now(), active, "a dry run changes nothing");
    const updated = await update(active);
    assert.notEqual(updated.RevisionId, await now());
    const before = await now();
    const published = await lambda.publishVersion({ FunctionName, RevisionId: before });
    assert.notEqual(await now(), before);
    const { RevisionId } = await lambda.getFunctionConfiguration({ FunctionName, Qualifier: "1" });
    assert.equal(RevisionId, published.RevisionId);
    const add = (StatementId: string, revision: string, more: object = {}) =>
      lambda.addPermission({
        FunctionName,
        StatementId,
        Action: "lambda:InvokeFunction",
        Principal: "s3.amazonaws.com",
        RevisionId: revision,
        ...more,
      });
    const { refused, end } = comparing("test_lambda_permission_fn_versioning");
    await add("one", await now());
    assert.equal((await lambda.getPolicy({ FunctionName })).RevisionId, await now());
    const alias = await lambda.createAlias({ FunctionName, Name: "a", FunctionVersion: "1" });
    await refused("add_permission_alias_revision_exception", add("s3", "wrong", { Qualifier: "a" }));
    await add("s3", alias.RevisionId!, { Qualifier: "a" });
    await assert.rejects(add("two", alias.RevisionId!, { Qualifier: "a" }), stale);
    await lambda.removePermission({ FunctionName, StatementId: "one", RevisionId: await now() });
    end();
  });

  test("the ARN of a function has the qualifier that was asked for", async () => {
    const FunctionName = "qualified";
    await create(FunctionName, { Publish: true });
    await lambda.createAlias({ FunctionName, Name: "live", FunctionVersion: "1" });
    for (const Qualifier of ["live", "1", "$LATEST"]) {
      const { FunctionArn } = await lambda.getFunctionConfiguration({ FunctionName, Qualifier });
      assert.equal(FunctionArn, `arn:aws:lambda:us-east-1:${ACCOUNT}:function:${FunctionName}:${Qualifier}`);
    }
  });

  test("lists: of versions, in pages, and of replicas", async () => {
    const { Functions: all = [] } = await lambda.listFunctions({ FunctionVersion: "ALL" });
    assert.ok(all.some(({ FunctionArn }) => FunctionArn?.endsWith(":qualified:1")));
    assert.ok(all.every(({ State, LastUpdateStatus }) => State === undefined && LastUpdateStatus === undefined));
    const first = await lambda.listFunctions({ MaxItems: 1 });
    const second = await lambda.listFunctions({ MaxItems: 1, Marker: first.NextMarker });
    assert.notEqual(first.Functions?.[0]?.FunctionName, second.Functions?.[0]?.FunctionName);
    const MasterRegion = "us-east-1";
    assert.deepEqual((await lambda.listFunctions({ MasterRegion, FunctionVersion: "ALL" })).Functions, []);
    await assert.rejects(lambda.listFunctions({ MasterRegion }), { name: "InvalidParameterValueException" });
  });

  test("tags: how many, and none", async () => {
    const { refused, end } = comparing("test_tag_limits");
    const many = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, k) => [`${k}_key`, `${k}_value`]));
    const Resource = (await create("tagged")).FunctionArn!;
    await refused("tag_lambda_too_many_tags", lambda.tagResource({ Resource, Tags: many(51) }));
    await lambda.tagResource({ Resource, Tags: many(50) });
    await refused("tag_lambda_too_many_tags_additional", lambda.tagResource({ Resource, Tags: { a_key: "a" } }));
    await refused("create_function_invalid_tags", create("tagged-2", { Tags: many(51) }));
    end();
    const none = comparing("test_tag_exceptions");
    await none.refused("tag_empty_tags", lambda.tagResource({ Resource, Tags: {} }));
    none.end();
  });

  test("layers that are not there, and their policies", async () => {
    const Content = { ZipFile: await zip({ "a.txt": "1" }) };
    const LayerName = "l";
    const { compare, refused, end } = comparing("test_layer_exceptions");
    const lists = { CompatibleRuntimes: ["python3.12" as const], CompatibleArchitectures: ["x86_64" as const] };
    compare("publish_result", await lambda.publishLayerVersion({ LayerName, Content, ...lists }));
    const get = (VersionNumber: number) => lambda.getLayerVersion({ LayerName, VersionNumber });
    await refused("get_layer_version_exc_layer_version_doesnotexist_negative", get(-1));
    await refused("get_layer_version_exc_layer_version_doesnotexist_zero", get(0));
    await refused("get_layer_version_exc_layer_version_doesnotexist_2", get(2));
    const empty = { CompatibleRuntimes: [], CompatibleArchitectures: [] };
    const published = await lambda.publishLayerVersion({ LayerName: "l-empty", Content, ...empty });
    compare("publish_empty_result", published);
    assert.deepEqual(published.CompatibleRuntimes, []);
    end();
    const policies = comparing("test_layer_policy_exceptions");
    const permit = (StatementId: string, more: object = {}) =>
      lambda.addLayerVersionPermission({
        LayerName,
        VersionNumber: 1,
        Action: "lambda:GetLayerVersion",
        Principal: "*",
        StatementId,
        ...more,
      });
    policies.compare("add_layer_permission_result", await permit("s1"), ["Statement"]);
    await policies.refused("layer_permission_duplicate_statement", permit("s1"));
    await policies.refused("layer_permission_wrong_revision", permit("s2", { RevisionId: "wrong" }));
    const missing = { LayerName, VersionNumber: 2 };
    await policies.refused("layer_permission_layerversion_doesnotexist_add", permit("s", { VersionNumber: 2 }));
    await policies.refused("layer_permission_layerversion_doesnotexist_get", lambda.getLayerVersionPolicy(missing));
    policies.end();
    const fitting = (more: object) => lambda.listLayers(more).then(({ Layers = [] }) => Layers.map((l) => l.LayerName));
    assert.deepEqual(await fitting({ CompatibleRuntime: "python3.12" }), ["l"]);
    assert.deepEqual(await fitting({ CompatibleRuntime: "nodejs22.x" }), []);
    assert.deepEqual(await fitting({ MaxItems: 1, Marker: "l" }), ["l-empty"]);
  });

  test("code signing: what must be signed cannot be deployed", async () => {
    const { compare, end } = comparing("test_function_code_signing_config");
    const publisher = `arn:aws:signer:us-east-1:${ACCOUNT}:/signing-profiles/test`;
    const made = await lambda.createCodeSigningConfig({
      Description: "Testing CodeSigning Config",
      AllowedPublishers: { SigningProfileVersionArns: [publisher] },
      CodeSigningPolicies: { UntrustedArtifactOnDeployment: "Enforce" },
    });
    compare("create_code_signing_config", made);
    const { CodeSigningConfigArn = "" } = made.CodeSigningConfig!;
    const unsigned = { name: "CodeVerificationFailedException" };
    await assert.rejects(create("signed", { CodeSigningConfigArn }), unsigned);
    const FunctionName = "signed";
    await create(FunctionName);
    const put = await lambda.putFunctionCodeSigningConfig({ FunctionName, CodeSigningConfigArn });
    compare("put_function_code_signing_config", put);
    await assert.rejects(lambda.updateFunctionCode({ FunctionName, ...code }), unsigned);
    const warn = { CodeSigningConfigArn, CodeSigningPolicies: { UntrustedArtifactOnDeployment: "Warn" } } as const;
    compare("update_code_signing_config", await lambda.updateCodeSigningConfig(warn));
    await lambda.updateFunctionCode({ FunctionName, ...code });
    compare("get_function_code_signing_config", await lambda.getFunctionCodeSigningConfig({ FunctionName }));
    const users = await lambda.listFunctionsByCodeSigningConfig({ CodeSigningConfigArn });
    compare("list_functions_by_code_signing_config", users);
    await assert.rejects(lambda.deleteCodeSigningConfig({ CodeSigningConfigArn }), {
      name: "ResourceConflictException",
    });
    await lambda.tagResource({ Resource: CodeSigningConfigArn, Tags: { a: "1" } });
    assert.deepEqual((await lambda.listTags({ Resource: CodeSigningConfigArn })).Tags, { a: "1" });
    const gone = await lambda.deleteFunctionCodeSigningConfig({ FunctionName });
    compare("delete_function_code_signing_config", gone);
    compare("delete_code_signing_config", await lambda.deleteCodeSigningConfig({ CodeSigningConfigArn }));
    end();
    const missing = comparing("test_code_signing_not_found_excs");
    const none = CodeSigningConfigArn.replace(/.{17}$/, "0".repeat(17));
    const ask = { CodeSigningConfigArn: none };
    await missing.refused("get_csc_invalid", lambda.getCodeSigningConfig(ask), ["Type"]);
    await missing.refused("delete_csc_notfound", lambda.deleteCodeSigningConfig(ask), ["Type"]);
    const putNone = lambda.putFunctionCodeSigningConfig({ FunctionName, ...ask });
    await missing.refused("put_function_csc_invalid_csc_arn", putNone);
    missing.end();
  });

  test("runtimes: how they are held, and which are none here", async () => {
    const FunctionName = "runtimes";
    await create(FunctionName);
    const { RuntimeVersionConfig } = await lambda.getFunctionConfiguration({ FunctionName });
    const { RuntimeVersionArn } = RuntimeVersionConfig!;
    const put = (more: object) =>
      lambda.putRuntimeManagementConfig({ FunctionName, UpdateRuntimeOn: "Manual", ...more });
    const get = async () => {
      const { $metadata: _m, ...config } = await lambda.getRuntimeManagementConfig({ FunctionName });
      return config;
    };
    const FunctionArn = `arn:aws:lambda:us-east-1:${ACCOUNT}:function:${FunctionName}:$LATEST`;
    assert.deepEqual(await get(), { UpdateRuntimeOn: "Auto", FunctionArn });
    await assert.rejects(put({}), /RuntimeVersionArn/);
    await assert.rejects(put({ RuntimeVersionArn: `${RuntimeVersionArn}0` }), /not installed/);
    await put({ RuntimeVersionArn });
    assert.deepEqual(await get(), { UpdateRuntimeOn: "Manual", FunctionArn, RuntimeVersionArn });
    for (const Runtime of ["ruby3.3", "java21", "dotnet8"])
      await assert.rejects(create("none", { Runtime }), { name: "NotImplemented", message: new RegExp(Runtime) });
    const KMSKeyArn = "arn:aws:kms:us-east-1:000000000000:key/a";
    await assert.rejects(create("none", { KMSKeyArn }), { name: "NotImplemented", message: /KMSKeyArn/ });
    assert.equal((await create("go", { Runtime: "go1.x", Handler: "main" })).Runtime, "go1.x");
    await assert.rejects(create("other", { Role: "arn:aws:iam::123456789012:role/r" }), {
      name: "AccessDeniedException",
      message: "Cross-account pass role is not allowed.",
    });
  });

  test("URLs: of nothing, and gone with their alias", async () => {
    const { refused, end } = comparing("test_url_config_exceptions");
    const update = lambda.updateFunctionUrlConfig({ FunctionName: "doesnotexist", AuthType: "AWS_IAM" });
    await refused("update_function_url_config_name_doesnotexist", update);
    end();
    const FunctionName = "url";
    await create(FunctionName, { Publish: true });
    await lambda.createAlias({ FunctionName, Name: "a", FunctionVersion: "1" });
    await lambda.createFunctionUrlConfig({ FunctionName, Qualifier: "a", AuthType: "NONE" });
    await lambda.deleteAlias({ FunctionName, Name: "a" });
    await assert.rejects(lambda.getFunctionUrlConfig({ FunctionName, Qualifier: "a" }), {
      name: "ResourceNotFoundException",
    });
  });
});
