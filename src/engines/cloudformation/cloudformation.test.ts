import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import type { JsonObject, JsonValue } from "../yaml/index.ts";
import type { Scope, StackView, Template } from "./index.ts";
import {
  checkProperties,
  checkResources,
  checkTemplate,
  creationOrder,
  dependencyGraph,
  diffTemplates,
  replacedOf,
  scopeWithout,
  evaluateConditions,
  expandLanguageExtensions,
  KNOWN_AFTER_APPLY,
  readTemplate,
  resolveOutputs,
  resolveParameters,
  resolveProperties,
  resolveValue,
} from "./index.ts";

const pseudo = { accountId: "111122223333", region: "eu-west-1", stackName: "app", stackId: "arn:stack" };
const bare: Scope = { parameters: {}, pseudo, mappings: {}, conditions: {} };

function load(text: string): Template {
  const { source, diagnostics } = readTemplate(text);
  assert.deepEqual(diagnostics, []);
  const checked = checkTemplate((source as { value: JsonObject }).value);
  assert.deepEqual(checked.diagnostics, []);
  return checked.template as Template;
}

function faults(text: string): string[] {
  const { source, diagnostics } = readTemplate(text);
  if (!source) return diagnostics.map((d) => `${d.line}: ${d.message}`);
  const checked = checkTemplate(source.value, source.lineOf);
  const found = checked.template ? checkResources(checked.template, source.lineOf) : checked.diagnostics;
  return found.map((d) => `${d.line}: ${d.message}`);
}

test("reads YAML short forms, keeps dates as text and knows lines", () => {
  const text =
    "Resources:\n  A:\n    Type: AWS::SNS::Topic\n    Properties:\n      TopicName: !Sub '${AWS::StackName}-x'\n      DisplayName: !GetAtt B.Arn.x\n      Version: 2012-10-17\n";
  const { source } = readTemplate(text);
  const resources = source?.value.Resources as Record<string, JsonObject>;
  const a = resources.A?.Properties;
  assert.deepEqual(a, {
    TopicName: { "Fn::Sub": "${AWS::StackName}-x" },
    DisplayName: { "Fn::GetAtt": ["B", "Arn.x"] },
    Version: "2012-10-17",
  });
  assert.equal(source?.lineOf("/Resources/A/Properties/TopicName"), 5);
  const json = readTemplate('{\n "Resources": {\n  "A": [1,\n {"B": 2}]}}').source;
  assert.equal(json?.lineOf("/Resources/A"), 3);
  assert.equal(json?.lineOf("/Resources/A/1/B"), 4);
});

