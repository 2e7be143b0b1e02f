import type { ResourceType } from "../../../aws/service.ts";
import { codeOf } from "../../../kernel/aws-error.ts";

/** The id is the statement's, which is the same for every try. */
export const lambdaPermission: ResourceType = {
  type: "AWS::Lambda::Permission",
  async create(
    ctx,
    {
      FunctionName,
      Action,
      Principal,
      SourceArn,
      SourceAccount,
      EventSourceToken,
      FunctionUrlAuthType,
      PrincipalOrgID,
      InvokedViaFunctionUrl,
    },
  ) {
    const StatementId = ctx.physicalName({ maxLength: 100 });
    try {
      await ctx.call("lambda", "AddPermission", {
        FunctionName,
        StatementId,
        Action,
        Principal,
        SourceArn,
        SourceAccount,
        EventSourceToken,
        FunctionUrlAuthType,
        PrincipalOrgID,
        ...(InvokedViaFunctionUrl === undefined
          ? {}
          : { InvokedViaFunctionUrl: String(InvokedViaFunctionUrl) === "true" }),
      });
    } catch (error) {
      if (codeOf(error) !== "ResourceConflictException" || !ctx.retried) throw error;
    }
    return StatementId;
  },
  async remove(ctx, id, { FunctionName }) {
    await ctx.call("lambda", "RemovePermission", { FunctionName, StatementId: id }).catch((error: unknown) => {
      if (codeOf(error) !== "ResourceNotFoundException") throw error;
    });
  },
  attributes: async (_ctx, id) => ({ Id: id }),
};
