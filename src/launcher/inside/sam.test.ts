import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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
    return samWith({}, folder, ...args);
  }

  function samWith(env: Record<string, string>, folder: string, ...args: string[]) {
    const { status, stdout, stderr } = spawnSync(PYTHON, ["-IB", join(import.meta.dirname, "sam"), ...args], {
      cwd: folder,
      env: { ...process.env, ...env },
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

  test("build: packages are installed once for functions whose manifests ask for the same", () => {
    const functionOf = (code: string, more = "") =>
      `{Type: AWS::Serverless::Function, Metadata: {DockerTag: ${code}${more}}, Properties: {CodeUri: ${code}}}`;
    const bundled = (point: string) =>
      functionOf("web", `, BuildMethod: esbuild, BuildProperties: {EntryPoints: [${point}]}`);
    const same = '{"dependencies": {"one": "1"}}';
    const folder = repository({
      "template.yaml": `Globals: {Function: {Runtime: nodejs22.x}}
Resources:
  A: ${functionOf("a")}
  B: ${functionOf("b")}
  Twice: ${functionOf("a", ", More: of-no-matter")}
  Other: ${functionOf("c")}
  Scripted: ${functionOf("d")}
  First: ${bundled("first.js")}
  Second: ${bundled("second.js")}
`,
      "a/package.json": same,
      "b/package.json": same,
      "b/own.js": "1",
      "c/package.json": '{"dependencies": {"two": "1"}}',
      "d/package.json": '{"dependencies": {"one": "1"}, "scripts": {"postinstall": "x"}}',
      "web/package.json": '{"devDependencies": {"esbuild": "1"}}',
      "web/first.js": "",
      "web/second.js": "",
      // Leaves what npm would, and says where it was called.
      "bin/npm": `#!/bin/sh
pwd >> "$CALLS"
mkdir -p node_modules/one node_modules/.bin
echo 1 > node_modules/one/index.js
printf '#!/bin/sh\nfor a; do case $a in --outdir=*) echo "$1" > "\${a#--outdir=}/index.js";; esac; done' > node_modules/.bin/esbuild
chmod +x node_modules/.bin/esbuild
`,
    });
    chmodSync(join(folder, "bin/npm"), 0o755);
    const calls = join(folder, "calls");
    const PATH = `${join(folder, "bin")}:${process.env["PATH"]}`;
    const { status, output } = samWith({ PATH, CALLS: calls }, folder, "build");
    assert.equal(status, 0, output);
    const built = join(folder, ".aws-sam/build");
    for (const path of ["A/node_modules/one/index.js", "B/node_modules/one/index.js", "B/own.js"])
      assert.ok(existsSync(join(built, path)), path);
    assert.ok(!existsSync(join(built, "Twice")), "metadata that changes nothing makes no other build");
    assert.equal(readFileSync(join(built, "First/index.js"), "utf8"), "first.js\n");
    assert.equal(readFileSync(join(built, "Second/index.js"), "utf8"), "second.js\n");
    const where = readFileSync(calls, "utf8").trim().split("\n");
    assert.equal(where.length, 4, `a and b together, c, d, web: ${where.join(" ")}`);
    assert.ok(where.includes(join(built, "Scripted")), "scripts run where the code is");
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
