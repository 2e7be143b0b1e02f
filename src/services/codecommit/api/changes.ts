import { createHash } from "node:crypto";
import type * as CodeCommit from "@aws-sdk/client-codecommit";
import type { Context } from "../../../aws/context.ts";
import { principalName } from "../../../aws/principal.ts";
import { operations } from "../../../aws/service.ts";
import { notImplemented } from "../../../kernel/aws-error.ts";
import { changingRefs } from "../announce.ts";
import { BranchMoved, importCommit, type FileMode, type NewCommit, type TreeChange } from "../import-commit.ts";
import { bad, checkBranchName, checkPath, existingRepository, noBranch, onBranch, type Repository } from "../model.ts";
import { compareTrees, EMPTY_TREE, listTree, objectFacts, type Change } from "../objects.ts";
import { readRefs } from "../refs.ts";
import { modeName } from "./contents.ts";

/** https://docs.aws.amazon.com/codecommit/latest/userguide/limits.html */
const MAX_FILE = 6 * 1024 * 1024;
const MAX_ALL = 7 * 1024 * 1024;
const MAX_ENTRIES = 100;

type Ctx = Context<any>;

/** Where a commit goes: the branch, and its tip, which the caller must know. */
interface Base {
  readonly repository: Repository;
  readonly branch: string;
  readonly tip: string | undefined;
}

async function baseOf(
  ctx: Ctx,
  input: { repositoryName?: string | undefined; branchName?: string | undefined; parentCommitId?: string | undefined },
  mustExist: boolean,
): Promise<Base> {
  const repository = await existingRepository(ctx, input.repositoryName);
  const branch = checkBranchName(input.branchName);
  const refs = await readRefs(ctx, repository);
  const tip = refs[`refs/heads/${branch}`];
  // The first commit of an empty repository makes its branch.
  const isFirst = !Object.keys(refs).some((ref) => ref.startsWith("refs/heads/"));
  if (!tip && (mustExist || !isFirst)) throw noBranch(branch);
  if (tip && !input.parentCommitId) throw bad("ParentCommitIdRequiredException", "A parent commit ID is required.");
  if (input.parentCommitId && !/^[0-9a-f]{40}$/.test(input.parentCommitId))
    throw bad("InvalidParentCommitIdException", "The parent commit ID is not valid.");
  if (input.parentCommitId && !tip)
    throw bad("ParentCommitDoesNotExistException", `Parent commit '${input.parentCommitId}' does not exist.`);
  if (tip && tip !== input.parentCommitId) throw outdated(branch, input.parentCommitId!);
  return { repository, branch, tip };
}

const outdated = (branch: string, parent: string) =>
  bad(
    "ParentCommitIdOutdatedException",
    `The parent commit ID ${parent} is outdated: it is not the tip of the branch ${branch}.`,
  );

/** Makes the commit and answers it with what it changed; `make` says how, from the files that are there. */
async function commit(
  ctx: Ctx,
  base: Base,
  facts: Omit<NewCommit, "changes" | "parent">,
  changes: readonly TreeChange[],
) {
  const { repository, branch, tip } = base;
  const work = () => importCommit(ctx, repository, branch, { ...facts, parent: tip, changes });
  const { result: commitId } = await changingRefs(ctx, repository, [`refs/heads/${branch}`], work).catch(
    (error: unknown) => {
      throw error instanceof BranchMoved ? outdated(branch, tip ?? "") : error;
    },
  );
  const [changed, tree] = await Promise.all([
    compareTrees(ctx, repository, tip ?? EMPTY_TREE, commitId),
    objectFacts(ctx, repository, `${commitId}^{tree}`),
  ]);
  return { commitId, treeId: tree!.id, changed };
}

/** Who makes a commit that names nobody: the caller, as on AWS. */
function author(ctx: Ctx, name: string | undefined, email: string | undefined) {
  const own = principalName(ctx.principal).split("/").at(-1) ?? "unknown";
  return { author: name || own, email: email ?? "" };
}

const putOf = (path: string, content: Buffer, mode: string | undefined): TreeChange => ({
  kind: "put",
  path,
  mode: (mode ?? "NORMAL") as FileMode,
  size: content.length,
  content: [content],
});

export const changes = operations<typeof CodeCommit, any>()({
  PutFile: {
    permissions: onBranch("PutFile"),
    async run(ctx, input) {
      const path = checkPath(input.filePath);
      const content = Buffer.from((input.fileContent ?? "") as Uint8Array);
      if (content.length > MAX_FILE)
        throw bad(
          "FileContentSizeLimitExceededException",
          "The file cannot be added because it is too large. The maximum file size is 6 MB.",
        );
      const base = await baseOf(ctx, input, false);
      const message = input.commitMessage ?? `Added ${path}`;
      const { commitId, treeId, changed } = await commitChecked(
        ctx,
        base,
        { ...author(ctx, input.name, input.email), message },
        [putOf(path, content, input.fileMode)],
        "SameFileContentException",
      );
      return { commitId, treeId, blobId: changed[0]!.after.id };
    },
  },
  DeleteFile: {
    permissions: onBranch("DeleteFile"),
    async run(ctx, input) {
      const path = checkPath(input.filePath);
      if (input.keepEmptyFolders) throw notImplemented("keepEmptyFolders of codecommit DeleteFile");
      const base = await baseOf(ctx, input, true);
      const [entry] = await listTree(ctx, base.repository, base.tip!, { at: path });
      if (entry?.type !== "blob") throw bad("FileDoesNotExistException", `Could not find path ${path}`);
      const message = input.commitMessage ?? `Deleted ${path}`;
      const { commitId, treeId } = await commit(ctx, base, { ...author(ctx, input.name, input.email), message }, [
        { kind: "delete", path },
      ]);
      return { commitId, treeId, blobId: entry.id, filePath: path };
    },
  },
  CreateCommit: {
    permissions: onBranch("CreateCommit"),
    async run(ctx, input) {
      if (input.keepEmptyFolders) throw notImplemented("keepEmptyFolders of codecommit CreateCommit");
      const base = await baseOf(ctx, input, false);
      const wanted = await changesOf(ctx, base, input);
      const message = input.commitMessage ?? "";
      const { commitId, treeId, changed } = await commitChecked(
        ctx,
        base,
        { ...author(ctx, input.authorName, input.email), message },
        wanted,
        "NoChangeException",
      );
      const files = (kinds: string) => changed.filter((c) => kinds.includes(c.kind)).map(fileView);
      return { commitId, treeId, filesAdded: files("A"), filesUpdated: files("MT"), filesDeleted: files("D") };
    },
  },
});

