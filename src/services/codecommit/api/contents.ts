import type * as CodeCommit from "@aws-sdk/client-codecommit";
import { operations } from "../../../aws/service.ts";
import { GitFailed } from "../../../compute/source/index.ts";
import { MODES, type FileMode } from "../import-commit.ts";
import { bad, checkPath, existingRepository, noCommit, onRepository } from "../model.ts";
import { commitView, compareTrees, EMPTY_TREE, listTree, objectFacts, readObjects } from "../objects.ts";
import { resolveCommit } from "../refs.ts";

/** https://docs.aws.amazon.com/codecommit/latest/userguide/limits.html */
const MAX_FILE = 6 * 1024 * 1024;
const MAX_COMMITS = 100;
const MAX_DIFFERENCES = 400;

export const modeName = (mode: string): FileMode =>
  mode === MODES.EXECUTABLE ? "EXECUTABLE" : mode === MODES.SYMLINK ? "SYMLINK" : "NORMAL";
const ID = /^[0-9a-f]{40}$/;

export const contents = operations<typeof CodeCommit, any>()({
  GetCommit: {
    permissions: onRepository("GetCommit"),
    async run(ctx, input) {
      const repository = await existingRepository(ctx, input.repositoryName);
      if (!input.commitId) throw bad("CommitIdRequiredException", "A commit ID was not specified.");
      if (!ID.test(input.commitId)) throw bad("InvalidCommitIdException", "The specified commit ID is not valid.");
      const [found] = await readObjects(ctx, repository, [input.commitId]);
      if (found?.type !== "commit")
        throw bad("CommitIdDoesNotExistException", `Could not find commit with ID '${input.commitId}'.`);
      return { commit: commitView(input.commitId, found.content) };
    },
  },
  BatchGetCommits: {
    permissions: onRepository("BatchGetCommits"),
    async run(ctx, input) {
      const repository = await existingRepository(ctx, input.repositoryName);
      const ids = (input.commitIds ?? []) as string[];
      if (ids.length > MAX_COMMITS)
        throw bad(
          "CommitIdsLimitExceededException",
          `The maximum number of allowed commit IDs in a batch request is ${MAX_COMMITS}.`,
        );
      const valid = ids.filter((id) => ID.test(id));
      const found = await readObjects(ctx, repository, valid);
      const commits = valid.flatMap((id, i) => (found[i]?.type === "commit" ? [commitView(id, found[i].content)] : []));
      const errors = ids
        .filter((id) => !commits.some((c) => c.commitId === id))
        .map((commitId) => ({
          commitId,
          errorCode: "CommitIdDoesNotExistException",
          errorMessage: `Could not find commit with ID '${commitId.slice(0, 100)}'.`,
        }));
      return { commits, errors };
    },
  },
  GetBlob: {
    permissions: onRepository("GetBlob"),
    async run(ctx, input) {
      const repository = await existingRepository(ctx, input.repositoryName);
      if (!ID.test(input.blobId ?? "")) throw bad("InvalidBlobIdException", "The specified blob is not valid.");
      const facts = await objectFacts(ctx, repository, input.blobId!);
      if (facts?.type !== "blob")
        throw bad("BlobIdDoesNotExistException", `Could not find blob with ID '${input.blobId}'.`);
      if (facts.size > MAX_FILE)
        throw bad("FileTooLargeException", "The specified file exceeds the file size limit for CodeCommit.");
      const [blob] = await readObjects(ctx, repository, [facts.id]);
      return { content: blob!.content };
    },
  },
  GetFile: {
    permissions: onRepository("GetFile"),
    async run(ctx, input) {
      const repository = await existingRepository(ctx, input.repositoryName);
      const path = checkPath(input.filePath);
      const commitId = await resolveCommit(ctx, repository, input.commitSpecifier);
      const [entry] = await listTree(ctx, repository, commitId, { at: path });
      const facts = entry?.type === "blob" ? await objectFacts(ctx, repository, entry.id) : undefined;
      if (!entry || !facts) throw bad("FileDoesNotExistException", `Could not find path ${path}`);
      if (facts.size > MAX_FILE)
        throw bad("FileTooLargeException", "The specified file exceeds the file size limit for CodeCommit.");
      const [blob] = await readObjects(ctx, repository, [entry.id]);
      return {
        commitId,
        blobId: entry.id,
        filePath: path,
        fileMode: modeName(entry.mode),
        fileSize: facts.size,
        fileContent: blob!.content,
      };
    },
  },
  GetFolder: {
    permissions: onRepository("GetFolder"),
    async run(ctx, input) {
      const repository = await existingRepository(ctx, input.repositoryName);
      const folder = checkPath(input.folderPath, false);
      const commitId = await resolveCommit(ctx, repository, input.commitSpecifier);
      const facts = await objectFacts(ctx, repository, `${commitId}:${folder.replaceAll("\n", "")}`);
      if (facts?.type !== "tree") throw bad("FolderDoesNotExistException", `Could not find path ${folder}`);
      const entries = await listTree(ctx, repository, commitId, { folder }).catch((error: unknown) => {
        throw error instanceof GitFailed ? bad("FolderDoesNotExistException", `Could not find path ${folder}`) : error;
      });
      const place = (path: string) => ({ absolutePath: folder ? `${folder}/${path}` : path, relativePath: path });
      const of = (test: (e: (typeof entries)[number]) => boolean) => entries.filter(test);
      return {
        commitId,
        folderPath: folder,
        treeId: facts.id,
        subFolders: of((e) => e.type === "tree").map((e) => ({ treeId: e.id, ...place(e.path) })),
        files: of((e) => e.type === "blob" && e.mode !== MODES.SYMLINK).map((e) => ({
          blobId: e.id,
          ...place(e.path),
          fileMode: modeName(e.mode),
        })),
        symbolicLinks: of((e) => e.mode === MODES.SYMLINK).map((e) => ({
          blobId: e.id,
          ...place(e.path),
          fileMode: modeName(e.mode),
        })),
        subModules: of((e) => e.type === "commit").map((e) => ({ commitId: e.id, ...place(e.path) })),
      };
    },
  },
  GetDifferences: {
    permissions: onRepository("GetDifferences"),
    async run(ctx, input) {
      const repository = await existingRepository(ctx, input.repositoryName);
      if (!input.afterCommitSpecifier) throw noCommit("");
      const after = await resolveCommit(ctx, repository, input.afterCommitSpecifier);
      const before = input.beforeCommitSpecifier
        ? await resolveCommit(ctx, repository, input.beforeCommitSpecifier)
        : EMPTY_TREE;
      const all = await compareTrees(
        ctx,
        repository,
        before,
        after,
        checkPath(input.afterPath ?? input.beforePath, false),
      );
      const start = input.NextToken === undefined ? 0 : Number(input.NextToken);
      if (!Number.isSafeInteger(start) || start < 0)
        throw bad("InvalidContinuationTokenException", "The specified continuation token is not valid.");
      const end = start + Math.min(input.MaxResults ?? MAX_DIFFERENCES, MAX_DIFFERENCES);
      return {
        differences: all.slice(start, end).map((change) => ({
          changeType: change.kind === "T" ? ("M" as const) : change.kind,
          ...(change.kind === "A"
            ? {}
            : { beforeBlob: { blobId: change.before.id, path: change.path, mode: change.before.mode } }),
          ...(change.kind === "D"
            ? {}
            : { afterBlob: { blobId: change.after.id, path: change.path, mode: change.after.mode } }),
        })),
        ...(end < all.length ? { NextToken: String(end) } : {}),
      };
    },
  },
});
