import type * as CodeCommit from "@aws-sdk/client-codecommit";
import type { Context } from "../../../aws/context.ts";
import { principalName } from "../../../aws/principal.ts";
import { operations } from "../../../aws/service.ts";
import { mergeBase } from "../merge.ts";
import { bad, existingRepository, onRepository, repositoryArn } from "../model.ts";
import {
  mustBeOpen,
  noPullRequest,
  onPullRequest,
  pullRequestKey,
  type PullRequest,
  type PullRequestEventRecord,
} from "../pull-request-model.ts";
import {
  announcePullRequest,
  currentPullRequest,
  eventView,
  pullRequestView,
  recordEvent,
  revisionOf,
} from "../pull-requests.ts";
import { rulesFromTemplates } from "../rule-templates.ts";
import { toldRefs } from "../told-refs.ts";

const MAX_PAGE = 100;
const MAX_TITLE = 150;
const MAX_DESCRIPTION = 10_240;

export const pullRequests = operations<typeof CodeCommit, any>()({
  CreatePullRequest: {
    permissions: (input, ctx) =>
      (input.targets ?? []).map((t) => ({
        action: "codecommit:CreatePullRequest",
        resource: repositoryArn(ctx, String(t.repositoryName)),
      })),
    async run(ctx, input) {
      const [target, ...others] = input.targets ?? [];
      if (!target || others.length)
        throw bad("InvalidTargetsException", "The targets for the pull request is not valid: there is exactly one.");
      const title = checkTitle(input.title);
      checkDescription(input.description);
      const token = input.clientRequestToken;
      const known = token ? await withToken(ctx, token) : undefined;
      if (known) return { pullRequest: pullRequestView(known) };
      const made = await newPullRequest(ctx, target, title, input.description, token);
      const pull = await store(ctx, made);
      return { pullRequest: pullRequestView(pull) };
    },
  },
  GetPullRequest: {
    permissions: onPullRequest("GetPullRequest"),
    run: async (ctx, input) => ({
      pullRequest: pullRequestView((await currentPullRequest(ctx, input.pullRequestId)).pull),
    }),
  },
  ListPullRequests: {
    permissions: onRepository("ListPullRequests"),
    async run(ctx, input) {
      const repository = await existingRepository(ctx, input.repositoryName);
      const stored = await ctx.records.list<PullRequest>("pull-request", { reverse: true });
      const ids = stored
        .map((s) => s.value)
        .filter(
          (pull) =>
            pull.repositoryId === repository.id &&
            (!input.pullRequestStatus || pull.status === input.pullRequestStatus) &&
            (!input.authorArn || pull.author === input.authorArn),
        )
        .map((pull) => pull.id);
      const { items, next } = pageOf(ids, input);
      return { pullRequestIds: items, ...next };
    },
  },
  UpdatePullRequestTitle: {
    permissions: onPullRequest("UpdatePullRequestTitle"),
    async run(ctx, input) {
      const title = checkTitle(input.title);
      const pull = await change(ctx, input.pullRequestId, (before) => {
        mustBeOpen(before);
        return { ...before, title };
      });
      return { pullRequest: pullRequestView(pull) };
    },
  },
  UpdatePullRequestDescription: {
    permissions: onPullRequest("UpdatePullRequestDescription"),
    async run(ctx, input) {
      checkDescription(input.description);
      const pull = await change(ctx, input.pullRequestId, (before) => {
        mustBeOpen(before);
        return { ...before, description: input.description ?? "" };
      });
      return { pullRequest: pullRequestView(pull) };
    },
  },
  UpdatePullRequestStatus: {
    permissions: onPullRequest("UpdatePullRequestStatus"),
    async run(ctx, input) {
      if (input.pullRequestStatus !== "CLOSED" && input.pullRequestStatus !== "OPEN")
        throw bad("InvalidPullRequestStatusException", "The pull request status is not valid.");
      if (input.pullRequestStatus === "OPEN")
        throw bad(
          "InvalidPullRequestStatusUpdateException",
          "The pull request status update is not valid. The only valid update is from OPEN to CLOSED.",
        );
      const { pull } = await currentPullRequest(ctx, input.pullRequestId);
      mustBeOpen(pull);
      const closed: PullRequest = { ...pull, status: "CLOSED", active: ctx.now() };
      const next = await change(ctx, pull.id, () => closed, [
        ...recordEvent(ctx, pull, "PULL_REQUEST_STATUS_CHANGED", { pullRequestStatus: "CLOSED" }),
        ...announcePullRequest(ctx, closed, "pullRequestStatusChanged"),
        ctx.records.remove("open-pull-request", openId(pull)),
      ]);
      return { pullRequest: pullRequestView(next) };
    },
  },
  DescribePullRequestEvents: {
    permissions: onPullRequest("DescribePullRequestEvents"),
    async run(ctx, input) {
      const { pull } = await currentPullRequest(ctx, input.pullRequestId);
      const prefix = `${pullRequestKey(pull.id)}:`;
      const stored = await ctx.records.list<PullRequestEventRecord>("pull-request-event", { prefix, reverse: true });
      const all = stored
        .map((s) => s.value)
        .filter(
          (e) =>
            (!input.pullRequestEventType || e.type === input.pullRequestEventType) &&
            (!input.actorArn || e.actor === input.actorArn),
        );
      const { items, next } = pageOf(all, input);
      return { pullRequestEvents: items.map((e) => eventView(pull.id, e)), ...next };
    },
  },
});

