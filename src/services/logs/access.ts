import type { Context } from "../../aws/context.ts";
import type { Permission } from "../../aws/service.ts";
import { groupArn, groupName, noGroup, type LogGroup } from "./model.ts";

/** The permission for an action on the log group that the input names. */
export const onGroup =
  (action: string) =>
  (input: any, ctx: Context<any>): Permission[] => [
    { action: `logs:${action}`, resource: `${groupArn(ctx.region, ctx.account, groupName(input))}:*` },
  ];

/** The permission for an action on the stream that the input names. */
export const onStream =
  (action: string) =>
  (input: any, ctx: Context<any>): Permission[] => [
    {
      action: `logs:${action}`,
      resource: `${groupArn(ctx.region, ctx.account, groupName(input))}:log-stream:${input.logStreamName ?? "*"}`,
    },
  ];

/** The permission for an action on the group with a plain ARN (tags). */
export const onGroupArn =
  (action: string) =>
  (input: any, ctx: Context<any>): Permission[] => [
    { action: `logs:${action}`, resource: input.resourceArn ?? groupArn(ctx.region, ctx.account, input.logGroupName) },
  ];

export async function existingGroup(ctx: Context<any>, name: string): Promise<LogGroup> {
  const stored = await ctx.records.get<LogGroup>("group", name);
  if (!stored) throw noGroup();
  return stored.value;
}
