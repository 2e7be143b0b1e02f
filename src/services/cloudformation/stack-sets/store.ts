import type { Context } from "../../../aws/context.ts";
import type { Stored } from "../../../aws/records.ts";
import type { Statement } from "../../../ports/database.ts";
import { seal, unseal } from "../store.ts";
import {
  hasEnded,
  noStackSet,
  type ParameterValue,
  type SetOperation,
  type StackInstance,
  type StackSet,
  type Target,
} from "./model.ts";

export const SETS = "stack-set";
export const SET_NAMES = "stack-set-name";
export const INSTANCES = "stack-instance";
export const OPERATIONS = "stack-set-operation";

/** Changed whenever an operation of a set begins or ends, so that none begins without the knowledge of another. */
export const TURNS = "stack-set-turn";

/** A set that is not deleted, by its name or id. */
export async function stackSetOf(ctx: Context<any>, nameOrId: string): Promise<Stored<StackSet>> {
  const found = await findStackSet(ctx, nameOrId);
  if (!found) throw noStackSet(nameOrId);
  return found;
}

export async function findStackSet(ctx: Context<any>, nameOrId: string): Promise<Stored<StackSet> | undefined> {
  const named = nameOrId.includes(":") ? undefined : await ctx.records.get<{ id: string }>(SET_NAMES, nameOrId);
  const found = await ctx.records.get<StackSet>(SETS, named?.value.id ?? nameOrId);
  return found?.value.status === "ACTIVE" ? found : undefined;
}

export const instanceId = (set: string, { account, region }: Target): string => `${set}/${account}/${region}`;

export async function instancesOf(ctx: Context<any>, set: string): Promise<StackInstance[]> {
  return (await ctx.records.list<StackInstance>(INSTANCES, { prefix: `${set}/` })).map((r) => r.value);
}

export const putInstance = (ctx: Context<any>, instance: StackInstance): Statement =>
  ctx.records.put(INSTANCES, instanceId(instance.set, instance), instance);

/** Newest first. */
export async function operationsOf(ctx: Context<any>, set: string): Promise<SetOperation[]> {
  const all = (await ctx.records.list<SetOperation>(OPERATIONS, { prefix: `${set}/` })).map((r) => r.value);
  return all.toSorted((a, b) => b.created - a.created || (a.id < b.id ? 1 : -1));
}

/** The operations of a set that are not over, the oldest first. */
export async function openOperations(ctx: Context<any>, set: string): Promise<SetOperation[]> {
  return (await operationsOf(ctx, set)).filter((one) => !hasEnded(one.status)).toReversed();
}

export const sealParameters = (ctx: Context<any>, values: readonly ParameterValue[]): string => seal(ctx, values);
export const openParameters = (ctx: Context<any>, sealed: string): ParameterValue[] =>
  unseal<ParameterValue[]>(ctx, sealed);
