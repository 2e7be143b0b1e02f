import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, test } from "node:test";
import { CloudWatchLogs } from "@aws-sdk/client-cloudwatch-logs";
import { CodeCommit } from "@aws-sdk/client-codecommit";
import { IAM } from "@aws-sdk/client-iam";
import { Lambda } from "@aws-sdk/client-lambda";
import { S3 } from "@aws-sdk/client-s3";
import { gitSignature } from "../../src/aws/git-signature.ts";
import { cannotRun, startPlatform, type TestPlatform } from "../support/platform.ts";
import { trust } from "../support/stacks.ts";
import { run, until } from "../support/starling.ts";
import { zip } from "../support/zip.ts";

/** Room for a platform (its compiled sources alone take some 20 MB) and a little more. */
const DISK_MB = 448;
const CODE = "exports.handler = async () => 'alive'";

describe("a full disk", { skip: cannotRun }, () => {
  let disk: string;
  let platform: TestPlatform;
  let s3: S3;
  let lambda: Lambda;
  let logs: CloudWatchLogs;
  let Role: string;
  let filler: string;

  before(async () => {
    disk = mkdtempSync(join(tmpdir(), "starling-disk-"));
    filler = join(disk, "filler");
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${DISK_MB}m`, "starling-test", disk], { timeout: 60_000 });
    mkdirSync(join(disk, "data"));
    platform = await startPlatform({ STARLING_DATA: join(disk, "data") });
    s3 = new S3({ ...platform.client, forcePathStyle: true });
    lambda = new Lambda(platform.client);
    logs = new CloudWatchLogs(platform.client);
    const made = await new IAM(platform.client).createRole({
      RoleName: "f",
      AssumeRolePolicyDocument: JSON.stringify(trust),
    });
    Role = made.Role!.Arn!;
    await s3.createBucket({ Bucket: "bucket" });
    await createFunction("f", await zip({ "index.js": CODE }));
    assert.equal(await invoke(), '"alive"');
    await new CodeCommit(platform.client).createRepository({ repositoryName: "r" });
    execFileSync("git", ["init", "-q", "-b", "master", join(disk, "clone")], { timeout: 60_000 });
  });
  after(async () => {
    await platform?.stop();
    execFileSync("umount", ["-l", disk], { timeout: 60_000 });
    rmSync(disk, { recursive: true });
  });

  const createFunction = (FunctionName: string, ZipFile: Uint8Array) =>
    lambda.createFunction({ FunctionName, Runtime: "nodejs24.x", Handler: "index.handler", Role, Code: { ZipFile } });
  const invoke = async () => Buffer.from((await lambda.invoke({ FunctionName: "f" })).Payload!).toString();
  const put = (Key: string, bytes: number) => s3.putObject({ Bucket: "bucket", Key, Body: Buffer.alloc(bytes, Key) });

  /** Leaves no free byte. */
  function fill(): void {
    const file = openSync(filler, "a");
    try {
      for (const size of [1 << 20, 4096]) {
        try {
          for (;;) writeSync(file, Buffer.alloc(size));
        } catch (error) {
          assert.equal((error as NodeJS.ErrnoException).code, "ENOSPC");
        }
      }
    } finally {
      closeSync(file);
    }
  }

  async function push(text: string | Buffer): Promise<{ code: number; stderr: string }> {
    const clone = join(disk, "clone");
    const git = (...args: string[]) =>
      run("git", ["-c", "user.name=d", "-c", "user.email=d@example.com", ...args], { cwd: clone });
    await writeFile(join(clone, "file"), text);
    await git("add", ".");
    await git("commit", "-qm", "change");
    return pushOnly(git);
  }
  function pushOnly(git: (...args: string[]) => Promise<{ code: number; stderr: string }>) {
    const { accessKeyId, secretAccessKey } = platform.client.credentials;
    const timestamp = new Date().toISOString().slice(0, 19).replace(/[-:]/g, "");
    const facts = { host: "127.0.0.1", path: "/v1/repos/r", region: "us-east-1" };
    const signature = gitSignature(secretAccessKey, timestamp, facts);
    return git(
      "push",
      `http://${accessKeyId}:${timestamp}Z${signature}@127.0.0.1:${platform.port}/v1/repos/r`,
      "master",
    );
  }

  const refused = (error: { name: string; message: string; $metadata?: { httpStatusCode?: number } }): true => {
    assert.equal(error.$metadata?.httpStatusCode, 503, `${error.name}: ${error.message}`);
    assert.match(`${error.name}: ${error.message}`, /^ServiceUnavailable\w*: .*no space left .*free some disk space/);
    return true;
  };

  test("what needs room is refused with the reason, what does not goes on", async () => {
    await put("before", 300_000);
    // The clone has its room: it is the platform's that ends.
    const big = randomBytes(3 << 20);
    await writeFile(join(disk, "clone/big"), big);
    assert.equal((await push("first")).code, 0);
    await writeFile(join(disk, "clone/next"), randomBytes(2 << 20));
    execFileSync("git", ["-C", join(disk, "clone"), "add", "."], { timeout: 60_000 });
    const by = ["-c", "user.name=d", "-c", "user.email=d@e.f"];
    execFileSync("git", ["-C", join(disk, "clone"), ...by, "commit", "-qm", "next"], { timeout: 60_000 });
    fill();
    await assert.rejects(put("while", 300_000), refused);
    await assert.rejects(
      createFunction("g", await zip({ "index.js": CODE, "x.bin": randomBytes(400_000).toString("hex") })),
      refused,
    );
    const pushed = await pushOnly((...args) => run("git", args, { cwd: join(disk, "clone") }));
    assert.notEqual(pushed.code, 0);
    assert.match(pushed.stderr, /no space left|disk is full|disk space/i);
    const { Body } = await s3.getObject({ Bucket: "bucket", Key: "before" });
    assert.equal((await Body!.transformToByteArray()).length, 300_000);
    assert.equal(await invoke(), '"alive"');
    assert.match(platform.output(), /no space left .*free some disk space/);
  });

  test("writes of the state end in the same answer, and every one that was acknowledged stays", async (t) => {
    const acknowledged: string[] = [];
    let refusals = 0;
    for (let i = 0; i < 5_000 && refusals < 3; i++) {
      const logGroupName = `group-${i}-${"x".repeat(400)}`;
      try {
        await logs.createLogGroup({ logGroupName });
        acknowledged.push(logGroupName);
      } catch (error) {
        refused(error as Error);
        refusals++;
      }
    }
    assert.equal(refusals, 3);
    t.diagnostic(`${acknowledged.length} writes found room in the database's file`);
    await platform.kill();
    rmSync(filler);
    await platform.restart();
    const groups = new Set<string>();
    for (let nextToken: string | undefined; ;) {
      const page = await logs.describeLogGroups({ limit: 50, ...(nextToken ? { nextToken } : {}) });
      for (const g of page.logGroups ?? []) groups.add(g.logGroupName!);
      if (!(nextToken = page.nextToken)) break;
    }
    for (const name of acknowledged) assert.ok(groups.has(name), name);
    assert.equal(await invoke(), '"alive"');
  });

  test("kill -9 while it is full, and a start on a full disk", async () => {
    fill();
    await assert.rejects(put("lost", 300_000), refused);
    await platform.kill();
    await platform.restart();
    const { Body } = await s3.getObject({ Bucket: "bucket", Key: "before" });
    assert.equal((await Body!.transformToByteArray()).length, 300_000);
  });

  test("with room again, everything works, and nothing is damaged", async () => {
    rmSync(filler, { force: true });
    await until(
      async () =>
        put("after", 300_000).then(
          () => true,
          () => false,
        ),
      20_000,
    );
    const pushed = await pushOnly((...args) => run("git", args, { cwd: join(disk, "clone") }));
    assert.equal(pushed.code, 0, pushed.stderr);
    await createFunction("h", await zip({ "index.js": CODE }));
    assert.equal(await invoke(), '"alive"');
    await assert.rejects(s3.headObject({ Bucket: "bucket", Key: "while" }), { name: "NotFound" });
    await platform.end();
    for (const name of ["state", "telemetry"]) {
      const db = new DatabaseSync(join(disk, "data", `${name}.sqlite`), { readOnly: true });
      assert.deepEqual({ ...db.prepare("pragma integrity_check").get() }, { integrity_check: "ok" });
      db.close();
    }
    execFileSync("git", ["-c", "safe.directory=*", "-C", join(disk, "clone"), "fsck", "--strict"], {
      stdio: "ignore",
      timeout: 60_000,
    });
  });
});
