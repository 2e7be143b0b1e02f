import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "../yaml/index.ts";
import { brokenConstraints, KNOWN_AFTER_APPLY } from "./index.ts";

const FUNCTION = { Role: "arn:aws:iam::000000000000:role/r", Handler: "a.b", MemorySize: 128, Layers: [] };
const ROLE = { AssumeRolePolicyDocument: {} };

test("lengths, ranges, patterns, counts and choices of the published schemas are refused without their values", () => {
  const cases: readonly (readonly [type: string, properties: JsonObject, messages: string[]])[] = [
    ["Lambda::Function", FUNCTION, []],
    [
      "Lambda::Function",
      { ...FUNCTION, MemorySize: 64, Timeout: 901, Description: "d".repeat(257), Role: "arn:r", Handler: "a b" },
      [
        "#/MemorySize: failed validation constraint for keyword [minimum]",
        "#/Role: failed validation constraint for keyword [pattern]",
        "#/Handler: failed validation constraint for keyword [pattern]",
        "#/Timeout: failed validation constraint for keyword [maximum]",
        "#/Description: expected maxLength: 256, actual: 257",
      ],
    ],
    [
      "Lambda::Function",
      { ...FUNCTION, Layers: ["arn:x"], Architectures: ["arm64", "arm64"], FunctionName: "" },
      [
        "#/Layers/0: failed validation constraint for keyword [pattern]",
        "#/Architectures: expected maximum item count: 1, found: 2",
        "#/Architectures: array items are not unique",
        "#/FunctionName: expected minLength: 1, actual: 0",
      ],
    ],
    ["IAM::Policy", { PolicyName: "p", Users: [] }, []],
    ["IAM::Policy", { PolicyName: "p" }, ["#: #: no subschema matched out of the total 3 subschemas"]],
    ["IAM::Role", { ...ROLE, Path: "/\n", Description: "ü" }, []],
    ["IAM::Role", { ...ROLE, RoleName: "a b" }, ["#/RoleName: failed validation constraint for keyword [pattern]"]],
    [
      "IAM::Role",
      { ...ROLE, Tags: [{ Key: "k", Value: "v".repeat(257) }] },
      ["#/Tags/0/Value: expected maxLength: 256, actual: 257"],
    ],
    ["SQS::Queue", { DelaySeconds: 901 }, ["#/DelaySeconds: failed validation constraint for keyword [maximum]"]],
    [
      "Logs::LogGroup",
      { LogGroupName: `/aws/${"x".repeat(510)}` },
      [
        "#/LogGroupName: expected maxLength: 512, actual: 515",
        "#/LogGroupName: failed validation constraint for keyword [pattern]",
      ],
    ],
    ["CloudFormation::CustomResource", { Anything: "" }, []],
  ];
  for (const [type, properties, messages] of cases) {
    assert.deepEqual(brokenConstraints(`AWS::${type}`, properties).toSorted(), messages.toSorted(), type);
  }
});

test("what is not known yet is not judged", () => {
  assert.deepEqual(
    brokenConstraints("AWS::Lambda::Function", {
      Role: { "Fn::GetAtt": ["R", "Arn"] },
      Handler: `x ${KNOWN_AFTER_APPLY}`,
      Description: "{{resolve:ssm:/x}}".padEnd(300),
    }),
    [],
  );
});

test("no published pattern takes long, whatever it is given", () => {
  const role = "arn:aws:iam::000000000000:role/";
  const started = performance.now();
  brokenConstraints("AWS::ECR::Repository", { RepositoryName: `${"a".repeat(40_000)}!` });
  brokenConstraints("AWS::Events::ApiDestination", { InvocationEndpoint: `https://${"%41".repeat(20_000)}\n!` });
  brokenConstraints("AWS::Events::Connection", {
    AuthParameters: { ApiKeyAuthParameters: { ApiKeyName: "n", ApiKeyValue: `${" \t".repeat(5_000)}\n` } },
  });
  brokenConstraints("AWS::Lambda::Function", { Role: role + "a".repeat(1_000_000) + " " });
  assert.ok(performance.now() - started < 5_000);
});
