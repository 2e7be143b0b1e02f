import type { Context } from "../../aws/context.ts";
import { runGit } from "../../compute/source/index.ts";
import { folderOf, type Repository } from "./model.ts";

/** An entry of a tree as `ls-tree` prints it. */
export interface TreeEntry {
  readonly mode: string;
  readonly type: string;
  readonly id: string;
  readonly path: string;
}

/** Entries of a commit's tree: those of a folder (a path, or "" for the root), or the one at a path. */
export async function listTree(
  ctx: Context<any>,
  repository: Repository,
  commit: string,
  options: { folder: string } | { at: string },
): Promise<TreeEntry[]> {
  const args =
    "folder" in options
      ? ["ls-tree", "-z", options.folder ? `${commit}:${options.folder}` : commit]
      : ["ls-tree", "-z", commit, "--", options.at];
  const text = (await runGit(ctx.platform, folderOf(ctx, repository), args)).toString("utf8");
  return text.split("\0").flatMap((line) => {
    const match = /^(\d+) (\w+) ([0-9a-f]{40})\t([\s\S]+)$/.exec(line);
    return match ? [{ mode: match[1]!, type: match[2]!, id: match[3]!, path: match[4]! }] : [];
  });
}

/** Objects by their ids, in order; undefined where there is none such. */
export async function readObjects(
  ctx: Context<any>,
  repository: Repository,
  ids: readonly string[],
  maxOutput?: number,
): Promise<({ type: string; content: Buffer } | undefined)[]> {
  const options = { input: ids.map((id) => `${id}\n`).join(""), ...(maxOutput ? { maxOutput } : {}) };
  const output = await runGit(ctx.platform, folderOf(ctx, repository), ["cat-file", "--batch"], options);
  let at = 0;
  return ids.map(() => {
    const end = output.indexOf(10, at);
    const [, type, size] = output.toString("latin1", at, end).split(" ");
    at = end + 1;
    if (size === undefined) return undefined;
    const content = output.subarray(at, at + Number(size));
    at += Number(size) + 1;
    return { type: type!, content };
  });
}

/** The size of an object and its type, undefined where there is none such. */
export async function objectFacts(
  ctx: Context<any>,
  repository: Repository,
  id: string,
): Promise<{ id: string; type: string; size: number } | undefined> {
  const text = (
    await runGit(ctx.platform, folderOf(ctx, repository), ["cat-file", "--batch-check"], { input: `${id}\n` })
  ).toString("utf8");
  const match = /^([0-9a-f]{40}) (\w+) (\d+)$/m.exec(text);
  return match ? { id: match[1]!, type: match[2]!, size: Number(match[3]) } : undefined;
}

/** One changed file between two trees. */
export interface Change {
  readonly kind: "A" | "M" | "D" | "T";
  readonly path: string;
  readonly before: { readonly mode: string; readonly id: string };
  readonly after: { readonly mode: string; readonly id: string };
}

/** The tree without files, which every repository has. */
export const EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

/** What differs between two commits or trees, by path. */
export async function compareTrees(
  ctx: Context<any>,
  repository: Repository,
  before: string,
  after: string,
  path = "",
): Promise<Change[]> {
  const args = [
    "diff-tree",
    "-r",
    "-z",
    "--raw",
    "--no-renames",
    "--no-abbrev",
    before,
    after,
    "--",
    ...(path ? [path] : []),
  ];
  const parts = (await runGit(ctx.platform, folderOf(ctx, repository), args)).toString("utf8").split("\0");
  const changes: Change[] = [];
  for (let i = 0; i + 1 < parts.length; i += 2) {
    const match = /^:(\d+) (\d+) ([0-9a-f]{40}) ([0-9a-f]{40}) ([AMDT])/.exec(parts[i]!);
    if (!match) continue;
    changes.push({
      kind: match[5] as Change["kind"],
      path: parts[i + 1]!,
      before: { mode: match[1]!, id: match[3]! },
      after: { mode: match[2]!, id: match[4]! },
    });
  }
  return changes;
}

/** A commit as CodeCommit shows it. */
export function commitView(id: string, content: Buffer) {
  const text = content.toString("utf8");
  const end = text.indexOf("\n\n");
  const head = end < 0 ? text : text.slice(0, end);
  const field = (name: string): string[] => [...head.matchAll(new RegExp(`^${name} (.*)$`, "gm"))].map((m) => m[1]!);
  const person = (name: string) => {
    const match = /^(.*?) ?<(.*?)> (\d+ [+-]\d{4})$/.exec(field(name)[0] ?? "");
    return { name: match?.[1] ?? "", email: match?.[2] ?? "", date: match?.[3] ?? "" };
  };
  return {
    commitId: id,
    treeId: field("tree")[0],
    parents: field("parent"),
    message: end < 0 ? "" : text.slice(end + 2),
    author: person("author"),
    committer: person("committer"),
    additionalData: "",
  };
}
