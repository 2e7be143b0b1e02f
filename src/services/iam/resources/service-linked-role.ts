import type { ResourceType } from "../../../aws/service.ts";
import { ignoring } from "../../../kernel/aws-error.ts";

/** AWS::IAM::ServiceLinkedRole. Its name follows from its service, so it is no other's where this step made it before. */
export const iamServiceLinkedRole: ResourceType = {
  type: "AWS::IAM::ServiceLinkedRole",
  async create(ctx, { AWSServiceName, CustomSuffix, Description }) {
    const input = { AWSServiceName, CustomSuffix, Description };
    try {
      const { Role } = await ctx.call("iam", "CreateServiceLinkedRole", input);
      return Role!.RoleName!;
    } catch (error) {
      const name = /^Service role name (\S+) has been taken/.exec((error as Error).message)?.[1];
      if (!name || !ctx.retried) throw error;
      return name;
    }
  },
  async update(ctx, id, { Description }) {
    await ctx.call("iam", "UpdateRole", { RoleName: id, Description: String(Description ?? "") });
  },
  async remove(ctx, id) {
    await ctx.call("iam", "DeleteServiceLinkedRole", { RoleName: id }).catch(ignoring("NoSuchEntity"));
  },
  attributes: async (_ctx, id) => ({ RoleName: id }),
};
