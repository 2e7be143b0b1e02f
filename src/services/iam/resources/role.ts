import { policyText } from "../../../aws/policy-text.ts";
import { codeOf } from "../../../kernel/aws-error.ts";
import { tagChanges } from "../../../aws/resource-tags.ts";
import type { Properties, ResourceContext, ResourceType } from "../../../aws/service.ts";
import { setHoldings, stripHoldings } from "./holdings.ts";

/** AWS::IAM::Role. */
export const iamRole: ResourceType = {
  type: "AWS::IAM::Role",
  async create(ctx, properties) {
    const RoleName = String(properties["RoleName"] ?? ctx.physicalName({ maxLength: 64 }));
    await createOnce(ctx, RoleName, properties);
    await setHoldings(ctx, "Role", RoleName, properties, {});
    return RoleName;
  },
  async update(ctx, id, next, previous) {
    await ctx.call("iam", "UpdateAssumeRolePolicy", {
      RoleName: id,
      PolicyDocument: policyText(next["AssumeRolePolicyDocument"]),
    });
    if (
      next["Description"] !== previous["Description"] ||
      next["MaxSessionDuration"] !== previous["MaxSessionDuration"]
    ) {
      await ctx.call("iam", "UpdateRole", {
        RoleName: id,
        Description: next["Description"] ?? "",
        MaxSessionDuration: next["MaxSessionDuration"] ?? 3600,
      });
    }
    if (next["PermissionsBoundary"] !== previous["PermissionsBoundary"]) {
      if (next["PermissionsBoundary"])
        await ctx.call("iam", "PutRolePermissionsBoundary", {
          RoleName: id,
          PermissionsBoundary: next["PermissionsBoundary"],
        });
      else await ctx.call("iam", "DeleteRolePermissionsBoundary", { RoleName: id });
    }
    const { set, gone } = tagChanges(next["Tags"], previous["Tags"]);
    if (gone.length) await ctx.call("iam", "UntagRole", { RoleName: id, TagKeys: gone });
    if (set.length) await ctx.call("iam", "TagRole", { RoleName: id, Tags: set });
    await setHoldings(ctx, "Role", id, next, previous);
  },
  async remove(ctx, id) {
    try {
      await stripHoldings(ctx, "Role", id);
      await ctx.call("iam", "DeleteRole", { RoleName: id });
    } catch (error) {
      if (codeOf(error) !== "NoSuchEntity") throw error;
    }
  },
  async attributes(ctx, id) {
    const { Role } = await ctx.call("iam", "GetRole", { RoleName: id });
    return { Arn: Role?.Arn, RoleId: Role?.RoleId };
  },
};

async function createOnce(ctx: ResourceContext, RoleName: string, properties: Properties): Promise<void> {
  const input = {
    RoleName,
    Path: properties["Path"],
    AssumeRolePolicyDocument: policyText(properties["AssumeRolePolicyDocument"]),
    // CloudFormation says that there is none, which the role shows.
    Description: properties["Description"] ?? "",
    MaxSessionDuration: properties["MaxSessionDuration"],
    PermissionsBoundary: properties["PermissionsBoundary"],
  };
  try {
    await ctx.withStackTags(properties["Tags"], (Tags) =>
      ctx.call("iam", "CreateRole", { ...input, ...(Tags.length ? { Tags } : {}) }),
    );
  } catch (error) {
    if (codeOf(error) !== "EntityAlreadyExists" || !ctx.retried) throw error;
  }
}
