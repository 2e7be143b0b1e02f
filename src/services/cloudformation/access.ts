import type { Context } from "../../aws/context.ts";
import { passRole, type Permission } from "../../aws/service.ts";
import type { ChangeSet, Stack } from "./model.ts";
import { findStack } from "./store.ts";

/** The ARN of a stack for a decision: its own where it exists, else the pattern of its name. */
async function arnOf(ctx: Context<any>, nameOrArn: string | undefined): Promise<string> {
  const base = `arn:aws:cloudformation:${ctx.region}:${ctx.account}:stack/`;
  if (!nameOrArn) return `${base}*`;
  if (nameOrArn.startsWith("arn:")) return nameOrArn;
  return (await findStack(ctx, nameOrArn))?.value.arn ?? `${base}${nameOrArn}/*`;
}

interface Asking {
  readonly StackName?: string | undefined;
  readonly RoleARN?: string | undefined;
  readonly TemplateURL?: string | undefined;
  readonly StackPolicyURL?: string | undefined;
  readonly ChangeSetName?: string | undefined;
  readonly ResourceTypes?: readonly string[] | undefined;
}

/** Permission to do `action` to the stack that a call names. */
export const onStack =
  (action: string) =>
  async (input: Asking, ctx: Context<any>): Promise<Permission[]> => {
    const conditions = {
      "cloudformation:RoleArn": input.RoleARN,
      "cloudformation:TemplateUrl": input.TemplateURL,
      "cloudformation:StackPolicyUrl": input.StackPolicyURL,
      "cloudformation:ChangeSetName": input.ChangeSetName,
      "cloudformation:ResourceTypes": input.ResourceTypes,
    };
    const resource = await arnOf(ctx, input.StackName ?? (await stackOfChangeSet(ctx, input.ChangeSetName)));
    return [
      { action: `cloudformation:${action}`, resource, conditions },
      ...passRole(input.RoleARN, "cloudformation.amazonaws.com"),
    ];
  };

/** The stack of a change set that is named by its ARN. */
async function stackOfChangeSet(ctx: Context<any>, changeSet: string | undefined): Promise<string | undefined> {
  if (!changeSet?.startsWith("arn:")) return undefined;
  const found = (await ctx.records.list<ChangeSet>("change-set")).find((c) => c.value.arn === changeSet);
  return found && (await ctx.records.get<Stack>("stack", found.value.stack))?.value.arn;
}

/** Permission for an action that has no resource. */
export const onAll = (action: string) => (): Permission[] => [{ action: `cloudformation:${action}`, resource: "*" }];