test("names what is wrong with a template, with its line", () => {
  const topic = "Resources:\n  A:\n    Type: AWS::SNS::Topic\n";
  assert.match(
    faults('{"Resources": {,}}')[0] ?? "",
    /^1: Template format error: JSON not well-formed. \(line 1, column 17\)/,
  );
  assert.match(faults("Resources:\n  A: [")[0] ?? "", /YAML not well-formed. \(line 2/);
  assert.match(faults("a: 1\na: 2")[0] ?? "", /^2: .*"a" appears twice/);
  assert.deepEqual(faults("Resources:\n  A:\n    DependsOn: x"), [
    "2: Template format error: [/Resources/A] Every Resources object must contain a Type member.",
  ]);
  assert.deepEqual(faults("Resources: {}"), [
    "1: Template format error: At least one Resources member must be defined.",
  ]);
  assert.deepEqual(faults(`${topic}    Properties:\n      TopicName: !Ref Nope`), [
    "5: Template format error: Unresolved resource dependencies [Nope] in the Resources block of the template",
  ]);
  assert.deepEqual(faults(`${topic}    Properties:\n      TopicName: !GetAtt Nope.Arn`), [
    "5: Template error: instance of Fn::GetAtt references undefined resource Nope",
  ]);
  assert.deepEqual(faults(`${topic}Outputs:\n  O:\n    Value: !Ref Nope`), [
    "6: Template format error: Unresolved resource dependencies [Nope] in the Outputs block of the template",
  ]);
  assert.deepEqual(faults(`${topic}    Properties:\n      Foo: 1`), ["5: Encountered unsupported property Foo"]);
  assert.deepEqual(faults("Resources:\n  F:\n    Type: AWS::Lambda::Function\n    Properties:\n      Role: r"), [
    "4: #: required key [Code] not found",
  ]);
  assert.deepEqual(faults("Resources:\n  F:\n    Type: AWS::No::Such"), [
    "3: Template format error: Unrecognized resource types: [AWS::No::Such]",
  ]);
  assert.deepEqual(
    faults(
      `${topic}    DependsOn: B\n  B:\n    Type: AWS::SNS::Topic\n    DependsOn: A\n  C:\n    Type: AWS::SNS::Topic\n    DependsOn: A`,
    ),
    ["2: Circular dependency between resources: [A, B]"],
  );
  assert.deepEqual(
    faults(`${topic}    Properties:\n      TopicName: !GetAtt B.Nope\n  B:\n    Type: AWS::SNS::Topic`),
    ["5: Template error: resource B does not support attribute type Nope in Fn::GetAtt"],
  );
  const many = Object.fromEntries(Array.from({ length: 501 }, (_, i) => [`R${i}`, { Type: "AWS::SNS::Topic" }]));
  assert.match(
    faults(JSON.stringify({ Resources: many }))[0] ?? "",
    /Number of resources, 501, is greater than maximum allowed, 500/,
  );
});

test("takes a resource's own description, which generated templates have", () => {
  assert.deepEqual(faults("Resources:\n  A:\n    Description: why it is here\n    Type: AWS::SNS::Topic\n"), []);
});

test("refuses bombs quickly", () => {
  const started = performance.now();
  assert.match(faults(`a: ${"[".repeat(20_000)}`)[0] ?? "", /nested more than/);
  const levels = [
    "a: &a [x,x]",
    ..."bcdefgh".split("").map((c, i) => `${c}: &${c} [${Array(10).fill(`*${"abcdefgh"[i]}`)}]`),
  ];
  assert.match(faults(levels.join("\n"))[0] ?? "", /more than 250000 values/);
  assert.match(faults(" ".repeat(1_048_577))[0] ?? "", /may not exceed 1048576 bytes/);
  assert.ok(performance.now() - started < 20_000); // not a measure: a search without end takes minutes
});

test("computes every intrinsic function", () => {
  const scope: Scope = {
    parameters: { P: "p", L: ["a", "b"] },
    pseudo,
    mappings: { M: { k: { v: "mapped", l: ["x"] } } },
    conditions: { Yes: true, No: false },
    ref: (id) => (id === "R" ? "r-1" : undefined),
    getAtt: (id, attr) => (id === "R" && attr === "Arn" ? "arn:r" : undefined),
    importValue: (name) => (name === "exp" ? "imported" : undefined),
  };
  const cases: [unknown, unknown][] = [
    [{ Ref: "P" }, "p"],
    [{ Ref: "AWS::Partition" }, "aws"],
    [{ "Fn::GetAtt": ["R", "Arn"] }, "arn:r"],
    [{ "Fn::GetAtt": "R.Arn" }, "arn:r"],
    [{ "Fn::Sub": "${R}/${R.Arn}/${!lit}/${L}" }, "r-1/arn:r/${lit}/a,b"],
    [{ "Fn::Sub": ["${x}-${P}", { x: { Ref: "R" } }] }, "r-1-p"],
    [{ "Fn::Join": ["-", ["a", { Ref: "P" }, 1]] }, "a-p-1"],
    [{ "Fn::Join": ["-", { Ref: "L" }] }, "a-b"],
    [{ "Fn::Select": ["1", { "Fn::Split": [",", "x,y"] }] }, "y"],
    [{ "Fn::If": ["Yes", 1, 2] }, 1],
    [[1, { "Fn::If": ["No", 2, { Ref: "AWS::NoValue" }] }], [1]],
    [{ a: { Ref: "AWS::NoValue" }, b: 1 }, { b: 1 }],
    [{ "Fn::FindInMap": ["M", "k", "v"] }, "mapped"],
    [{ "Fn::FindInMap": ["M", "k", "z", { DefaultValue: "d" }] }, "d"],
    [{ "Fn::ImportValue": { "Fn::Sub": "exp" } }, "imported"],
    [{ "Fn::Base64": "hi" }, "aGk="],
    [{ "Fn::Cidr": ["10.0.0.0/16", 2, 8] }, ["10.0.0.0/24", "10.0.1.0/24"]],
    [{ "Fn::GetAZs": "" }, ["eu-west-1a", "eu-west-1b", "eu-west-1c"]],
    [{ "Fn::Length": { Ref: "L" } }, 2],
    [{ "Fn::ToJsonString": { a: { Ref: "P" } } }, '{"a":"p"}'],
  ];
  for (const [input, expected] of cases) assert.deepEqual(resolveValue(input as JsonObject, scope), expected);
  assert.throws(() => resolveValue({ "Fn::FindInMap": ["M", "q", "v"] }, scope), /Unable to get mapping for M::q::v/);
  assert.throws(() => resolveValue({ "Fn::ImportValue": "nope" }, scope), /No export named nope found/);
  assert.throws(() => resolveValue({ "Fn::Select": [5, ["a"]] }, scope), /nonexistent value at index 5/);
  assert.equal(
    resolveValue({ "Fn::Join": ["", ["a", { Ref: "New" }]] }, { ...scope, partial: true }),
    `a${KNOWN_AFTER_APPLY}`,
  );
});

test("evaluates conditions that use each other, and outputs", () => {
  const conditions = {
    A: { "Fn::Equals": [{ Ref: "P" }, "x"] },
    B: { "Fn::Not": [{ Condition: "A" }] },
    C: { "Fn::Or": [{ Condition: "B" }, { Condition: "A" }] },
  };
  const result = evaluateConditions(conditions, { ...bare, parameters: { P: "x" } });
  assert.deepEqual(result, { A: true, B: false, C: true });
  const template = load(
    "Resources:\n  T:\n    Type: AWS::SNS::Topic\nConditions:\n  N: !Equals [a, b]\nOutputs:\n  O:\n    Value: !Ref T\n    Export:\n      Name: !Sub ${AWS::StackName}-t\n  X:\n    Condition: N\n    Value: 1",
  );
  assert.deepEqual(resolveOutputs(template, { ...bare, conditions: { N: false }, ref: () => "arn:t" }), [
    { name: "O", value: "arn:t", exportName: "app-t" },
  ]);
});

test("checks parameters", async () => {
  const template = load(
    "Parameters:\n  N:\n    Type: Number\n    MinValue: 3\n  S:\n    Type: String\n    AllowedValues: [a, b]\n    Default: a\n  L:\n    Type: CommaDelimitedList\n    Default: 'x, y'\n  V:\n    Type: AWS::SSM::Parameter::Value<String>\n    Default: /p\nResources:\n  T:\n    Type: AWS::SNS::Topic",
  );
  const run = (
    inputs: Record<string, { value?: string; usePreviousValue?: boolean }>,
    previous = {},
  ): Promise<unknown> =>
    resolveParameters(template, inputs, previous, async (name) => (name === "/p" ? "stored" : undefined)).then(
      (r) => r.values,
    );
  assert.deepEqual(await run({ N: { value: "5" } }), { N: "5", S: "a", L: ["x", "y"], V: "stored" });
  assert.deepEqual(await run({ N: { usePreviousValue: true } }, { N: "4" }), {
    N: "4",
    S: "a",
    L: ["x", "y"],
    V: "stored",
  });
  await assert.rejects(run({}), /Parameters: \[N\] must have values/);
  await assert.rejects(run({ Z: { value: "" } }), /Parameters: \[Z\] do not exist in the template/);
  await assert.rejects(run({ N: { value: "2" } }), /Parameter 'N' must be a number not less than 3/);
  await assert.rejects(run({ N: { value: "5" }, S: { value: "c" } }), /Parameter 'S' must be one of AllowedValues/);
  await assert.rejects(run({ N: { value: "5" }, V: { value: "/q" } }), /Unable to fetch parameters \[\/q\]/);
});

test("a pattern of a parameter that takes long is refused", async () => {
  const template = load(
    "Parameters:\n  P:\n    Type: String\n    AllowedPattern: '(a|a)*b'\nResources:\n  A:\n    Type: AWS::SNS::Topic",
  );
  const run = (value: string) => resolveParameters(template, { P: { value } }, undefined, async () => undefined);
  assert.deepEqual((await run("aab")).values, { P: "aab" });
  await assert.rejects(run("a".repeat(60)), /AllowedPattern of parameter 'P' takes too long/);
});

test("coerces loosely typed properties as CloudFormation does", () => {
  const check = (type: string, properties: JsonObject): unknown =>
    checkProperties({ logicalId: "R", type }, properties);
  assert.deepEqual(check("AWS::SQS::Queue", { QueueName: 5, DelaySeconds: "7", FifoQueue: "true" }), {
    properties: { QueueName: "5", DelaySeconds: 7, FifoQueue: true },
    diagnostics: [],
  });
  const { diagnostics } = checkProperties({ logicalId: "R", type: "AWS::SQS::Queue" }, { DelaySeconds: "soon" });
  assert.equal(diagnostics[0]?.message, "#/DelaySeconds: expected type: Integer, found: String");
  const project = checkProperties(
    { logicalId: "R", type: "AWS::CodeBuild::Project" },
    {
      Artifacts: { Type: "codepipeline" },
      Source: { Type: "codepipeline" },
      ServiceRole: "r",
      Environment: { Type: "LINUX_CONTAINER", Image: "i", ComputeType: "small" },
    },
  );
  assert.deepEqual(project.diagnostics, []);
});

test("orders resources by what they need", () => {
  const template = load(
    "Resources:\n  A:\n    Type: AWS::SNS::Topic\n    DependsOn: C\n  B:\n    Type: AWS::SNS::Topic\n    Properties:\n      TopicName: !Sub '${A}'\n  C:\n    Type: AWS::SNS::Topic",
  );
  assert.deepEqual(creationOrder(dependencyGraph(template)), [["C"], ["A"], ["B"]]);
});

test("says what a change does to each resource", () => {
  const view = (text: string, parameters = {}): StackView => {
    const template = load(text);
    return { template, scope: { ...bare, parameters, mappings: template.mappings, partial: true } };
  };
  const head = "Parameters:\n  P:\n    Type: String\nResources:\n";
  const before = `${head}  Q:\n    Type: AWS::SQS::Queue\n    Properties:\n      QueueName: !Ref P\n  F:\n    Type: AWS::SNS::Subscription\n    Properties:\n      TopicArn: t\n      Protocol: sqs\n      Endpoint: !GetAtt Q.Arn\n  Old:\n    Type: AWS::SNS::Topic`;
  const after = before.replace("Old:", "New:");
  const changes = diffTemplates(view(before, { P: "a" }), view(after, { P: "b" }));
  assert.deepEqual(
    changes.map((c) => [c.action, c.logicalId, c.replacement]),
    [
      ["Modify", "Q", "True"],
      ["Modify", "F", "True"],
      ["Add", "New", undefined],
      ["Remove", "Old", undefined],
    ],
  );
  assert.deepEqual(changes[0]?.details, [
    {
      target: { attribute: "Properties", name: "QueueName", requiresRecreation: "Always" },
      evaluation: "Static",
      changeSource: "ParameterReference",
      causingEntity: "P",
    },
    {
      target: { attribute: "Properties", name: "QueueName", requiresRecreation: "Always" },
      evaluation: "Dynamic",
      changeSource: "DirectModification",
    },
  ]);
  assert.equal(changes[1]?.details[0]?.causingEntity, "Q.Arn");
  assert.deepEqual(diffTemplates(view(before, { P: "a" }), view(before, { P: "a" })), []);
  const named = { given: { P: "/in/the/store" } };
  const [stored] = diffTemplates({ ...view(before, { P: "a" }), ...named }, { ...view(before, { P: "b" }), ...named });
  assert.deepEqual(
    stored?.details.map((d) => [d.evaluation, d.changeSource]),
    [["Static", "DirectModification"]],
  );
  assert.throws(
    () => diffTemplates(view(before), view(before.replace("AWS::SNS::Topic", "AWS::SQS::Queue"))),
    /Update of resource type is not permitted/,
  );
});

test("knows of what a replaced resource gives only that it changes", () => {
  const text = (name: string) =>
    `Resources:\n  Q:\n    Type: AWS::SQS::Queue\n    Properties:\n      QueueName: ${name}\n  P:\n    Type: AWS::SSM::Parameter\n    Properties:\n      Type: String\n      Value: !GetAtt Q.Arn`;
  const view = (name: string): StackView => {
    const template = load(text(name));
    const live = { getAtt: () => "arn", ref: () => "url" };
    return { template, scope: { ...bare, ...live, mappings: template.mappings, partial: true } };
  };
  const changes = diffTemplates(view("a"), view("b"));
  const ids = replacedOf(changes);
  assert.deepEqual([...ids], ["Q"]);
  assert.deepEqual(
    changes[1]?.details.map((d) => [d.evaluation, d.changeSource, d.causingEntity]),
    [
      ["Dynamic", "DirectModification", undefined],
      ["Static", "ResourceAttribute", "Q.Arn"],
    ],
  );
  const { template, scope } = view("b");
  const after = resolveProperties(template.resources.P!.properties, scopeWithout(scope, ids));
  assert.equal(after.Value, "{{changeSet:KNOWN_AFTER_APPLY}}");
});

test("takes maps alone for the policies of a resource", () => {
  const first = (CreationPolicy: JsonObject | string): string | undefined =>
    checkTemplate({ Resources: { A: { Type: "AWS::SNS::Topic", CreationPolicy } } }).diagnostics[0]?.message;
  assert.equal(first({ Ref: "P" }), "Template format error: Expected an object");
  assert.equal(first("P"), "Template format error: Expected an object");
  assert.equal(first({ ResourceSignal: { Count: 1 } }), undefined);
});

test("unfolds Fn::ForEach", () => {
  const template = {
    Resources: {
      "Fn::ForEach::Topics": [
        "N",
        { Ref: "Names" },
        { "Topic${N}": { Type: "AWS::SNS::Topic", Properties: { TopicName: { Ref: "N" } } } },
      ],
    },
  };
  const expanded = expandLanguageExtensions(template as unknown as JsonObject, {
    ...bare,
    parameters: { Names: ["A", "B"] },
  });
  assert.deepEqual(Object.keys(expanded.Resources as JsonObject), ["TopicA", "TopicB"]);
  assert.deepEqual(resolveProperties(expanded, bare), expanded);
});

test("computes the language extensions' functions where their values are known and may be shown", () => {
  const calls = {
    Length: { "Fn::Length": { Ref: "L" } },
    Text: { "Fn::ToJsonString": { a: [{ Ref: "P" }] } },
    Later: { "Fn::ToJsonString": { a: { Ref: "R" } } },
    Hidden: { "Fn::ToJsonString": { a: { Ref: "S" } } },
    Own: { "Fn::Sub": "${AWS::StackName} ${!x}" },
    Given: { "Fn::Sub": "${P}" },
    Made: { "Fn::Sub": "${R.Arn}" },
  };
  const template = { Parameters: { S: { Type: "String", NoEcho: true } }, Outputs: calls } as unknown as JsonObject;
  const { Outputs } = expandLanguageExtensions(template, { ...bare, parameters: { L: ["a", "b"], P: "p", S: "s" } });
  assert.deepEqual(Outputs, { ...calls, Length: 2, Text: '{"a":["p"]}', Own: `${bare.pseudo.stackName} \${x}` });
});

test("names what a Ref or Fn::GetAtt is about by functions, with the language extensions", () => {
  const named = { "Fn::Sub": "Topic${N}" };
  const template = {
    Outputs: {
      "Fn::ForEach::O": ["N", ["A"], { "O${N}": { Value: { "Fn::GetAtt": [named, "Arn"] }, R: { Ref: named } } }],
    },
  };
  const { Outputs } = expandLanguageExtensions(template as unknown as JsonObject, bare);
  assert.deepEqual(Outputs, { OA: { Value: { "Fn::GetAtt": ["TopicA", "Arn"] }, R: { Ref: "TopicA" } } });
});

const templates = new URL("../../../../shared/conformance/cfn-templates/", import.meta.url);

test("parses the published good templates", { skip: !existsSync(templates) && "conformance data is absent" }, () => {
  const files = readdirSync(new URL("good/", templates), { recursive: true })
    .map(String)
    .filter((f) => /\.(yaml|json)$/.test(f));
  const refused: string[] = [];
  for (const file of files) {
    const { source, diagnostics } = readTemplate(readFileSync(new URL(`good/${file}`, templates), "utf8"));
    if (!source) refused.push(`${file}: ${diagnostics[0]?.message}`);
    else if (!source.value.Transform) {
      const checked = checkTemplate(source.value, source.lineOf);
      if (!checked.template) refused.push(`${file}: ${checked.diagnostics[0]?.message}`);
    }
  }
  // CloudFormation itself asks for a resource and knows no section "Parameter"; the linter does not mind.
  assert.deepEqual(
    refused.filter((line) => !line.includes("At least one Resources member") && !line.startsWith("custom/is-defined")),
    [],
  );
});

test("functions within functions make no endless text", () => {
  for (const name of ["Fn::Base64", "Fn::ToJsonString"]) {
    let value: JsonValue = '"'.repeat(1000);
    for (let i = 0; i < 40; i++) value = { [name]: value };
    assert.throws(() => resolveValue(value, bare), /the result of a function is too long/, name);
  }
});
