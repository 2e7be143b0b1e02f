import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openSandboxHost } from "../../src/backends/sandbox/oci-sandbox.ts";
import { runBuild, unzipTo, type BuildPhaseResult, type RunBuildInput } from "../../src/compute/build/index.ts";
import { parseBuildspec } from "../../src/engines/buildspec/index.ts";
import { systemClock } from "../../src/kernel/clock.ts";
import type { SandboxHost } from "../../src/ports/sandbox.ts";

// Started by the launcher as its app.
const data = process.env.STARLING_DATA ?? "";
let sandboxHost: SandboxHost;
before(async () => {
  sandboxHost = await openSandboxHost({
    dataDir: data,
    onAwsConnection: (socket) => socket.destroy(),
    onLost: () => {},
  });
});
after(() => process.disconnect());

let count = 0;
async function build(
  text: string,
  { storedVariables, ...more }: Partial<RunBuildInput> & { storedVariables?: Record<string, string> } = {},
) {
  const { spec, fault } = parseBuildspec(text);
  assert.ok(spec, JSON.stringify(fault));
  const id = `build-${++count}`;
  const folder = join(data, id);
  mkdirSync(join(folder, "source/public/img"), { recursive: true });
  mkdirSync(join(folder, "output"));
  for (const [name, content] of [
    ["package.json", '{"name":"x"}'],
    ["public/index.html", "<p>"],
    ["public/img/a.png", "png"],
  ])
    writeFileSync(join(folder, "source", name ?? ""), content ?? "");
  const phases: string[] = [];
  let log = "";
  const result = await runBuild({
    sandboxHost,
    code: join(import.meta.dirname, "../.."),
    id,
    prepare: async () => ({
      spec,
      sourceFolder: join(folder, "source"),
      ...(storedVariables ? { storedVariables } : {}),
    }),
    env: () => ({ CODEBUILD_BUILD_ID: "p:1" }),
    outputFolder: join(folder, "output"),
    limits: { memoryMB: 512, diskMB: 256, cpus: 2, pids: 128 },
    internet: false,
    clock: systemClock,
    onPhase: (phase: BuildPhaseResult) => phases.push(`${phase.phaseType} ${phase.phaseStatus}`),
    onLog: (message) => (log += message),
    timeoutMs: 60_000,
    ...more,
  });
  return {
    result,
    log,
    phases: phases.filter((p) => !p.endsWith("IN_PROGRESS") && !p.startsWith("FINALIZING")),
    folder,
    contexts: result.phases.map((p) => p.contexts[0]?.message).filter(Boolean),
  };
}

test("phases, variables, log and artifacts", async () => {
  const { result, log, phases, folder } = await build(
    `version: 0.2
env:
  variables: {A: spec, B: spec, S: spec}
  exported-variables: [OUT, NONE]
phases:
  install:
    commands: ['X=1; cd public', 'echo "$X $PWD $A $B $S"', 'pip3 install --user aws-sam-cli && sam --version']
  build:
    commands:
      - cd $CODEBUILD_SRC_DIR; export OUT="two words"
      - echo "token s3cret-value"; printf half
      - mkdir -p out/sub && echo 1 > out/sub/f && ln -s sub out/link && ln -s sub/f out/flink
artifacts:
  files: ['**/*']
  base-directory: public
  name: site-$OUT
secondary-artifacts: {}
`.replace(
      "secondary-artifacts: {}\n",
      "  secondary-artifacts:\n    other: {files: ['*', 'sub/*'], base-directory: out, discard-paths: yes}\n",
    ),
    { env: () => ({ B: "env" }), storedVariables: { S: "s3cret-value" }, secrets: () => ["s3cret-value"] },
  );
  assert.equal(result.status, "SUCCEEDED", log);
  assert.deepEqual(
    phases,
    ["PROVISIONING", "DOWNLOAD_SOURCE", "INSTALL", "PRE_BUILD", "BUILD", "POST_BUILD", "UPLOAD_ARTIFACTS"].map(
      (p) => `${p} SUCCEEDED`,
    ),
  );
  assert.match(log, /^1 \/codebuild\/output\/src\/public spec env \*\*\*$/m);
  assert.match(
    log,
    /^SAM CLI of Starling's builds/m,
    "what AWS's images have already needs no index to be installed again",
  );
  assert.match(
    log,
    /^token \*\*\*\nhalf\n\[Container\] \d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d\.\d{6} Running command mkdir/m,
  );
  assert.deepEqual(result.exportedVariables, { OUT: "two words", NONE: "" });
  assert.deepEqual(
    result.artifacts.map(({ identifier, name, files }) => ({ identifier, name, files })),
    [
      { identifier: undefined, name: "site-two words", files: 2 },
      { identifier: "other", name: undefined, files: 3 },
    ],
  );
  await unzipTo(result.artifacts[0]?.file ?? "", join(folder, "unzipped"), { maxBytes: 1000, maxEntries: 10 });
  assert.equal(readFileSync(join(folder, "unzipped/img/a.png"), "utf8"), "png");
  await assert.rejects(
    unzipTo(result.artifacts[0]?.file ?? "", join(folder, "u2"), { maxBytes: 4, maxEntries: 10 }),
    /more than is allowed/,
  );
});