/** Where the open pull requests of a repository are found. */
export const openId = (pull: PullRequest): string => `${pull.repositoryId}:${pullRequestKey(pull.id)}`;

/** Writes what `make` makes of a pull request, with `also` in the same batch. */
export async function change(
  ctx: Context<any>,
  id: string | undefined,
  make: (before: PullRequest) => PullRequest,
  also: Parameters<typeof ctx.records.update>[3][] = [],
): Promise<PullRequest> {
  const { pull } = await currentPullRequest(ctx, id);
  const write = (before: PullRequest): PullRequest => ({ ...make(before), active: ctx.now() });
  const next = await ctx.records.update<PullRequest>("pull-request", pullRequestKey(pull.id), write, ...also);
  if (!next) throw noPullRequest(pull.id);
  return next;
}

/** One page of what was listed; the token is the place of the next item. */
export function pageOf<T>(
  all: readonly T[],
  input: { nextToken?: string | undefined; maxResults?: number | undefined },
): { items: T[]; next: { nextToken?: string } } {
  const start = Number(input.nextToken ?? 0);
  if (!Number.isSafeInteger(start) || start < 0)
    throw bad("InvalidContinuationTokenException", "The specified continuation token is not valid.");
  const end = start + Math.min(input.maxResults ?? MAX_PAGE, MAX_PAGE);
  return { items: all.slice(start, end), next: end < all.length ? { nextToken: String(end) } : {} };
}

function checkTitle(title: string | undefined): string {
  if (!title) throw bad("TitleRequiredException", "A pull request title is required. It cannot be empty or null.");
  if (title.length > MAX_TITLE)
    throw bad(
      "InvalidTitleException",
      `The title of the pull request is not valid: it has more than ${MAX_TITLE} characters.`,
    );
  return title;
}

function checkDescription(description: string | undefined): void {
  if (description !== undefined && description.length > MAX_DESCRIPTION)
    throw bad(
      "InvalidDescriptionException",
      `The pull request description is not valid: it has more than ${MAX_DESCRIPTION} characters.`,
    );
}

const fullName = (name: string): string => (name.startsWith("refs/") ? name : `refs/heads/${name}`);

async function newPullRequest(
  ctx: Context<any>,
  target: {
    repositoryName?: string | undefined;
    sourceReference?: string | undefined;
    destinationReference?: string | undefined;
  },
  title: string,
  description: string | undefined,
  token: string | undefined,
): Promise<Omit<PullRequest, "id">> {
  const repository = await existingRepository(ctx, target.repositoryName);
  if (!target.sourceReference)
    throw bad("ReferenceNameRequiredException", "A reference name is required, but none was provided.");
  const source = fullName(target.sourceReference);
  const destination = fullName(target.destinationReference ?? repository.defaultBranch ?? "");
  if (source === destination)
    throw bad(
      "SourceAndDestinationAreSameException",
      "The source branch and destination branch for the pull request are the same. You must specify different branches for the source and destination.",
    );
  const refs = await toldRefs(ctx, repository);
  for (const ref of [source, destination])
    if (!refs[ref])
      throw bad(
        "ReferenceDoesNotExistException",
        `The specified reference does not exist: ${ref}. You must provide a full commit ID or an existing branch.`,
      );
  const base = await mergeBase(ctx, repository, refs[source]!, refs[destination]!);
  return {
    repository: repository.name,
    repositoryId: repository.id,
    title,
    ...(description === undefined ? {} : { description }),
    source,
    destination,
    author: principalName(ctx.principal),
    status: "OPEN",
    created: ctx.now(),
    active: ctx.now(),
    revision: revisionOf(ctx),
    commits: { source: refs[source]!, destination: refs[destination]!, ...(base ? { base } : {}) },
    rules: await rulesFromTemplates(ctx, repository.id, destination),
    approvals: {},
    ...(token ? { token } : {}),
  };
}

async function withToken(ctx: Context<any>, token: string): Promise<PullRequest | undefined> {
  const stored = await ctx.records.list<PullRequest>("pull-request", { reverse: true, limit: MAX_PAGE });
  return stored.find((s) => s.value.token === token)?.value;
}

/** Stores it under the next free number. */
async function store(ctx: Context<any>, made: Omit<PullRequest, "id">): Promise<PullRequest> {
  for (;;) {
    const [last] = await ctx.records.list<PullRequest>("pull-request", { reverse: true, limit: 1 });
    const pull: PullRequest = { ...made, id: String(Number(last?.value.id ?? 0) + 1) };
    const { source, destination, base } = pull.commits;
    const facts = {
      repositoryName: pull.repository,
      sourceCommitId: source,
      destinationCommitId: destination,
      mergeBase: base,
    };
    const also = [
      ctx.records.put("open-pull-request", openId(pull), { id: pull.id }),
      ...recordEvent(ctx, pull, "PULL_REQUEST_CREATED", facts),
      ...announcePullRequest(ctx, pull, "pullRequestCreated"),
    ];
    if (await ctx.records.create("pull-request", pullRequestKey(pull.id), pull, ...also)) return pull;
  }
}
