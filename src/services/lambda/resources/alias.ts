import type { Properties, ResourceType } from "../../../aws/service.ts";
import { codeOf } from "../../../kernel/aws-error.ts";

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

/** AWS::Lambda::Alias. */
export const lambdaAlias: ResourceType = {
  type: "AWS::Lambda::Alias",
  async create(ctx, properties) {
    try {
      return String((await ctx.call("lambda", "CreateAlias", input(properties))).AliasArn);
    } catch (error) {
      if (codeOf(error) !== "ResourceConflictException" || !ctx.retried) throw error;
      return String(
        (await ctx.call("lambda", "GetAlias", { FunctionName: properties["FunctionName"], Name: properties["Name"] }))
          .AliasArn,
      );
    }
  },
  async update(ctx, _id, next) {
    await ctx.call("lambda", "UpdateAlias", input(next));
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
