import assert from "node:assert/strict";
import { test } from "node:test";
import type { Buildspec } from "./index.ts";
import { parseBuildspec, pathMatcher } from "./index.ts";

function spec(text: string): Buildspec {
  const result = parseBuildspec(text);
  assert.equal(result.fault, undefined);
  return result.spec as Buildspec;
}
const fault = (text: string): string => {
  const { fault: found } = parseBuildspec(text);
  return `${found?.line} ${found?.message}`;
};

test("reads CodeStar's buildspec", () => {
  const text = `version: 0.2
phases:
  install:
    runtime-versions:
      nodejs: 12
    commands:
      - npm install
      - pip install --upgrade awscli
  build:
    commands:
      - aws cloudformation package --template template.yml --s3-bucket $S3_BUCKET --output-template template-export.yml
    finally:
      - echo done
    on-failure: CONTINUE
artifacts:
  type: zip
  files:
    - template-export.yml
    - template-configuration.json
`;
  const read = spec(text);
  assert.equal(read.version, "0.2");
  assert.deepEqual(read.runtimeVersions, { nodejs: "12" });
  assert.deepEqual(read.phases.install?.commands, ["npm install", "pip install --upgrade awscli"]);
  assert.deepEqual(read.phases.build?.onFailure, { kind: "CONTINUE" });
  assert.deepEqual(read.phases.build?.finally, ["echo done"]);
  assert.deepEqual(read.artifacts?.files, ["template-export.yml", "template-configuration.json"]);
});

test("reads variables, secondary artifacts, cache, reports and retries", () => {
  const text = `version: 0.2
run-as: root
env:
  shell: bash
  variables: {A: 1, B: true}
  parameter-store: {P: /p}
  secrets-manager: {S: "id:key"}
  exported-variables: [A]
  git-credential-helper: yes
phases:
  build: {commands: [make], on-failure: RETRY-5-timeout}
artifacts:
  secondary-artifacts:
    one: {files: '**/*', base-directory: out, discard-paths: yes, name: n-$A, exclude-paths: ['x/**']}
reports:
  unit: {files: ['r.xml'], file-format: JUNITXML}
cache: {paths: ['/root/.npm/**/*']}
`;
  const read = spec(text);
  assert.deepEqual(read.env, {
    shell: "bash",
    variables: { A: "1", B: "true" },
    parameterStore: { P: "/p" },
    secretsManager: { S: "id:key" },
    exportedVariables: ["A"],
    gitCredentialHelper: true,
  });
  assert.deepEqual(read.phases.build?.onFailure, { kind: "RETRY", times: 5, pattern: "timeout" });
  assert.equal(read.artifacts, undefined);
  assert.deepEqual(read.secondaryArtifacts.one?.files, ["**/*"]);
  assert.equal(read.secondaryArtifacts.one?.discardPaths, true);
  assert.equal(read.reports[0]?.group, "unit");
  assert.deepEqual(read.cache.paths, ["/root/.npm/**/*"]);
});

test("says what is wrong and where", () => {
  assert.match(
    fault("version: 0.2\nphases:\n  build:\n    commands:\n      - echo a: b\n"),
    /^5 Expected Commands\[0\] to be of string type: found subkeys instead.* at line 5/,
  );
  assert.match(fault("version: 0.2\nphases: [\n"), /yaml: line \d+: /);
  assert.match(fault("version: 0.3\nphases: {}"), /^1 Invalid buildspec version 0.3/);
  assert.match(fault("version: 0.2\nphases:\n  deploy: {}"), /^3 Invalid buildspec phase name: deploy/);
  assert.match(fault("version: 0.2\nbatch: {}"), /^2 Expected batch to have exactly one of build-graph/);
  assert.match(fault("version: 0.2\nphases: {}\nartifacts: {}"), /at least one entry in files/);
  assert.match(fault(""), /empty/);
});

