import type * as CodeCommit from "@aws-sdk/client-codecommit";
import { createHash } from "node:crypto";
import type { Context } from "../../aws/context.ts";
import { principalName } from "../../aws/principal.ts";
import type { Statement } from "../../ports/database.ts";
import { contentHash } from "./approvals.ts";
import { mergeBase } from "./merge.ts";
import { repositoryArn, type Repository } from "./model.ts";
import {
  existingPullRequest,
  noPullRequest,
  pullRequestKey,
  type PullRequest,
  type PullRequestEventRecord,
} from "./pull-request-model.ts";
import { toldRefs, type StateChange } from "./told-refs.ts";

/** The pull request as its branches are now: a push moves its commits and makes a new revision. */
export async function currentPullRequest(
  ctx: Context<any>,
  id: string | undefined,
): Promise<{ pull: PullRequest; repository: Repository }> {
  const found = await existingPullRequest(ctx, id);
  const { pull, repository } = found;
  if (pull.status !== "OPEN") return found;
  const refs = await toldRefs(ctx, repository);
  const [source, destination] = [refs[pull.source], refs[pull.destination]];
  if (!source || !destination) return found; // a branch is gone: what was known of it stays
  if (source === pull.commits.source && destination === pull.commits.destination) return found;
  const base = await mergeBase(ctx, repository, source, destination);
  const commits = { source, destination, ...(base ? { base } : {}) };
  const isPushed = source !== pull.commits.source;
  const event = isPushed
    ? recordEvent(ctx, pull, "PULL_REQUEST_SOURCE_REFERENCE_UPDATED", {
        repositoryName: pull.repository,
        beforeCommitId: pull.commits.source,
        afterCommitId: source,
        mergeBase: base,
      })
    : [];
  const revision = isPushed ? revisionOf(ctx) : pull.revision;
  const change = (before: PullRequest): PullRequest | undefined =>
    before.commits.source === source && before.commits.destination === destination
      ? undefined
      : { ...before, commits, revision, ...(isPushed ? { active: ctx.now() } : {}) };
  const next = await ctx.records.update<PullRequest>("pull-request", pullRequestKey(pull.id), change, ...event);
  if (!next) throw noPullRequest(pull.id);
  return { pull: next, repository };
}

export const revisionOf = (ctx: Context<any>): string =>
  createHash("sha256").update(ctx.platform.ids.uuid()).digest("hex");

/** The member that an event of the type has. */
const FACTS: Readonly<Record<CodeCommit.PullRequestEventType, string>> = {
  PULL_REQUEST_CREATED: "pullRequestCreatedEventMetadata",
  PULL_REQUEST_STATUS_CHANGED: "pullRequestStatusChangedEventMetadata",
  PULL_REQUEST_SOURCE_REFERENCE_UPDATED: "pullRequestSourceReferenceUpdatedEventMetadata",
  PULL_REQUEST_MERGE_STATE_CHANGED: "pullRequestMergedStateChangedEventMetadata",
  PULL_REQUEST_APPROVAL_RULE_CREATED: "approvalRuleEventMetadata",
  PULL_REQUEST_APPROVAL_RULE_UPDATED: "approvalRuleEventMetadata",
  PULL_REQUEST_APPROVAL_RULE_DELETED: "approvalRuleEventMetadata",
  PULL_REQUEST_APPROVAL_RULE_OVERRIDDEN: "approvalRuleOverriddenEventMetadata",
  PULL_REQUEST_APPROVAL_STATE_CHANGED: "approvalStateChangedEventMetadata",
};

/** The statements that record what happened to a pull request. */
export function recordEvent(
  ctx: Context<any>,
  pull: Pick<PullRequest, "id">,
  type: CodeCommit.PullRequestEventType,
  facts: Record<string, unknown>,
): Statement[] {
  const event: PullRequestEventRecord = { type, at: ctx.now(), actor: principalName(ctx.principal), facts };
  const id = `${pullRequestKey(pull.id)}:${String(event.at).padStart(14, "0")}:${ctx.platform.ids.uuid()}`;
  return [ctx.records.put("pull-request-event", id, event)];
}

/** An event as DescribePullRequestEvents answers it. */
export function eventView(id: string, event: PullRequestEventRecord): CodeCommit.PullRequestEvent {
  return {
    pullRequestId: id,
    eventDate: new Date(event.at),
    pullRequestEventType: event.type,
    actorArn: event.actor,
    [FACTS[event.type]]: event.facts,
  };
}

