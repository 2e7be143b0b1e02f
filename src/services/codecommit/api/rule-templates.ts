import type * as CodeCommit from "@aws-sdk/client-codecommit";
import type { Context } from "../../../aws/context.ts";
import { principalName } from "../../../aws/principal.ts";
import { operations, type Permission } from "../../../aws/service.ts";
import { codeOf, messageOf } from "../../../kernel/aws-error.ts";
import { checkRuleContent, contentHash } from "../approvals.ts";
import { bad, existingRepository, onRepository, repositoryArn, type Repository } from "../model.ts";
import { existingTemplate, RULE_TEMPLATE, templatesOf, type RuleTemplate } from "../rule-templates.ts";
import { pageOf } from "./pull-requests.ts";

const MAX_TEMPLATES = 1_000;
const TEMPLATES_PER_REPOSITORY = 25;
const MAX_REPOSITORIES = 100;
const CONTENT = "ApprovalRuleTemplate";

const on = (action: string) => (): Permission[] => [{ action: `codecommit:${action}`, resource: "*" }];

const onRepositories =
  (action: string) =>
  (input: { repositoryNames?: readonly (string | undefined)[] | undefined }, ctx: Context<any>): Permission[] =>
    (input.repositoryNames?.length ? input.repositoryNames : ["*"]).map((name) => ({
      action: `codecommit:${action}`,
      resource: repositoryArn(ctx, String(name)),
    }));

function checkedName(name: string | undefined): string {
  if (!name) throw bad("ApprovalRuleTemplateNameRequiredException", "An approval rule template name is required.");
  if (name.length > 100)
    throw bad("InvalidApprovalRuleTemplateNameException", "The name of the approval rule template is not valid.");
  return name;
}

const taken = () =>
  bad(
    "ApprovalRuleTemplateNameAlreadyExistsException",
    "You cannot create an approval rule template with that name because a template with that name already exists.",
  );

const view = (template: RuleTemplate): CodeCommit.ApprovalRuleTemplate => ({
  approvalRuleTemplateId: template.id,
  approvalRuleTemplateName: template.name,
  ...(template.description === undefined ? {} : { approvalRuleTemplateDescription: template.description }),
  approvalRuleTemplateContent: template.content,
  ruleContentSha256: contentHash(template.content),
  lastModifiedDate: new Date(template.modified),
  creationDate: new Date(template.created),
  lastModifiedUser: template.modifiedBy,
});

async function change(
  ctx: Context<any>,
  name: string | undefined,
  how: (template: RuleTemplate) => RuleTemplate,
): Promise<RuleTemplate> {
  const known = await existingTemplate(ctx, checkedName(name));
  return (await ctx.records.update<RuleTemplate>(RULE_TEMPLATE, known.name, how)) ?? known;
}

const stamp = (ctx: Context<any>) => ({ modified: ctx.now(), modifiedBy: principalName(ctx.principal) });

async function associate(ctx: Context<any>, template: string | undefined, repository: string | undefined) {
  const { id, name } = await existingRepository(ctx, repository);
  const others = await templatesOf(ctx, id);
  if (others.length >= TEMPLATES_PER_REPOSITORY)
    throw bad(
      "MaximumRuleTemplatesAssociatedWithRepositoryException",
      `The maximum number of approval rule templates for a repository is ${TEMPLATES_PER_REPOSITORY}.`,
    );
  await change(ctx, template, (known) => ({
    ...known,
    repositories: [...new Set([...known.repositories, id])],
  }));
  return name;
}

async function disassociate(ctx: Context<any>, template: string | undefined, repository: string | undefined) {
  const { id, name } = await existingRepository(ctx, repository);
  await change(ctx, template, (known) => ({
    ...known,
    repositories: known.repositories.filter((one) => one !== id),
  }));
  return name;
}

/** Does it for each repository, and tells of those for which it could not be done. */
async function batch(names: readonly (string | undefined)[] | undefined, work: (name: string) => Promise<string>) {
  if ((names ?? []).length > MAX_REPOSITORIES)
    throw bad(
      "MaximumRepositoryNamesExceededException",
      `The maximum number of repository names for one request is ${MAX_REPOSITORIES}.`,
    );
  const done: string[] = [];
  const errors: CodeCommit.BatchAssociateApprovalRuleTemplateWithRepositoriesError[] = [];
  for (const name of names ?? []) {
    try {
      done.push(await work(String(name)));
    } catch (error) {
      const errorCode = codeOf(error);
      if (errorCode === undefined) throw error;
      errors.push({ repositoryName: String(name), errorCode, errorMessage: messageOf(error) });
    }
  }
  return { done, errors };
}

