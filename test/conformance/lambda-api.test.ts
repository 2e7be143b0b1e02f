import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { IAM } from "@aws-sdk/client-iam";
import { Lambda } from "@aws-sdk/client-lambda";
import { comparison, differences, noRecordings, recordings } from "../support/recorded.ts";
import { startTestApp, type TestApp } from "../support/test-app.ts";
import { zip } from "../support/zip.ts";

const ACCOUNT = "000000000000";
const ARN = `arn:aws:lambda:us-east-1:${ACCOUNT}:function`;

/** Names and qualifiers that the recordings ask four operations for. */
const NAMES: Record<string, { FunctionName: string; Qualifier?: string }> = {
  invalid_characters_in_function_name: { FunctionName: "my-function!" },
  function_name_is_single_invalid: { FunctionName: "*" },
  invalid_characters_in_qualifier: { FunctionName: "my-function", Qualifier: "invalid!" },
  qualifier_too_long: { FunctionName: "my-function", Qualifier: "a".repeat(129) },
  invalid_account_id_in_partial_arn: { FunctionName: "invalid-account:function:my-function" },
  invalid_region_in_arn: { FunctionName: `arn:aws:lambda:invalid-region:${ACCOUNT}:function:my-function` },
  non_lambda_arn: { FunctionName: `arn:aws:ec2:us-east-1:${ACCOUNT}:instance:i-1234567890abcdef0` },
  function_name_too_long: { FunctionName: "a".repeat(65) },
  full_arn_with_multiple_qualifiers: { FunctionName: `${ARN}:my-function:1:2` },
  incomplete_arn: { FunctionName: ARN },
  partial_arn_with_extra_qualifier: { FunctionName: "function:my-function:$LATEST:extra" },
  latest_version_with_additional_qualifier: { FunctionName: `${ARN}:my-function:$LATEST`, Qualifier: "1" },
  lowercase_latest_qualifier: { FunctionName: `${ARN}:my-function`, Qualifier: "$latest" },
  missing_region_in_arn: { FunctionName: `arn:aws:lambda::${ACCOUNT}:function:my-function` },
  missing_account_id_in_arn: { FunctionName: "arn:aws:lambda:us-east-1::function:my-function" },
  misspelled_latest_in_arn: { FunctionName: `${ARN}:my-function:$LATES` },
};

