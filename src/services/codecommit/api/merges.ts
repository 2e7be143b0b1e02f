import type * as CodeCommit from "@aws-sdk/client-codecommit";
import type { Context } from "../../../aws/context.ts";
import { principalName } from "../../../aws/principal.ts";
import { operations } from "../../../aws/service.ts";
import { GitFailed, runGit } from "../../../compute/source/index.ts";
import { notImplemented } from "../../../kernel/aws-error.ts";
import { changingRefs } from "../announce.ts";
import { evaluateRules } from "../approvals.ts";
import { BranchMoved, importCommit } from "../import-commit.ts";
import { manualMerge, mergeBase, mergeChanges, mergeCommits, type MergePair, type Strategy } from "../merge.ts";
import { bad, existingRepository, folderOf, onBranch, onRepository, type Repository } from "../model.ts";
import { objectFacts } from "../objects.ts";
import { checkRepository, mustBeOpen, onPullRequest, type PullRequest } from "../pull-request-model.ts";
import { announcePullRequest, currentPullRequest, pullRequestView, recordEvent } from "../pull-requests.ts";
import { readRefs, resolveCommit } from "../refs.ts";
import { change, openId, pageOf } from "./pull-requests.ts";

type Ctx = Context<any>;
type Option = CodeCommit.MergeOptionTypeEnum;

/** What the six operations that merge take beside what they merge. */
interface MergeInput {
  readonly conflictResolutionStrategy?: string | undefined;
  readonly conflictResolution?: unknown;
  readonly keepEmptyFolders?: boolean | undefined;
  readonly commitMessage?: string | undefined;
  readonly authorName?: string | undefined;
  readonly email?: string | undefined;
}

interface Merging extends MergePair {
  readonly repository: Repository;
  /** The full name of the branch that moves, and where it is now. */
  readonly branch: string;
  readonly tip: string;
}

const conflictsOf = (input: { conflictDetailLevel?: string | undefined }): void => {
  if (input.conflictDetailLevel === "LINE_LEVEL") throw notImplemented("conflicts by lines in codecommit");
};

interface PairInput {
  readonly repositoryName?: string | undefined;
  readonly sourceCommitSpecifier?: string | undefined;
  readonly destinationCommitSpecifier?: string | undefined;
  readonly conflictDetailLevel?: string | undefined;
}

/** The two commits that a call is about, and where they part. */
async function pairOf(ctx: Ctx, input: PairInput): Promise<{ repository: Repository; pair: MergePair }> {
  conflictsOf(input);
  const repository = await existingRepository(ctx, input.repositoryName);
  if (!input.sourceCommitSpecifier || !input.destinationCommitSpecifier)
    throw bad("CommitRequiredException", "A commit was not specified.");
  const source = await resolveCommit(ctx, repository, input.sourceCommitSpecifier);
  const destination = await resolveCommit(ctx, repository, input.destinationCommitSpecifier);
  return { repository, pair: { source, destination, base: await mergeBase(ctx, repository, source, destination) } };
}

/** Merges and moves the branch; answers the commit that it is at then. */
async function merge(ctx: Ctx, merging: Merging, option: Option, input: MergeInput, message: string): Promise<string> {
  if (input.conflictResolution) throw notImplemented("conflictResolution of codecommit merges");
  if (input.keepEmptyFolders) throw notImplemented("keepEmptyFolders of codecommit merges");
  const { repository, branch, source, destination, base, tip } = merging;
  const moved = () =>
    bad(
      "TipOfSourceReferenceIsDifferentException",
      "The tip of the destination branch has moved since the merge began. Try again.",
    );
  const work = async (): Promise<string> => {
    if (option === "FAST_FORWARD_MERGE") {
      if (base !== destination) throw manualMerge();
      await runGit(ctx.platform, folderOf(ctx, repository), ["update-ref", branch, source, tip]);
      return source;
    }
    const strategy = (input.conflictResolutionStrategy ?? "NONE") as Strategy | "AUTOMERGE";
    if (strategy === "AUTOMERGE") throw notImplemented("AUTOMERGE of codecommit");
    const caller = principalName(ctx.principal).split("/").at(-1) ?? "unknown";
    return importCommit(ctx, repository, branch.replace(/^refs\/heads\//, ""), {
      parent: tip,
      ...(option === "THREE_WAY_MERGE" ? { mergedParent: source } : {}),
      author: input.authorName || caller,
      email: input.email ?? "",
      message: input.commitMessage ?? message,
      changes: await mergeChanges(ctx, repository, merging, strategy),
    });
  };
  try {
    return (await changingRefs(ctx, repository, [branch], work)).result;
  } catch (error) {
    if (error instanceof BranchMoved || (error instanceof GitFailed && /cannot lock ref|but expected/.test(error.text)))
      throw moved();
    throw error;
  }
}

