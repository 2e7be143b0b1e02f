import assert from "node:assert/strict";
import { test } from "node:test";
import { describeRepository } from "./describe-repository.ts";

const SAM = "Transform: AWS::Serverless-2016-10-31\nResources:\n  Hello:\n    Type: AWS::Serverless::Function\n";

const described = (files: Record<string, string>) =>
  describeRepository({ text: (path) => files[path], paths: () => Object.keys(files) });

function generation(files: Record<string, string>) {
  const description = described(files);
  assert.ok(description.refusal === undefined, description.refusal);
  return description.generation;
}

const buildspec = (command: string, artifacts: string): string =>
  `version: 0.2\nenv:\n  variables:\n    OUT: post-sam.yaml\nphases:\n  build:\n    commands:\n      - ${command}\nartifacts:\n${artifacts}\n`;

test("the deployed template is the one that the build packages, wherever its artifacts leave it", () => {
  const aws = "aws cloudformation package --template-file template.yaml --s3-bucket $S3_BUCKET --output-template-file";
  const exported = (command: string, artifacts: string) =>
    generation({ "buildspec.yml": buildspec(command, artifacts), "template.yaml": SAM }).exportedTemplate;
  assert.equal(exported(`${aws} template-export.yml`, "  files: [template-export.yml]"), undefined);
  assert.equal(exported(`${aws} packaged.yaml`, "  files: [packaged.yaml]\n  discard-paths: yes"), "packaged.yaml");
  assert.equal(exported(`${aws} out/packaged.yaml`, "  files: ['**/*']\n  base-directory: out"), "packaged.yaml");
  assert.equal(exported(`${aws} out/packaged.yaml`, "  files: [out/packaged.yaml]"), "out/packaged.yaml");
  assert.equal(exported("sam package --output-template-file $OUT", "  files: [$OUT]"), "post-sam.yaml");
  assert.equal(exported("./package.sh", "  files: [params-configuration.json, out.yml]"), "out.yml");
  const several = `${aws} app.yaml\n      - ${aws} test.yaml\n      - ${aws} scratch.yaml`;
  assert.equal(exported(several, "  files: [test.yaml, app.yaml]"), "app.yaml");
  assert.equal(exported(several, "  files: [test.yaml]"), "test.yaml");
});

test("the parameters are those of the template that the build packages", () => {
  const files = {
    "buildspec.yml": buildspec(
      "aws cloudformation package --template ./infra/app.yml --output-template template-export.yml",
      "  files: [template-export.yml]",
    ),
    "template.yml": SAM,
    "infra/app.yml": `Parameters:\n  ProjectId: {Type: String}\n${SAM}`,
  };
  assert.equal(generation(files).lacksProjectId, false);
});

test("buildspec.yaml is named to the build; a repository without one is built by sam, in a folder of its own too", () => {
  const spec = buildspec("./package.sh", "  files: [template-export.yml]");
  assert.equal(generation({ "buildspec.yaml": spec, "template.yml": SAM }).buildspec, "buildspec.yaml");
  assert.equal(generation({ "buildspec.yml": spec, "template.yml": SAM }).buildspec, undefined);
  assert.match(String(generation({ "template.yaml": SAM }).buildspec), /sam build --template-file template\.yaml\n/);
  const nested = generation({ "README.md": "", "app/template.yaml": SAM, "app/x/y/template.yaml": SAM });
  assert.match(String(nested.buildspec), /--template-file app\/template\.yaml\n/);
  assert.equal(nested.lacksProjectId, true);
  const configured = generation({ "template.yml": SAM, "template-configuration.json": "{}" });
  assert.equal(configured.hasTemplateConfiguration, true);
  assert.match(
    String(configured.buildspec),
    /files:\n    - template-export\.yml\n    - template-configuration\.json\n/,
  );
});

test("a repository with its buildspec in a folder is built by it, with the template beside it", () => {
  const spec = buildspec("cd infra; ./package.sh", "  files: [infra/out.yml]");
  const found = generation({
    "README.md": "",
    "infra/buildspec.yml": spec,
    "infra/template.yml": SAM,
    "a/b/buildspec.yml": "",
  });
  assert.deepEqual([found.buildspec, found.exportedTemplate], ["infra/buildspec.yml", "infra/out.yml"]);
  assert.equal(found.lacksProjectId, true);
  const atRoot = generation({ "infra/buildspec.yml": spec, "template.yml": SAM });
  assert.match(String(atRoot.buildspec), /sam build --template-file template\.yml/);
  const two = generation({ "a/buildspec.yml": spec, "b/buildspec.yml": spec, "infra/template.yml": SAM });
  assert.match(String(two.buildspec), /sam build --template-file infra\/template\.yml/);
});

test("code that is not in the repository is made by its package's build script", () => {
  const template = (uri: string) => `${SAM}    Properties:\n      CodeUri: ${uri} # code\n`;
  const made = (uri: string, manifest: string) =>
    String(generation({ "template.yml": template(uri), "package.json": manifest, "src/a.ts": "" }).buildspec);
  const manifest = '{"scripts": {"build": "tsc"}}';
  assert.match(made("./dist/", manifest), /- npm install\n      - npm run build\n      - sam build/);
  assert.doesNotMatch(made("src/", manifest), /npm/);
  assert.doesNotMatch(made(".", manifest), /npm/);
  assert.doesNotMatch(made("dist", "{}"), /npm/);
});

test("parameters that nothing gives a value to are found", () => {
  const template = `Parameters:\n  ProjectId: {Type: String}\n  Stage: {Type: String}\n  Size: {Type: Number}\n  Name: {Type: String, Default: ""}\n${SAM}`;
  const configuration = '{"Parameters": {"Size": "1"}}';
  assert.deepEqual(generation({ "template.yml": template }).neededParameters, ["Stage", "Size"]);
  const configured = generation({ "template.yml": template, "template-configuration.json": configuration });
  assert.deepEqual(configured.neededParameters, ["Stage"]);
  const unread = generation({ "template.yml": template, "template-configuration.json": "{" });
  assert.equal(unread.neededParameters, undefined);
});

test("what no project can be made of is refused with the reason", () => {
  const refusal = (files: Record<string, string>) => described(files).refusal;
  assert.match(String(refusal({ "README.md": "" })), /neither a buildspec\.yml nor a template/);
  assert.match(String(refusal({ "template.yaml": "kind: Deployment" })), /no CloudFormation template/);
  assert.match(
    String(refusal({ "a/template.yaml": SAM, "b/template.yaml": SAM })),
    /more than one template \(a\/template\.yaml, b/,
  );
  assert.match(String(refusal({ "a b/template.yaml": SAM })), /neither/, "a path that a shell would read");
  const deploys = buildspec("sam deploy --stack-name x", "  files: [README.md]");
  assert.match(String(refusal({ "buildspec.yml": deploys })), /deploys in its build/);
  const machine = "Resources: {Web: {Type: AWS::EC2::Instance}}";
  assert.match(String(refusal({ "template.yml": machine })), /virtual machines/);
});
