import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  CloudFormation,
  waitUntilStackCreateComplete,
  waitUntilStackDeleteComplete,
} from "@aws-sdk/client-cloudformation";
import { ECR } from "@aws-sdk/client-ecr";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

let app: TestApp;
let ecr: ECR;
before(async () => {
  app = await startTestApp();
  ecr = new ECR(app.client);
});
after(() => app.stop());

const absent = (name: string) => ({
  name: "RepositoryNotFoundException",
  message: `The repository with name '${name}' does not exist in the registry with id '000000000000'`,
});

test("a repository is made, found, tagged and removed", async () => {
  await assert.rejects(ecr.describeRepositories({ repositoryNames: ["team/app"] }), absent("team/app"));
  assert.deepEqual((await ecr.describeRepositories({})).repositories, []);
  const { repository } = await ecr.createRepository({ repositoryName: "team/app", tags: [{ Key: "a", Value: "1" }] });
  assert.equal(repository!.repositoryUri, "000000000000.dkr.ecr.us-east-1.amazonaws.com/team/app");
  assert.deepEqual(
    [repository!.imageTagMutability, repository!.imageScanningConfiguration, repository!.encryptionConfiguration],
    ["MUTABLE", { scanOnPush: false }, { encryptionType: "AES256" }],
  );
  await assert.rejects(ecr.createRepository({ repositoryName: "team/app" }), {
    name: "RepositoryAlreadyExistsException",
  });
  await assert.rejects(ecr.createRepository({ repositoryName: "Team" }), { name: "InvalidParameterException" });
  const resourceArn = repository!.repositoryArn!;
  await ecr.tagResource({ resourceArn, tags: [{ Key: "b", Value: "2" }] });
  await ecr.untagResource({ resourceArn, tagKeys: ["a"] });
  assert.deepEqual((await ecr.listTagsForResource({ resourceArn })).tags, [{ Key: "b", Value: "2" }]);
  await ecr.createRepository({ repositoryName: "zoo" });
  const first = await ecr.describeRepositories({ maxResults: 1 });
  assert.deepEqual(
    (await ecr.describeRepositories({ nextToken: first.nextToken! })).repositories!.map((r) => r.repositoryName),
    ["zoo"],
  );
  await ecr.deleteRepository({ repositoryName: "zoo" });
  await assert.rejects(ecr.deleteRepository({ repositoryName: "zoo" }), absent("zoo"));
});

test("policies of a repository, and no images", async () => {
  const repositoryName = "team/app";
  await assert.rejects(ecr.getRepositoryPolicy({ repositoryName }), { name: "RepositoryPolicyNotFoundException" });
  const policyText = JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "ecr:BatchGetImage" }],
  });
  await ecr.setRepositoryPolicy({ repositoryName, policyText });
  assert.equal((await ecr.getRepositoryPolicy({ repositoryName })).policyText, policyText);
  await assert.rejects(ecr.setRepositoryPolicy({ repositoryName, policyText: "{" }), {
    name: "InvalidParameterException",
  });
  await assert.rejects(
    ecr.putLifecyclePolicy({ repositoryName, lifecyclePolicyText: '{"rules": []}' + " ".repeat(90) }),
    {
      name: "InvalidParameterException",
    },
  );
  assert.deepEqual((await ecr.listImages({ repositoryName })).imageIds, []);
  await assert.rejects(ecr.describeImages({ repositoryName, imageIds: [{ imageTag: "v1" }] }), {
    name: "ImageNotFoundException",
  });
  await assert.rejects(ecr.getAuthorizationToken({}), { name: "NotImplemented" }, "nothing can be pushed yet");
});

test("a stack makes the repository that deploy tools bootstrap with, changes and removes it", async () => {
  const cloudformation = new CloudFormation(app.client);
  const template = (more: object) =>
    JSON.stringify({
      Resources: { Assets: { Type: "AWS::ECR::Repository", Properties: { RepositoryName: "assets", ...more } } },
      Outputs: { Uri: { Value: { "Fn::GetAtt": ["Assets", "RepositoryUri"] } } },
    });
  const rules = [
    {
      rulePriority: 1,
      selection: { tagStatus: "untagged", countType: "sinceImagePushed", countUnit: "days", countNumber: 30 },
      action: { type: "expire" },
    },
  ];
  const LifecyclePolicy = { LifecyclePolicyText: JSON.stringify({ rules }) };
  await cloudformation.createStack({
    StackName: "assets",
    TemplateBody: template({ ImageTagMutability: "IMMUTABLE", LifecyclePolicy }),
  });
  const waiting = { client: cloudformation, maxWaitTime: 20, minDelay: 1, maxDelay: 1 };
  await waitUntilStackCreateComplete(waiting, { StackName: "assets" });
  const { Stacks } = await cloudformation.describeStacks({ StackName: "assets" });
  assert.equal(Stacks![0]!.Outputs![0]!.OutputValue, "000000000000.dkr.ecr.us-east-1.amazonaws.com/assets");
  const { repositories } = await ecr.describeRepositories({ repositoryNames: ["assets"] });
  assert.equal(repositories![0]!.imageTagMutability, "IMMUTABLE");
  assert.equal(
    (await ecr.getLifecyclePolicy({ repositoryName: "assets" })).lifecyclePolicyText,
    LifecyclePolicy.LifecyclePolicyText,
  );
  await cloudformation.deleteStack({ StackName: "assets" });
  await waitUntilStackDeleteComplete(waiting, { StackName: "assets" });
  await assert.rejects(ecr.describeRepositories({ repositoryNames: ["assets"] }), absent("assets"));
});