test("reads batches: lists, graphs and matrices", () => {
  const tasks = (text: string) => spec(`version: 0.2\nbatch:\n${text}`).batch!;
  const graph = tasks(
    "  fast-fail: true\n  build-graph:\n    - {identifier: a, env: {variables: {V: 1}, compute-type: BUILD_GENERAL1_LARGE}}\n    - {identifier: b, buildspec: b.yml, depend-on: [a], ignore-failure: true}\n",
  );
  assert.deepEqual(graph, {
    fastFail: true,
    tasks: [
      {
        identifier: "a",
        dependsOn: [],
        ignoreFailure: false,
        environment: { computeType: "BUILD_GENERAL1_LARGE" },
        variables: { V: "1" },
      },
      { identifier: "b", dependsOn: ["a"], ignoreFailure: true, buildspec: "b.yml", environment: {}, variables: {} },
    ],
  });
  const matrix = tasks(
    "  build-matrix:\n    static: {ignore-failure: true, env: {privileged-mode: true}}\n    dynamic: {env: {image: [i, j], variables: {V: [1, 2, 3]}}}\n",
  );
  assert.deepEqual(
    matrix.tasks.map(
      (t) => `${t.identifier} ${t.environment.image} ${t.variables["V"]} ${t.environment.privilegedMode}`,
    ),
    ["build0 i 1 true", "build1 i 2 true", "build2 i 3 true", "build3 j 1 true", "build4 j 2 true", "build5 j 3 true"],
  );
  const wrong = (text: string) => fault(`version: 0.2\nbatch:\n${text}`);
  assert.match(wrong("  build-list: [{identifier: a, depend-on: [b]}]\n"), /Unknown key "depend-on"/);
  assert.match(wrong("  build-list: [{identifier: a}, {identifier: a}]\n"), /more than one build a/);
  assert.match(wrong("  build-graph: [{identifier: a, depend-on: [x]}]\n"), /depends on x, which is not there/);
  assert.match(
    wrong("  build-graph: [{identifier: a, depend-on: [b]}, {identifier: b, depend-on: [a]}]\n"),
    /a, b depend on each other in a circle/,
  );
  const many = Array.from({ length: 11 }, (_, i) => i).join(", ");
  assert.match(wrong(`  build-matrix: {dynamic: {env: {variables: {A: [${many}], B: [${many}]}}}}\n`), /at most 100/);
});

test("keys that mean nothing are passed over and named; the first version's variables count", () => {
  const { spec, fault } = parseBuildspec(`version: 0.1
anchors: &same [echo a]
environment_variables:
  plaintext: {A: b}
phases:
  build: {commands: *same, comands: [x], finally: [echo b]}
artifacts: {files: ["*"], type: zip, discard_paths: yes, secondary-artifacts: {x: {files: ["*"], file: y}}}
reports: {r: {files: ["*"]}}
`);
  assert.equal(fault, undefined);
  assert.deepEqual(spec?.unknownKeys, [
    "/anchors",
    "/phases/build/comands",
    "/artifacts/discard_paths",
    "/artifacts/secondary-artifacts/x/file",
  ]);
  assert.deepEqual(spec?.env.variables, { A: "b" });
  assert.deepEqual(spec?.phases.build?.commands, ["echo a"]);
});

test("matches artifact patterns", () => {
  const yes = (pattern: string, path: string): void => assert.ok(pathMatcher([pattern])(path), `${pattern} ${path}`);
  const no = (pattern: string, path: string): void => assert.ok(!pathMatcher([pattern])(path), `${pattern} ${path}`);
  yes("**/*", "a");
  yes("**/*", "a/b/.c");
  yes("a/**/*", "a/b/c");
  yes("*.js", "x.js");
  no("*.js", "a/x.js");
  yes("**/*.js", "x.js");
  yes("dist/*", "dist/a");
  no("dist/*", "dist/a/b");
  yes("dist", "dist/a/b");
  no("dist", "dista");
  yes("a?c", "abc");
  assert.ok(!pathMatcher(["**/*"], ["node_modules/**/*"])("node_modules/a/b"));
  const started = performance.now();
  no(`${"**/".repeat(100)}x`, "a/".repeat(1000));
  assert.ok(performance.now() - started < 20_000); // not a measure: a search without end takes minutes
});
