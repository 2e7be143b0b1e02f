import type * as CloudFormation from "@aws-sdk/client-cloudformation";
import type { Context } from "../../../aws/context.ts";
import { operations, passRole, type Permission } from "../../../aws/service.ts";
import { AwsError, notImplemented } from "../../../kernel/aws-error.ts";
import { GuardFailed } from "../../../ports/database.ts";
import { validation } from "../errors.ts";
import { STACK_SETS, STACK_SETS_PAGE } from "../limits.ts";
import {
  ADMINISTRATION_ROLE,
  EXECUTION_ROLE,
  operationInProgress,
  stackSetExists,
  stackSetNotEmpty,
  type StackSet,
} from "../stack-sets/model.ts";
import { arnOfSet, setSummary, setView } from "../stack-sets/shown.ts";
import { parameterValues, startSetOperation, targetsAmong, targetsOf } from "../stack-sets/start.ts";
import {
  findStackSet,
  instancesOf,
  openOperations,
  openParameters,
  sealParameters,
  SET_NAMES,
  SETS,
  stackSetOf,
  TURNS,
} from "../stack-sets/store.ts";
import { newStack, prepareStack } from "../start-stack.ts";
import { templateText } from "../template/source.ts";
import { pageFrom } from "../stack-sets/page.ts";

interface Asking {
  readonly StackSetName?: string | undefined;
  readonly AdministrationRoleARN?: string | undefined;
  readonly CallAs?: string | undefined;
  readonly TemplateURL?: string | undefined;
}

/** Permission to do `action` to the stack set that a call names. */
export const onStackSet =
  (action: string) =>
  async (input: Asking, ctx: Context<any>): Promise<Permission[]> => {
    const name = String(input.StackSetName ?? "*");
    const id = name.includes(":") || name === "*" ? name : ((await findStackSet(ctx, name))?.value.id ?? `${name}:*`);
    const conditions = { "cloudformation:TemplateUrl": input.TemplateURL };
    return [
      { action: `cloudformation:${action}`, resource: arnOfSet(ctx, id), conditions },
      ...passRole(input.AdministrationRoleARN, "cloudformation.amazonaws.com"),
    ];
  };

/** A stack set's administration role that somebody has chosen: it gets the new template too, and so is passed once more. */
async function ownRole(ctx: Context<any>, name: string): Promise<string | undefined> {
  const role = (await findStackSet(ctx, name))?.value.administrationRole;
  return role === defaultRole(ctx) ? undefined : role;
}

const defaultRole = (ctx: Context<any>): string => `arn:aws:iam::${ctx.account}:role/${ADMINISTRATION_ROLE}`;

