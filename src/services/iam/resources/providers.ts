import { tagChanges } from "../../../aws/resource-tags.ts";
import type { ResourceType } from "../../../aws/service.ts";
import { ignoring } from "../../../kernel/aws-error.ts";
import { make } from "./make.ts";

const ignoreMissing = ignoring("NoSuchEntity");

/** The one role of a profile's list, as templates write it. */
const roleOf = (properties: Record<string, unknown>): string | undefined =>
  (properties["Roles"] as string[] | undefined)?.[0];

/** AWS::IAM::InstanceProfile. */
export const iamInstanceProfile: ResourceType = {
  type: "AWS::IAM::InstanceProfile",
  async create(ctx, properties) {
    const InstanceProfileName = String(properties["InstanceProfileName"] ?? ctx.physicalName({ maxLength: 128 }));
    const Path = properties["Path"] as string | undefined;
    await make(ctx, () => ctx.call("iam", "CreateInstanceProfile", { InstanceProfileName, ...(Path ? { Path } : {}) }));
    const { InstanceProfile } = await ctx.call("iam", "GetInstanceProfile", { InstanceProfileName });
    const RoleName = roleOf(properties);
    if (RoleName && InstanceProfile!.Roles?.length === 0)
      await ctx.call("iam", "AddRoleToInstanceProfile", { InstanceProfileName, RoleName });
    return InstanceProfileName;
  },
  async update(ctx, id, next, previous) {
    const [wanted, before] = [roleOf(next), roleOf(previous)];
    if (wanted === before) return;
    const on = { InstanceProfileName: id };
    if (before)
      await ctx.call("iam", "RemoveRoleFromInstanceProfile", { ...on, RoleName: before }).catch(ignoreMissing);
    if (wanted) await ctx.call("iam", "AddRoleToInstanceProfile", { ...on, RoleName: wanted });
  },
  async remove(ctx, id, properties) {
    const on = { InstanceProfileName: id };
    const RoleName = roleOf(properties);
    if (RoleName) await ctx.call("iam", "RemoveRoleFromInstanceProfile", { ...on, RoleName }).catch(ignoreMissing);
    await ctx.call("iam", "DeleteInstanceProfile", on).catch(ignoreMissing);
  },
  async attributes(ctx, id) {
    const { InstanceProfile } = await ctx.call("iam", "GetInstanceProfile", { InstanceProfileName: id });
    return { Arn: InstanceProfile!.Arn };
  },
};

const lists = (properties: Record<string, unknown>) => ({
  ClientIDList: (properties["ClientIdList"] ?? []) as string[],
  ThumbprintList: (properties["ThumbprintList"] ?? []) as string[],
});

/** AWS::IAM::OIDCProvider. Its physical id is its ARN. */
export const iamOidcProvider: ResourceType = {
  type: "AWS::IAM::OIDCProvider",
  async create(ctx, properties) {
    const Url = String(properties["Url"]);
    await make(ctx, () =>
      ctx.withStackTags(properties["Tags"], (tags) =>
        ctx.call("iam", "CreateOpenIDConnectProvider", {
          Url,
          ...lists(properties),
          ...(tags.length ? { Tags: tags } : {}),
        }),
      ),
    );
    return `arn:aws:iam::${ctx.account}:oidc-provider/${Url.replace(/^https?:\/\//, "").replace(/\/$/, "")}`;
  },
  async update(ctx, id, next, previous) {
    const on = { OpenIDConnectProviderArn: id };
    const [wanted, before] = [lists(next), lists(previous)];
    for (const ClientID of wanted.ClientIDList.filter((c) => !before.ClientIDList.includes(c)))
      await ctx.call("iam", "AddClientIDToOpenIDConnectProvider", { ...on, ClientID });
    for (const ClientID of before.ClientIDList.filter((c) => !wanted.ClientIDList.includes(c)))
      await ctx.call("iam", "RemoveClientIDFromOpenIDConnectProvider", { ...on, ClientID });
    if (JSON.stringify(wanted.ThumbprintList) !== JSON.stringify(before.ThumbprintList))
      await ctx.call("iam", "UpdateOpenIDConnectProviderThumbprint", { ...on, ThumbprintList: wanted.ThumbprintList });
    const { set, gone } = tagChanges(next["Tags"], previous["Tags"]);
    if (gone.length) await ctx.call("iam", "UntagOpenIDConnectProvider", { ...on, TagKeys: [...gone] });
    if (set.length) await ctx.call("iam", "TagOpenIDConnectProvider", { ...on, Tags: [...set] });
  },
  async remove(ctx, id) {
    await ctx.call("iam", "DeleteOpenIDConnectProvider", { OpenIDConnectProviderArn: id }).catch(ignoreMissing);
  },
  attributes: async (_ctx, id) => ({ Arn: id }),
};
