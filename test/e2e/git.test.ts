import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, test } from "node:test";
import { CloudWatchLogs } from "@aws-sdk/client-cloudwatch-logs";
import { CodeCommit } from "@aws-sdk/client-codecommit";
import { EventBridge } from "@aws-sdk/client-eventbridge";
import { IAM } from "@aws-sdk/client-iam";
import { gitSignature } from "../../src/aws/git-signature.ts";
import { cannotRun, startPlatform, type TestPlatform } from "../support/platform.ts";

const root = resolve(import.meta.dirname, "../..");
const ACCOUNT = "000000000000";
const GROUP = "/aws/events/pushes";
const MAX_PUSH_MB = 24;

interface Change {
  readonly event: string;
  readonly repositoryName: string;
  readonly referenceName: string;
  readonly commitId?: string;
  readonly oldCommitId?: string;
  readonly callerUserArn: string;
}

describe("git over HTTP", { skip: cannotRun }, () => {
  let platform: TestPlatform;
  let codecommit: CodeCommit;
  let folder: string;

  before(async () => {
    platform = await startPlatform({ STARLING_MAX_PUSH_MB: String(MAX_PUSH_MB) });
    codecommit = new CodeCommit(platform.client);
    folder = await mkdtemp(join(tmpdir(), "starling-git-"));
    const logs = new CloudWatchLogs(platform.client);
    const events = new EventBridge(platform.client);
    await logs.createLogGroup({ logGroupName: GROUP });
    await events.putRule({ Name: "pushes", EventPattern: '{"source":["aws.codecommit"]}' });
    await events.putTargets({
      Rule: "pushes",
      Targets: [{ Id: "1", Arn: `arn:aws:logs:us-east-1:${ACCOUNT}:log-group:${GROUP}` }],
    });
  });
  after(async () => {
    await platform?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** The environment of somebody who uses Starling's credential helper with these keys. */
  function environment(keys = platform.client.credentials): NodeJS.ProcessEnv {
    const helper = `!${process.execPath} --disable-warning=ExperimentalWarning ${join(root, "src/cli/main.ts")} git-credential`;
    const settings = {
      "credential.helper": helper,
      "credential.useHttpPath": "true",
      "user.name": "Ada",
      "user.email": "ada@example.com",
      "init.defaultBranch": "master",
    };
    const env: NodeJS.ProcessEnv = {
      PATH: process.env["PATH"],
      HOME: folder,
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_TERMINAL_PROMPT: "0",
      AWS_ACCESS_KEY_ID: keys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
      AWS_REGION: "us-east-1",
      AWS_DEFAULT_REGION: "us-east-1",
      ...(keys.sessionToken ? { AWS_SESSION_TOKEN: keys.sessionToken } : {}),
      GIT_CONFIG_COUNT: String(Object.keys(settings).length),
    };
    for (const [i, [key, value]] of Object.entries(settings).entries()) {
      env[`GIT_CONFIG_KEY_${i}`] = key;
      env[`GIT_CONFIG_VALUE_${i}`] = value;
    }
    return env;
  }

  function git(
    where: string,
    args: string[],
    env = environment(),
  ): Promise<{ code: number; stdout: string; stderr: string }> {
    return new Promise((done) => {
      execFile("git", args, { cwd: where, env, timeout: 60_000 }, (error, stdout, stderr) =>
        done({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr }),
      );
    });
  }

  async function ok(where: string, ...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await git(where, args);
    assert.equal(code, 0, `git ${args.join(" ")}: ${stderr}`);
    return stdout.trim() || stderr;
  }

  let n = 0;
  /** A new repository with one commit pushed to master. */
  async function pushed(): Promise<{ name: string; url: string; work: string; commit: string; said: string }> {
    const name = `r${n++}`;
    const { repositoryMetadata } = await codecommit.createRepository({ repositoryName: name });
    const work = join(folder, name);
    await ok(folder, "init", "-q", work);
    await writeFile(join(work, "README.md"), "hello\n");
    await ok(work, "add", ".");
    await ok(work, "commit", "-qm", "first");
    const url = repositoryMetadata!.cloneUrlHttp!;
    const said = await ok(work, "push", url, "HEAD:refs/heads/master");
    return { name, url, work, said, commit: await ok(work, "rev-parse", "HEAD") };
  }

  /** Events of a repository, once there are `count` or the time is over. */
  async function changes(name: string, count: number): Promise<Change[]> {
    const logs = new CloudWatchLogs(platform.client);
    const deadline = Date.now() + 15_000;
    for (;;) {
      const { events = [] } = await logs.filterLogEvents({ logGroupName: GROUP });
      const found = events
        .map((e) => (JSON.parse(e.message!) as { detail: Change }).detail)
        .filter((d) => d.repositoryName === name);
      if (found.length >= count || Date.now() > deadline) return found;
      await new Promise((next) => setTimeout(next, 50));
    }
  }

  test("a push beyond the limit is refused with that reason, and leaves nothing", async () => {
    const { name, url, work, commit } = await pushed();
    await writeFile(join(work, "huge"), randomBytes((MAX_PUSH_MB + 4) * 1024 * 1024));
    await ok(work, "add", ".");
    await ok(work, "commit", "-qm", "huge");
    const { code, stderr } = await git(work, ["push", url, "HEAD:refs/heads/master"]);
    assert.notEqual(code, 0);
    assert.match(stderr, /pack exceeds maximum allowed size/);
    const { branch } = await codecommit.getBranch({ repositoryName: name, branchName: "master" });
    assert.equal(branch!.commitId, commit);
    assert.equal((await changes(name, 1)).length, 1, "no event of a push that was refused");
    await ok(work, "reset", "-q", "--hard", "HEAD~1");
    await ok(work, "commit", "-qm", "small", "--allow-empty");
    await ok(work, "push", url, "HEAD:refs/heads/master");
  });

  test("push, clone and push again, with an event for each change", async () => {
    const { name, url, work, commit } = await pushed();
    const copy = `${work}-copy`;
    await ok(folder, "clone", "-q", url, copy);
    assert.equal(await ok(copy, "rev-parse", "HEAD"), commit);
    assert.equal(await ok(copy, "branch", "--show-current"), "master");
    await ok(copy, "commit", "-qm", "second", "--allow-empty");
    await ok(copy, "push", "-q", "origin", "master", "HEAD:refs/heads/feature/x", "HEAD:refs/tags/v1");
    await ok(copy, "push", "-q", "origin", ":feature/x");
    const second = await ok(copy, "rev-parse", "HEAD");
    const seen = await changes(name, 5);
    assert.deepEqual(
      seen.map((c) => [c.event, c.referenceName, c.oldCommitId, c.commitId]).sort(),
      [
        ["referenceCreated", "feature/x", undefined, second],
        ["referenceCreated", "master", undefined, commit],
        ["referenceCreated", "v1", undefined, second],
        ["referenceDeleted", "feature/x", second, undefined],
        ["referenceUpdated", "master", commit, second],
      ].sort(),
    );
    assert.equal(seen[0]!.callerUserArn, "arn:aws:iam::000000000000:user/admin");
    const { repositoryMetadata } = await codecommit.getRepository({ repositoryName: name });
    assert.equal(repositoryMetadata!.defaultBranch, "master");
  });

  test("without credentials, with wrong ones, without permission: refused", async () => {
    const { url, work, name } = await pushed();
    const response = await fetch(`${platform.endpoint}/v1/repos/${name}/info/refs?service=git-upload-pack`);
    assert.equal(response.status, 401);
    assert.match(response.headers.get("www-authenticate")!, /^Basic/);
    const wrong = await git(
      work,
      ["ls-remote", url],
      environment({ ...platform.client.credentials, secretAccessKey: "x".repeat(40) }),
    );
    assert.notEqual(wrong.code, 0);
    const iam = new IAM(platform.client);
    await iam.createUser({ UserName: "reader" });
    const Statement = [
      {
        Effect: "Allow",
        Action: ["codecommit:GitPull", "codecommit:GitPush"],
        Resource: `arn:aws:codecommit:us-east-1:${ACCOUNT}:${name}`,
      },
      {
        Effect: "Deny",
        Action: "codecommit:GitPush",
        Resource: "*",
        Condition: {
          StringEqualsIfExists: { "codecommit:References": ["refs/heads/master"] },
          Null: { "codecommit:References": "false" },
        },
      },
    ];
    await iam.putUserPolicy({
      UserName: "reader",
      PolicyName: "p",
      PolicyDocument: JSON.stringify({ Version: "2012-10-17", Statement }),
    });
    const { AccessKey } = await iam.createAccessKey({ UserName: "reader" });
    const reader = environment({ accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! });
    assert.equal((await git(work, ["ls-remote", url], reader)).code, 0);
    assert.equal((await git(work, ["push", url, "HEAD:refs/heads/mine"], reader)).code, 0);
    await ok(work, "commit", "-qm", "more", "--allow-empty");
    const refused = await git(work, ["push", url, "HEAD:refs/heads/master"], reader);
    assert.notEqual(refused.code, 0);
    assert.match(refused.stderr, /403|not authorized/);
    const other = await git(work, ["ls-remote", url.replace(name, "none")], reader);
    assert.match(other.stderr, /403|not authorized/);
  });

  test("an IAM user's git credentials, and those of the aws CLI's helper", async () => {
    const { url, work } = await pushed();
    const iam = new IAM(platform.client);
    const { ServiceSpecificCredential: credential } = await iam.createServiceSpecificCredential({
      UserName: "admin",
      ServiceName: "codecommit.amazonaws.com",
    });
    const withPassword = new URL(url);
    withPassword.username = credential!.ServiceUserName!;
    withPassword.password = encodeURIComponent(credential!.ServicePassword!);
    assert.equal(
      (await git(work, ["ls-remote", withPassword.href], { ...environment(), GIT_CONFIG_COUNT: "0" })).code,
      0,
    );
    const env = environment();
    env["GIT_CONFIG_VALUE_0"] = "!aws codecommit credential-helper --ignore-host-check $@";
    const byCli = await git(work, ["ls-remote", url], env);
    assert.equal(byCli.code, 0, byCli.stderr);
  });

  test("two pushes at once: one of them may lose, nothing is corrupt, every change is told", async () => {
    const { name, url, work, commit } = await pushed();
    const clones = await Promise.all(
      [0, 1, 2].map(async (i) => {
        const copy = `${work}-${i}`;
        await ok(folder, "clone", "-q", url, copy);
        await ok(copy, "commit", "-qm", `by ${i}`, "--allow-empty");
        return copy;
      }),
    );
    const results = await Promise.all(
      clones.map((copy, i) => git(copy, ["push", "-q", "origin", "master", `HEAD:refs/heads/b${i}`])),
    );
    assert.ok(results.some((r) => r.code === 0));
    const refs = await ok(work, "ls-remote", url, "refs/heads/*");
    const tip = /([0-9a-f]{40})\trefs\/heads\/master/.exec(refs)![1];
    const seen = await changes(name, 5);
    assert.deepEqual(
      seen.filter((c) => c.referenceName === "master").map((c) => [c.oldCommitId, c.commitId]),
      [
        [undefined, commit],
        [commit, tip],
      ],
    );
    for (const i of [0, 1, 2])
      assert.equal(seen.filter((c) => c.referenceName === `b${i}`).length, refs.includes(`refs/heads/b${i}`) ? 1 : 0);
    await ok(folder, "clone", "-q", url, `${work}-after`);
    await ok(`${work}-after`, "fsck", "--strict");
  });

  test("kill -9 in the middle of pushes: what git took is told after the start", async () => {
    const { name, url, work } = await pushed();
    const pushes = Array.from({ length: 6 }, (_, i) => git(work, ["push", "-q", url, `HEAD:refs/heads/k${i}`]));
    await Promise.race(pushes);
    await platform.kill();
    await Promise.all(pushes);
    await platform.restart();
    const refs = await ok(work, "ls-remote", url, "refs/heads/k*");
    const there = [...refs.matchAll(/refs\/heads\/(k\d)/g)].map((m) => m[1]).sort();
    assert.ok(there.length > 0);
    // What was told is stored in one write with the event; a log group that shows events may lose its last moments in a crash.
    const { repositoryMetadata } = await codecommit.getRepository({ repositoryName: name });
    const state = new DatabaseSync(join(platform.data, "state.sqlite"), { readOnly: true });
    const rows = state
      .prepare("select kind, id, value from record where service = 'codecommit' and kind in ('announced', 'intent')")
      .all() as { kind: string; id: string; value: string }[];
    state.close();
    const { refs: told } = JSON.parse(
      rows.find((r) => r.kind === "announced" && r.id === repositoryMetadata!.repositoryId)!.value,
    ) as { refs: object };
    assert.deepEqual(
      Object.keys(told)
        .flatMap((r) => /k\d$/.exec(r)?.[0] ?? [])
        .sort(),
      there,
    );
    assert.deepEqual(
      rows.filter((r) => r.kind === "intent"),
      [],
    );
    await ok(work, "push", "-q", url, "HEAD:refs/heads/after");
  });

  test("whoever pushes reads which pipelines start", async () => {
    const iam = new IAM(platform.client);
    const events = new EventBridge(platform.client);
    const trust = {
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Principal: { Service: "events.amazonaws.com" }, Action: "sts:AssumeRole" }],
    };
    const { Role } = await iam.createRole({ RoleName: "starter", AssumeRolePolicyDocument: JSON.stringify(trust) });
    const EventPattern = '{"source":["aws.codecommit"],"detail":{"referenceName":["live"]}}';
    await events.putRule({ Name: "start", EventPattern });
    const Arn = `arn:aws:codepipeline:us-east-1:${ACCOUNT}:shop-Pipeline`;
    await events.putTargets({ Rule: "start", Targets: [{ Id: "1", Arn, RoleArn: Role!.Arn! }] });
    const { url, work, said } = await pushed();
    assert.doesNotMatch(said, /Starling/);
    const { stderr } = await git(work, ["push", url, "HEAD:refs/heads/live"]);
    assert.match(
      stderr,
      /remote: Starling: starting the pipeline shop-Pipeline \(follow: npx starling logs shop --follow\)/,
    );
  });

  test("a large push comes in pieces, and whole", async () => {
    const { name, url, work, commit } = await pushed();
    await writeFile(join(work, "big"), randomBytes(20 * 1024 * 1024));
    await ok(work, "add", ".");
    await ok(work, "commit", "-qm", "big");
    await ok(work, "push", "-q", url, "HEAD:refs/heads/master");
    const copy = `${work}-copy`;
    await ok(folder, "clone", "-q", url, copy);
    await ok(copy, "fsck", "--strict");
    const seen = (await changes(name, 2)).filter((c) => c.referenceName === "master");
    assert.deepEqual(
      seen.map((c) => c.oldCommitId),
      [undefined, commit],
    );
  });

  test("pushes that are not what they should be", async () => {
    const { name, url, work } = await pushed();
    const { accessKeyId, secretAccessKey } = platform.client.credentials;
    const post = (body: string | Buffer, headers: Record<string, string> = {}) => {
      const timestamp = new Date().toISOString().slice(0, 19).replace(/[-:]/g, "");
      const resource = { host: "127.0.0.1", path: `/v1/repos/${name}`, region: "us-east-1" };
      const password = `${timestamp}Z${gitSignature(secretAccessKey, timestamp, resource)}`;
      const authorization = `Basic ${Buffer.from(`${accessKeyId}:${password}`).toString("base64")}`;
      const type = "application/x-git-receive-pack-request";
      return fetch(`${platform.endpoint}/v1/repos/${name}/git-receive-pack`, {
        method: "POST",
        body: Buffer.from(body),
        headers: { authorization, "content-type": type, ...headers },
      });
    };
    const line = (text: string): string => (text.length + 4).toString(16).padStart(4, "0") + text;
    const command = `${"0".repeat(40)} ${"1".repeat(40)} refs/heads/`;
    assert.equal((await post("nonsense")).status, 400);
    assert.equal((await post("")).status, 400);
    assert.equal((await post(line("shout"))).status, 400);
    assert.equal((await post(line(`${command}x`), { "content-encoding": "gzip" })).status, 415);
    const many = Array.from({ length: 4_001 }, (_, i) => line(`${command}b${i}`)).join("");
    assert.equal((await post(`${many}0000`)).status, 400);
    const withoutPack = await post(`${line(`${command}x\0report-status side-band-64k`)}0000`);
    assert.doesNotMatch(await withoutPack.text(), /ok refs\/heads\/x/);
    // A tree that would write into git's own folder is refused by fsck.
    const blob = await ok(work, "hash-object", "-w", "README.md");
    await writeFile(join(work, "tree"), Buffer.concat([Buffer.from("100644 .git\0"), Buffer.from(blob, "hex")]));
    const tree = await ok(work, "hash-object", "-t", "tree", "--literally", "-w", "tree");
    const commit = await ok(work, "commit-tree", "-m", "bad", tree);
    const refused = await git(work, ["push", url, `${commit}:refs/heads/bad`]);
    assert.match(refused.stderr, /hasDotgit/);
    assert.equal(
      await git(work, ["ls-remote", url, "refs/heads/*"]).then((r) => r.stdout.trim().split("\n").length),
      1,
    );
  });

  test("what is not a repository's protocol is not served", async () => {
    const { name } = await pushed();
    for (const path of [
      `/v1/repos/${name}/HEAD`,
      `/v1/repos/${name}/objects/info/packs`,
      `/v1/repos/${name}/info/refs`,
      `/v1/repos/..%2f/info/refs?service=git-upload-pack`,
    ]) {
      const response = await fetch(`${platform.endpoint}${path}`);
      assert.ok(response.status >= 400 && response.status !== 401, `${path}: ${response.status}`);
    }
  });
});
