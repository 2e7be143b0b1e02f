import type { ResourceType } from "../../../aws/service.ts";
import type { Context } from "../../../aws/context.ts";
import { StepFailed } from "../operation/failure.ts";

/** A template's author calls it by its name; a function does its work. */
export interface Macro {
  readonly functionName: string;
  /** The resource that made it, so that a name is not taken over by a second one. */
  readonly owner: string;
}

const KIND = "macro";

/** The macro of this account and region with that name. */
export async function macroNamed(ctx: Context<any>, name: string): Promise<Macro | undefined> {
  return (await ctx.records.get<Macro>(KIND, name))?.value;
}

/** AWS::CloudFormation::Macro: gives a function a name that templates may use as a transform. */
export const macro: ResourceType = {
  type: "AWS::CloudFormation::Macro",
  refuses: { LogGroupName: [], LogRoleARN: [] },
  async create(ctx, { Name, FunctionName }) {
    const name = String(Name);
    const owner = `${ctx.stackId}/${ctx.logicalId}`;
    const known = await ctx.records.get<Macro>(KIND, name);
    if (known && known.value.owner !== owner) throw new StepFailed(`Macro ${name} already exists`);
    const value: Macro = { functionName: String(FunctionName), owner };
    await ctx.records.write(ctx.records.put(KIND, name, value, known?.rev ?? 0));
    return name;
  },
  async update(ctx, id, { FunctionName }) {
    const known = await ctx.records.get<Macro>(KIND, id);
    if (!known) throw new StepFailed(`Macro ${id} does not exist`);
    await ctx.records.write(
      ctx.records.put(KIND, id, { ...known.value, functionName: String(FunctionName) }, known.rev),
    );
  },
  async remove(ctx, id) {
    await ctx.records.write(ctx.records.remove(KIND, id));
  },
  attributes: async (_ctx, id) => ({ Id: id }),
  replaceOn: ["Name"],
};
