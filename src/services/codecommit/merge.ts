import type { Context } from "../../aws/context.ts";
import { errorText, GitFailed, runGit, startGit } from "../../compute/source/index.ts";
import { notImplemented } from "../../kernel/aws-error.ts";
import { readWithin } from "../../kernel/read-within.ts";
import { MODES, type FileMode, type TreeChange } from "./import-commit.ts";
import { bad, folderOf, type Repository } from "./model.ts";
import { compareTrees, listTree, type TreeEntry } from "./objects.ts";

const MAX_CONFLICTS_BYTES = 8 * 1024 * 1024;

/** Two commits that are to become one. */
export interface MergePair {
  readonly source: string;
  readonly destination: string;
  /** The newest commit that both come from; undefined where they have none in common. */
  readonly base: string | undefined;
}

export interface MergeResult {
  readonly tree: string;
  /** Paths on which the two sides differ about the same lines. */
  readonly conflicts: readonly string[];
}

/** What decides a conflict of a file; NONE leaves it undecided. */
export type Strategy = "NONE" | "ACCEPT_SOURCE" | "ACCEPT_DESTINATION";

/** The newest common ancestor of two commits. */
export async function mergeBase(
  ctx: Context<any>,
  repository: Repository,
  one: string,
  other: string,
): Promise<string | undefined> {
  try {
    const answer = await runGit(ctx.platform, folderOf(ctx, repository), ["merge-base", one, other]);
    return answer.toString("utf8").trim() || undefined;
  } catch (error) {
    if (error instanceof GitFailed && error.exit.code === 1) return undefined;
    throw error;
  }
}

/** Merges two commits without touching any ref. The tree holds conflicted files with git's markers. */
export async function mergeCommits(ctx: Context<any>, repository: Repository, pair: MergePair): Promise<MergeResult> {
  const args = [
    "merge-tree",
    "--write-tree",
    "-z",
    "--name-only",
    "--no-messages",
    "--allow-unrelated-histories",
    pair.destination,
    pair.source,
  ];
  const tooLong = () =>
    bad(
      "MaximumItemsToCompareExceededException",
      "The merge has more conflicts than can be told: merge the branches by git.",
    );
  const git = await startGit(ctx.platform, folderOf(ctx, repository), args);
  try {
    git.stdin.on("error", () => undefined);
    git.stdin.end();
    const [stdout, stderr, exit] = await Promise.all([
      readWithin(git.stdout, MAX_CONFLICTS_BYTES, tooLong),
      errorText(git.stderr),
      git.exited,
    ]);
    if (exit.code !== 0 && exit.code !== 1) throw new GitFailed("merge-tree", exit, stderr);
    const [tree = "", ...paths] = stdout.toString("utf8").split("\0");
    return { tree, conflicts: exit.code === 0 ? [] : [...new Set(paths.filter(Boolean))] };
  } finally {
    await git.stop();
  }
}

/** The changes that make the destination's tree the merged one; throws where a conflict is left. */
export async function mergeChanges(
  ctx: Context<any>,
  repository: Repository,
  pair: MergePair,
  strategy: Strategy,
): Promise<TreeChange[]> {
  const merged = await mergeCommits(ctx, repository, pair);
  if (merged.conflicts.length && strategy === "NONE") throw manualMerge();
  const conflicted = new Set(merged.conflicts);
  const changed = await compareTrees(ctx, repository, pair.destination, merged.tree);
  const changes = changed.flatMap((change): TreeChange[] => {
    if (conflicted.has(change.path)) return [];
    return [change.kind === "D" ? { kind: "delete", path: change.path } : put(change.path, change.after)];
  });
  if (strategy === "ACCEPT_SOURCE")
    for (const path of conflicted) {
      const [entry] = await listTree(ctx, repository, pair.source, { at: path });
      changes.push(entry ? put(path, entry) : { kind: "delete", path });
    }
  return changes;
}

function put(path: string, { mode, id }: Pick<TreeEntry, "mode" | "id">): TreeChange {
  const name = Object.entries(MODES).find(([, value]) => value === mode)?.[0];
  if (!name) throw notImplemented("merging submodules");
  return { kind: "blob", path, mode: name as FileMode, blobId: id };
}

export const manualMerge = (): Error =>
  bad(
    "ManualMergeRequiredException",
    "The pull request cannot be merged automatically into the destination branch. You must manually merge the branches and resolve any conflicts.",
  );
