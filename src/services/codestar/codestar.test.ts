import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";
import { apiClient } from "../../app/api-client.ts";
import type { Caller } from "../../app/caller.ts";
import { generationOf } from "./generation.ts";
import { resourceArn } from "./resource-arns.ts";
import { projectRoute } from "./routes.ts";
import { teamPolicy } from "./team-policies.ts";
import { toolchainTemplate } from "./toolchain-template.ts";

const PLACE = { region: "us-east-1", account: "000000000000" };
const USER = "arn:aws:iam::000000000000:user/ann";

describe("CodeStar", () => {
  let app: TestApp;
  let call: Caller;

  before(async () => {
    app = await startTestApp();
    const { region, credentials } = app.client;
    call = apiClient({ origin: app.endpoint, region, credentials });
  });
  after(() => app.stop());

  const codestar = (operation: string, input: object) => call("codestar", operation, input);

  async function created(id: string) {
    await codestar("CreateProject", { id, name: `Project ${id}`, clientRequestToken: `token-${id}` });
    for (let tries = 0; tries < 200; tries++) {
      const project = await codestar("DescribeProject", { id });
      if (project.status.state !== "CreateInProgress") return project;
      await new Promise((done) => setTimeout(done, 20));
    }
    throw new Error(`${id} was never made`);
  }

  test("CreateProject: a project without a toolchain is complete, listed, changed and described", async () => {
    const project = await created("plain");
    assert.equal(project.status.state, "CreateComplete");
    assert.equal(project.arn, "arn:aws:codestar:us-east-1:000000000000:project/plain");
    await codestar("UpdateProject", { id: "plain", name: "Plainer", description: "x" });
    const changed = await codestar("DescribeProject", { id: "plain" });
    assert.deepEqual([changed.name, changed.description], ["Plainer", "x"]);
    const { projects } = await codestar("ListProjects", {});
    assert.deepEqual(projects, [{ projectId: "plain", projectArn: project.arn }]);
  });

  test("CreateProject: the same request again is answered the same; the id by another is taken", async () => {
    await created("twice");
    assert.equal(
      (await codestar("CreateProject", { id: "twice", name: "x", clientRequestToken: "token-twice" })).id,
      "twice",
    );
    await assert.rejects(codestar("CreateProject", { id: "twice", name: "x" }), {
      code: "ProjectAlreadyExistsException",
    });
  });

  test("CreateProject: refuses reserved ids, source code without a toolchain, GitHub, and templates that are not there", async () => {
    const s3 = { bucketName: "nowhere-at-all", bucketKey: "k" };
    const source = { source: { s3 }, destination: { codeCommit: { name: "r" } } };
    const invalid = { code: "ValidationException" };
    for (const id of ["console", "s3", "ends-"])
      await assert.rejects(codestar("CreateProject", { id, name: "x" }), invalid, id);
    await assert.rejects(codestar("CreateProject", { id: "aa", name: "x", sourceCode: [source] }), invalid);
    await assert.rejects(
      codestar("CreateProject", { id: "aa", name: "x", sourceCode: [source, source], toolchain: { source: { s3 } } }),
      invalid,
    );
    await assert.rejects(codestar("CreateProject", { id: "aa", name: "x", toolchain: { source: { s3 } } }), {
      code: "ProjectConfigurationException",
    });
    await assert.rejects(codestar("DescribeProject", { id: "aa" }), { code: "ProjectNotFoundException" });
  });

  test("tags are added, replaced, removed; keys of aws: are refused", async () => {
    await created("tagged");
    assert.deepEqual((await codestar("TagProject", { id: "tagged", tags: { a: "1", b: "2" } })).tags, {
      a: "1",
      b: "2",
    });
    await codestar("UntagProject", { id: "tagged", tags: ["a"] });
    assert.deepEqual((await codestar("ListTagsForProject", { id: "tagged" })).tags, { b: "2" });
    await assert.rejects(codestar("TagProject", { id: "tagged", tags: { "aws:x": "1" } }), {
      code: "ValidationException",
    });
  });

  test("user profiles: made once, changed, listed, removed", async () => {
    const made = await codestar("CreateUserProfile", {
      userArn: USER,
      displayName: "Ann",
      emailAddress: "ann@example.com",
    });
    assert.equal(made.displayName, "Ann");
    await assert.rejects(
      codestar("CreateUserProfile", { userArn: USER, displayName: "Ann", emailAddress: "ann@example.com" }),
      { code: "UserProfileAlreadyExistsException" },
    );
    assert.equal((await codestar("UpdateUserProfile", { userArn: USER, displayName: "Anna" })).displayName, "Anna");
    assert.equal((await codestar("ListUserProfiles", {})).userProfiles[0].displayName, "Anna");
    await codestar("DeleteUserProfile", { userArn: USER });
    await assert.rejects(codestar("DescribeUserProfile", { userArn: USER }), { code: "UserProfileNotFoundException" });
  });

  test("a team member must be a user that exists", async () => {
    await created("team");
    await assert.rejects(codestar("AssociateTeamMember", { projectId: "team", userArn: USER, projectRole: "Owner" }), {
      code: "ValidationException",
    });
    assert.deepEqual((await codestar("ListTeamMembers", { projectId: "team" })).teamMembers, []);
  });
});

