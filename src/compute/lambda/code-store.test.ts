import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { ZipFile } from "yazl";
import { systemIds } from "../../kernel/ids.ts";
import { CodeStore, unzip } from "./code-store.ts";

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "starling-code-"));
});
after(() => rm(folder, { recursive: true, force: true }));

const LINK = 0o120777;
let n = 0;

/** A zip of names, contents and modes, on disk; `rename` changes bytes of a name that the library itself would refuse. */
async function zipFile(
  entries: [name: string, content: Buffer | string, mode?: number][],
  rename?: [from: string, to: string],
): Promise<string> {
  const zip = new ZipFile();
  for (const [name, content, mode = 0o100644] of entries) zip.addBuffer(Buffer.from(content), name, { mode });
  zip.end();
  let bytes = await buffer(zip.outputStream);
  if (rename) bytes = Buffer.from(bytes.toString("latin1").replaceAll(rename[0], rename[1]), "latin1");
  const path = join(folder, `z${n++}.zip`);
  await writeFile(path, bytes);
  return path;
}

async function unpack(file: string, maxBytes?: number): Promise<string> {
  const target = await mkdtemp(join(folder, "out-"));
  await unzip(file, target, maxBytes);
  return target;
}

test("no link of a package is made through another one of it", async () => {
  const before = await readdir(folder);
  const file = await zipFile([
    ["a/b/up", "../..", LINK],
    ["a/b/up/p/out", "../../..", LINK],
    ["p/out/made/link", "x", LINK],
  ]);
  await assert.rejects(unpack(file), {
    message: "The link a/b/up/p/out lies behind another link of the deployment package.",
  });
  assert.deepEqual(
    (await readdir(folder)).filter((name) => !before.includes(name) && !/^(z\d|out-)/.test(name)),
    [],
  );
});

test("no link leads out through another one of the package", async () => {
  const file = await zipFile([
    ["deep/deeper/up", "../..", LINK],
    ["out", "deep/deeper/up/../../etc", LINK],
  ]);
  await assert.rejects(unpack(file), { message: "The link out points outside the deployment package." });
});

test("a link whose path no system takes is refused before it is looked at", async () => {
  const file = await zipFile([[`${"a/".repeat(3000)}x`, "y", LINK]]);
  await assert.rejects(unpack(file), { message: /the path of the link a\/a.* is too long/ });
});

test("files, folders, executable bits and links that stay inside are kept", async () => {
  const target = await unpack(
    await zipFile([
      ["a/b.txt", "text"],
      ["bootstrap", "#!/bin/sh", 0o100755],
      ["a/link", "b.txt", LINK],
    ]),
  );
  assert.equal(await readFile(join(target, "a/link"), "utf8"), "text");
  assert.equal((await stat(join(target, "bootstrap"))).mode & 0o777, 0o755);
  assert.equal((await stat(join(target, "a/b.txt"))).mode & 0o777, 0o644);
});

test("setuid is dropped", async () => {
  const target = await unpack(await zipFile([["x", "x", 0o104755]]));
  assert.equal((await stat(join(target, "x"))).mode & 0o7000, 0);
});

for (const [what, entries, rename] of [
  ["a path with ..", [["XX/evil", "x"]], ["XX/evil", "../evil"]],
  ["an absolute path", [["Xevil", "x"]], ["Xevil", "/evil"]],
  ["a link that leads out", [["l", "../../etc/passwd", LINK]], undefined],
  ["an absolute link", [["l", "/etc/passwd", LINK]], undefined],
] as [string, [string, string, number?][], [string, string] | undefined][]) {
  test(`${what} is refused`, async () => {
    await assert.rejects(unpack(await zipFile(entries, rename)), { code: "InvalidParameterValueException" });
  });
}

test("a file that would be written through a link is refused, or stays inside", async () => {
  const file = await zipFile([
    ["l", "a", LINK],
    ["l/evil", "x"],
    ["a/ok", "x"],
  ]);
  await assert.rejects(unpack(file));
});

test("a bomb is refused by what it says and by what it is", async () => {
  const file = await zipFile([["big", Buffer.alloc(2_000_000)]]);
  await assert.rejects(unpack(file, 1_000_000), /Unzipped size must be smaller than 1000000 bytes/);
  const small = Buffer.alloc(4);
  small.writeUInt32LE(2_000_000);
  const lie = Buffer.alloc(4);
  lie.writeUInt32LE(10);
  const bytes = await readFile(file);
  const lying = join(folder, "lying.zip");
  await writeFile(
    lying,
    Buffer.from(bytes.toString("latin1").replaceAll(small.toString("latin1"), lie.toString("latin1")), "latin1"),
  );
  await assert.rejects(unpack(lying, 1_000_000), { code: "InvalidParameterValueException" });
});

test("a store unpacks once, and leaves nothing half done of what is not a zip", async () => {
  const store = new CodeStore(join(folder, "store"), systemIds);
  await store.sweep();
  const file = await zipFile([["index.js", "1"]]);
  const digest = createHash("sha256")
    .update(await readFile(file))
    .digest("hex");
  const [first, second] = await Promise.all([store.unpacked(digest, file), store.unpacked(digest, file)]);
  assert.equal(first, second);
  const bad = join(folder, "bad.zip");
  await writeFile(bad, "not a zip");
  await assert.rejects(store.unpacked("0".repeat(64), bad), /Could not unzip uploaded file/);
  assert.deepEqual(await readdir(join(folder, "store")), [digest]);
});
