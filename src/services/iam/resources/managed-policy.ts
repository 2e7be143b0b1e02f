import { policyText } from "../../../aws/policy-text.ts";
import { codeOf, ignoring } from "../../../kernel/aws-error.ts";
import type { Properties, ResourceContext, ResourceType } from "../../../aws/service.ts";

const HOLDERS = [
  ["Roles", "Role"],
  ["Users", "User"],
  ["Groups", "Group"],
] as const;

type AnyCall = (service: "iam", operation: string, input: object) => Promise<any>;

/** Attaches the policy to what `next` names and detaches it from what only `previous` named. */
async function attach(ctx: ResourceContext, PolicyArn: string, next: Properties, previous: Properties): Promise<void> {
  const call = (ctx.call as AnyCall).bind(ctx);
  for (const [member, holder] of HOLDERS) {
    const wanted: string[] = next[member] ?? [];
    for (const name of wanted) await call("iam", `Attach${holder}Policy`, { [`${holder}Name`]: name, PolicyArn });
    for (const name of (previous[member] ?? []) as string[]) {
      if (!wanted.includes(name))
        await call("iam", `Detach${holder}Policy`, { [`${holder}Name`]: name, PolicyArn }).catch(ignoreGone);
    }
  }
}

const ignoreGone = ignoring("NoSuchEntity");

/** AWS::IAM::ManagedPolicy. */
export const iamManagedPolicy: ResourceType = {
  type: "AWS::IAM::ManagedPolicy",
  async create(ctx, properties) {
    const PolicyName = String(properties["ManagedPolicyName"] ?? ctx.physicalName({ maxLength: 128 }));
    const Path = String(properties["Path"] ?? "/");
    const PolicyDocument = policyText(properties["PolicyDocument"]);
    let policyArn = `arn:aws:iam::${ctx.account}:policy${Path}${PolicyName}`;
    try {
      const made = await ctx.call("iam", "CreatePolicy", {
        PolicyName,
        Path,
        PolicyDocument,
        Description: properties["Description"],
      });
      policyArn = String(made.Policy?.Arn);
    } catch (error) {
      if (codeOf(error) !== "EntityAlreadyExists" || !ctx.retried) throw error;
    }
    await attach(ctx, policyArn, properties, {});
    return policyArn;
  },
  async update(ctx, id, next, previous) {
    if (policyText(next["PolicyDocument"]) !== policyText(previous["PolicyDocument"])) {
      const { Versions = [] } = await ctx.call("iam", "ListPolicyVersions", { PolicyArn: id });
      const oldest = Versions.filter((v) => !v.IsDefaultVersion).at(-1);
      if (Versions.length >= 5 && oldest)
        await ctx.call("iam", "DeletePolicyVersion", { PolicyArn: id, VersionId: oldest.VersionId });
      await ctx.call("iam", "CreatePolicyVersion", {
        PolicyArn: id,
        PolicyDocument: policyText(next["PolicyDocument"]),
        SetAsDefault: true,
      });
    }
    await attach(ctx, id, next, previous);
  },
  async remove(ctx, id, properties) {
    try {
      const users = await ctx.call("iam", "ListEntitiesForPolicy", { PolicyArn: id });
      await attach(
        ctx,
        id,
        {},
        {
          Roles: [...(properties["Roles"] ?? []), ...(users.PolicyRoles ?? []).map((r) => r.RoleName)],
          Users: (users.PolicyUsers ?? []).map((u) => u.UserName),
          Groups: (users.PolicyGroups ?? []).map((g) => g.GroupName),
        },
      );
      const { Versions = [] } = await ctx.call("iam", "ListPolicyVersions", { PolicyArn: id });
      for (const v of Versions)
        if (!v.IsDefaultVersion)
          await ctx.call("iam", "DeletePolicyVersion", { PolicyArn: id, VersionId: v.VersionId });
      await ctx.call("iam", "DeletePolicy", { PolicyArn: id });
    } catch (error) {
      ignoreGone(error);
    }
  },
  async attributes(ctx, id) {
    // A role that may make policies but not look at them knows their ARN.
    const shown = await ctx.call("iam", "GetPolicy", { PolicyArn: id }).catch((error: unknown) => {
      if (codeOf(error) !== "AccessDenied") throw error;
    });
    const Policy = shown?.Policy;
    const { PolicyId, DefaultVersionId, AttachmentCount, PermissionsBoundaryUsageCount, IsAttachable } = Policy ?? {};
    const [CreateDate, UpdateDate] = [Policy?.CreateDate?.toISOString(), Policy?.UpdateDate?.toISOString()];
    const counts = { AttachmentCount, PermissionsBoundaryUsageCount, IsAttachable };
    return { PolicyArn: id, PolicyId, DefaultVersionId, CreateDate, UpdateDate, ...counts };
  },
};