const fileView = (change: Change) => {
  const side = change.kind === "D" ? change.before : change.after;
  return { absolutePath: change.path, blobId: side.id, fileMode: modeName(side.mode) };
};

/** A commit that would change nothing is refused before it is made. */
async function commitChecked(
  ctx: Ctx,
  base: Base,
  facts: Omit<NewCommit, "changes" | "parent">,
  wanted: readonly TreeChange[],
  code: string,
) {
  if (base.tip && (await changesNothing(ctx, base, wanted))) {
    throw bad(
      code,
      code === "NoChangeException"
        ? "The commit cannot be created because no changes will be made to the repository as a result of this commit."
        : "The content of the file is the same as that in the branch.",
    );
  }
  return commit(ctx, base, facts, wanted);
}

async function changesNothing(ctx: Ctx, { repository, tip }: Base, wanted: readonly TreeChange[]): Promise<boolean> {
  for (const change of wanted) {
    if (!("mode" in change)) return false;
    const [entry] = await listTree(ctx, repository, tip!, { at: change.path });
    if (!entry || modeName(entry.mode) !== change.mode) return false;
    if (change.kind === "blob" && entry.id !== change.blobId) return false;
    if (change.kind === "put") {
      const hash = createHash("sha1").update(`blob ${change.size}\0`);
      for (const chunk of change.content as Iterable<Uint8Array>) hash.update(chunk);
      if (hash.digest("hex") !== entry.id) return false;
    }
  }
  return true;
}

type CommitInput = {
  readonly putFiles?: readonly any[] | undefined;
  readonly deleteFiles?: readonly { filePath?: string | undefined }[] | undefined;
  readonly setFileModes?: readonly { filePath?: string | undefined; fileMode?: string | undefined }[] | undefined;
};

async function changesOf(ctx: Ctx, base: Base, input: CommitInput): Promise<TreeChange[]> {
  const { putFiles = [], deleteFiles = [], setFileModes = [] } = input;
  const all = [...putFiles, ...deleteFiles, ...setFileModes];
  if (all.length === 0)
    throw bad(
      "FileEntryRequiredException",
      "The commit cannot be created because no files have been specified as added, updated, or changed (PutFile or DeleteFile) for the commit.",
    );
  if (all.length > MAX_ENTRIES)
    throw bad(
      "MaximumFileEntriesExceededException",
      `The number of specified files to change as part of this commit exceeds the maximum number of ${MAX_ENTRIES}.`,
    );
  const paths = all.map((entry) => checkPath(entry.filePath as string | undefined));
  const twice = paths.find((path, i) => paths.indexOf(path) !== i);
  if (twice) throw bad("FilePathConflictsWithSubmodulePathException", `The file ${twice} is named more than once.`);
  const at = async (path: string) =>
    base.tip ? (await listTree(ctx, base.repository, base.tip, { at: path }))[0] : undefined;
  const existing = async (path: string) => {
    const entry = await at(path);
    if (entry?.type !== "blob") throw bad("FileDoesNotExistException", `Could not find path ${path}`);
    return entry;
  };
  let bytes = 0;
  const changes: TreeChange[] = [];
  for (const put of putFiles) {
    const path = checkPath(put.filePath);
    if (put.sourceFile) {
      if (put.fileContent)
        throw bad(
          "FileContentAndSourceFileSpecifiedException",
          "The commit cannot be created because both a source file and file content have been specified for the same file.",
        );
      const from = checkPath(put.sourceFile.filePath);
      await existing(from);
      changes.push({ kind: put.sourceFile.isMove ? "move" : "copy", path, from });
      continue;
    }
    const content = Buffer.from((put.fileContent ?? "") as Uint8Array);
    bytes += content.length;
    if (content.length > MAX_FILE || bytes > MAX_ALL)
      throw bad(
        "FileContentSizeLimitExceededException",
        "The file cannot be added because it is too large. The maximum file size is 6 MB, and the combined file content change size is 7 MB.",
      );
    changes.push(putOf(path, content, put.fileMode ?? modeName((await at(path))?.mode ?? "100644")));
  }
  for (const { filePath } of deleteFiles) {
    const path = checkPath(filePath);
    await existing(path);
    changes.push({ kind: "delete", path });
  }
  for (const { filePath, fileMode } of setFileModes) {
    const path = checkPath(filePath);
    changes.push({ kind: "blob", path, mode: fileMode as FileMode, blobId: (await existing(path)).id });
  }
  return changes;
}
