import type { Properties, ResourceType } from "../../../aws/service.ts";
import { codeOf } from "../../../kernel/aws-error.ts";

const target = ({ TargetFunctionArn, Qualifier }: Properties): Record<string, unknown> => ({
  FunctionName: TargetFunctionArn,
  Qualifier,
});

/** Templates may write numbers and booleans as text. */
function settings({ AuthType, Cors, InvokeMode }: Properties): Record<string, unknown> {
  const { MaxAge, AllowCredentials, ...lists } = Cors ?? {};
  const cors = {
    ...lists,
    ...(MaxAge === undefined ? {} : { MaxAge: Number(MaxAge) }),
    ...(AllowCredentials === undefined ? {} : { AllowCredentials: String(AllowCredentials) === "true" }),
  };
  return { AuthType, InvokeMode, ...(Cors ? { Cors: cors } : {}) };
}

/** AWS::Lambda::Url. */
export const lambdaUrl: ResourceType = {
  type: "AWS::Lambda::Url",
  async create(ctx, properties) {
    const input = { ...target(properties), ...settings(properties) };
    try {
      return String((await ctx.call("lambda", "CreateFunctionUrlConfig", input)).FunctionArn);
    } catch (error) {
      if (codeOf(error) !== "ResourceConflictException" || !ctx.retried) throw error;
      return String((await ctx.call("lambda", "GetFunctionUrlConfig", target(properties))).FunctionArn);
    }
  },
  async update(ctx, _id, next) {
    const defaults = { Cors: {}, InvokeMode: "BUFFERED" };
    const given = Object.fromEntries(Object.entries(settings(next)).filter(([, value]) => value !== undefined));
    await ctx.call("lambda", "UpdateFunctionUrlConfig", { ...target(next), ...defaults, ...given });
  },
  async remove(ctx, _id, properties) {
    await ctx.call("lambda", "DeleteFunctionUrlConfig", target(properties)).catch((error: unknown) => {
      if (codeOf(error) !== "ResourceNotFoundException") throw error;
    });
  },
  async attributes(ctx, id) {
    const { FunctionUrl } = await ctx.call("lambda", "GetFunctionUrlConfig", { FunctionName: id });
    return { FunctionArn: id, FunctionUrl };
  },
};
