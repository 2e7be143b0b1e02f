import type { Properties, ResourceContext, ResourceType } from "../../../aws/service.ts";
import { codeOf } from "../../../kernel/aws-error.ts";

async function put(ctx: ResourceContext, properties: Properties): Promise<string> {
  const { FunctionName, Qualifier, MaximumRetryAttempts, MaximumEventAgeInSeconds, DestinationConfig } = properties;
  await ctx.call("lambda", "PutFunctionEventInvokeConfig", {
    FunctionName,
    Qualifier,
    DestinationConfig,
    ...(MaximumRetryAttempts === undefined ? {} : { MaximumRetryAttempts: Number(MaximumRetryAttempts) }),
    ...(MaximumEventAgeInSeconds === undefined ? {} : { MaximumEventAgeInSeconds: Number(MaximumEventAgeInSeconds) }),
  });
  return `${FunctionName}|${Qualifier}`;
}

/** AWS::Lambda::EventInvokeConfig. */
export const lambdaEventInvokeConfig: ResourceType = {
  type: "AWS::Lambda::EventInvokeConfig",
  create: put,
  async update(ctx, _id, next) {
    await put(ctx, next);
  },
  async remove(ctx, _id, { FunctionName, Qualifier }) {
    await ctx.call("lambda", "DeleteFunctionEventInvokeConfig", { FunctionName, Qualifier }).catch((error: unknown) => {
      if (codeOf(error) !== "ResourceNotFoundException") throw error;
    });
  },
};
