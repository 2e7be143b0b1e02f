import { lstat, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../../aws/context.ts";
import { folderOf, isRefName, type Repository } from "./model.ts";

/** A lock that came while we looked is somebody's who began after us. */
const FRESH_MS = 1_000;
/** Besides a ref's own: deleting any takes the one, a new default branch the other. */
const COMMON = ["packed-refs.lock", "HEAD.lock"];

/**
 * Removes the locks that a git which was killed has left on refs, for git never does and nothing could change them again.
 * `isAlone`: whether nobody else is changing the repository; asked only where there is a lock.
 */
export async function removeStaleLocks(
  ctx: Context<any>,
  repository: Repository,
  refs: readonly string[],
  isAlone: () => Promise<boolean>,
): Promise<void> {
  const folder = folderOf(ctx, repository);
  const names = [
    ...COMMON,
    ...refs.flatMap((ref) => (ref.startsWith("refs/") && isRefName(ref) ? [`${ref}.lock`] : [])),
  ];
  const before = Date.now() - FRESH_MS; // the clock of files
  let alone: boolean | undefined;
  for (const name of names) {
    const path = join(folder, name);
    const found = await lstat(path).catch(() => undefined);
    if (!found?.isFile() || found.mtimeMs > before) continue;
    alone ??= await isAlone();
    if (!alone) return;
    await rm(path, { force: true });
    ctx.platform.log.warn("a lock that a killed git had left was removed", { repository: repository.name, lock: name });
  }
}
