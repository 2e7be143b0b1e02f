import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { IAM } from "@aws-sdk/client-iam";
import { Lambda } from "@aws-sdk/client-lambda";
import { trust } from "../support/stacks.ts";
import { differences, errorView, noRecordings, recordings, type Recorded } from "../support/recorded.ts";
import { startTestApp, type TestApp } from "../support/test-app.ts";
import { zip } from "../support/zip.ts";

describe("Provisioned concurrency is refused as AWS was recorded", { skip: noRecordings }, () => {
  let app: TestApp;
  let lambda: Lambda;
  before(async () => {
    app = await startTestApp();
    lambda = new Lambda(app.client);
    const { Role } = await new IAM(app.client).createRole({
      RoleName: "f",
      AssumeRolePolicyDocument: JSON.stringify(trust),
    });
    await lambda.createFunction({
      FunctionName: "f",
      Handler: "index.handler",
      Runtime: "python3.12",
      Role: Role!.Arn!,
      Code: { ZipFile: await zip({ "index.py": "def handler(event, context):\n    return event\n" }) },
    });
    await lambda.publishVersion({ FunctionName: "f" });
  });
  after(() => app?.stop());

  const put = (FunctionName: string, Qualifier: string, ProvisionedConcurrentExecutions = 1) =>
    lambda.putProvisionedConcurrencyConfig({ FunctionName, Qualifier, ProvisionedConcurrentExecutions });
  const get = (FunctionName: string, Qualifier: string) =>
    lambda.getProvisionedConcurrencyConfig({ FunctionName, Qualifier });
  const remove = (FunctionName: string, Qualifier: string) =>
    lambda.deleteProvisionedConcurrencyConfig({ FunctionName, Qualifier });

  async function compare(name: string, calls: Record<string, () => Promise<object>>): Promise<void> {
    const recorded = recordings("lambda_/test_lambda_api.snapshot.json")(name);
    const found: string[] = [];
    for (const [key, call] of Object.entries(calls)) {
      const { Message: _text, ...wanted } = recorded[key] as Recorded;
      const error = await call().then(
        () => new Error("not refused"),
        (e: unknown) => e,
      );
      found.push(...differences(wanted, errorView(error), ["message", "Type"], key));
    }
    assert.deepEqual(found, []);
  }

  test("names and qualifiers", () =>
    compare("test_provisioned_concurrency_exceptions", {
      get_provisioned_config_doesnotexist: () => get("f", "1"),
      get_provisioned_functionname_doesnotexist: () => get("doesnotexist", "noalias"),
      get_provisioned_qualifier_doesnotexist: () => get("f", "noalias"),
      get_provisioned_version_doesnotexist: () => get("f", "10"),
      get_provisioned_latest: () => get("f", "$LATEST"),
      list_provisioned_functionname_doesnotexist: () =>
        lambda.listProvisionedConcurrencyConfigs({ FunctionName: "doesnotexist" }),
      delete_provisioned_functionname_doesnotexist: () => remove("doesnotexist", "1"),
      delete_provisioned_qualifier_doesnotexist: () => remove("f", "noalias"),
      delete_provisioned_version_doesnotexist: () => remove("f", "10"),
      delete_provisioned_latest: () => remove("f", "$LATEST"),
      put_provisioned_invalid_param_0: () => put("f", "1", 0),
      put_provisioned_functionname_doesnotexist_alias: () => put("doesnotexist", "noalias"),
      put_provisioned_functionname_doesnotexist_version: () => put("doesnotexist", "1"),
      put_provisioned_qualifier_doesnotexist: () => put("f", "doesnotexist"),
      put_provisioned_version_doesnotexist: () => put("f", "10"),
      put_provisioned_latest: () => put("f", "$LATEST"),
    }));

  test("amounts", async () => {
    await compare("test_provisioned_concurrency_limits", {
      put_provisioned_concurrency_account_limit_exceeded: () => put("f", "1", 1001),
      put_provisioned_concurrency_below_unreserved_min_value: () => put("f", "1", 901),
    });
    await lambda.putFunctionConcurrency({ FunctionName: "f", ReservedConcurrentExecutions: 2 });
    await assert.rejects(put("f", "1", 3), {
      message:
        "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function",
    });
  });
});
