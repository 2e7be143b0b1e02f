import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, test } from "node:test";

const PYTHON = "/usr/bin/python3";
const skip = existsSync("/usr/bin/aws") && existsSync(PYTHON) ? false : "there is no awscli on this machine";

describe("sam in builds", { skip }, () => {
  const folders: string[] = [];
  after(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

  function repository(files: Record<string, string>): string {
    const folder = mkdtempSync(join(tmpdir(), "starling-sam-"));
    folders.push(folder);
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    return folder;
  }

  function sam(folder: string, ...args: string[]) {
    const { status, stdout, stderr } = spawnSync(PYTHON, ["-IB", join(import.meta.dirname, "sam"), ...args], {
      cwd: folder,
      encoding: "utf8",
      timeout: 60_000,
    });
    return { status, output: stdout + stderr };
  }

  const TEMPLATE = `Transform: AWS::Serverless-2016-10-31
Globals:
  Function: {Runtime: nodejs20.x, CodeUri: src/}
Resources:
  Hello: {Type: AWS::Serverless::Function, Properties: {Handler: app.handler}}
  Again: {Type: AWS::Serverless::Function, Properties: {Handler: app.again}}
  Inline: {Type: AWS::Serverless::Function, Properties: {Handler: index.h, InlineCode: "x"}}
  Py: {Type: AWS::Serverless::Function, Properties: {Runtime: python3.11, Handler: a.b, CodeUri: py}}
  Made:
    Type: AWS::Serverless::LayerVersion
    Metadata: {BuildMethod: makefile}
    Properties: {ContentUri: layer}
  Plain: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: layer}}
  Api: {Type: AWS::Serverless::Api, Properties: {StageName: p, DefinitionUri: api.yaml}}
  Nested: {Type: AWS::Serverless::Application, Properties: {Location: nested/template.yaml}}
Outputs:
  Url: {Value: !Sub "\${Api}.x"}
`;

  test("build: functions, layers and nested applications get folders of their own, and paths go on naming the same files", () => {
    const folder = repository({
      "template.yaml": TEMPLATE,
      "src/app.js": "exports.handler = () => {};",
      "src/package.json": '{"devDependencies": {"not-there-at-all": "1"}}',
      "src/node_modules/x/index.js": "",
      "py/a.py": "",
      "py/requirements.txt": "# nothing\n",
      "layer/Makefile": "build-Made:\n\tcp Makefile $(ARTIFACTS_DIR)/made\n",
      "api.yaml": "openapi: 3.0.1",
      "nested/template.yaml": "Resources: {Deep: {Type: AWS::Serverless::Function, Properties: {CodeUri: code}}}",
      "nested/code/index.js": "",
    });
    const { status, output } = sam(folder, "build", "--use-container", "--parallel");
    assert.equal(status, 0, output);
    assert.match(output, /Build Succeeded/);
    const built = join(folder, ".aws-sam/build");
    const paths = ["Hello/app.js", "Py/a.py", "Made/made", "Nested/Deep/index.js"];
    for (const path of paths) assert.ok(existsSync(join(built, path)), path);
    assert.ok(!existsSync(join(built, "Hello/node_modules")), "modules are installed, not copied");
    const template = readFileSync(join(built, "template.yaml"), "utf8");
    assert.match(template, /Again:[^]*?CodeUri: Hello\n/, "one build for functions of the same code");
    assert.match(template, /Plain:[^]*?ContentUri: \.\.\/\.\.\/layer\n/);
    assert.match(template, /DefinitionUri: \.\.\/\.\.\/api\.yaml/);
    assert.match(template, /Location: Nested\/template\.yaml/);
    assert.match(template, /Fn::Sub: \$\{Api\}\.x/);
  });

  test("what cannot be built is named with the way out", () => {
    const refused = (text: string, ...args: string[]) => {
      const { status, output } = sam(repository({ "template.yml": text, "code/x": "" }), ...args);
      assert.equal(status, 1, output);
      return output;
    };
    const one = (properties: string) =>
      `Resources: {F: {Type: AWS::Serverless::Function, Properties: {${properties}}}}`;
    assert.match(refused(one("Runtime: java11, CodeUri: code"), "build"), /F: builds here make no java11/);
    assert.match(refused(one("Runtime: nodejs20.x, CodeUri: nowhere"), "build"), /F: CodeUri nowhere does not exist/);
    assert.match(refused(one(""), "build", "--nonsense"), /no option --nonsense/);
    assert.match(refused(one("CodeUri: code"), "package"), /--s3-bucket, or --resolve-s3/);
    assert.match(refused(one("CodeUri: code"), "deploy", "--guided"), /nobody to ask/);
  });
});