export const stackSets = operations<typeof CloudFormation, any>()({
  CreateStackSet: {
    permissions: onStackSet("CreateStackSet"),
    async run(ctx, input) {
      const name = checkedName(String(input.StackSetName));
      refuseOrganizations(input);
      if (input.StackId !== undefined) throw notImplemented("importing a stack into a stack set");
      const there = (await findStackSet(ctx, name))?.value;
      if (there) {
        if (input.ClientRequestToken && there.token === input.ClientRequestToken) return { StackSetId: there.id };
        throw stackSetExists(name);
      }
      if ((await ctx.records.count(SET_NAMES)) >= STACK_SETS)
        throw new AwsError("LimitExceededException", `You have reached the limit of ${STACK_SETS} stack sets`, 400);
      const text = await templateText(ctx, input.TemplateBody, input.TemplateURL);
      if (text === undefined) throw validation("Either TemplateBody or TemplateURL must be specified.");
      const values = parameterValues(ctx, input.Parameters, undefined);
      const tags = (input.Tags ?? []).map((t) => ({ Key: String(t.Key), Value: String(t.Value) }));
      const capabilities = input.Capabilities ?? [];
      const id = `${name}:${ctx.platform.ids.uuid()}`;
      const set: StackSet = {
        id,
        name,
        status: "ACTIVE",
        created: ctx.now(),
        ...(input.ClientRequestToken ? { token: input.ClientRequestToken } : {}),
        ...(input.Description === undefined ? {} : { description: input.Description }),
        template: text,
        parameters: sealParameters(ctx, values),
        noEcho: await checked(ctx, name, { text, values, capabilities, tags }),
        capabilities,
        tags,
        administrationRole: input.AdministrationRoleARN ?? defaultRole(ctx),
        executionRole: input.ExecutionRoleName ?? EXECUTION_ROLE,
        managed: input.ManagedExecution?.Active === true,
      };
      try {
        await ctx.records.write([ctx.records.put(SET_NAMES, name, { id }, 0), ctx.records.put(SETS, id, set, 0)]);
      } catch (error) {
        if (error instanceof GuardFailed) throw stackSetExists(name);
        throw error;
      }
      return { StackSetId: id };
    },
  },
  UpdateStackSet: {
    async permissions(input, ctx) {
      const kept = input.AdministrationRoleARN ? undefined : await ownRole(ctx, String(input.StackSetName));
      return [...(await onStackSet("UpdateStackSet")(input, ctx)), ...passRole(kept, "cloudformation.amazonaws.com")];
    },
    async run(ctx, input) {
      refuseOrganizations(input);
      const { value: set, rev } = await stackSetOf(ctx, String(input.StackSetName));
      const given = await templateText(ctx, input.TemplateBody, input.TemplateURL);
      if (given !== undefined && input.UsePreviousTemplate)
        throw validation("You cannot specify both usePreviousTemplate and Template Body or Template URL.");
      if (given === undefined && !input.UsePreviousTemplate)
        throw validation("Either TemplateBody, TemplateURL or UsePreviousTemplate must be specified.");
      const text = given ?? set.template;
      const values = parameterValues(ctx, input.Parameters, set.parameters);
      const tags = input.Tags?.map((t) => ({ Key: String(t.Key), Value: String(t.Value) })) ?? set.tags;
      const capabilities = input.Capabilities ?? [];
      const next: StackSet = {
        ...set,
        template: text,
        parameters: sealParameters(ctx, values),
        noEcho: await checked(ctx, set.name, { text, values, capabilities, tags }),
        capabilities,
        tags,
        ...(input.Description === undefined ? {} : { description: input.Description }),
        administrationRole: input.AdministrationRoleARN ?? set.administrationRole,
        executionRole: input.ExecutionRoleName ?? set.executionRole,
        managed: input.ManagedExecution?.Active ?? set.managed,
      };
      const instances = await instancesOf(ctx, set.id);
      const some = input.Accounts?.length || input.Regions?.length || input.DeploymentTargets;
      const named = some ? targetsOf(input) : undefined;
      const among = instances.filter(
        (one) => !named || named.some((t) => t.account === one.account && t.region === one.region),
      );
      const id = input.OperationId ?? ctx.platform.ids.uuid();
      const OperationId = await startSetOperation(ctx, next, {
        action: "UPDATE",
        id,
        targets: targetsAmong(among, input.OperationPreferences),
        preferences: input.OperationPreferences,
        // All that have not been brought to the new template yet are behind it.
        instances: instances.map((one) =>
          among.includes(one)
            ? { ...one, status: "OUTDATED", detailed: "PENDING", lastOperation: id }
            : { ...one, status: "OUTDATED" },
        ),
        also: [ctx.records.put(SETS, set.id, next, rev)],
      });
      return { OperationId };
    },
  },
  DeleteStackSet: {
    permissions: onStackSet("DeleteStackSet"),
    async run(ctx, input) {
      const found = await findStackSet(ctx, String(input.StackSetName));
      if (!found) return {};
      const { value: set, rev } = found;
      const turn = await ctx.records.get(TURNS, set.id);
      if ((await openOperations(ctx, set.id)).length > 0) throw operationInProgress(set.name);
      if ((await instancesOf(ctx, set.id)).length > 0) throw stackSetNotEmpty();
      const deleted: StackSet = { ...set, status: "DELETED", deleted: ctx.now() };
      try {
        await ctx.records.write([
          ctx.records.remove(SET_NAMES, set.name),
          ctx.records.put(SETS, set.id, deleted, rev),
          ctx.records.put(TURNS, set.id, { operation: "" }, turn?.rev ?? 0),
        ]);
      } catch (error) {
        if (error instanceof GuardFailed) throw operationInProgress(set.name);
        throw error;
      }
      return {};
    },
  },
  DescribeStackSet: {
    permissions: onStackSet("DescribeStackSet"),
    async run(ctx, input) {
      const { value: set } = await stackSetOf(ctx, String(input.StackSetName));
      return { StackSet: setView(ctx, set, await instancesOf(ctx, set.id)) };
    },
  },
  ListStackSets: {
    permissions: (_input, ctx) => onStackSet("ListStackSets")({}, ctx),
    async run(ctx, input) {
      const all = (await ctx.records.list<StackSet>(SETS)).map((r) => r.value);
      const shown = all.filter((set) => input.Status === undefined || set.status === input.Status);
      const { page, next } = pageFrom(shown, (set) => set.id, input.NextToken, input.MaxResults ?? STACK_SETS_PAGE);
      return { Summaries: page.map(setSummary), ...next };
    },
  },
});

const NAME = /^[a-zA-Z][-a-zA-Z0-9]*$/;

function checkedName(name: string): string {
  const broken = (rule: string): Error =>
    validation(`1 validation error detected: Value '${name}' at 'stackSetName' failed to satisfy constraint: ${rule}`);
  if (!NAME.test(name)) throw broken("Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*");
  if (name.length > 128) throw broken("Member must have length less than or equal to 128");
  return name;
}

/** There is one account, and so no organization. */
function refuseOrganizations({
  PermissionModel,
  AutoDeployment,
  CallAs,
}: {
  readonly PermissionModel?: string | undefined;
  readonly AutoDeployment?: object | undefined;
  readonly CallAs?: string | undefined;
}): void {
  if (PermissionModel === "SERVICE_MANAGED" || CallAs === "DELEGATED_ADMIN")
    throw validation("You must enable organizations access to operate a service managed stack set");
  if (AutoDeployment !== undefined)
    throw validation("AutoDeployment can be specified only for stack sets with the SERVICE_MANAGED permission model.");
}

interface Wanted {
  readonly text: string;
  readonly values: readonly { readonly ParameterKey: string; readonly ParameterValue: string }[];
  readonly capabilities: readonly string[];
  readonly tags: readonly { readonly Key: string; readonly Value: string }[];
}

/** Refuses a template and values that no stack can be made of; answers the parameters whose values are not shown. */
async function checked(ctx: Context<any>, name: string, wanted: Wanted): Promise<readonly string[]> {
  const { text, values, capabilities, tags } = wanted;
  const input = { Parameters: values, Capabilities: capabilities, Tags: tags };
  const { revision } = await prepareStack(ctx, newStack(ctx, `StackSet-${name}`), input, true, text);
  return revision.noEcho;
}

/** Refuses overrides of parameters that a set does not have. */
export function checkOverrides(
  ctx: Context<any>,
  set: StackSet,
  overrides: readonly { ParameterKey?: string | undefined }[] | undefined,
): void {
  const known = new Set(openParameters(ctx, set.parameters).map((p) => p.ParameterKey));
  const strange = (overrides ?? []).find((one) => !known.has(String(one.ParameterKey)));
  if (strange) throw validation(`Parameter override ${strange.ParameterKey} is not a parameter of the stack set.`);
}
