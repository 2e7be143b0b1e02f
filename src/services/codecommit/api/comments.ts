import type * as CodeCommit from "@aws-sdk/client-codecommit";
import type { Context } from "../../../aws/context.ts";
import { principalName } from "../../../aws/principal.ts";
import { operations } from "../../../aws/service.ts";
import { bad, existingRepository, onRepository, repositoryArn, type Repository } from "../model.ts";
import { listTree } from "../objects.ts";
import { checkRepository, onPullRequest, pullRequestKey, repositoryOf } from "../pull-request-model.ts";
import { currentPullRequest } from "../pull-requests.ts";
import { resolveCommit } from "../refs.ts";
import { pageOf } from "./pull-requests.ts";

const MAX_CONTENT = 10_240;
const MAX_REACTIONS = 30;

type Ctx = Context<any>;

/** What a thread of comments is about. */
interface Place {
  readonly repository: string;
  readonly repositoryId: string;
  readonly pullRequest?: string;
  readonly before?: string;
  readonly after?: string;
  readonly beforeBlob?: string;
  readonly afterBlob?: string;
  readonly location?: {
    readonly filePath: string;
    readonly filePosition?: number;
    readonly relativeFileVersion?: "BEFORE" | "AFTER";
  };
}

interface StoredComment {
  readonly id: string;
  /** The first comment of its thread. */
  readonly thread: string;
  readonly inReplyTo?: string;
  readonly place: Place;
  readonly content: string;
  readonly author: string;
  readonly created: number;
  readonly modified: number;
  readonly deleted?: true;
  readonly token?: string;
  /** The emoji of each caller's ARN. */
  readonly reactions?: Readonly<Record<string, string>>;
}

/** Where a thread's comments are found, in the order of their times. */
const indexId = (place: Place, comment: Pick<StoredComment, "id" | "created">): string =>
  `${indexPrefix(place)}${String(comment.created).padStart(14, "0")}:${comment.id}`;
const indexPrefix = (place: Pick<Place, "pullRequest" | "repositoryId" | "after">): string =>
  place.pullRequest ? `pull:${pullRequestKey(place.pullRequest)}:` : `commit:${place.repositoryId}:${place.after}:`;

const onComment = (action: string) => async (input: any, ctx: Ctx) => {
  const found = await ctx.records.get<StoredComment>("comment", String(input.commentId ?? input.inReplyTo));
  return [{ action: `codecommit:${action}`, resource: repositoryArn(ctx, found?.value.place.repository ?? "*") }];
};

