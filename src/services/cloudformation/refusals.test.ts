import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CloudFormation } from "@aws-sdk/client-cloudformation";
import { body, group, trust } from "../../../test/support/stacks.ts";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

describe("what CloudFormation refuses at the call", () => {
  let app: TestApp;
  let cfn: CloudFormation;
  before(async () => {
    app = await startTestApp();
    cfn = new CloudFormation(app.client);
  });
  after(() => app.stop());

  const refused = (work: Promise<unknown>, message: string | RegExp) =>
    assert.rejects(work, { name: "ValidationError", message });
  const template = (more: object) => JSON.stringify({ Resources: { A: group("a") }, ...more });

  test("names that are none", async () => {
    const rule = "Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*|arn:[-a-zA-Z0-9:/._+]*";
    for (const StackName of ["test_stack", "1a", "*@$"])
      await refused(
        cfn.createStack({ StackName, TemplateBody: template({}) }),
        `1 validation error detected: Value '${StackName}' at 'stackName' failed to satisfy constraint: ${rule}`,
      );
    await refused(cfn.createStack({ StackName: "a".repeat(129), TemplateBody: template({}) }), /equal to 128$/);
    await refused(cfn.getTemplate({ ChangeSetName: "some" }), "StackName is a required parameter.");
  });

  test("previous values that are none, or have a new one beside them", async () => {
    const TemplateBody = template({ Parameters: { K: { Type: "String", Default: "a" } } });
    const asPrevious = (ParameterValue?: string) => ({
      StackName: "previous",
      TemplateBody,
      Parameters: [{ ParameterKey: "K", UsePreviousValue: true, ParameterValue }],
    });
    const start = "Invalid input for parameter key K. Cannot specify usePreviousValue as true";
    await refused(cfn.createStack(asPrevious()), `${start} for a parameter key not in the previous template`);
    await cfn.createStack({ StackName: "previous", TemplateBody });
    await refused(cfn.updateStack(asPrevious("b")), `${start} and non empty value for a parameter`);
    await refused(cfn.updateStack(asPrevious()), "No updates are to be performed.");
    const stored = { P: { Type: "AWS::SSM::Parameter::Value<String>" } };
    await refused(
      cfn.createStack({ StackName: "stored", TemplateBody: template({ Parameters: stored }) }),
      "Parameter P should either have input value or default value",
    );
  });

  test("secure parameters where AWS does not read them, mappings that are none, buckets by s3://", async () => {
    await refused(
      cfn.createStack({ StackName: "secure", TemplateBody: body({ A: group("{{resolve:ssm-secure:a:1}}") }) }),
      "SSM Secure reference is not supported in: [AWS::Logs::LogGroup/Properties/LogGroupName]",
    );
    await refused(
      cfn.createStack({ StackName: "map", TemplateBody: template({ Mappings: { M: { A: "x" } } }) }),
      "Template format error: Every Mappings member A must be a map",
    );
    await refused(
      cfn.createStack({ StackName: "url", TemplateURL: "s3://bucket/key" }),
      "S3 error: Domain name specified in bucket is not a valid S3 domain",
    );
  });

  test("what cannot be a template is refused with CloudFormation's words", async () => {
    const refusedTemplate = (TemplateBody: string, message: string | RegExp, more: object = {}): Promise<void> =>
      refused(cfn.createStack({ StackName: "no", TemplateBody, ...more }), message);
    await refusedTemplate("{}", "Template format error: At least one Resources member must be defined.");
    await refusedTemplate(
      body({ A: { Type: "AWS::Nope::Thing" } }),
      "Template format error: Unrecognized resource types: [AWS::Nope::Thing]",
    );
    await refusedTemplate(
      body({ A: group({ "Fn::Join": ["", "a", "b"] } as never) }),
      /^Template error: every Fn::Join object requires two parameters/,
    );
    await refusedTemplate(
      body({ A: group({ "Fn::FindInMap": ["M", "k", "l"] } as never) }),
      /^Template error: Unable to get mapping for M::k::l$/,
    );
    const Conditions = { Never: { "Fn::Equals": ["a", "b"] } };
    const skipped = group("skipped", undefined, { Condition: "Never" });
    await refusedTemplate(
      body({ A: group({ "Fn::GetAtt": ["S", "Arn"] } as never), S: skipped }, { Conditions }),
      "Template format error: Unresolved resource dependencies [S] in the Resources block of the template",
    );
    await refusedTemplate(
      body({ A: group("a"), S: skipped }, { Conditions, Outputs: { O: { Value: { Ref: "S" } } } }),
      "Unresolved resource dependencies [S] in the Outputs block of the template",
    );
    await refusedTemplate(
      body({ A: { Type: "AWS::CloudFormation::StackSet" } }),
      /Starling does not implement the resource types \[AWS::CloudFormation::StackSet\] yet/,
    );
    await refusedTemplate(
      body({ A: { Type: "AWS::Serverless::Function" } }),
      "Template format error: Unrecognized resource types: [AWS::Serverless::Function]",
    );
    await refusedTemplate(body({ A: group("x") }), "Parameters: [P] do not exist in the template", {
      Parameters: [{ ParameterKey: "P", ParameterValue: "1" }],
    });
    await refusedTemplate(
      body({ A: group({ Ref: "Nobody" } as never) }),
      "Template format error: Unresolved resource dependencies [Nobody] in the Resources block of the template",
    );
    await assert.rejects(
      cfn.createStack({
        StackName: "no",
        TemplateBody: body({ A: group("x") }),
        TemplateURL: "https://s3.amazonaws.com/a/b",
      }),
      { name: "ValidationError" },
    );
    await assert.rejects(cfn.createStack({ StackName: "no", TemplateURL: "https://example.com/a/b" }), {
      message: "TemplateURL must be a supported URL.",
    });
    await assert.rejects(
      cfn.createStack({
        StackName: "no",
        TemplateBody: body({
          R: { Type: "AWS::IAM::Role", Properties: { RoleName: "r", AssumeRolePolicyDocument: trust } },
        }),
        Capabilities: ["CAPABILITY_IAM"],
      }),
      {
        name: "InsufficientCapabilitiesException",
        message: "Requires capabilities : [CAPABILITY_NAMED_IAM]",
      },
    );
    await assert.rejects(cfn.updateStack({ StackName: "absent", TemplateBody: body({ A: group("x") }) }), {
      message: "Stack [absent] does not exist",
    });
    await assert.rejects(cfn.describeStackEvents({ StackName: "absent" }), {
      message: "Stack [absent] does not exist",
    });
    await assert.rejects(cfn.estimateTemplateCost({ TemplateBody: body({}) }), { name: "NotImplemented" });
  });
});