async function mergeBranches(ctx: Ctx, input: any, option: Option) {
  const { repository, pair } = await pairOf(ctx, input);
  const given = (input.targetBranch ?? input.destinationCommitSpecifier) as string;
  const branch = given.startsWith("refs/heads/") ? given : `refs/heads/${given}`;
  const tip = (await readRefs(ctx, repository, [branch]))[branch];
  if (!tip) throw bad("BranchNameIsTagNameException", `The target branch ${given.slice(0, 256)} is not a branch.`);
  if (tip !== pair.destination)
    throw bad("TipOfSourceReferenceIsDifferentException", "The destination is not the tip of the target branch.");
  const message = `Merge ${input.sourceCommitSpecifier} into ${branch}`;
  const commitId = await merge(ctx, { ...pair, repository, branch, tip }, option, input, message);
  return { commitId, treeId: (await objectFacts(ctx, repository, `${commitId}^{tree}`))!.id };
}

async function mergePullRequest(ctx: Ctx, input: any, option: Option) {
  conflictsOf(input);
  const { pull, repository } = await currentPullRequest(ctx, input.pullRequestId);
  if (!input.repositoryName) throw bad("RepositoryNameRequiredException", "A repository name is required.");
  await checkRepository(ctx, pull, input.repositoryName);
  mustBeOpen(pull);
  if (input.sourceCommitId && input.sourceCommitId !== pull.commits.source)
    throw bad(
      "TipOfSourceReferenceIsDifferentException",
      "The tip of the source branch in the pull request does not match the source commit ID in the request.",
    );
  if (!evaluateRules(ctx, pull).approved)
    throw bad(
      "PullRequestApprovalRulesNotSatisfiedException",
      "The pull request cannot be merged because one or more approval rules applied to the pull request have conditions that have not been met.",
    );
  const { source, destination, base } = pull.commits;
  const merging = { repository, branch: pull.destination, tip: destination, source, destination, base };
  const commit = await merge(ctx, merging, option, input, `Merge pull request ${pull.id}: ${pull.title}`);
  const by = principalName(ctx.principal);
  const closed: PullRequest = { ...pull, status: "CLOSED", active: ctx.now(), merged: { by, commit, option } };
  const mergeMetadata = { isMerged: true, mergedBy: by, mergeCommitId: commit, mergeOption: option };
  const facts = { repositoryName: pull.repository, destinationReference: pull.destination, mergeMetadata };
  const { revision: _moved, commits: _now, ...kept } = closed;
  const next = await change(
    ctx,
    pull.id,
    (before) => ({ ...before, ...kept, commits: pull.commits, revision: pull.revision }),
    [
      ...recordEvent(ctx, pull, "PULL_REQUEST_MERGE_STATE_CHANGED", facts),
      ...announcePullRequest(ctx, closed, "pullRequestMergeStatusUpdated"),
      ctx.records.remove("open-pull-request", openId(pull)),
    ],
  );
  return { pullRequest: pullRequestView(next) };
}

