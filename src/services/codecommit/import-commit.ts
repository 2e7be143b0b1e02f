import { once } from "node:events";
import type { Writable } from "node:stream";
import { buffer } from "node:stream/consumers";
import type { Context } from "../../aws/context.ts";
import { errorText, GitFailed, runGit, startGit } from "../../compute/source/index.ts";
import { folderOf, type Repository } from "./model.ts";

export const MODES = { NORMAL: "100644", EXECUTABLE: "100755", SYMLINK: "120000" } as const;
export type FileMode = keyof typeof MODES;

/** One change of a commit's tree. */
export type TreeChange =
  | {
      readonly kind: "put";
      readonly path: string;
      readonly mode: FileMode;
      readonly size: number;
      readonly content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
    }
  | { readonly kind: "blob"; readonly path: string; readonly mode: FileMode; readonly blobId: string }
  | { readonly kind: "copy" | "move"; readonly path: string; readonly from: string }
  | { readonly kind: "delete"; readonly path: string };

export interface NewCommit {
  readonly parent?: string | undefined;
  /** The commit that a merge brings in, beside `parent`. */
  readonly mergedParent?: string | undefined;
  readonly author: string;
  readonly email: string;
  readonly message: string;
  readonly changes: AsyncIterable<TreeChange> | Iterable<TreeChange>;
}

const ZERO = "0".repeat(40);
const IMPORT_MS = 10 * 60_000;

/** Somebody else moved the branch first. */
export class BranchMoved extends Error {}

/**
 * Makes a commit on top of `parent` and moves the branch to it, if it is still where it was. Nothing of it is seen before
 * that. Call within `changingRefs`.
 */
export async function importCommit(
  ctx: Context<any>,
  repository: Repository,
  branch: string,
  commit: NewCommit,
): Promise<string> {
  const folder = folderOf(ctx, repository);
  const temporary = `refs/starling/${ctx.platform.ids.text(16)}`;
  const id = await fastImport(ctx, folder, temporary, commit);
  const lines = [
    "start",
    `update refs/heads/${branch} ${id} ${commit.parent ?? ZERO}`,
    `delete ${temporary}`,
    "prepare",
    "commit",
    "",
  ];
  try {
    await runGit(ctx.platform, folder, ["update-ref", "--stdin"], { input: lines.join("\n") });
  } catch (error) {
    await runGit(ctx.platform, folder, ["update-ref", "-d", temporary]).catch(() => undefined);
    if (error instanceof GitFailed && /cannot lock ref|but expected|already exists/.test(error.text))
      throw new BranchMoved(branch);
    throw error;
  }
  return id;
}

async function fastImport(ctx: Context<any>, folder: string, ref: string, commit: NewCommit): Promise<string> {
  const git = await startGit(ctx.platform, folder, ["fast-import", "--quiet", "--done", "--date-format=raw"], {
    timeoutMs: IMPORT_MS,
  });
  try {
    git.stdin.on("error", () => undefined); // its exit code says why
    const [stdout, stderr, exit] = await Promise.all([
      buffer(git.stdout),
      errorText(git.stderr),
      git.exited,
      writeCommit(git.stdin, ref, commit, Math.floor(ctx.now() / 1000)),
    ]);
    const id = stdout.toString("utf8").trim();
    if (exit.code !== 0 || !/^[0-9a-f]{40}$/.test(id)) throw new GitFailed("fast-import", exit, stderr);
    return id;
  } finally {
    await git.stop();
  }
}

async function writeCommit(to: Writable, ref: string, commit: NewCommit, seconds: number): Promise<void> {
  const write = async (data: string | Uint8Array): Promise<void> => {
    if (to.destroyed) throw new Error("git stopped reading");
    if (!to.write(data)) await Promise.race([once(to, "drain"), once(to, "close")]);
  };
  const person = `${clean(commit.author)} <${clean(commit.email)}> ${seconds} +0000`;
  const message = Buffer.from(commit.message, "utf8");
  try {
    await write(`commit ${ref}\nmark :1\nauthor ${person}\ncommitter ${person}\ndata ${message.length}\n`);
    await write(message);
    await write(`\n${commit.parent ? `from ${commit.parent}\n` : ""}`);
    if (commit.mergedParent) await write(`merge ${commit.mergedParent}\n`);
    for await (const change of commit.changes) await writeChange(write, change);
    await write("\nget-mark :1\ndone\n");
    to.end();
  } catch (error) {
    to.destroy(); // without "done" nothing of it is kept
    if (!(error instanceof Error) || error.message !== "git stopped reading") throw error;
  }
}

async function writeChange(write: (data: string | Uint8Array) => Promise<void>, change: TreeChange): Promise<void> {
  const path = quoted(change.path);
  if (change.kind === "delete") return write(`D ${path}\n`);
  if (change.kind === "blob") return write(`M ${MODES[change.mode]} ${change.blobId} ${path}\n`);
  if (change.kind !== "put") return write(`${change.kind === "move" ? "R" : "C"} ${quoted(change.from)} ${path}\n`);
  await write(`M ${MODES[change.mode]} inline ${path}\ndata ${change.size}\n`);
  let left = change.size;
  for await (const chunk of change.content) {
    left -= chunk.length;
    if (left < 0) break;
    await write(chunk);
  }
  if (left !== 0) throw new Error(`${change.path} changed while it was read`);
  await write("\n");
}

/** A path as fast-import reads it: in quotes, with C's escapes. */
function quoted(path: string): string {
  // oxlint-disable-next-line no-control-regex
  return `"${path.replace(/["\\\u0000-\u001f\u007f]/g, (c) => (c === '"' || c === "\\" ? `\\${c}` : `\\${c.charCodeAt(0).toString(8).padStart(3, "0")}`))}"`;
}

// oxlint-disable-next-line no-control-regex
const clean = (text: string): string => text.replace(/[<>\u0000-\u001f\u007f]/g, "").trim() || "unknown";
