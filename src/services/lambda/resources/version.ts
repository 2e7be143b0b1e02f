import type { ResourceType } from "../../../aws/service.ts";
import { codeOf } from "../../../kernel/aws-error.ts";
import { setRuntimeManagement } from "./runtime-management.ts";
import { isProvisioned, provision, type Qualified } from "./provisioned-concurrency.ts";

const split = (versionArn: string): { FunctionName: string; version: string } => {
  const at = versionArn.lastIndexOf(":");
  return { FunctionName: versionArn.slice(0, at), version: versionArn.slice(at + 1) };
};

const qualified = (versionArn: string): Qualified => {
  const { FunctionName, version } = split(versionArn);
  return { FunctionName, Qualifier: version };
};

/** AWS::Lambda::Version. */
export const lambdaVersion: ResourceType = {
  type: "AWS::Lambda::Version",
  refuses: { FunctionScalingConfig: [] },
  async create(ctx, properties) {
    const { FunctionName, CodeSha256, Description } = properties;
    const made = await ctx.call("lambda", "PublishVersion", { FunctionName, CodeSha256, Description });
    await setRuntimeManagement(ctx, qualified(String(made.FunctionArn)), properties["RuntimePolicy"], undefined);
    await provision(ctx, qualified(String(made.FunctionArn)), properties);
    return String(made.FunctionArn);
  },
  ready: (ctx, id, properties) => isProvisioned(ctx, qualified(id), properties),
  async remove(ctx, id) {
    const { FunctionName, version } = split(id);
    await ctx.call("lambda", "DeleteFunction", { FunctionName, Qualifier: version }).catch((error: unknown) => {
      if (codeOf(error) !== "ResourceNotFoundException") throw error;
    });
  },
  attributes: async (_ctx, id) => ({ Version: split(id).version, FunctionArn: id }),
};
