import type * as CodeCommit from "@aws-sdk/client-codecommit";
import type { Context } from "../../../aws/context.ts";
import { principalName } from "../../../aws/principal.ts";
import { operations } from "../../../aws/service.ts";
import { checkRuleContent, evaluateRules } from "../approvals.ts";
import { bad } from "../model.ts";
import { mustBeOpen, onPullRequest, type ApprovalRule, type PullRequest } from "../pull-request-model.ts";
import { announcePullRequest, currentPullRequest, recordEvent, ruleView } from "../pull-requests.ts";
import { change } from "./pull-requests.ts";

const MAX_RULES = 30;

const noRule = (name: string | undefined) =>
  bad("ApprovalRuleDoesNotExistException", `The specified approval rule does not exist: ${name}.`);

function checkName(name: string | undefined): string {
  if (!name)
    throw bad("ApprovalRuleNameRequiredException", "An approval rule name is required, but was not specified.");
  if (name.length > 100) throw bad("InvalidApprovalRuleNameException", "The name for the approval rule is not valid.");
  return name;
}

function checkRevision(pull: PullRequest, revision: string | undefined): void {
  if (!revision) throw bad("RevisionIdRequiredException", "A revision ID is required, but was not provided.");
  if (!/^[0-9a-f]{64}$/.test(revision)) throw bad("InvalidRevisionIdException", "The revision ID is not valid.");
  if (revision !== pull.revision)
    throw bad(
      "RevisionNotCurrentException",
      "The revision ID provided in the request does not match the current revision ID. Use GetPullRequest to retrieve the current revision ID.",
    );
}

