import { createWriteStream } from "node:fs";
import { rm, stat } from "node:fs/promises";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { errorText, GitFailed, startGit, type GitPlatform } from "./run-git.ts";

const TIMEOUT_MS = 10 * 60_000;

/**
 * Writes a zip of a commit's files, as a pipeline's source action stores it, to the new host file `target`. `folder` is that of
 * `repositoryFolder(settings.data, ctx, metadata.repositoryId)`, `commitId` the full id of a commit that is there.
 * Executable bits and links are kept; the zip's comment is the commit's id.
 */
export async function archiveCommit(
  platform: GitPlatform,
  options: { folder: string; commitId: string; target: string; maxBytes: number },
): Promise<{ size: number }> {
  const { folder, commitId, target, maxBytes } = options;
  if (!/^[0-9a-f]{40}$/.test(commitId)) throw new Error("an archive is made of a commit, by its full id");
  const git = await startGit(platform, folder, ["archive", "--format=zip", commitId], { timeoutMs: TIMEOUT_MS });
  let size = 0;
  const limit = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length;
      done(size > maxBytes ? new Error(`the source of this commit is larger than ${maxBytes} bytes`) : null, chunk);
    },
  });
  try {
    git.stdin.end();
    const written = pipeline(git.stdout, limit, createWriteStream(target, { flags: "wx", mode: 0o600 }));
    const [, stderr, exit] = await Promise.all([written, errorText(git.stderr), git.exited]);
    if (exit.code !== 0) throw new GitFailed("archive", exit, stderr);
    return { size: (await stat(target)).size };
  } catch (error) {
    await rm(target, { force: true });
    throw error;
  } finally {
    await git.stop();
  }
}
