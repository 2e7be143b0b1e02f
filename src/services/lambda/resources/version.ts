import type { ResourceType } from "../../../aws/service.ts";
import { codeOf } from "../../../kernel/aws-error.ts";

const split = (versionArn: string): { FunctionName: string; version: string } => {
  const at = versionArn.lastIndexOf(":");
  return { FunctionName: versionArn.slice(0, at), version: versionArn.slice(at + 1) };
};

/** AWS::Lambda::Version. */
export const lambdaVersion: ResourceType = {
  type: "AWS::Lambda::Version",
  async create(ctx, { FunctionName, CodeSha256, Description }) {
    const made = await ctx.call("lambda", "PublishVersion", { FunctionName, CodeSha256, Description });
    return String(made.FunctionArn);
  },
  async remove(ctx, id) {
    const { FunctionName, version } = split(id);
    await ctx.call("lambda", "DeleteFunction", { FunctionName, Qualifier: version }).catch((error: unknown) => {
      if (codeOf(error) !== "ResourceNotFoundException") throw error;
    });
  },
  attributes: async (_ctx, id) => ({ Version: split(id).version, FunctionArn: id }),
};