describe("Lambda's API answers as AWS was recorded", { skip: noRecordings }, () => {
  let app: TestApp;
  let lambda: Lambda;
  let role: string;
  let code: { ZipFile: Uint8Array };
  const recorded = noRecordings ? undefined : recordings("lambda_/test_lambda_api.snapshot.json");

  before(async () => {
    app = await startTestApp();
    lambda = new Lambda(app.client);
    const trust = { Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" };
    const { Role } = await new IAM(app.client).createRole({
      RoleName: "f",
      AssumeRolePolicyDocument: JSON.stringify({ Version: "2012-10-17", Statement: [trust] }),
    });
    role = Role!.Arn!;
    code = { ZipFile: await zip({ "index.py": "def handler(event, context):\n    return event\n" }) };
  });
  after(() => app?.stop());

  const comparing = (name: string) => comparison(recorded!(name));

  const create = (FunctionName: string, more: object = {}) =>
    lambda.createFunction({
      FunctionName,
      Handler: "index.handler",
      Runtime: "python3.12",
      Role: role,
      Code: code,
      ...more,
    });

  test("names and qualifiers", async () => {
    const operations: Record<string, (input: { FunctionName: string; Qualifier?: string }) => Promise<object>> = {
      get_function: (input) => lambda.getFunction(input),
      delete_function: (input) => lambda.deleteFunction(input),
      invoke: (input) => lambda.invoke(input),
      create_function: ({ FunctionName, Qualifier }) =>
        create(Qualifier ? `${FunctionName}:${Qualifier}` : FunctionName),
    };
    const found: string[] = [];
    for (const [name, input] of Object.entries(NAMES)) {
      for (const [operation, call] of Object.entries(operations)) {
        if (name === "incomplete_arn" && operation === "create_function") continue; // makes a function called "function"
        const wanted = recorded!(`test_function_name_and_qualifier_validation[${name}-${operation}]`)[
          `${operation}_exception`
        ] as { Code: string; Message?: string; Errors?: string[] };
        const error = await call(input).then(
          () => ({ name: "none", message: "" }),
          (e: unknown) => e as Error,
        );
        const what = `${name} ${operation}`;
        if (error.name !== wanted.Code)
          found.push(`${what}: ${error.name}: ${error.message}\n    recorded: ${JSON.stringify(wanted)}`);
        else if (wanted.Message !== undefined)
          found.push(
            ...differences(
              wanted.Message.replace(/<a:len\((\d+)\)>/g, (_m, n) => "a".repeat(Number(n))),
              error.message,
              [],
              what,
            ),
          );
      }
    }
    assert.deepEqual(found, []);
  });

  test("a function's life", async () => {
    const { compare, refused, end } = comparing("test_function_lifecycle");
    const FunctionName = "life";
    const made = await create(FunctionName, {
      Handler: "handler.handler",
      MemorySize: 256,
      Timeout: 5,
      Environment: { Variables: {} },
    });
    const { $metadata, ...answer } = made;
    compare("create_response", {
      CreateFunctionResponse: { ...answer, ResponseMetadata: { HTTPStatusCode: $metadata.httpStatusCode } },
    });
    compare("get_function_response", await lambda.getFunction({ FunctionName }), ["Location"]);
    const change = {
      Runtime: "python3.11" as const,
      Description: "Changed-Description",
      MemorySize: 512,
      Timeout: 10,
      Environment: { Variables: { ENV_A: "a" } },
    };
    compare("update_func_conf_response", await lambda.updateFunctionConfiguration({ FunctionName, ...change }));
    compare("get_function_response_postupdate", await lambda.getFunction({ FunctionName }), ["Location"]);
    const other = await zip({ "handler.py": "def handler(event, context):\n    return 2\n" });
    compare("update_code_response", await lambda.updateFunctionCode({ FunctionName, ZipFile: other }));
    compare("get_function_response_postcodeupdate", await lambda.getFunction({ FunctionName }), ["Location"]);
    compare("delete_response", await lambda.deleteFunction({ FunctionName }));
    await refused("delete_postdelete", lambda.deleteFunction({ FunctionName }));
    end();
  });

  test("what is asked of a function that is not there", async () => {
    const FunctionName = "i-dont-exist";
    const operations: Record<string, () => Promise<object>> = {
      delete_function: () => lambda.deleteFunction({ FunctionName }),
      get_function: () => lambda.getFunction({ FunctionName }),
      get_function_configuration: () => lambda.getFunctionConfiguration({ FunctionName }),
      get_function_url_config: () => lambda.getFunctionUrlConfig({ FunctionName }),
      get_function_event_invoke_config: () => lambda.getFunctionEventInvokeConfig({ FunctionName }),
      get_function_concurrency: () => lambda.getFunctionConcurrency({ FunctionName }),
    };
    for (const [operation, call] of Object.entries(operations)) {
      const { refused, end } = comparing(`test_ops_on_nonexisting_fn[${operation}]`);
      await refused("not_found_exception", call());
      end();
    }
  });

  test("ARNs of other regions, and names that are too long", async () => {
    const { refused, end } = comparing("test_function_arns");
    await refused("long_function_name_exc", create("a".repeat(65)));
    await refused("function_arn_other_region_exc", create(`arn:aws:lambda:ap-southeast-1:${ACCOUNT}:function:f`));
    await refused("function_arn_other_account_exc", create("arn:aws:lambda:us-east-1:123456789012:function:f"), [
      "Message",
    ]);
    end();
  });

  test("layers that a function cannot have", async () => {
    const { refused, end } = comparing("test_layer_function_exceptions");
    const publish = (text: string) =>
      zip({ "a.txt": text }).then((ZipFile) => lambda.publishLayerVersion({ LayerName: "l", Content: { ZipFile } }));
    const [one, two] = [await publish("1"), await publish("22")];
    const FunctionName = "layered";
    const { Layers } = await create(FunctionName, { Layers: [one.LayerVersionArn] });
    assert.deepEqual(Layers, [{ Arn: one.LayerVersionArn, CodeSize: one.Content!.CodeSize }]);
    const layers = (...Layers: (string | undefined)[]) =>
      lambda.updateFunctionConfiguration({ FunctionName, Layers: Layers.map(String) });
    await refused("two_layer_versions_single_function_exc", layers(one.LayerVersionArn, two.LayerVersionArn));
    await refused("two_identical_layer_versions_single_function_exc", layers(one.LayerVersionArn, one.LayerVersionArn));
    await refused("add_nonexistent_layer_exc", layers(`arn:aws:lambda:us-east-1:${ACCOUNT}:layer:doesnotexist:1`));
    await refused("add_nonexistent_layer_version_exc", layers(`${one.LayerArn}:9`));
    end();
  });

  test("concurrency that is refused", async () => {
    const { refused, end } = comparing("test_function_concurrency_exceptions");
    const put = (FunctionName: string, ReservedConcurrentExecutions: number) =>
      lambda.putFunctionConcurrency({ FunctionName, ReservedConcurrentExecutions });
    await refused("put_function_concurrency_with_function_name_doesnotexist", put("doesnotexist", 1));
    const made = await create("reserved", { Publish: true });
    await refused("put_function_concurrency_with_qualified_arn", put(`${made.FunctionArn}:1`, 1));
    end();
  });

  test("aliases and their weights", async () => {
    const { compare, refused, end } = comparing("test_notfound_and_invalid_routingconfigs");
    const FunctionName = "weights";
    compare(
      "create_response",
      await create(FunctionName, { Publish: true, Environment: { Variables: { testenv: "staging" } } }),
    );
    compare("publish_v1", await lambda.publishVersion({ FunctionName }));
    await lambda.updateFunctionConfiguration({ FunctionName, Environment: { Variables: { testenv: "prod" } } });
    compare("publish_v2", await lambda.publishVersion({ FunctionName }));
    const alias = (weights: Record<string, number>, FunctionVersion = "1", name = FunctionName) =>
      lambda.createAlias({
        FunctionName: name,
        Name: "custom",
        FunctionVersion,
        RoutingConfig: { AdditionalVersionWeights: weights },
      });
    await refused("routing_config_exc_toomany", alias({ 1: 0.8, 2: 0.2 }));
    // AWS prints these numbers as Java does, 2.0 for 2.
    await refused("routing_config_exc_toohigh", alias({ 2: 2 }), ["Message"]);
    await refused("routing_config_exc_subzero", alias({ 2: -1 }), ["Message"]);
    await refused("routing_config_exc_sameversion", alias({ 1: 0.5 }));
    await refused("target_version_doesnotexist", alias({ 2: 0.5 }, "10"));
    await refused("routing_config_exc_version_doesnotexist", alias({ 10: 0.5 }));
    await refused("target_version_exc_version_latest", alias({ 1: 0.5 }, "$LATEST"), ["Type"]);
    await refused("routing_config_exc_version_latest", alias({ $LATEST: 0.5 }));
    compare(
      "create-alias-latest",
      await lambda.createAlias({ FunctionName, Name: "custom-latest", FunctionVersion: "$LATEST" }),
    );
    await refused("routing_config_exc_fn_doesnotexist", alias({ 2: 0.5 }, "1", "weights-unknown"));
    compare("create_alias_response", await alias({ 2: 0.5 }));
    end();
  });

  test("permissions that are refused", async () => {
    const { refused, end } = comparing("test_permission_exceptions");
    const FunctionName = "permissions";
    await create(FunctionName);
    const add = (more: object) =>
      lambda.addPermission({
        FunctionName,
        Action: "lambda:InvokeFunction",
        StatementId: "s3",
        Principal: "s3.amazonaws.com",
        ...more,
      });
    const SourceArn = "arn:aws:s3:::test-bucket";
    await refused("add_permission_invalid_statement_id", add({ StatementId: "example.com" }));
    await refused(
      "add_permission_fn_qualifier_mismatch",
      add({ FunctionName: `${FunctionName}:alias-not-42`, SourceArn, Qualifier: "42" }),
    );
    await refused(
      "add_permission_fn_qualifier_latest",
      add({ FunctionName: `${FunctionName}:$LATEST`, SourceArn, Qualifier: "$LATEST" }),
    );
    await refused(
      "add_permission_principal_invalid",
      add({ StatementId: "lambda", Principal: "invalid.nonaws.com", SourceAccount: ACCOUNT }),
    );
    await refused("get_policy_fn_doesnotexist", lambda.getPolicy({ FunctionName: "doesnotexist" }));
    await refused("get_policy_fn_version_doesnotexist", lambda.getPolicy({ FunctionName, Qualifier: "77" }));
    await refused("add_permission_fn_doesnotexist", add({ FunctionName: "doesnotexist", SourceArn }));
    await refused(
      "remove_permission_policy_doesnotexist",
      lambda.removePermission({ FunctionName, StatementId: "s3" }),
    );
    await refused(
      "add_permission_fn_alias_doesnotexist",
      add({ FunctionName: `${FunctionName}:alias-doesnotexist`, SourceArn }),
    );
    await refused("add_permission_fn_version_doesnotexist", add({ SourceArn, Qualifier: "42" }));
    await refused(
      "add_permission_fn_qualifier_invalid",
      add({ SourceArn, Qualifier: "invalid-qualifier-with-?-char" }),
    );
    await refused(
      "add_permission_fn_qualifier_valid_doesnotexist",
      add({ SourceArn, Qualifier: "valid-with-$-but-doesnotexist" }),
    );
    await add({ SourceArn });
    await refused("add_permission_conflicting_statement_id", add({ SourceArn }));
    const remove = (name: string) => lambda.removePermission({ FunctionName: name, StatementId: "s3" });
    await refused("remove_permission_fn_doesnotexist", remove("doesnotexist"));
    await refused("remove_permission_fn_alias_doesnotexist", remove(`${FunctionName}:alias-doesnotexist`));
    end();
  });
});
