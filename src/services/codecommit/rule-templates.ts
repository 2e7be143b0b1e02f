import type { Context } from "../../aws/context.ts";
import { matchesStars } from "../../kernel/match-stars.ts";
import { bad } from "./model.ts";
import type { ApprovalRule } from "./pull-request-model.ts";

/** An approval rule for the pull requests of many repositories. */
export interface RuleTemplate {
  readonly id: string;
  readonly name: string;
  readonly description?: string;
  /** JSON: a rule's content, and the branches that it is for. */
  readonly content: string;
  readonly created: number;
  readonly modified: number;
  readonly modifiedBy: string;
  /** Ids of the repositories that it is associated with. */
  readonly repositories: readonly string[];
}

export const RULE_TEMPLATE = "rule-template";

export async function existingTemplate(ctx: Context<any>, name: string): Promise<RuleTemplate> {
  const stored = await ctx.records.get<RuleTemplate>(RULE_TEMPLATE, name);
  if (!stored)
    throw bad(
      "ApprovalRuleTemplateDoesNotExistException",
      "The specified approval rule template does not exist. Verify that the name is correct and that you are signed in to the AWS Region where the template was created, and then try again.",
    );
  return stored.value;
}

/** The templates of a repository. */
export async function templatesOf(ctx: Context<any>, repositoryId: string): Promise<RuleTemplate[]> {
  const all = (await ctx.records.list<RuleTemplate>(RULE_TEMPLATE)).map((stored) => stored.value);
  return all.filter((template) => template.repositories.includes(repositoryId));
}

/** The rules that a new pull request into a branch gets from its repository's templates. */
export async function rulesFromTemplates(
  ctx: Context<any>,
  repositoryId: string,
  destination: string,
): Promise<ApprovalRule[]> {
  const templates = (await templatesOf(ctx, repositoryId)).filter((template) => isFor(template, destination));
  return templates.map((template) => ({
    id: ctx.platform.ids.uuid(),
    name: template.name,
    content: template.content,
    created: ctx.now(),
    modified: ctx.now(),
    modifiedBy: template.modifiedBy,
    origin: { id: template.id, name: template.name },
  }));
}

function isFor({ content }: RuleTemplate, destination: string): boolean {
  const { DestinationReferences: branches } = JSON.parse(content) as { DestinationReferences?: readonly string[] };
  return !branches?.length || branches.some((branch) => matchesStars(branch, destination));
}