/** Approval rules that pull requests of the repositories they are associated with get from the start. */
export const ruleTemplates = operations<typeof CodeCommit, any>()({
  CreateApprovalRuleTemplate: {
    permissions: on("CreateApprovalRuleTemplate"),
    async run(ctx, input) {
      const name = checkedName(input.approvalRuleTemplateName);
      const content = checkRuleContent(input.approvalRuleTemplateContent, CONTENT);
      if ((await ctx.records.count(RULE_TEMPLATE)) >= MAX_TEMPLATES)
        throw bad(
          "NumberOfRuleTemplatesExceededException",
          "The maximum number of approval rule templates has been exceeded for this AWS Region.",
        );
      const template: RuleTemplate = {
        id: ctx.platform.ids.uuid(),
        name,
        content,
        created: ctx.now(),
        ...stamp(ctx),
        repositories: [],
        ...(input.approvalRuleTemplateDescription === undefined
          ? {}
          : { description: input.approvalRuleTemplateDescription }),
      };
      if (!(await ctx.records.create(RULE_TEMPLATE, name, template))) throw taken();
      return { approvalRuleTemplate: view(template) };
    },
  },
  GetApprovalRuleTemplate: {
    permissions: on("GetApprovalRuleTemplate"),
    run: async (ctx, input) => ({
      approvalRuleTemplate: view(await existingTemplate(ctx, checkedName(input.approvalRuleTemplateName))),
    }),
  },
  ListApprovalRuleTemplates: {
    permissions: on("ListApprovalRuleTemplates"),
    async run(ctx, input) {
      const { items, next } = pageOf(await ctx.records.list<RuleTemplate>(RULE_TEMPLATE), input);
      return { approvalRuleTemplateNames: items.map(({ value }) => value.name), ...next };
    },
  },
  UpdateApprovalRuleTemplateContent: {
    permissions: on("UpdateApprovalRuleTemplateContent"),
    async run(ctx, input) {
      const content = checkRuleContent(input.newRuleContent, CONTENT);
      const template = await change(ctx, input.approvalRuleTemplateName, (known) => {
        if (input.existingRuleContentSha256 && input.existingRuleContentSha256 !== contentHash(known.content))
          throw bad(
            "InvalidRuleContentSha256Exception",
            "The SHA-256 hash signature for the rule content is not valid.",
          );
        return { ...known, content, ...stamp(ctx) };
      });
      return { approvalRuleTemplate: view(template) };
    },
  },
  UpdateApprovalRuleTemplateDescription: {
    permissions: on("UpdateApprovalRuleTemplateDescription"),
    async run(ctx, input) {
      const description = String(input.approvalRuleTemplateDescription ?? "");
      const template = await change(ctx, input.approvalRuleTemplateName, (known) => ({
        ...known,
        description,
        ...stamp(ctx),
      }));
      return { approvalRuleTemplate: view(template) };
    },
  },
  UpdateApprovalRuleTemplateName: {
    permissions: on("UpdateApprovalRuleTemplateName"),
    async run(ctx, input) {
      const before = await existingTemplate(ctx, checkedName(input.oldApprovalRuleTemplateName));
      const name = checkedName(input.newApprovalRuleTemplateName);
      const template: RuleTemplate = { ...before, name, ...stamp(ctx) };
      const removal = ctx.records.remove(RULE_TEMPLATE, before.name);
      if (name === before.name) return { approvalRuleTemplate: view(before) };
      if (!(await ctx.records.create(RULE_TEMPLATE, name, template, removal))) throw taken();
      return { approvalRuleTemplate: view(template) };
    },
  },
  DeleteApprovalRuleTemplate: {
    permissions: on("DeleteApprovalRuleTemplate"),
    async run(ctx, input) {
      const template = await existingTemplate(ctx, checkedName(input.approvalRuleTemplateName));
      const names = await repositoriesWith(ctx, template);
      if (names.length)
        throw bad(
          "ApprovalRuleTemplateInUseException",
          "The approval rule template is associated with one or more repositories. You cannot delete a template that is associated with a repository. Remove all associations, and then try again.",
        );
      await ctx.records.write(ctx.records.remove(RULE_TEMPLATE, template.name));
      return { approvalRuleTemplateId: template.id };
    },
  },
  AssociateApprovalRuleTemplateWithRepository: {
    permissions: onRepository("AssociateApprovalRuleTemplateWithRepository"),
    async run(ctx, input) {
      await associate(ctx, input.approvalRuleTemplateName, input.repositoryName);
      return {};
    },
  },
  DisassociateApprovalRuleTemplateFromRepository: {
    permissions: onRepository("DisassociateApprovalRuleTemplateFromRepository"),
    async run(ctx, input) {
      await disassociate(ctx, input.approvalRuleTemplateName, input.repositoryName);
      return {};
    },
  },
  BatchAssociateApprovalRuleTemplateWithRepositories: {
    permissions: onRepositories("BatchAssociateApprovalRuleTemplateWithRepositories"),
    async run(ctx, input) {
      const { approvalRuleTemplateName: name } = input;
      const { done, errors } = await batch(input.repositoryNames, (one) => associate(ctx, name, one));
      return { associatedRepositoryNames: done, errors };
    },
  },
  BatchDisassociateApprovalRuleTemplateFromRepositories: {
    permissions: onRepositories("BatchDisassociateApprovalRuleTemplateFromRepositories"),
    async run(ctx, input) {
      const { approvalRuleTemplateName: name } = input;
      const { done, errors } = await batch(input.repositoryNames, (one) => disassociate(ctx, name, one));
      return { disassociatedRepositoryNames: done, errors };
    },
  },
  ListAssociatedApprovalRuleTemplatesForRepository: {
    permissions: onRepository("ListAssociatedApprovalRuleTemplatesForRepository"),
    async run(ctx, input) {
      const { id } = await existingRepository(ctx, input.repositoryName);
      const { items, next } = pageOf(await templatesOf(ctx, id), input);
      return { approvalRuleTemplateNames: items.map((template) => template.name), ...next };
    },
  },
  ListRepositoriesForApprovalRuleTemplate: {
    permissions: on("ListRepositoriesForApprovalRuleTemplate"),
    async run(ctx, input) {
      const template = await existingTemplate(ctx, checkedName(input.approvalRuleTemplateName));
      const { items, next } = pageOf(await repositoriesWith(ctx, template), input);
      return { repositoryNames: items, ...next };
    },
  },
});

/** Names of the repositories that are still there. */
async function repositoriesWith(ctx: Context<any>, template: RuleTemplate): Promise<string[]> {
  const all = await ctx.records.list<Repository>("repository");
  return all.filter(({ value }) => template.repositories.includes(value.id)).map(({ value }) => value.name);
}
