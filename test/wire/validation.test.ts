import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { createContext, Script } from "node:vm";
import { AwsError } from "../../src/kernel/aws-error.ts";
import { createModelRegistry } from "../../src/aws/model.ts";
import { validateInput } from "../../src/aws/protocol/index.ts";
import { toRegExp } from "../../src/aws/protocol/validate.ts";
import type { ModelPack } from "../../src/aws/model-pack.ts";

const models = createModelRegistry();

function refusal(service: string, operation: string, input: object): { code: string; message: string } {
  const model = models.load(service);
  try {
    validateInput(model, model.operation(operation)!, input);
  } catch (error) {
    assert.ok(error instanceof AwsError);
    return { code: error.code, message: error.message };
  }
  assert.fail("the input was accepted");
}

function accept(service: string, operation: string, input: object): void {
  const model = models.load(service);
  validateInput(model, model.operation(operation)!, input);
}

describe("validation in AWS's words", () => {
  test("a missing member of a JSON service", () => {
    assert.deepEqual(refusal("codepipeline", "GetPipeline", {}), {
      code: "ValidationException",
      message:
        "1 validation error detected: Value null at 'name' failed to satisfy constraint: Member must not be null",
    });
  });

  test("several violations in one message", () => {
    const { message } = refusal("codepipeline", "GetPipeline", { name: "a b", version: 0 });
    assert.equal(
      message,
      "2 validation errors detected: Value 'a b' at 'name' failed to satisfy constraint: Member must satisfy regular " +
        "expression pattern: [A-Za-z0-9.@\\-_]+; Value '0' at 'version' failed to satisfy constraint: Member must have " +
        "value greater than or equal to 1",
    );
  });

  test("a query service", () => {
    const name = "a".repeat(65);
    assert.deepEqual(refusal("iam", "GetRole", { RoleName: name }), {
      code: "ValidationError",
      message: `1 validation error detected: Value at 'roleName' failed to satisfy constraint: Member must have length less than or equal to 64`,
    });
  });

  test("IAM repeats no value, and lists none that it would take", () => {
    const status = { ServiceSpecificCredentialId: "a".repeat(20), Status: "Off" };
    assert.match(
      refusal("iam", "UpdateServiceSpecificCredential", status).message,
      /Value at 'status' failed to satisfy constraint: Member must satisfy enum value set$/,
    );
    const { message } = refusal("iam", "TagUser", { UserName: "a", Tags: [{ Key: "", Value: "x" }] });
    assert.match(message, /: Value at 'tags\.1\.member\.key' failed/);
  });

  test("values of an enumeration in the order in which AWS lists them", () => {
    const alarm = { AlarmName: "a", StateValue: "OFF", StateReason: "none" };
    assert.match(
      refusal("monitoring", "SetAlarmState", alarm).message,
      /enum value set: \[INSUFFICIENT_DATA, ALARM, OK\]$/,
    );
  });

  test("members of list items and of structures", () => {
    const tags = [
      { Key: "ok", Value: "" },
      { Key: "", Value: "x" },
    ];
    const { message } = refusal("iam", "TagRole", { RoleName: "r", Tags: tags });
    assert.match(
      message,
      /at 'tags\.2\.member\.key' failed to satisfy constraint: Member must have length greater than or equal to 1/,
    );
  });

  test("items of a list are shown together, and what each must be", () => {
    const { message } = refusal("lambda", "UpdateFunctionCode", { FunctionName: "f", Architectures: ["foo"] });
    assert.equal(
      message,
      "1 validation error detected: Value '[foo]' at 'architectures' failed to satisfy constraint: Member must " +
        "satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]",
    );
    const keys = refusal("monitoring", "UntagResource", { ResourceARN: "arn:a", TagKeys: ["ok", ""] });
    assert.match(keys.message, /Value '\[ok, \]' at 'tagKeys' .*: \[Member must have length .*\]$/);
  });

  test("CloudWatch Logs refuses long names in words of its own", () => {
    assert.deepEqual(refusal("logs", "DeleteMetricFilter", { logGroupName: "g".repeat(513), filterName: "" }), {
      code: "InvalidParameterException",
      message: "Invalid LogGroup or LogStream, both must have length less than or equal to 512.",
    });
  });

  test("secrets are not repeated", () => {
    const { message } = refusal("cognito-idp", "AdminSetUserPassword", {
      UserPoolId: "us-east-1_a",
      Username: "u",
      Password: "x".repeat(300),
    });
    assert.ok(!message.includes("xxx"), message);
    assert.match(message, /Value at 'password' failed/);
  });

  test("services with codes of their own", () => {
    assert.equal(refusal("cognito-idp", "CreateUserPool", { PoolName: "" }).code, "InvalidParameterException");
    assert.equal(refusal("logs", "CreateLogGroup", { logGroupName: "a b" }).code, "InvalidParameterException");
    assert.equal(refusal("apigatewayv2", "GetApi", {}).code, "BadRequestException");
    assert.match(
      refusal("apigateway", "GetRestApi", {}).message,
      /^1 validation error detected: Value null at 'restApiId'/,
    );
    assert.match(refusal("apigateway", "CreateRestApi", {}).message, / at 'createRestApiInput.name' /);
    assert.deepEqual(refusal("sqs", "SendMessage", { QueueUrl: "http://x/q" }), {
      code: "MissingParameter",
      message: "The request must contain the parameter MessageBody.",
    });
  });

  test("lists of the same type do not share their constraints", () => {
    accept("apigateway", "CreateRestApi", { name: "n", binaryMediaTypes: ["*/*"] });
    accept("sqs", "ReceiveMessage", { QueueUrl: "http://x/q", AttributeNames: ["All"], MessageAttributeNames: ["x"] });
  });

  test("values that AWS added after a model was made are accepted", () => {
    accept("lambda", "CreateFunction", {
      FunctionName: "f",
      Role: "arn:aws:iam::123456789012:role/r",
      Code: {},
      Runtime: "nodejs24.x",
    });
  });

  test("a member that became required later is not", () => {
    accept("cloudformation", "DescribeStackEvents", {});
  });

  test("no pattern takes long, whatever it is matched with", () => {
    const parts = ["a", "0", "-", "a.", "a-", "a/", "a:", "[0]", "a,b ", "A", "_", "a=", "a@"];
    const texts = ["", "arn:aws:", "$.", "/"].flatMap((start) =>
      parts.map((part) => `${start}${part.repeat(40)}\u0000`),
    );
    const script = new Script("for (const text of texts) expression.test(text)");
    const subject: Record<string, unknown> = { texts };
    const context = createContext(subject);
    for (const { name } of models.heads) {
      const file = join(import.meta.dirname, `../../src/aws/models/${name}.json`);
      const pack = JSON.parse(readFileSync(file, "utf8")) as ModelPack;
      for (const { pattern } of pack.constraints) {
        const expression = pattern === undefined ? undefined : toRegExp(pattern);
        if (!expression) continue;
        subject.expression = expression;
        assert.doesNotThrow(() => script.runInContext(context, { timeout: 1000 }), pattern);
      }
    }
  });
});
