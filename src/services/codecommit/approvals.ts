import { createHash } from "node:crypto";
import type { Context } from "../../aws/context.ts";
import { matchesStars } from "../../kernel/match-stars.ts";
import { bad } from "./model.ts";
import type { ApprovalRule, PullRequest } from "./pull-request-model.ts";

const MAX_CONTENT = 3000;

interface RuleContent {
  readonly Version?: unknown;
  /** Of templates alone: the branches that they are for. */
  readonly DestinationReferences?: readonly unknown[];
  readonly Statements?: readonly {
    readonly Type?: unknown;
    readonly NumberOfApprovalsNeeded?: unknown;
    readonly ApprovalPoolMembers?: readonly unknown[];
  }[];
}

/** By which a caller tells what content it knows. */
export const contentHash = (content: string): string => createHash("sha256").update(content).digest("hex");

/** Refuses content that says no rule, of a pull request or of a template. */
export function checkRuleContent(
  content: string | undefined,
  what: "ApprovalRule" | "ApprovalRuleTemplate" = "ApprovalRule",
): string {
  const words = what === "ApprovalRule" ? "approval rule" : "approval rule template";
  if (!content) throw bad(`${what}ContentRequiredException`, `The content for the ${words} is empty.`);
  const wrong = (why: string): Error =>
    bad(`Invalid${what}ContentException`, `The content for the ${words} is not valid: ${why}`);
  if (content.length > MAX_CONTENT) throw wrong(`it has more than ${MAX_CONTENT} characters.`);
  let rule: RuleContent;
  try {
    rule = JSON.parse(content) as RuleContent;
  } catch {
    throw wrong("it is not JSON.");
  }
  if (rule?.Version !== "2018-11-08") throw wrong("its Version must be 2018-11-08.");
  if (!Array.isArray(rule.Statements) || rule.Statements.length === 0) throw wrong("it has no Statements.");
  const branches = rule.DestinationReferences;
  if (branches !== undefined && !(Array.isArray(branches) && branches.every((one) => typeof one === "string")))
    throw wrong("DestinationReferences must be a list of branches.");
  for (const { Type, NumberOfApprovalsNeeded: needed, ApprovalPoolMembers: pool } of rule.Statements) {
    if (Type !== "Approvers") throw wrong("the Type of a statement must be Approvers.");
    if (!Number.isInteger(needed) || Number(needed) < 1)
      throw wrong("NumberOfApprovalsNeeded must be a positive number.");
    if (pool !== undefined && !(Array.isArray(pool) && pool.every((m) => typeof m === "string")))
      throw wrong("ApprovalPoolMembers must be a list of ARNs.");
  }
  return content;
}

/** What the rules say of the approvals of the present revision. */
export function evaluateRules(ctx: Context<any>, pull: PullRequest) {
  const approvers = Object.entries(pull.approvals).flatMap(([arn, revision]) =>
    revision === pull.revision ? [arn] : [],
  );
  const satisfied = pull.rules.filter((rule) => isSatisfied(ctx, rule, approvers));
  const overridden = pull.override?.revision === pull.revision;
  return {
    approved: overridden || satisfied.length === pull.rules.length,
    overridden,
    approvalRulesSatisfied: satisfied.map((rule) => rule.name),
    approvalRulesNotSatisfied: pull.rules.filter((rule) => !satisfied.includes(rule)).map((rule) => rule.name),
  };
}

function isSatisfied(ctx: Context<any>, rule: ApprovalRule, approvers: readonly string[]): boolean {
  const { Statements = [] } = JSON.parse(rule.content) as RuleContent;
  return Statements.every(({ NumberOfApprovalsNeeded, ApprovalPoolMembers }) => {
    const counted = ApprovalPoolMembers?.length
      ? approvers.filter((arn) => ApprovalPoolMembers.some((member) => isMember(ctx, String(member), arn)))
      : approvers;
    return counted.length >= Number(NumberOfApprovalsNeeded);
  });
}

/** Whether an ARN is a member of a pool: an ARN with `*`, or `CodeCommitApprovers:<user, or role/session>`. */
function isMember(ctx: Context<any>, member: string, arn: string): boolean {
  const name = /^CodeCommitApprovers:(.+)$/.exec(member)?.[1];
  const patterns = name
    ? [`arn:aws:iam::${ctx.account}:user/${name}`, `arn:aws:sts::${ctx.account}:assumed-role/${name}`]
    : [member];
  return patterns.some((pattern) => matchesStars(pattern, arn));
}