test("generations of repositories are told apart by their files", () => {
  const last = {
    template: "Parameters:\n  ProjectId:\n    Type: String\n  CodeDeployRole:\n    Type: String\n",
    buildspec: "files: [template-configuration.json]",
    hasTemplateConfiguration: true,
  };
  assert.deepEqual(generationOf(last), {
    hasTemplateConfiguration: true,
    hasCodeDeployRole: true,
    lacksProjectId: false,
    importsLambdaRole: false,
  });
  const first = {
    template: "Role: {Fn::ImportValue: !Join ['-', [x, 'LambdaTrustRole']]}",
    buildspec: "",
    hasTemplateConfiguration: false,
  };
  assert.deepEqual(generationOf(first), {
    hasTemplateConfiguration: false,
    hasCodeDeployRole: false,
    lacksProjectId: true,
    importsLambdaRole: true,
  });
});

test("a template with a virtual machine is known by its resources, not by its words", () => {
  const machineOf = (template: string) =>
    generationOf({ template, buildspec: "", hasTemplateConfiguration: false }).machine;
  assert.equal(machineOf("Resources: {Web: {Type: AWS::EC2::Instance}}"), "AWS::EC2::Instance");
  assert.equal(machineOf("# AWS::EC2::Instance\nResources: {Web: {Type: AWS::S3::Bucket}}"), undefined);
  assert.equal(machineOf("Resources: [1, null]"), undefined);
});

test("the toolchain of a first-generation repository exports its functions' role; the last generation's does not", () => {
  const template = (importsLambdaRole: boolean) =>
    toolchainTemplate({
      id: "abc",
      origin: "http://localhost:4566",
      generation: {
        hasTemplateConfiguration: !importsLambdaRole,
        hasCodeDeployRole: !importsLambdaRole,
        importsLambdaRole,
      },
    }) as any;
  const old = template(true);
  assert.deepEqual(old.Outputs.LambdaTrustRole.Export.Name, { "Fn::Sub": "abc-${AWS::Region}-LambdaTrustRole" });
  assert.equal(old.Resources.LambdaTrustRole.DeletionPolicy, "Retain");
  const now = template(false);
  assert.equal(now.Outputs, undefined);
  const generate = now.Resources.ProjectPipeline.Properties.Stages[2].Actions[0].Configuration;
  assert.equal(generate.TemplateConfiguration, "abc-BuildArtifact::template-configuration.json");
  assert.match(generate.ParameterOverrides["Fn::Sub"], /"CodeDeployRole":"\$\{CodeDeployTrustRole\.Arn\}"/);
  const generation = { hasTemplateConfiguration: false, hasCodeDeployRole: false, importsLambdaRole: false };
  const foreign = toolchainTemplate({
    id: "abc",
    origin: "",
    generation: { ...generation, lacksProjectId: true },
  }) as any;
  const foreignAction = foreign.Resources.ProjectPipeline.Properties.Stages[2].Actions[0];
  assert.equal(foreignAction.Configuration.ParameterOverrides, undefined, "a template without parameters gets none");
});

