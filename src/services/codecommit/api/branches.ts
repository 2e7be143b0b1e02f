import type * as CodeCommit from "@aws-sdk/client-codecommit";
import { operations } from "../../../aws/service.ts";
import { GitFailed, runGit } from "../../../compute/source/index.ts";
import { changingRefs } from "../announce.ts";
import { bad, checkBranchName, existingRepository, folderOf, noBranch, onBranch, onRepository } from "../model.ts";
import { readRefs, resolveCommit } from "../refs.ts";
import { toldRefs } from "../told-refs.ts";

const ZERO = "0".repeat(40);

export const branches = operations<typeof CodeCommit, any>()({
  GetBranch: {
    permissions: onRepository("GetBranch"),
    callers: ["codebuild.amazonaws.com"],
    async run(ctx, input) {
      const repository = await existingRepository(ctx, input.repositoryName);
      const branchName = checkBranchName(input.branchName);
      const commitId = (await toldRefs(ctx, repository))[`refs/heads/${branchName}`];
      if (!commitId) throw noBranch(branchName);
      return { branch: { branchName, commitId } };
    },
  },
  ListBranches: {
    permissions: onRepository("ListBranches"),
    async run(ctx, input) {
      const repository = await existingRepository(ctx, input.repositoryName);
      const refs = Object.keys(await toldRefs(ctx, repository)).sort();
      return { branches: refs.flatMap((ref) => (ref.startsWith("refs/heads/") ? [ref.slice(11)] : [])) };
    },
  },
  CreateBranch: {
    permissions: onBranch("CreateBranch"),
    async run(ctx, input) {
      const repository = await existingRepository(ctx, input.repositoryName);
      const branch = checkBranchName(input.branchName);
      if (!/^[0-9a-f]{40}$/.test(input.commitId ?? ""))
        throw bad("InvalidCommitIdException", "The specified commit ID is not valid.");
      const commit = await resolveCommit(ctx, repository, input.commitId);
      const ref = `refs/heads/${branch}`;
      await changingRefs(ctx, repository, [ref], () =>
        runGit(ctx.platform, folderOf(ctx, repository), ["update-ref", ref, commit, ZERO]),
      ).catch((error: unknown) => {
        if (error instanceof GitFailed)
          throw bad(
            "BranchNameExistsException",
            `Branch named '${branch}' already exists, or a branch of that name is in its way.`,
          );
        throw error;
      });
      return {};
    },
  },
  DeleteBranch: {
    permissions: onBranch("DeleteBranch"),
    async run(ctx, input) {
      const repository = await existingRepository(ctx, input.repositoryName);
      const branchName = checkBranchName(input.branchName);
      if (branchName === repository.defaultBranch)
        throw bad("DefaultBranchCannotBeDeletedException", `Default branch '${branchName}' cannot be deleted.`);
      const ref = `refs/heads/${branchName}`;
      const commitId = (await readRefs(ctx, repository, [ref]))[ref];
      if (!commitId) return {};
      await changingRefs(ctx, repository, [ref], () =>
        runGit(ctx.platform, folderOf(ctx, repository), ["update-ref", "-d", ref]),
      );
      return { deletedBranch: { branchName, commitId } };
    },
  },
});
