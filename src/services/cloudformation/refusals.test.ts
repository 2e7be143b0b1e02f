import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CloudFormation } from "@aws-sdk/client-cloudformation";
import { body, group } from "../../../test/support/stacks.ts";
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
});