/** A pull request as CodeCommit answers it. */
export function pullRequestView(pull: PullRequest): CodeCommit.PullRequest {
  const { merged } = pull;
  return {
    pullRequestId: pull.id,
    title: pull.title,
    ...(pull.description === undefined ? {} : { description: pull.description }),
    lastActivityDate: new Date(pull.active),
    creationDate: new Date(pull.created),
    pullRequestStatus: pull.status,
    authorArn: pull.author,
    pullRequestTargets: [
      {
        repositoryName: pull.repository,
        sourceReference: pull.source,
        destinationReference: pull.destination,
        sourceCommit: pull.commits.source,
        destinationCommit: pull.commits.destination,
        ...(pull.commits.base ? { mergeBase: pull.commits.base } : {}),
        mergeMetadata: merged
          ? { isMerged: true, mergedBy: merged.by, mergeCommitId: merged.commit, mergeOption: merged.option }
          : { isMerged: false },
      },
    ],
    ...(pull.token ? { clientRequestToken: pull.token } : {}),
    revisionId: pull.revision,
    approvalRules: pull.rules.map(ruleView),
  };
}

export function ruleView(rule: PullRequest["rules"][number]): CodeCommit.ApprovalRule {
  return {
    approvalRuleId: rule.id,
    approvalRuleName: rule.name,
    approvalRuleContent: rule.content,
    ruleContentSha256: contentHash(rule.content),
    creationDate: new Date(rule.created),
    lastModifiedDate: new Date(rule.modified),
    lastModifiedUser: rule.modifiedBy,
    ...(rule.origin
      ? {
          originApprovalRuleTemplate: {
            approvalRuleTemplateId: rule.origin.id,
            approvalRuleTemplateName: rule.origin.name,
          },
        }
      : {}),
  };
}

type Happening =
  | "pullRequestCreated"
  | "pullRequestSourceBranchUpdated"
  | "pullRequestStatusChanged"
  | "pullRequestMergeStatusUpdated"
  | "pullRequestApprovalStateChanged"
  | "pullRequestApprovalRuleCreated"
  | "pullRequestApprovalRuleUpdated"
  | "pullRequestApprovalRuleDeleted"
  | "pullRequestApprovalRuleOverridden";

/** The statements that tell EventBridge: https://docs.aws.amazon.com/codecommit/latest/userguide/monitoring-events.html */
export function announcePullRequest(
  ctx: Context<any>,
  pull: PullRequest,
  event: Happening,
  more: Record<string, unknown> = {},
): Statement[] {
  const arn = repositoryArn(ctx, pull.repository);
  const isMerged = pull.merged !== undefined;
  const detail = {
    event,
    pullRequestId: pull.id,
    pullRequestStatus: pull.status === "OPEN" ? "Open" : "Closed",
    title: pull.title,
    ...(pull.description === undefined ? {} : { description: pull.description }),
    author: pull.author,
    callerUserArn: principalName(ctx.principal),
    creationDate: new Date(pull.created).toString(),
    lastModifiedDate: new Date(pull.active).toString(),
    isMerged: isMerged ? "True" : "False",
    ...(pull.merged ? { mergeOption: pull.merged.option } : {}),
    repositoryNames: [pull.repository],
    sourceReference: pull.source,
    destinationReference: pull.destination,
    sourceCommit: pull.commits.source,
    destinationCommit: pull.commits.destination,
    revisionId: pull.revision,
    notificationBody: `A pull request event occurred in the following AWS CodeCommit repository: ${pull.repository}. The event is ${event}; the pull request is ${pull.id}.`,
    ...more,
  };
  const entry = {
    Source: "aws.codecommit",
    DetailType: "CodeCommit Pull Request State Change",
    Resources: [arn],
    Detail: JSON.stringify(detail),
    Time: new Date(ctx.now()),
  };
  return ctx.asService(arn).later("events", "PutEvents", { Entries: [entry] });
}

/** The statements that tell of open pull requests whose source was pushed to; their records follow when somebody looks. */
export async function announcePushed(
  ctx: Context<any>,
  repository: Repository,
  changes: readonly StateChange[],
): Promise<Statement[]> {
  const pushed = changes.filter((c) => c.event === "referenceUpdated");
  if (pushed.length === 0) return [];
  const open = await ctx.records.list<{ id: string }>("open-pull-request", { prefix: `${repository.id}:` });
  const statements: Statement[] = [];
  for (const { value } of open) {
    const pull = (await ctx.records.get<PullRequest>("pull-request", pullRequestKey(value.id)))?.value;
    const change = pull && pushed.find((c) => c.referenceFullName === pull.source);
    if (!pull || !change?.commitId) continue;
    const now = { ...pull, commits: { ...pull.commits, source: change.commitId } };
    statements.push(...announcePullRequest(ctx, now, "pullRequestSourceBranchUpdated"));
  }
  return statements;
}