export const comments = operations<typeof CodeCommit, any>()({
  PostCommentForPullRequest: {
    permissions: onPullRequest("PostCommentForPullRequest"),
    async run(ctx, input) {
      const { pull, repository } = await currentPullRequest(ctx, input.pullRequestId);
      await checkRepository(ctx, pull, input.repositoryName);
      const place = { ...(await placeOf(ctx, repository, input)), pullRequest: pull.id };
      const comment = await post(ctx, place, input.content, input.clientRequestToken);
      return { ...placeView(place), comment: view(ctx, comment) };
    },
  },
  PostCommentForComparedCommit: {
    permissions: onRepository("PostCommentForComparedCommit"),
    async run(ctx, input) {
      const repository = await existingRepository(ctx, input.repositoryName);
      const place = await placeOf(ctx, repository, input);
      const comment = await post(ctx, place, input.content, input.clientRequestToken);
      const { pullRequestId: _none, ...where } = placeView(place);
      return { ...where, comment: view(ctx, comment) };
    },
  },
  PostCommentReply: {
    permissions: onComment("PostCommentReply"),
    async run(ctx, input) {
      const parent = await existing(ctx, input.inReplyTo);
      const reply = { inReplyTo: parent.id, thread: parent.thread };
      return { comment: view(ctx, await post(ctx, parent.place, input.content, input.clientRequestToken, reply)) };
    },
  },
  GetComment: {
    permissions: onComment("GetComment"),
    async run(ctx, input) {
      const comment = await existing(ctx, input.commentId);
      if (comment.deleted) throw deleted();
      return { comment: view(ctx, comment) };
    },
  },
  UpdateComment: {
    permissions: onComment("UpdateComment"),
    async run(ctx, input) {
      const content = checkContent(input.content);
      const comment = await change(ctx, input.commentId, (before) => {
        if (before.author !== principalName(ctx.principal))
          throw bad(
            "CommentNotCreatedByCallerException",
            "You cannot modify or delete this comment. Only comment authors can modify or delete their comments.",
          );
        return { ...before, content };
      });
      return { comment: view(ctx, comment) };
    },
  },
  DeleteCommentContent: {
    permissions: onComment("DeleteCommentContent"),
    async run(ctx, input) {
      const comment = await change(ctx, input.commentId, (before) => ({ ...before, content: "", deleted: true }));
      return { comment: view(ctx, comment) };
    },
  },
  PutCommentReaction: {
    permissions: onComment("PutCommentReaction"),
    async run(ctx, input) {
      const emoji = input.reactionValue;
      if (!emoji) throw bad("ReactionValueRequiredException", "A reaction value is required.");
      const isNone = emoji === "none" || emoji === ":none:";
      if (!isNone && !/^(?::[\w+-]{1,40}:|U\+[0-9A-Fa-f]{4,6}|\p{Extended_Pictographic}\S{0,8})$/u.test(emoji))
        throw bad(
          "InvalidReactionValueException",
          "The value of the reaction is not valid. For more information, see the AWS CodeCommit User Guide.",
        );
      const caller = principalName(ctx.principal);
      await change(ctx, input.commentId, (before) => {
        const { [caller]: _mine, ...others } = before.reactions ?? {};
        const reactions = isNone ? others : { ...others, [caller]: emoji };
        if (new Set(Object.values(reactions)).size > MAX_REACTIONS)
          throw bad(
            "ReactionLimitExceededException",
            "The number of reactions has been exceeded. Reactions are limited to one reaction per user for each individual comment ID.",
          );
        return { ...before, reactions };
      });
      return {};
    },
  },
  GetCommentReactions: {
    permissions: onComment("GetCommentReactions"),
    async run(ctx, input) {
      const { reactions = {} } = await existing(ctx, input.commentId);
      const users = Map.groupBy(Object.entries(reactions), ([, emoji]) => emoji);
      const all = [...users].map(([emoji, by]) => ({
        reaction: { emoji, shortCode: emoji },
        reactionUsers: by.map(([arn]) => arn).filter((arn) => !input.reactionUserArn || arn === input.reactionUserArn),
      }));
      const { items, next } = pageOf(
        all.filter((r) => r.reactionUsers.length),
        input,
      );
      return { reactionsForComment: items, ...next };
    },
  },
  GetCommentsForPullRequest: {
    permissions: onPullRequest("GetCommentsForPullRequest"),
    async run(ctx, input) {
      const { pull, repository } = await currentPullRequest(ctx, input.pullRequestId);
      await checkRepository(ctx, pull, input.repositoryName);
      const all = await listed(ctx, indexPrefix({ pullRequest: pull.id, repositoryId: repository.id }), input);
      const { items, next } = pageOf(threads(ctx, all), input);
      return { commentsForPullRequestData: items, ...next };
    },
  },
  GetCommentsForComparedCommit: {
    permissions: onRepository("GetCommentsForComparedCommit"),
    async run(ctx, input) {
      const repository = await existingRepository(ctx, input.repositoryName);
      const after = await resolveCommit(ctx, repository, input.afterCommitId);
      const all = await listed(ctx, indexPrefix({ repositoryId: repository.id, after }), {
        beforeCommitId: input.beforeCommitId,
      });
      const { items, next } = pageOf(threads(ctx, all), input);
      return { commentsForComparedCommitData: items.map(({ pullRequestId: _none, ...thread }) => thread), ...next };
    },
  },
});

const deleted = () =>
  bad("CommentDeletedException", "This comment has already been deleted. You cannot edit or delete a deleted comment.");

function checkContent(content: string | undefined): string {
  if (!content)
    throw bad(
      "CommentContentRequiredException",
      "The comment is empty. You must provide some content for a comment. The content cannot be null.",
    );
  if (content.length > MAX_CONTENT)
    throw bad(
      "CommentContentSizeLimitExceededException",
      `The comment is too large. Comments are limited to ${MAX_CONTENT} characters.`,
    );
  return content;
}

async function existing(ctx: Ctx, id: string | undefined): Promise<StoredComment> {
  if (!id) throw bad("CommentIdRequiredException", "The comment ID is missing or null. A comment ID is required.");
  const stored = await ctx.records.get<StoredComment>("comment", id);
  const repository =
    stored && (await repositoryOf(ctx, stored.value.place.repository, stored.value.place.repositoryId));
  if (!repository)
    throw bad(
      "CommentDoesNotExistException",
      "No comment exists with the provided ID. Verify that you have used the correct ID, and then try again.",
    );
  return stored.value;
}

async function change(
  ctx: Ctx,
  id: string | undefined,
  make: (before: StoredComment) => StoredComment,
): Promise<StoredComment> {
  await existing(ctx, id);
  const next = await ctx.records.update<StoredComment>("comment", id!, (before) => {
    if (before.deleted) throw deleted();
    return { ...make(before), modified: ctx.now() };
  });
  return next!;
}

async function placeOf(
  ctx: Ctx,
  repository: Repository,
  input: { beforeCommitId?: string | undefined; afterCommitId?: string | undefined; location?: any },
): Promise<Place> {
  if (!input.afterCommitId) throw bad("CommitIdRequiredException", "A commit ID was not specified.");
  const after = await resolveCommit(ctx, repository, input.afterCommitId);
  const before = input.beforeCommitId ? await resolveCommit(ctx, repository, input.beforeCommitId) : undefined;
  const place: Place = {
    repository: repository.name,
    repositoryId: repository.id,
    after,
    ...(before ? { before } : {}),
  };
  const path = input.location?.filePath as string | undefined;
  if (!path) return place;
  const blobAt = async (commit: string | undefined) =>
    commit === undefined ? undefined : (await listTree(ctx, repository, commit, { at: path }))[0]?.id;
  const [beforeBlob, afterBlob] = [await blobAt(before), await blobAt(after)];
  if (!beforeBlob && !afterBlob)
    throw bad("PathDoesNotExistException", `The specified path does not exist: ${path.slice(0, 200)}`);
  return {
    ...place,
    ...(beforeBlob ? { beforeBlob } : {}),
    ...(afterBlob ? { afterBlob } : {}),
    location: input.location as NonNullable<Place["location"]>,
  };
}

