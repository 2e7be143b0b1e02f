import type { ActionType } from "@aws-sdk/client-codepipeline";
import type { ActionDefinition, ActionTypeLimits } from "../../engines/pipeline/index.ts";
import type { Ctx } from "./model.ts";

type TypeId = ActionDefinition["actionTypeId"];

export const typeKey = (type: {
  category?: string | undefined;
  provider?: string | undefined;
  version?: string | undefined;
}): string => `${type.category}:${type.provider}:${type.version}`;

/** The custom action types of the account. */
export async function customTypes(ctx: Ctx): Promise<ActionType[]> {
  return (await ctx.records.list<ActionType>("action-type")).map(({ value }) => value);
}

export function limitsOfCustom(types: readonly ActionType[], type: TypeId): ActionTypeLimits | undefined {
  if (type.owner !== "Custom") return undefined;
  const found = types.find((one) => one.id && typeKey(one.id) === typeKey(type));
  if (!found) return undefined;
  const side = (details: ActionType["inputArtifactDetails"]): [number, number] => [
    details?.minimumCount ?? 0,
    details?.maximumCount ?? 0,
  ];
  const keys = (found.actionConfigurationProperties ?? []).map(
    (p) => [String(p.name), { required: p.required ?? false }] as const,
  );
  return {
    inputs: side(found.inputArtifactDetails),
    outputs: side(found.outputArtifactDetails),
    configuration: Object.fromEntries(keys),
  };
}