test("a command that fails stops its phase; finally and POST_BUILD run all the same", async () => {
  const { result, log, phases, contexts } = await build(
    "version: 0.2\nphases:\n  build:\n    commands: ['echo one', 'sh -c \"exit 4\"', 'echo never']\n    finally: ['echo finally']\n  post_build:\n    commands: ['echo succeeding=$CODEBUILD_BUILD_SUCCEEDING']\nartifacts: {files: ['*']}",
  );
  assert.equal(result.status, "FAILED");
  assert.deepEqual(phases.slice(3), ["PRE_BUILD SUCCEEDED", "BUILD FAILED", "POST_BUILD SUCCEEDED"]);
  assert.deepEqual(contexts, ['Error while executing command: sh -c "exit 4". Reason: exit status 4']);
  assert.match(log, /one\n[^]*finally\n[^]*succeeding=0\n/);
  assert.doesNotMatch(log, /^never/m);
  const install = await build(
    "version: 0.2\nphases:\n  install: {commands: ['false']}\n  build: {commands: ['echo never']}",
  );
  assert.deepEqual(install.phases.slice(2), ["INSTALL FAILED"]);
});

test("on-failure continues or tries again; version 0.1 has a shell for each command", async () => {
  const more = await build(
    "version: 0.2\nphases:\n  pre_build: {commands: ['false'], on-failure: CONTINUE}\n  build: {commands: ['echo x >> /tmp/n; [ $(wc -l < /tmp/n) = 3 ]'], on-failure: RETRY-3}",
  );
  assert.deepEqual(
    [more.result.status, ...more.phases.slice(3)],
    ["SUCCEEDED", "PRE_BUILD FAILED", "BUILD SUCCEEDED", "POST_BUILD SUCCEEDED", "UPLOAD_ARTIFACTS SUCCEEDED"],
  );
  const old = await build("version: 0.1\nphases:\n  build: {commands: ['cd public; X=1', 'echo \"[$X] $PWD\"']}");
  assert.match(old.log, /^\[\] \/codebuild\/output\/src$/m);
});

test("a build runs the Node.js that its buildspec names, or the nearest with a line that says so; npm puts its packages beside it", async () => {
  const of = async (runtimes: string) =>
    (
      await build(
        `version: 0.2\nphases: {install: {${runtimes} commands: ['echo "node $(node --version) $(npm prefix -g)"']}}`,
      )
    ).log;
  assert.match(await of("runtime-versions: {nodejs: 18},"), /^node v18\.\S+ \/usr\/local$/m);
  assert.match(await of("runtime-versions: {nodejs: 20.x},"), /^node v20\./m);
  const old = await of("runtime-versions: {nodejs: 10},");
  assert.match(old, /^node v18\./m);
  assert.match(old, /Warning: nodejs 10 is not available here; this build runs with nodejs 18\./);
  assert.match(await of("runtime-versions: {nodejs: latest},"), /^node v24\./m);
  assert.match(await of(""), /^node v22\./m);
});

test("artifacts that match nothing, time that is over, and a stop are told as such", async () => {
  const none = await build("version: 0.2\nphases: {}\nartifacts: {files: ['dist/**']}");
  assert.equal(none.result.status, "FAILED");
  assert.match(String(none.contexts), /no matching artifact paths found for dist/);
  const late = await build("version: 0.2\nphases: {build: {commands: ['sleep 1000']}}", { timeoutMs: 400 });
  assert.deepEqual([late.result.status, late.phases.at(-1)], ["TIMED_OUT", "BUILD TIMED_OUT"]);
  const stop = new AbortController();
  const stopped = await build("version: 0.2\nphases: {build: {commands: ['echo started; sleep 1000']}}", {
    signal: stop.signal,
    onLog: (message) => void (message === "started\n" && stop.abort()),
  });
  assert.deepEqual([stopped.result.status, stopped.phases.at(-1)], ["STOPPED", "BUILD STOPPED"]);
});

test("the local cache comes back in the next build", async () => {
  const cache = { folder: join(data, "cache"), maxBytes: 1 << 20 };
  const text =
    "version: 0.2\nphases: {build: {commands: ['ls /root/.npm 2>/dev/null || mkdir -p /root/.npm/a; echo kept > /root/.npm/a/f', 'cat node_modules/m || mkdir node_modules; echo module > node_modules/m']}}\ncache: {paths: ['/root/.npm/**/*', 'node_modules/**/*', '/etc/*']}";
  const first = await build(text, { cache });
  assert.equal(first.result.status, "SUCCEEDED", first.log);
  assert.match(first.log, /Cache \/etc\/\* is not kept/);
  const second = await build(text, { cache });
  assert.match(second.log, /^a\n[^]*^module$/m);
});