test("only an application that CodeStar did not generate makes roles without a boundary", () => {
  const generation = { hasTemplateConfiguration: false, hasCodeDeployRole: false, importsLambdaRole: false };
  const statements = (lacksProjectId: boolean, role: string) => {
    const template = toolchainTemplate({
      id: "abc",
      origin: "",
      generation: { ...generation, lacksProjectId, exportedTemplate: "out.yaml", parameters: { Stage: "a${b}" } },
    }) as any;
    const generate = template.Resources.ProjectPipeline.Properties.Stages[2].Actions[0].Configuration;
    assert.equal(generate.TemplatePath, "abc-BuildArtifact::out.yaml");
    assert.equal(JSON.parse(generate.ParameterOverrides["Fn::Sub"]).Stage, "a${!b}", "a value is no reference");
    return template.Resources[role].Properties.Policies[0].PolicyDocument.Statement as any[];
  };
  const roles = (lacksProjectId: boolean) =>
    statements(lacksProjectId, "CloudFormationTrustRole").find((s) => s.Sid === "NewRoles");
  assert.ok(roles(false).Condition.StringEquals["iam:PermissionsBoundary"]);
  assert.equal(roles(true).Condition, undefined);
  const sids = (lacksProjectId: boolean) => statements(lacksProjectId, "ToolChainRole").map((s) => s.Sid);
  assert.ok(!sids(false).includes("OtherBuckets"));
  assert.ok(sids(true).includes("OtherBuckets"));
  assert.ok(!sids(false).includes("Templates"));
  const validates = statements(true, "ToolChainRole").find((s) => s.Action === "cloudformation:ValidateTemplate");
  assert.equal(validates.Resource, "*", "what `sam validate` asks is about no resource");
});

test("a team's policies fit into a managed policy, for the longest id too", () => {
  for (const role of ["Owner", "Contributor", "Viewer"] as const)
    assert.ok(teamPolicy("a23456789012345", role, PLACE).length < 6_144, role);
});

test("a project's page is below localhost and below the host of the platform's URLs; other names are not projects", () => {
  const id = (host: string, publicHost = "localhost") =>
    projectRoute.match({ method: "GET", host, publicHost, path: "/", query: new URLSearchParams(), headers: {} })?.id;
  assert.equal(id("shop.localhost"), "shop");
  assert.equal(id("shop.dev.example.com", "dev.example.com"), "shop");
  for (const host of [
    "localhost",
    "console.localhost",
    "s3.localhost",
    "abc.execute-api.localhost",
    "shop.example.com",
    "-x.localhost",
  ])
    assert.equal(id(host), undefined, host);
  assert.equal(id("dev.example.com", "dev.example.com"), undefined);
  assert.equal(id("shop.amazonaws.com"), undefined);
  assert.equal(id("platform.localhost", "platform.localhost"), undefined, "the platform's own host");
  assert.equal(id("shop.platform.localhost", "platform.localhost"), "shop");
});

test("ARNs are made of physical ids, by type", () => {
  assert.equal(
    resourceArn("AWS::SQS::Queue", "http://sqs.us-east-1.localhost/000000000000/jobs", PLACE),
    "arn:aws:sqs:us-east-1:000000000000:jobs",
  );
  assert.equal(resourceArn("AWS::S3::Bucket", "b", PLACE), "arn:aws:s3:::b");
  assert.equal(
    resourceArn("AWS::SNS::Topic", "arn:aws:sns:us-east-1:000000000000:t", PLACE),
    "arn:aws:sns:us-east-1:000000000000:t",
  );
  assert.equal(resourceArn("AWS::S3::BucketPolicy", "b", PLACE), undefined);
});
