import assert from "node:assert/strict";
import { test } from "node:test";
import { IAM } from "@aws-sdk/client-iam";
import { Lambda } from "@aws-sdk/client-lambda";
import { SQS } from "@aws-sdk/client-sqs";
import { trust } from "../support/stacks.ts";
import { startTestApp } from "../support/test-app.ts";
import { zip } from "../support/zip.ts";

test("event source mappings have tags, by their ARN", async () => {
  const app = await startTestApp();
  try {
    const lambda = new Lambda(app.client);
    const iam = new IAM(app.client);
    const { Role } = await iam.createRole({ RoleName: "f", AssumeRolePolicyDocument: JSON.stringify(trust) });
    const statement = { Effect: "Allow", Action: "sqs:*", Resource: "*" };
    await iam.putRolePolicy({
      RoleName: "f",
      PolicyName: "all",
      PolicyDocument: JSON.stringify({ Version: "2012-10-17", Statement: [statement] }),
    });
    await lambda.createFunction({
      FunctionName: "f",
      Handler: "index.handler",
      Runtime: "python3.12",
      Role: Role!.Arn!,
      Code: { ZipFile: await zip({ "index.py": "" }) },
    });
    await new SQS(app.client).createQueue({ QueueName: "q" });
    const made = await lambda.createEventSourceMapping({
      FunctionName: "f",
      EventSourceArn: "arn:aws:sqs:us-east-1:000000000000:q",
      Enabled: false,
      Tags: { a: "1" },
    });
    assert.equal(made.State, "Disabled");
    const Resource = made.EventSourceMappingArn!;
    await lambda.tagResource({ Resource, Tags: { b: "2" } });
    assert.deepEqual((await lambda.listTags({ Resource })).Tags, { a: "1", b: "2" });
    await lambda.untagResource({ Resource, TagKeys: ["a"] });
    assert.deepEqual((await lambda.listTags({ Resource })).Tags, { b: "2" });
    await assert.rejects(lambda.listTags({ Resource: Resource.replace(/[^:]+$/, crypto.randomUUID()) }), {
      name: "ResourceNotFoundException",
      message: /^Event source mapping not found: arn:aws:lambda:/,
    });
  } finally {
    await app.stop();
  }
});