/** A merge may be bound to branches by `codecommit:References`. */
const onTarget = (action: string) => (input: any, ctx: Ctx) => {
  const given = String(input.targetBranch ?? input.destinationCommitSpecifier);
  return onBranch(action)({ ...input, branchName: given.replace(/^refs\/heads\//, "") }, ctx);
};

export const merges = operations<typeof CodeCommit, any>()({
  MergeBranchesByFastForward: {
    permissions: onTarget("MergeBranchesByFastForward"),
    run: (ctx, input) => mergeBranches(ctx, input, "FAST_FORWARD_MERGE"),
  },
  MergeBranchesBySquash: {
    permissions: onTarget("MergeBranchesBySquash"),
    run: (ctx, input) => mergeBranches(ctx, input, "SQUASH_MERGE"),
  },
  MergeBranchesByThreeWay: {
    permissions: onTarget("MergeBranchesByThreeWay"),
    run: (ctx, input) => mergeBranches(ctx, input, "THREE_WAY_MERGE"),
  },
  MergePullRequestByFastForward: {
    permissions: onPullRequest("MergePullRequestByFastForward", { refs: true }),
    run: (ctx, input) => mergePullRequest(ctx, input, "FAST_FORWARD_MERGE"),
  },
  MergePullRequestBySquash: {
    permissions: onPullRequest("MergePullRequestBySquash", { refs: true }),
    run: (ctx, input) => mergePullRequest(ctx, input, "SQUASH_MERGE"),
  },
  MergePullRequestByThreeWay: {
    permissions: onPullRequest("MergePullRequestByThreeWay", { refs: true }),
    run: (ctx, input) => mergePullRequest(ctx, input, "THREE_WAY_MERGE"),
  },
  GetMergeOptions: {
    permissions: onRepository("GetMergeOptions"),
    async run(ctx, input) {
      const { repository, pair } = await pairOf(ctx, input);
      const { conflicts } = await mergeCommits(ctx, repository, pair);
      const strategy = input.conflictResolutionStrategy ?? "NONE";
      const mergeOptions: Option[] = [];
      if (pair.base === pair.destination) mergeOptions.push("FAST_FORWARD_MERGE");
      if (conflicts.length === 0 || strategy !== "NONE") mergeOptions.push("SQUASH_MERGE", "THREE_WAY_MERGE");
      return { mergeOptions, ...commitsOf(pair), baseCommitId: pair.base ?? "" };
    },
  },
  GetMergeConflicts: {
    permissions: onRepository("GetMergeConflicts"),
    async run(ctx, input) {
      const { repository, pair } = await pairOf(ctx, input);
      const isFast = input.mergeOption === "FAST_FORWARD_MERGE";
      const conflicts = isFast ? [] : (await mergeCommits(ctx, repository, pair)).conflicts;
      const { items, next } = pageOf(conflicts, { nextToken: input.nextToken, maxResults: input.maxConflictFiles });
      return {
        mergeable: isFast ? pair.base === pair.destination : conflicts.length === 0,
        ...commitsOf(pair),
        ...(pair.base ? { baseCommitId: pair.base } : {}),
        conflictMetadataList: await Promise.all(items.map((path) => conflictView(ctx, repository, pair, path))),
        ...next,
      };
    },
  },
  GetMergeCommit: {
    permissions: onRepository("GetMergeCommit"),
    async run(ctx, input) {
      const { pair } = await pairOf(ctx, input);
      return { ...commitsOf(pair), ...(pair.base ? { baseCommitId: pair.base } : {}) };
    },
  },
});

const commitsOf = (pair: MergePair) => ({ sourceCommitId: pair.source, destinationCommitId: pair.destination });

async function conflictView(ctx: Ctx, repository: Repository, pair: MergePair, filePath: string) {
  const sizeIn = async (commit: string | undefined) =>
    commit === undefined
      ? undefined
      : (await objectFacts(ctx, repository, `${commit}:${filePath.replaceAll("\n", "")}`))?.size;
  const [source, destination, base] = await Promise.all([pair.source, pair.destination, pair.base].map(sizeIn));
  const operation = (side: number | undefined) =>
    (side === undefined ? "D" : base === undefined ? "A" : "M") as "A" | "M" | "D";
  return {
    filePath,
    contentConflict: true,
    fileModeConflict: false,
    objectTypeConflict: false,
    numberOfConflicts: 1,
    fileSizes: {
      ...(source === undefined ? {} : { source }),
      ...(destination === undefined ? {} : { destination }),
      ...(base === undefined ? {} : { base }),
    },
    mergeOperations: { source: operation(source), destination: operation(destination) },
  };
}