export const approvals = operations<typeof CodeCommit, any>()({
  CreatePullRequestApprovalRule: {
    permissions: onPullRequest("CreatePullRequestApprovalRule"),
    async run(ctx, input) {
      const name = checkName(input.approvalRuleName);
      const content = checkRuleContent(input.approvalRuleContent);
      const now = ctx.now();
      const rule: ApprovalRule = {
        id: ctx.platform.ids.uuid(),
        name,
        content,
        created: now,
        modified: now,
        modifiedBy: principalName(ctx.principal),
      };
      await changeRules(ctx, input.pullRequestId, "CREATED", rule, (rules) => {
        if (rules.some((r) => r.name === name))
          throw bad("ApprovalRuleNameAlreadyExistsException", "An approval rule with that name already exists.");
        if (rules.length >= MAX_RULES)
          throw bad(
            "NumberOfRulesExceededException",
            `The number of approval rules exceeds the maximum number allowed: ${MAX_RULES}.`,
          );
        return [...rules, rule];
      });
      return { approvalRule: ruleView(rule) };
    },
  },
  UpdatePullRequestApprovalRuleContent: {
    permissions: onPullRequest("UpdatePullRequestApprovalRuleContent"),
    async run(ctx, input) {
      const content = checkRuleContent(input.newRuleContent);
      const { pull } = await currentPullRequest(ctx, input.pullRequestId);
      const known = pull.rules.find((r) => r.name === checkName(input.approvalRuleName));
      if (!known) throw noRule(input.approvalRuleName);
      if (known.origin)
        throw bad(
          "CannotModifyApprovalRuleFromTemplateException",
          "The approval rule cannot be modified for the pull request because it was created by an approval rule template and applied to the pull request automatically.",
        );
      const hash = ruleView(known).ruleContentSha256;
      if (input.existingRuleContentSha256 && input.existingRuleContentSha256 !== hash)
        throw bad("InvalidRuleContentSha256Exception", "The SHA-256 hash signature for the rule content is not valid.");
      const rule: ApprovalRule = { ...known, content, modified: ctx.now(), modifiedBy: principalName(ctx.principal) };
      await changeRules(ctx, pull.id, "UPDATED", rule, (rules) => rules.map((r) => (r.id === rule.id ? rule : r)));
      return { approvalRule: ruleView(rule) };
    },
  },
  DeletePullRequestApprovalRule: {
    permissions: onPullRequest("DeletePullRequestApprovalRule"),
    async run(ctx, input) {
      const { pull } = await currentPullRequest(ctx, input.pullRequestId);
      const known = pull.rules.find((r) => r.name === checkName(input.approvalRuleName));
      if (!known) throw noRule(input.approvalRuleName);
      if (known.origin)
        throw bad(
          "CannotDeleteApprovalRuleFromTemplateException",
          "The approval rule cannot be deleted from the pull request because it was created by an approval rule template and applied to the pull request automatically.",
        );
      await changeRules(ctx, pull.id, "DELETED", known, (rules) => rules.filter((r) => r.id !== known.id));
      return { approvalRuleId: known.id };
    },
  },
  UpdatePullRequestApprovalState: {
    permissions: onPullRequest("UpdatePullRequestApprovalState"),
    async run(ctx, input) {
      const { pull } = await currentPullRequest(ctx, input.pullRequestId);
      mustBeOpen(pull);
      checkRevision(pull, input.revisionId);
      const state = input.approvalState;
      if (!state) throw bad("ApprovalStateRequiredException", "An approval state is required, but was not specified.");
      if (state !== "APPROVE" && state !== "REVOKE")
        throw bad(
          "InvalidApprovalStateException",
          "The state for the approval is not valid. Valid values include APPROVE and REVOKE.",
        );
      const caller = principalName(ctx.principal);
      if (caller === pull.author)
        throw bad(
          "PullRequestCannotBeApprovedByAuthorException",
          "The approval cannot be applied because the user approving the pull request matches the user who created the pull request. You cannot approve a pull request that you created.",
        );
      const facts = { revisionId: pull.revision, approvalStatus: state };
      await change(
        ctx,
        pull.id,
        (before) => {
          const { [caller]: _mine, ...others } = before.approvals;
          return { ...before, approvals: state === "APPROVE" ? { ...others, [caller]: pull.revision } : others };
        },
        [
          ...recordEvent(ctx, pull, "PULL_REQUEST_APPROVAL_STATE_CHANGED", facts),
          ...announcePullRequest(ctx, pull, "pullRequestApprovalStateChanged", { approvalStatus: state }),
        ],
      );
      return {};
    },
  },
  GetPullRequestApprovalStates: {
    permissions: onPullRequest("GetPullRequestApprovalStates"),
    async run(ctx, input) {
      const { pull } = await currentPullRequest(ctx, input.pullRequestId);
      if (!input.revisionId)
        throw bad("RevisionIdRequiredException", "A revision ID is required, but was not provided.");
      const approving = Object.entries(pull.approvals).filter(([, revision]) => revision === input.revisionId);
      return { approvals: approving.map(([userArn]) => ({ userArn, approvalState: "APPROVE" as const })) };
    },
  },
  EvaluatePullRequestApprovalRules: {
    permissions: onPullRequest("EvaluatePullRequestApprovalRules"),
    async run(ctx, input) {
      const { pull } = await currentPullRequest(ctx, input.pullRequestId);
      checkRevision(pull, input.revisionId);
      return { evaluation: evaluateRules(ctx, pull) };
    },
  },
  OverridePullRequestApprovalRules: {
    permissions: onPullRequest("OverridePullRequestApprovalRules"),
    async run(ctx, input) {
      const { pull } = await currentPullRequest(ctx, input.pullRequestId);
      mustBeOpen(pull);
      checkRevision(pull, input.revisionId);
      const status = input.overrideStatus;
      if (status !== "OVERRIDE" && status !== "REVOKE")
        throw bad(
          "InvalidOverrideStatusException",
          "The override status is not valid. Valid statuses are OVERRIDE and REVOKE.",
        );
      if (status === "OVERRIDE" && pull.override?.revision === pull.revision)
        throw bad(
          "OverrideAlreadySetException",
          "The pull request has already had its approval rules set to override.",
        );
      const by = principalName(ctx.principal);
      await change(
        ctx,
        pull.id,
        ({ override: _before, ...rest }) =>
          status === "OVERRIDE" ? { ...rest, override: { by, revision: pull.revision } } : rest,
        [
          ...recordEvent(ctx, pull, "PULL_REQUEST_APPROVAL_RULE_OVERRIDDEN", {
            revisionId: pull.revision,
            overrideStatus: status,
          }),
          ...announcePullRequest(ctx, pull, "pullRequestApprovalRuleOverridden", { overrideStatus: status }),
        ],
      );
      return {};
    },
  },
  GetPullRequestOverrideState: {
    permissions: onPullRequest("GetPullRequestOverrideState"),
    async run(ctx, input) {
      const { pull } = await currentPullRequest(ctx, input.pullRequestId);
      const isSet = pull.override !== undefined && pull.override.revision === input.revisionId;
      return { overridden: isSet, ...(isSet ? { overrider: pull.override.by } : {}) };
    },
  },
});

async function changeRules(
  ctx: Context<any>,
  id: string | undefined,
  what: "CREATED" | "UPDATED" | "DELETED",
  rule: ApprovalRule,
  make: (rules: readonly ApprovalRule[]) => readonly ApprovalRule[],
): Promise<void> {
  const { pull } = await currentPullRequest(ctx, id);
  mustBeOpen(pull);
  const facts = { approvalRuleId: rule.id, approvalRuleName: rule.name, approvalRuleContent: rule.content };
  const word = ({ CREATED: "Created", UPDATED: "Updated", DELETED: "Deleted" } as const)[what];
  await change(ctx, pull.id, (before) => ({ ...before, rules: make(before.rules) }), [
    ...recordEvent(ctx, pull, `PULL_REQUEST_APPROVAL_RULE_${what}`, facts),
    ...announcePullRequest(ctx, pull, `pullRequestApprovalRule${word}`, { approvalRuleName: rule.name }),
  ]);
}
