import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { Readable } from "node:stream";
import type { Context } from "../../aws/context.ts";
import { unzipTo } from "../../compute/build/index.ts";
import { codeOf, messageOf } from "../../kernel/aws-error.ts";
import { configurationFault } from "./errors.ts";
import { MAX_SOURCE_BYTES, MAX_SOURCE_FILES } from "./limits.ts";
import type { S3Location } from "./shapes.ts";

const BRANCH = "master";
/** A first commit is refused so where the branch has one. */
const HAS_COMMIT = /^ParentCommitId(Outdated|Required)Exception$/;
/** What CreateCommit takes at once: https://docs.aws.amazon.com/codecommit/latest/APIReference/API_CreateCommit.html */
const FILES_PER_COMMIT = 100;
const BYTES_PER_COMMIT = 6_000_000;

/** Reads an object as the caller, up to a limit. */
export async function readObject(ctx: Context<any>, from: S3Location, limit: number): Promise<Buffer> {
  const where = `s3://${from.bucketName}/${from.bucketKey}`;
  const { Body } = await ctx.call("s3", "GetObject", { Bucket: from.bucketName, Key: from.bucketKey });
  const chunks: Uint8Array[] = [];
  let size = 0;
  const source = Body instanceof Readable ? Body : [Buffer.from(Body as Uint8Array)];
  for await (const chunk of source as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > limit) throw configurationFault(`${where} is larger than ${limit} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/**
 * Makes the first commit of a repository from a zip. A repository that has a commit already is left as it is: its
 * toolchain has seeded it (`Code.S3`), or this is the second try.
 */
export async function seedRepository(ctx: Context<any>, repositoryName: string, zip: Buffer): Promise<void> {
  if (await hasBranch(ctx, repositoryName)) return;
  // Below the folder that is gone after a stop, whatever the end was.
  const { run } = ctx.platform.settings;
  await mkdir(run, { recursive: true });
  const folder = await mkdtemp(join(run, "seed-"));
  try {
    await writeFile(join(folder, "source.zip"), zip);
    const root = join(folder, "files");
    await unzipTo(join(folder, "source.zip"), root, { maxBytes: MAX_SOURCE_BYTES, maxEntries: MAX_SOURCE_FILES });
    await commitFiles(ctx, repositoryName, root);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function hasBranch(ctx: Context<any>, repositoryName: string): Promise<boolean> {
  try {
    await ctx.call("codecommit", "GetBranch", { repositoryName, branchName: BRANCH });
    return true;
  } catch (error) {
    if (codeOf(error) === "BranchDoesNotExistException") return false;
    if (codeOf(error) !== "RepositoryDoesNotExistException") throw error;
    throw configurationFault(
      `The toolchain made no repository ${repositoryName}, which the source code is for: ${messageOf(error)}`,
    );
  }
}

interface File {
  readonly filePath: string;
  readonly fileContent: Buffer;
  readonly fileMode: "NORMAL" | "EXECUTABLE";
}

async function commitFiles(ctx: Context<any>, repositoryName: string, root: string): Promise<void> {
  const batches: File[][] = [[]];
  let bytes = 0;
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const place = join(entry.parentPath, entry.name);
    const fileContent = await readFile(place);
    const isExecutable = ((await stat(place)).mode & 0o100) !== 0;
    const isFull = batches.at(-1)!.length >= FILES_PER_COMMIT || bytes + fileContent.length > BYTES_PER_COMMIT;
    if (isFull && batches.at(-1)!.length > 0) {
      batches.push([]);
      bytes = 0;
    }
    bytes += fileContent.length;
    const filePath = relative(root, place).split(sep).join("/");
    batches.at(-1)!.push({ filePath, fileContent, fileMode: isExecutable ? "EXECUTABLE" : "NORMAL" });
  }
  let parent: string | undefined;
  for (const putFiles of batches) {
    const commit = ctx.call("codecommit", "CreateCommit", {
      repositoryName,
      branchName: BRANCH,
      authorName: "AWS CodeStar",
      email: "codestar@localhost",
      commitMessage: "Initial commit made by AWS CodeStar during project creation.",
      putFiles,
      ...(parent ? { parentCommitId: parent } : {}),
    });
    try {
      parent = (await commit).commitId;
    } catch (error) {
      // The first commit of a try that was killed may show only now: git had it, and is read anew after a start.
      if (parent !== undefined || !HAS_COMMIT.test(codeOf(error) ?? "")) throw error;
      if (await hasBranch(ctx, repositoryName)) return;
      throw new Error(`The first commit of ${repositoryName} is held up by another: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }
}
