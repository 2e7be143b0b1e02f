import type { Context } from "../../aws/context.ts";
import { runGit } from "../../compute/source/index.ts";
import { bad, folderOf, isRefName, noCommit, type Repository } from "./model.ts";

/** Full name of a ref to the id of what it names. */
export type Refs = Readonly<Record<string, string>>;

const MAX_PATTERNS = 50;

/** The ids of refs: of all of them, or of those named. */
export async function readRefs(ctx: Context<any>, repository: Repository, only?: readonly string[]): Promise<Refs> {
  const patterns = only && only.length <= MAX_PATTERNS ? only : ["refs/"];
  const args = ["for-each-ref", "--format=%(objectname) %(refname)", "--", ...patterns];
  const text = (await runGit(ctx.platform, folderOf(ctx, repository), args)).toString("utf8");
  // A pattern also finds what lies below a ref's name.
  const wanted = only && new Set(only);
  const refs: Record<string, string> = {};
  for (const line of text.split("\n")) {
    const name = line.slice(41);
    if (line && (!wanted || wanted.has(name))) refs[name] = line.slice(0, 40);
  }
  return refs;
}

/** The commit that a specifier names: a full id, a branch, a tag or a full ref name; without one the default branch's. */
export async function resolveCommit(
  ctx: Context<any>,
  repository: Repository,
  specifier: string | undefined,
): Promise<string> {
  const text = specifier || repository.defaultBranch;
  if (!text) throw noCommit("HEAD");
  if (!isRefName(text)) throw bad("InvalidCommitException", `The specifier '${text.slice(0, 256)}' is not valid.`);
  const candidates = /^[0-9a-f]{40}$/.test(text)
    ? [text]
    : text.startsWith("refs/")
      ? [text]
      : [`refs/heads/${text}`, `refs/tags/${text}`];
  const input = candidates.map((name) => `${name}^{commit}\n`).join("");
  const answer = (
    await runGit(ctx.platform, folderOf(ctx, repository), ["cat-file", "--batch-check"], { input })
  ).toString("utf8");
  const found = /^([0-9a-f]{40}) commit \d+$/m.exec(answer)?.[1];
  if (!found) throw noCommit(text);
  return found;
}
