import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { ZipFile } from "yazl";
import { buffer } from "node:stream/consumers";
import { openBuildKit, type BuildKit } from "../support/build-kit.ts";
import { leftovers } from "../support/leftovers.ts";
import { zip } from "../support/zip.ts";
import { cannotRun, startPlatform, type TestPlatform } from "../support/platform.ts";

/** A build says what was wrong with it, and the platform builds the next one. */
describe("builds that mean harm", { skip: cannotRun }, () => {
  let platform: TestPlatform;
  let kit: BuildKit;

  before(async () => {
    platform = await startPlatform();
    kit = await openBuildKit(platform);
  });
  after(() => platform?.stop());

  const buildspec = (...commands: string[]) => JSON.stringify({ version: 0.2, phases: { build: { commands } } });
  const failureOf = async (files: Record<string, string>): Promise<string> => {
    const build = await kit.run(await kit.project(files), { timeoutInMinutesOverride: 5 });
    assert.equal(build.buildStatus, "FAILED");
    return kit.failure(build);
  };
  /** A project whose source is these bytes. */
  async function sourceOf(name: string, bytes: Uint8Array): Promise<string> {
    await kit.project({});
    await kit.s3.putObject({ Bucket: "work", Key: `${name}.zip`, Body: bytes });
    const { environment, role: serviceRole } = kit;
    const source = { type: "S3" as const, location: `work/${name}.zip` };
    await kit.codebuild.createProject({ name, serviceRole, source, environment, artifacts: { type: "NO_ARTIFACTS" } });
    return name;
  }
  const works = async (): Promise<void> => {
    const build = await kit.run(await kit.project({ "buildspec.yml": buildspec("true") }));
    assert.equal(build.buildStatus, "SUCCEEDED", kit.failure(build));
  };

  test("one that forks without end", async () => {
    const bomb = `import os, time
me = os.getpid()
try:
  while True: os.fork()
except OSError as error: print(error, flush=True)
if os.getpid() != me: time.sleep(1000)
os._exit(3)`;
    const build = await kit.run(await kit.project({ "buildspec.yml": buildspec("python3 bomb.py"), "bomb.py": bomb }));
    assert.match(kit.failure(build), /^BUILD FAILED COMMAND_EXECUTION_ERROR: .*exit status 3/);
    assert.match(await kit.logOf(build), /Resource temporarily unavailable/);
    await works();
  });

  test("one that fills the disk", async () => {
    // Takes all room without writing it, so that the host's disk is spared.
    const fill =
      "i=0; while fallocate -l 512M /codebuild/output/$i; do i=$((i+1)); done; echo x > /codebuild/output/last";
    const build = await kit.run(await kit.project({ "buildspec.yml": buildspec(fill) }));
    assert.equal(build.buildStatus, "FAILED");
    assert.match(await kit.logOf(build), /No space left on device/);
    await works();
  });

  test("a buildspec that is a bomb, a cycle, or deep", async () => {
    const levels = Array.from(
      { length: 12 },
      (_none, i) =>
        `l${i}: &l${i} [${Array(9)
          .fill(i ? `*l${i - 1}` : "x")
          .join(",")}]`,
    );
    for (const [what, text] of [
      ["bomb", `version: 0.2\n${levels.join("\n")}\nphases: {build: {commands: [*l11]}}\n`],
      ["cycle", "version: 0.2\nphases: &p {build: *p}\n"],
      ["deep", `version: 0.2\nphases: ${"[".repeat(50_000)}${"]".repeat(50_000)}\n`],
    ] as const)
      assert.match(
        await failureOf({ "buildspec.yml": text }),
        /DOWNLOAD_SOURCE FAILED YAML_FILE_ERROR: .*buildspec/,
        what,
      );
  });

  test("a source that is a bomb, leads out, or is no zip", async () => {
    const bomb = await zip({ all: "x".repeat(1000) });
    // It says that its one file has nearly 4 GiB; what it says is believed only as long as it is true.
    bomb.writeUInt32LE(0xfffffff0, bomb.indexOf("PK\u0001\u0002") + 24);
    const out = new ZipFile();
    out.addBuffer(Buffer.from("x"), "aa/etc/starling-was-here");
    out.end();
    const traversal = (await buffer(out.outputStream)).toString("latin1").replaceAll("aa/etc", "../etc");
    for (const [name, bytes, why] of [
      ["bomb", bomb, /bytes/],
      ["traversal", Buffer.from(traversal, "latin1"), /\.\.|outside|path/i],
      ["nonsense", gzipSync(randomBytes(1000)), /zip/i],
    ] as const) {
      const build = await kit.run(await sourceOf(name, bytes));
      assert.equal(build.buildStatus, "FAILED", name);
      assert.match(kit.failure(build), /^DOWNLOAD_SOURCE FAILED /, name);
      assert.match(kit.failure(build), why, name);
    }
    await works();
  });

  test("nothing of them is left, and the platform has not grown", async () => {
    const app = /^(\d+)/.exec(readFileSync(`/proc/${platform.pid}/task/${platform.pid}/children`, "utf8"))![1];
    const peak = Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${app}/status`, "utf8"))![1]) / 1024;
    assert.ok(peak < 500, `${peak} MB`);
    await platform.end();
    assert.deepEqual(leftovers(platform.data), []);
  });
});
