import type { Context } from "../../aws/context.ts";
import type { Permission } from "../../aws/service.ts";
import { busArn, busName, DEFAULT_BUS, noBus, noRule, ruleArn, ruleId, type Bus, type Rule } from "./model.ts";

/** The permission for an action on the rule that the input names. */
export const onRule =
  (action: string) =>
  (input: any, ctx: Context<any>): Permission[] => [
    {
      action: `events:${action}`,
      resource: ruleArn(ctx, busName(input.EventBusName), String(input.Name ?? input.Rule)),
    },
  ];

/** The permission for an action on the bus that the input names. */
export const onBus =
  (action: string) =>
  (input: any, ctx: Context<any>): Permission[] => [
    { action: `events:${action}`, resource: busArn(ctx, busName(input.Name ?? input.EventBusName)) },
  ];

export async function existingRule(ctx: Context<any>, bus: string, name: string): Promise<Rule> {
  const stored = await ctx.records.get<Rule>("rule", ruleId(bus, name));
  if (!stored) throw noRule(name, bus);
  return stored.value;
}

/** A bus of the account; the default bus is there before anything is stored of it. */
export async function existingBus(ctx: Context<any>, name: string): Promise<Bus> {
  const bus = await findBus(ctx, name);
  if (!bus) throw noBus(name);
  return bus;
}

export async function findBus(ctx: Context<any>, name: string): Promise<Bus | undefined> {
  return (await ctx.records.get<Bus>("bus", name))?.value ?? (name === DEFAULT_BUS ? { name, created: 0 } : undefined);
}
