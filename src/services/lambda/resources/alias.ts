import type { Properties, ResourceContext, ResourceType } from "../../../aws/service.ts";
import { codeOf } from "../../../kernel/aws-error.ts";
import { isProvisioned, provision, type Qualified } from "./provisioned-concurrency.ts";

function input(properties: Properties): Record<string, unknown> {
  const weights = (properties["RoutingConfig"]?.AdditionalVersionWeights ?? []) as {
    FunctionVersion: string;
    FunctionWeight: number;
  }[];
  return {
    FunctionName: properties["FunctionName"],
    Name: properties["Name"],
    FunctionVersion: String(properties["FunctionVersion"]),
    Description: properties["Description"] ?? "",
    RoutingConfig: {
      AdditionalVersionWeights: Object.fromEntries(
        weights.map((w) => [String(w.FunctionVersion), Number(w.FunctionWeight)]),
      ),
    },
  };
}

const qualified = ({ FunctionName, Name }: Properties): Qualified => ({ FunctionName, Qualifier: Name });

async function createAlias(ctx: ResourceContext, properties: Properties): Promise<string> {
  try {
    return String((await ctx.call("lambda", "CreateAlias", input(properties))).AliasArn);
  } catch (error) {
    if (codeOf(error) !== "ResourceConflictException" || !ctx.retried) throw error;
    const { FunctionName, Name } = properties;
    return String((await ctx.call("lambda", "GetAlias", { FunctionName, Name })).AliasArn);
  }
}

/** AWS::Lambda::Alias. */
export const lambdaAlias: ResourceType = {
  type: "AWS::Lambda::Alias",
  async create(ctx, properties) {
    const id = await createAlias(ctx, properties);
    await provision(ctx, qualified(properties), properties);
    return id;
  },
  ready: (ctx, _id, properties) => isProvisioned(ctx, qualified(properties), properties),
  async update(ctx, _id, next, previous) {
    await ctx.call("lambda", "UpdateAlias", input(next));
    await provision(ctx, qualified(next), next, previous);
  },
  async remove(ctx, _id, properties) {
    await ctx
      .call("lambda", "DeleteAlias", { FunctionName: properties["FunctionName"], Name: properties["Name"] })
      .catch((error: unknown) => {
        if (codeOf(error) !== "ResourceNotFoundException") throw error;
      });
  },
  attributes: async (_ctx, id) => ({ AliasArn: id }),
};
