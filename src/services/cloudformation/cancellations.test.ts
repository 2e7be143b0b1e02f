import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { CloudFormation } from "@aws-sdk/client-cloudformation";
import { IAM } from "@aws-sdk/client-iam";
import { Lambda } from "@aws-sdk/client-lambda";
import { SQS } from "@aws-sdk/client-sqs";
import { body, group, openStacks, putTo, trust } from "../../../test/support/stacks.ts";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";
import { zip } from "../../../test/support/zip.ts";

let app: TestApp;
let { ServiceToken, request } = {} as Awaited<ReturnType<typeof askedFunction>>;
before(async () => {
  app = await startTestApp();
  ({ ServiceToken, request } = await askedFunction());
});
after(() => app.stop());

/** A function of custom resources that never runs: what it is asked comes to a queue, and the test answers. */
async function askedFunction() {
  const [iam, lambda, sqs] = [new IAM(app.client), new Lambda(app.client), new SQS(app.client)];
  const { Role } = await iam.createRole({ RoleName: "f", AssumeRolePolicyDocument: JSON.stringify(trust) });
  const Statement = [{ Effect: "Allow", Action: "sqs:*", Resource: "*" }];
  const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement });
  await iam.putRolePolicy({ RoleName: "f", PolicyName: "p", PolicyDocument });
  const { QueueUrl } = await sqs.createQueue({ QueueName: "asked" });
  const made = await lambda.createFunction({
    FunctionName: "f",
    Handler: "index.handler",
    Runtime: "python3.12",
    Role: Role!.Arn!,
    Code: { ZipFile: await zip({ "index.py": "" }) },
    DeadLetterConfig: { TargetArn: "arn:aws:sqs:us-east-1:000000000000:asked" },
  });
  await lambda.putFunctionConcurrency({ FunctionName: "f", ReservedConcurrentExecutions: 0 });
  const request = async (): Promise<Record<string, string>> => {
    const { Messages = [] } = await sqs.receiveMessage({ QueueUrl: QueueUrl!, WaitTimeSeconds: 10 });
    await sqs.deleteMessage({ QueueUrl: QueueUrl!, ReceiptHandle: Messages[0]!.ReceiptHandle! });
    return JSON.parse(Messages[0]!.Body!);
  };
  return { ServiceToken: made.FunctionArn!, request };
}

test("an update that is cancelled while its last resource is awaited is rolled back", async () => {
  const cfn = new CloudFormation(app.client);
  const { create, ended, retention } = openStacks(app.client);
  await create("last", body({ A: group("last-a", 1) }));
  const Last = { Type: "Custom::Last", DependsOn: "A", DeletionPolicy: "Retain", Properties: { ServiceToken } };
  const updating = cfn.updateStack({ StackName: "last", TemplateBody: body({ A: group("last-a", 3), Last }) });
  assert.equal((await request())["RequestType"], "Create");
  await cfn.cancelUpdateStack({ StackName: "last" });
  const { RequestType, ResponseURL: url } = await request();
  assert.equal(RequestType, "Delete");
  assert.equal(await putTo(app.endpoint, url!, JSON.stringify({ Status: "SUCCESS" })), 200);
  await updating;
  assert.equal((await ended("last")).StackStatus, "UPDATE_ROLLBACK_COMPLETE");
  assert.deepEqual(await retention("last-a"), { "last-a": 1 });
});

test("a stack that is deleted while its custom resource is awaited waits no longer, and asks for it to be removed", async () => {
  const cfn = new CloudFormation(app.client);
  const { ended, events } = openStacks(app.client);
  const TemplateBody = body({ Slow: { Type: "Custom::Slow", Properties: { ServiceToken } } });
  const creating = cfn.createStack({ StackName: "slow", TemplateBody });
  assert.equal((await request())["RequestType"], "Create");
  const deleting = cfn.deleteStack({ StackName: "slow" });
  const asked = await request();
  assert.equal(asked["RequestType"], "Delete");
  assert.match(asked["PhysicalResourceId"]!, /^slow-Slow-[A-Z0-9]{12}$/);
  await putTo(app.endpoint, asked["ResponseURL"]!, JSON.stringify({ Status: "SUCCESS" }));
  const [{ StackId }] = await Promise.all([creating, deleting]);
  assert.equal((await ended(StackId!)).StackStatus, "DELETE_COMPLETE");
  assert.deepEqual(
    (await events(StackId!)).filter((line) => line.startsWith("Slow")),
    ["Slow CREATE_IN_PROGRESS", "Slow CREATE_FAILED", "Slow DELETE_IN_PROGRESS", "Slow DELETE_COMPLETE"],
  );
});
