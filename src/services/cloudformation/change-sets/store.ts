import type { Context } from "../../../aws/context.ts";
import type { Stored } from "../../../aws/records.ts";
import { noChangeSet, noStack, validation } from "../errors.ts";
import type { ChangeSet } from "../model.ts";
import { existingStack } from "../store.ts";

/** The change set of a name and stack, or of an ARN. */
export async function changeSetOf(
  ctx: Context<any>,
  stackName: string | undefined,
  nameOrArn: string,
): Promise<Stored<ChangeSet>> {
  if (nameOrArn.startsWith("arn:")) {
    const found = (await ctx.records.list<ChangeSet>("change-set")).find((c) => c.value.arn === nameOrArn);
    if (!found) throw noChangeSet(nameOrArn);
    return found;
  }
  if (!stackName) throw validation("StackName must be specified if ChangeSetName is not specified as an ARN.");
  const { value: stack } = await existingStack(ctx, stackName, noStack);
  const found = await ctx.records.get<ChangeSet>("change-set", `${stack.uuid}/${nameOrArn}`);
  if (!found) throw noChangeSet(nameOrArn);
  return found;
}
