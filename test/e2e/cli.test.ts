import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, describe, test } from "node:test";
import { S3 } from "@aws-sdk/client-s3";
import { startChild } from "../support/child.ts";
import { cannotRun, startPlatform, type TestPlatform } from "../support/platform.ts";
import { run, starling, until, visit } from "../support/starling.ts";

const root = resolve(import.meta.dirname, "../..");

describe("the command line", { skip: cannotRun }, () => {
  let platform: TestPlatform;
  let folder: string;

  before(async () => {
    platform = await startPlatform({ STARLING_SAMPLE: "on" });
    folder = await mkdtemp(join(tmpdir(), "starling-cli-"));
  });
  after(async () => {
    await platform?.stop();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  test("the first start makes the sample project, says how far it is, and ends with what to do next", async () => {
    await until(async () => platform.output().includes("Starling is ready"));
    const output = platform.output();
    assert.match(output, /Making the sample project "sample"/);
    assert.match(output, /Source +done/);
    assert.match(output, new RegExp(`Page: +http://sample\\.localhost:${platform.port}/`));
    assert.match(output, /Clone: +git clone http:\S+\/v1\/repos\/sample/);
    assert.match(output, /public\/index\.html/);
    assert.equal((await visit(`http://sample.localhost:${platform.port}/`)).status, 200);
  });

  test("env prints nothing but what a shell evaluates", async () => {
    const { code, stdout } = await starling(platform, "env");
    assert.equal(code, 0);
    for (const line of stdout.trim().split("\n")) assert.match(line, /^(export [A-Z0-9_]+='|unset )/);
    for (const name of ["AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"])
      assert.ok(stdout.includes(`export ${name}=`), name);
    const storage = /AWS_ENDPOINT_URL_S3='([^']+)'/.exec(stdout)?.[1];
    assert.equal(storage, `http://127.0.0.1:${platform.port}`, "a client needs no resolver for names below localhost");
    const s3 = new S3({ ...platform.client, endpoint: storage! });
    await s3.createBucket({ Bucket: "by-address" });
    await s3.deleteBucket({ Bucket: "by-address" });
  });

  test("templates and projects are lists, for people and for programs", async () => {
    const templates = JSON.parse((await starling(platform, "templates", "--json")).stdout) as { id: string }[];
    for (const id of ["nodejs-web-application", "nodejs-express-web-service", "python-web-service", "static-web-page"])
      assert.ok(
        templates.some((t) => t.id === id),
        id,
      );
    const [sample] = JSON.parse((await starling(platform, "projects", "--json")).stdout) as Record<string, string>[];
    assert.deepEqual(sample, {
      id: "sample",
      url: `http://sample.localhost:${platform.port}/`,
      cloneUrl: `http://localhost:${platform.port}/v1/repos/sample`,
      pipeline: "sample-Pipeline",
      state: "live",
    });
    assert.match((await starling(platform, "projects")).stdout, /sample +live/);
    assert.equal((await starling(platform, "open", "sample")).stdout.trim(), sample!["url"]);
  });

  test("a bad name, a taken name, an unknown template, a missing project: refused with the reason", async () => {
    const refused = async (expected: RegExp, ...args: string[]) => {
      const { code, stderr } = await starling(platform, ...args);
      assert.notEqual(code, 0);
      assert.match(stderr, expected);
      assert.ok(!/\n +at /.test(stderr), "no stack");
    };
    await refused(/cannot be a project's name/, "new", "Bad_Name", "--template", "static-web-page");
    await refused(/taken/, "new", "sample", "--template", "static-web-page");
    await refused(/reserved/, "new", "console", "--template", "static-web-page");
    await refused(/no template "nothing".*static-web-page/, "new", "other", "--template", "nothing");
    await refused(/--template or --git/, "new", "other");
    await refused(/no option --tempalte/, "new", "other", "--tempalte", "x");
    await refused(/either.*not both/, "new", "other", "--template", "static-web-page", "--git", "/tmp");
    for (const command of ["destroy", "logs", "open"])
      await refused(/project other was not found.*starling projects/, command, "other");
    await refused(/--yes/, "destroy", "sample");
    const { stdout } = await starling(platform, "projects", "--json");
    assert.equal(JSON.parse(stdout).length, 1, "a refused name leaves nothing");
  });

  test("logs show the build, the deployment and the function, and follow what comes", async () => {
    const { code, stdout } = await starling(platform, "logs", "sample");
    assert.equal(code, 0);
    assert.match(stdout, /build +.*Entering phase BUILD/);
    assert.match(stdout, /deploy +CREATE_COMPLETE WebPage/);
    // oxlint-disable-next-line no-control-regex
    assert.ok(!/[\u0000-\u0008\u000b-\u001f\u007f]/.test(stdout), "no control characters");
    const env = { ...process.env, STARLING_PORT: String(platform.port), STARLING_DATA: platform.data };
    const follower = startChild(join(root, "bin/run"), ["logs", "sample", "--follow"], {
      env,
      stdio: ["ignore", "pipe", "ignore"],
      limitMs: 180_000,
    });
    try {
      let seen = "";
      follower.stdout!.on("data", (chunk) => (seen += chunk));
      await until(async () => seen.includes("Entering phase BUILD"));
      const before = seen.split("REPORT").length;
      await visit(`http://sample.localhost:${platform.port}/`);
      await until(async () => seen.split("REPORT").length > before, 5_000);
    } finally {
      follower.kill("SIGTERM");
    }
  });

  test("doctor finds a healthy platform", async () => {
    const { code, stdout } = await starling(platform, "doctor");
    assert.match(stdout, /ok +platform: /);
    assert.match(stdout, /ok +credentials: arn:aws:iam::000000000000:user\/admin/);
    assert.equal(code, 0, stdout);
  });

  test("a backup brings the project back, repository and page; neither is made beside a running platform", async () => {
    const target = join(folder, "backup");
    assert.match((await starling(platform, "backup", target)).stderr, /process \d+/);
    await platform.kill();
    const made = await starling(platform, "backup", target);
    assert.equal(made.code, 0, made.stderr);
    assert.match((await starling(platform, "backup", target)).stderr, /exists already/);
    assert.match((await starling(platform, "restore", target)).stderr, /in use|empty/);
    const { rename } = await import("node:fs/promises");
    await rename(platform.data, `${platform.data}.lost`);
    const restored = await starling(platform, "restore", target);
    assert.equal(restored.code, 0, restored.stderr);
    await platform.restart();
    await until(async () => (await visit(`http://sample.localhost:${platform.port}/`)).status === 200);
    const { stdout } = await starling(platform, "env");
    const clone = await run(
      "/bin/bash",
      ["-c", `${stdout}\ngit clone -q "http://localhost:${platform.port}/v1/repos/sample" "${join(folder, "clone")}"`],
      { env: { PATH: process.env["PATH"]!, HOME: folder } },
    );
    assert.equal(clone.code, 0, clone.stderr);
    await rm(`${platform.data}.lost`, { recursive: true, force: true });
  });
});
