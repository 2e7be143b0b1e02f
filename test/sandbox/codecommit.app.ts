import assert from "node:assert/strict";
import { mkdirSync, readdirSync } from "node:fs";
import { lstat, readFile, readlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { CodeCommit } from "@aws-sdk/client-codecommit";
import { S3 } from "@aws-sdk/client-s3";
import { readConfig } from "../../src/app/config.ts";
import { startEmbedded, type Running } from "../../src/app/embedded.ts";
import { createContext } from "../../src/aws/context.ts";
import type { Principal } from "../../src/aws/principal.ts";
import type { ResourceContext } from "../../src/aws/service.ts";
import { openSandboxHost } from "../../src/backends/sandbox/oci-sandbox.ts";
import { unzip } from "../../src/compute/lambda/code-store.ts";
import { archiveCommit, repositoryFolder, runGit } from "../../src/compute/source/index.ts";
import { zip } from "../support/zip.ts";

// Started by the launcher as its app.
const data = process.env["STARLING_DATA"] ?? "";
const code = join(import.meta.dirname, "../..");
const PLACE = { account: "000000000000", region: "us-east-1" };
let running: Running;
let codecommit: CodeCommit;
let s3: S3;

before(async () => {
  const env = { STARLING_PORT: "0", STARLING_SAMPLE: "off", STARLING_LOG_LEVEL: "error" };
  const config = readConfig({ args: [], env, folder: data });
  const sandboxes = (onAwsConnection: Parameters<typeof openSandboxHost>[0]["onAwsConnection"]) =>
    openSandboxHost({ dataDir: data, onAwsConnection, onLost: () => {} });
  running = await startEmbedded({ config, data, run: join(data, "run"), code, sandboxes });
  const client = {
    endpoint: `http://127.0.0.1:${running.port}`,
    region: "us-east-1",
    credentials: running.administrator,
  };
  codecommit = new CodeCommit(client);
  s3 = new S3({ ...client, forcePathStyle: true });
});
after(async () => {
  await running.stop();
  process.disconnect();
});

/** A stack's step for one resource. */
function step(stackName: string, retried = false): ResourceContext {
  const account = "000000000000";
  const principal: Principal = { kind: "root", account, arn: `arn:aws:iam::${account}:root`, id: account };
  const ctx = createContext(running.platform, running.registry, {
    service: "cloudformation",
    account,
    region: "us-east-1",
    principal,
  });
  const facts = { stackId: "s", stackName, logicalId: "Repo", token: "t", retried, stackTags: { s: "t" } };
  const tools = {
    withStackTags: (own: any, make: any) => make([...(own ?? []), { Key: "s", Value: "t" }]),
    physicalName: () => `${stackName}-Repo-x`,
  };
  return Object.assign(ctx, facts, tools) as ResourceContext;
}

test("a repository is seeded with a zip, and a commit becomes a zip, byte for byte", async () => {
  await s3.createBucket({ Bucket: "seeds" });
  const files = {
    "README.md": "crlf\r\nkept\r\n",
    ".gitattributes": "* text eol=lf\nsecret.txt export-ignore\n",
    "secret.txt": "$Format:%H$",
    "bin/run": { text: "#!/bin/sh\n", mode: 0o100755 },
    "bin/link": { text: "run", mode: 0o120777 },
  };
  await s3.putObject({ Bucket: "seeds", Key: "code.zip", Body: await zip(files) });
  const type = running.registry.resourceType("AWS::CodeCommit::Repository")!;
  const properties = {
    RepositoryName: "seeded",
    RepositoryDescription: "d",
    Code: { S3: { Bucket: "seeds", Key: "code.zip" } },
  };
  const id = await type.create(step("awscodestar-x"), properties);
  assert.equal(await type.create(step("awscodestar-x", true), properties), id);
  const { repositoryMetadata: repository } = await codecommit.getRepository({ repositoryName: "seeded" });
  assert.deepEqual([repository!.repositoryId, repository!.defaultBranch], [id, "master"]);
  const attributes = await type.attributes!(step("awscodestar-x"), id, properties);
  assert.equal(attributes["CloneUrlHttp"], repository!.cloneUrlHttp);
  const { branch } = await codecommit.getBranch({ repositoryName: "seeded", branchName: "master" });
  const { commit } = await codecommit.getCommit({ repositoryName: "seeded", commitId: branch!.commitId! });
  assert.deepEqual(
    [commit!.author!.name, commit!.message, commit!.parents],
    ["AWS CodeStar", "Initial commit made by AWS CodeStar during project creation.", []],
  );
  assert.deepEqual((await codecommit.listTagsForResource({ resourceArn: repository!.Arn! })).tags, { s: "t" });

  const { platform } = running;
  const folder = repositoryFolder(platform.settings.data, PLACE, id);
  const target = join(data, "out.zip");
  const { size } = await archiveCommit(platform, { folder, commitId: branch!.commitId!, target, maxBytes: 1e6 });
  assert.equal(size, (await lstat(target)).size);
  const out = join(data, "out");
  mkdirSync(out);
  await unzip(target, out);
  for (const [name, content] of Object.entries(files)) {
    if (name === "bin/link") assert.equal(await readlink(join(out, name)), "run");
    else assert.equal(await readFile(join(out, name), "utf8"), typeof content === "string" ? content : content.text);
  }
  assert.ok((await lstat(join(out, "bin/run"))).mode & 0o111);
  assert.ok(!((await lstat(join(out, "README.md"))).mode & 0o111));
  await assert.rejects(
    archiveCommit(platform, { folder, commitId: branch!.commitId!, target: join(data, "small.zip"), maxBytes: 100 }),
    /larger than 100 bytes/,
  );
  await assert.rejects(
    archiveCommit(platform, { folder, commitId: "f".repeat(40), target: join(data, "none.zip"), maxBytes: 100 }),
    /git archive failed/,
  );
});

test("a zip that leads out leaves no repository", async () => {
  await s3.putObject({
    Bucket: "seeds",
    Key: "bad.zip",
    Body: await zip({ link: { text: "../../etc/passwd", mode: 0o120777 } }),
  });
  const type = running.registry.resourceType("AWS::CodeCommit::Repository")!;
  const properties = { RepositoryName: "bad", Code: { S3: { Bucket: "seeds", Key: "bad.zip" } } };
  await assert.rejects(type.create(step("other"), properties), /points outside/);
  await assert.rejects(codecommit.getRepository({ repositoryName: "bad" }), {
    name: "RepositoryDoesNotExistException",
  });
});

test("after fifty changes a repository is packed anew, and is whole", async () => {
  const { repositoryMetadata } = await codecommit.createRepository({ repositoryName: "busy" });
  const on = { repositoryName: "busy", branchName: "main" };
  const { commitId } = await codecommit.putFile({ ...on, filePath: "f", fileContent: Buffer.from("1") });
  for (let i = 0; i < 25; i++) {
    await codecommit.createBranch({ repositoryName: "busy", branchName: "x", commitId });
    await codecommit.deleteBranch({ repositoryName: "busy", branchName: "x" });
  }
  const packs = join(repositoryFolder(data, PLACE, repositoryMetadata!.repositoryId!), "objects/pack");
  const deadline = Date.now() + 20_000;
  while (!readdirSync(packs).some((name) => name.endsWith(".pack")) && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.ok(readdirSync(packs).some((name) => name.endsWith(".pack")));
  const file = await codecommit.getFile({ repositoryName: "busy", filePath: "f" });
  assert.equal(Buffer.from(file.fileContent!).toString(), "1");
});

test("what a killed git has locked can be changed again; what is at work is left alone", async () => {
  const repositoryName = "locked";
  const { repositoryMetadata } = await codecommit.createRepository({ repositoryName });
  const folder = repositoryFolder(data, PLACE, repositoryMetadata!.repositoryId!);
  const lock = async (name: string, ageMs: number) => {
    await writeFile(join(folder, name), "");
    const time = new Date(Date.now() - ageMs);
    await utimes(join(folder, name), time, time);
  };
  for (const name of ["refs/heads/main.lock", "packed-refs.lock", "HEAD.lock"]) await lock(name, 60_000);
  const put = (filePath: string, parentCommitId?: string) =>
    codecommit.putFile({ repositoryName, branchName: "main", filePath, fileContent: Buffer.from("1"), parentCommitId });
  const { commitId } = await put("a");
  assert.equal((await codecommit.getBranch({ repositoryName, branchName: "main" })).branch!.commitId, commitId);
  await lock("refs/heads/main.lock", -60_000); // of somebody who began after us
  await assert.rejects(put("b", commitId!), { name: "ParentCommitIdOutdatedException" });
  assert.ok((await lstat(join(folder, "refs/heads/main.lock"))).isFile());
});

test("commits, files, folders, branches and differences by API", async () => {
  const repositoryName = "api";
  await codecommit.createRepository({ repositoryName, repositoryDescription: "d", tags: { a: "b" } });
  await assert.rejects(codecommit.createRepository({ repositoryName }), { name: "RepositoryNameExistsException" });
  const on = { repositoryName, branchName: "main" };
  const first = await codecommit.putFile({
    ...on,
    filePath: "/docs/read me.md",
    fileContent: Buffer.from("one\n"),
    name: "Ada",
    email: "ada@example.com",
    commitMessage: "say one",
  });
  await assert.rejects(codecommit.putFile({ ...on, filePath: "x", fileContent: Buffer.from("y") }), {
    name: "ParentCommitIdRequiredException",
  });
  const second = await codecommit.createCommit({
    ...on,
    parentCommitId: first.commitId!,
    putFiles: [
      { filePath: "run.sh", fileMode: "EXECUTABLE", fileContent: Buffer.from("#!/bin/sh\n") },
      { filePath: 'odd "name"\\é', fileContent: Buffer.from("x") },
      { filePath: "link", fileMode: "SYMLINK", fileContent: Buffer.from("run.sh") },
    ],
    deleteFiles: [{ filePath: "docs/read me.md" }],
  });
  assert.deepEqual(
    [second.filesAdded!.map((f) => f.absolutePath), second.filesDeleted!.map((f) => f.absolutePath)],
    [["link", 'odd "name"\\é', "run.sh"], ["docs/read me.md"]],
  );
  await assert.rejects(
    codecommit.putFile({ ...on, filePath: "x", fileContent: Buffer.from("y"), parentCommitId: first.commitId! }),
    { name: "ParentCommitIdOutdatedException" },
  );
  await assert.rejects(
    codecommit.putFile({
      ...on,
      filePath: "run.sh",
      fileMode: "EXECUTABLE",
      fileContent: Buffer.from("#!/bin/sh\n"),
      parentCommitId: second.commitId!,
    }),
    { name: "SameFileContentException" },
  );
  await assert.rejects(
    codecommit.putFile({ ...on, filePath: "../x", fileContent: Buffer.from("y"), parentCommitId: second.commitId! }),
    { name: "InvalidPathException" },
  );
  const { commit } = await codecommit.getCommit({ repositoryName, commitId: first.commitId! });
  assert.deepEqual(
    [commit!.message, commit!.author!.name, commit!.author!.email, commit!.parents],
    ["say one", "Ada", "ada@example.com", []],
  );
  const file = await codecommit.getFile({
    repositoryName,
    commitSpecifier: first.commitId!,
    filePath: "docs/read me.md",
  });
  assert.deepEqual([Buffer.from(file.fileContent!).toString(), file.fileSize, file.blobId], ["one\n", 4, first.blobId]);
  await assert.rejects(codecommit.getFile({ repositoryName, filePath: "docs/read me.md" }), {
    name: "FileDoesNotExistException",
  });
  const root = await codecommit.getFolder({ repositoryName, folderPath: "" });
  assert.deepEqual(
    [root.files!.map((f) => [f.absolutePath, f.fileMode]), root.symbolicLinks!.length, root.treeId],
    [
      [
        ['odd "name"\\é', "NORMAL"],
        ["run.sh", "EXECUTABLE"],
      ],
      1,
      second.treeId,
    ],
  );
  const docs = await codecommit.getFolder({ repositoryName, folderPath: "docs", commitSpecifier: first.commitId! });
  assert.deepEqual(
    docs.files!.map((f) => f.relativePath),
    ["read me.md"],
  );
  const { differences } = await codecommit.getDifferences({
    repositoryName,
    beforeCommitSpecifier: first.commitId!,
    afterCommitSpecifier: "main",
  });
  assert.deepEqual(
    differences!.map((d) => d.changeType),
    ["D", "A", "A", "A"],
  );
  await codecommit.createBranch({ repositoryName, branchName: "old", commitId: first.commitId! });
  await assert.rejects(codecommit.createBranch({ repositoryName, branchName: "old", commitId: first.commitId! }), {
    name: "BranchNameExistsException",
  });
  assert.deepEqual((await codecommit.listBranches({ repositoryName })).branches, ["main", "old"]);
  assert.equal((await codecommit.getBranch({ repositoryName, branchName: "old" })).branch!.commitId, first.commitId);
  await assert.rejects(codecommit.deleteBranch({ repositoryName, branchName: "main" }), {
    name: "DefaultBranchCannotBeDeletedException",
  });
  await codecommit.deleteBranch({ repositoryName, branchName: "old" });
  await assert.rejects(codecommit.getBranch({ repositoryName, branchName: "old" }), {
    name: "BranchDoesNotExistException",
  });
  const place = { account: "000000000000", region: "us-east-1" };
  const { repositoryMetadata } = await codecommit.getRepository({ repositoryName });
  await runGit(running.platform, repositoryFolder(data, place, repositoryMetadata!.repositoryId!), [
    "fsck",
    "--strict",
  ]);
  await codecommit.updateRepositoryName({ oldName: repositoryName, newName: "api2" });
  assert.equal((await codecommit.deleteRepository({ repositoryName: "api2" })).repositoryId !== undefined, true);
  assert.deepEqual(
    await codecommit.deleteRepository({ repositoryName: "api2" }).then((r) => r.repositoryId),
    undefined,
  );
  await assert.rejects(codecommit.getRepository({ repositoryName: "api2" }), {
    name: "RepositoryDoesNotExistException",
    message: "api2 does not exist",
  });
});