async function post(
  ctx: Ctx,
  place: Place,
  content: string | undefined,
  token: string | undefined,
  reply?: { inReplyTo: string; thread: string },
): Promise<StoredComment> {
  const text = checkContent(content);
  const author = principalName(ctx.principal);
  if (token) {
    const known = (await listed(ctx, indexPrefix(place), {})).find((c) => c.token === token && c.author === author);
    if (known) return known;
  }
  const id = ctx.platform.ids.uuid();
  const now = ctx.now();
  const comment: StoredComment = {
    id,
    thread: id,
    ...reply,
    place,
    content: text,
    author,
    created: now,
    modified: now,
    ...(token ? { token } : {}),
  };
  await ctx.records.write(
    ctx.records.put("comment", id, comment, 0),
    ctx.records.put("comment-place", indexId(place, comment), { id }),
    announce(ctx, comment),
  );
  return comment;
}

/** https://docs.aws.amazon.com/codecommit/latest/userguide/monitoring-events.html */
function announce(ctx: Ctx, comment: StoredComment) {
  const { place } = comment;
  const arn = repositoryArn(ctx, place.repository);
  const detail = {
    event: place.pullRequest ? "commentOnPullRequestCreated" : "commentOnCommitCreated",
    commentId: comment.id,
    ...(comment.inReplyTo ? { inReplyTo: comment.inReplyTo } : {}),
    ...(place.pullRequest ? { pullRequestId: place.pullRequest } : {}),
    repositoryId: place.repositoryId,
    repositoryName: place.repository,
    beforeCommitId: place.before,
    afterCommitId: place.after,
    callerUserArn: comment.author,
  };
  const entry = {
    Source: "aws.codecommit",
    DetailType: place.pullRequest ? "CodeCommit Comment on Pull Request" : "CodeCommit Comment on Commit",
    Resources: [arn],
    Detail: JSON.stringify(detail),
    Time: new Date(ctx.now()),
  };
  return ctx.asService(arn).later("events", "PutEvents", { Entries: [entry] });
}

async function listed(
  ctx: Ctx,
  prefix: string,
  { beforeCommitId, afterCommitId }: { beforeCommitId?: string | undefined; afterCommitId?: string | undefined },
): Promise<StoredComment[]> {
  const index = await ctx.records.list<{ id: string }>("comment-place", { prefix });
  const found: StoredComment[] = [];
  for (const { value } of index) {
    const comment = (await ctx.records.get<StoredComment>("comment", value.id))?.value;
    if (!comment) continue;
    if (beforeCommitId && comment.place.before !== beforeCommitId) continue;
    if (afterCommitId && comment.place.after !== afterCommitId) continue;
    found.push(comment);
  }
  return found;
}

function threads(ctx: Ctx, all: readonly StoredComment[]) {
  return [...Map.groupBy(all, (c) => c.thread).values()].map((thread) => ({
    ...placeView(thread[0]!.place),
    comments: thread.map((c) => view(ctx, c)),
  }));
}

function placeView(place: Place) {
  return {
    repositoryName: place.repository,
    ...(place.pullRequest ? { pullRequestId: place.pullRequest } : {}),
    ...(place.before ? { beforeCommitId: place.before } : {}),
    ...(place.after ? { afterCommitId: place.after } : {}),
    ...(place.beforeBlob ? { beforeBlobId: place.beforeBlob } : {}),
    ...(place.afterBlob ? { afterBlobId: place.afterBlob } : {}),
    ...(place.location ? { location: place.location } : {}),
  };
}

function view(ctx: Ctx, comment: StoredComment): CodeCommit.Comment {
  const reactions = Object.entries(comment.reactions ?? {});
  const caller = principalName(ctx.principal);
  const counts: Record<string, number> = {};
  for (const [, emoji] of reactions) counts[emoji] = (counts[emoji] ?? 0) + 1;
  return {
    commentId: comment.id,
    ...(comment.deleted ? {} : { content: comment.content }),
    ...(comment.inReplyTo ? { inReplyTo: comment.inReplyTo } : {}),
    creationDate: new Date(comment.created),
    lastModifiedDate: new Date(comment.modified),
    authorArn: comment.author,
    deleted: comment.deleted ?? false,
    ...(comment.token ? { clientRequestToken: comment.token } : {}),
    callerReactions: reactions.flatMap(([arn, emoji]) => (arn === caller ? [emoji] : [])),
    reactionCounts: counts,
  };
}
