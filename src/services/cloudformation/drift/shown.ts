import type { Context } from "../../../aws/context.ts";
import type { Stack } from "../model.ts";
import type { Detection, StoredDrift } from "./detect.ts";

/** What was last found of stacks, by the unique part of their ARN. */
export async function driftsOfStacks(ctx: Context<any>, stacks: readonly Stack[]): Promise<Map<string, Detection>> {
  const found =
    stacks.length === 1
      ? [await ctx.records.get<Detection>("drift", stacks[0]!.uuid)]
      : await ctx.records.list<Detection>("drift");
  return new Map(found.flatMap((one) => (one ? [[one.value.stack, one.value] as const] : [])));
}

/** The member DriftInformation of a stack. */
export const stackDrift = (found: Detection | undefined) =>
  found?.drift
    ? { StackDriftStatus: found.drift, LastCheckTimestamp: new Date(found.started) }
    : { StackDriftStatus: "NOT_CHECKED" as const };

/** What was last found of one resource of a stack. */
export async function driftOfResource(ctx: Context<any>, { uuid }: Stack, logicalId: string) {
  return (await ctx.records.get<StoredDrift>("resource-drift", `${uuid}/${logicalId}`))?.value;
}

/** What was last found of a stack's resources, by logical id. */
export async function driftsOfResources(ctx: Context<any>, { uuid }: Stack): Promise<Map<string, StoredDrift>> {
  const found = await ctx.records.list<StoredDrift>("resource-drift", { prefix: `${uuid}/` });
  return new Map(found.map(({ id, value }) => [id.slice(uuid.length + 1), value]));
}

/** The member DriftInformation of a resource. */
export const resourceDrift = (found: StoredDrift | undefined) =>
  found
    ? { StackResourceDriftStatus: found.status as "IN_SYNC", LastCheckTimestamp: new Date(found.at) }
    : { StackResourceDriftStatus: "NOT_CHECKED" as const };
