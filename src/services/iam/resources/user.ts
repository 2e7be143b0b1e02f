import { ignoring } from "../../../kernel/aws-error.ts";
import { Records } from "../../../aws/records.ts";
import { tagChanges } from "../../../aws/resource-tags.ts";
import type { ResourceContext, ResourceType } from "../../../aws/service.ts";
import type { AccessKey } from "../model.ts";
import { setHoldings, stripHoldings } from "./holdings.ts";
import { make } from "./make.ts";

const ignoreMissing = ignoring("NoSuchEntity");

interface Login {
  readonly Password?: string;
  readonly PasswordResetRequired?: boolean;
}

/** Gives the user this password, or takes it away. */
async function setLogin(ctx: ResourceContext, UserName: string, login?: Login, had?: Login): Promise<void> {
  if (!login) {
    if (had) await ctx.call("iam", "DeleteLoginProfile", { UserName }).catch(ignoreMissing);
    return;
  }
  const { PasswordResetRequired } = login;
  const input = { UserName, ...(PasswordResetRequired === undefined ? {} : { PasswordResetRequired }) };
  await ctx.call("iam", "CreateLoginProfile", { ...input, Password: login.Password }).catch(async (error: unknown) => {
    ignoring("EntityAlreadyExists")(error);
    const Password = login.Password === had?.Password ? undefined : login.Password;
    const said = { ...input, PasswordResetRequired: PasswordResetRequired ?? false };
    await ctx.call("iam", "UpdateLoginProfile", { ...said, ...(Password === undefined ? {} : { Password }) });
  });
}

/** AWS::IAM::User. */
export const iamUser: ResourceType = {
  type: "AWS::IAM::User",
  async create(ctx, properties) {
    const UserName = String(properties["UserName"] ?? ctx.physicalName({ maxLength: 64 }));
    const input = { UserName, Path: properties["Path"], PermissionsBoundary: properties["PermissionsBoundary"] };
    await make(ctx, () =>
      ctx.withStackTags(properties["Tags"], (Tags) =>
        ctx.call("iam", "CreateUser", { ...input, ...(Tags.length ? { Tags } : {}) }),
      ),
    );
    for (const GroupName of properties["Groups"] ?? [])
      await ctx.call("iam", "AddUserToGroup", { UserName, GroupName });
    await setLogin(ctx, UserName, properties["LoginProfile"]);
    await setHoldings(ctx, "User", UserName, properties, {});
    return UserName;
  },
  async update(ctx, id, next, previous) {
    if (next["Path"] !== previous["Path"])
      await ctx.call("iam", "UpdateUser", { UserName: id, NewPath: next["Path"] ?? "/" });
    const [wanted, had]: string[][] = [next["Groups"] ?? [], previous["Groups"] ?? []];
    for (const GroupName of wanted!) await ctx.call("iam", "AddUserToGroup", { UserName: id, GroupName });
    for (const GroupName of had!)
      if (!wanted!.includes(GroupName)) await ctx.call("iam", "RemoveUserFromGroup", { UserName: id, GroupName });
    const { set, gone } = tagChanges(next["Tags"], previous["Tags"]);
    if (gone.length) await ctx.call("iam", "UntagUser", { UserName: id, TagKeys: gone });
    if (set.length) await ctx.call("iam", "TagUser", { UserName: id, Tags: set });
    const PermissionsBoundary = next["PermissionsBoundary"];
    if (PermissionsBoundary === previous["PermissionsBoundary"]) {
      // as it was
    } else if (PermissionsBoundary) {
      await ctx.call("iam", "PutUserPermissionsBoundary", { UserName: id, PermissionsBoundary });
    } else await ctx.call("iam", "DeleteUserPermissionsBoundary", { UserName: id });
    const login = previous["LoginProfile"] as Login | undefined;
    if (JSON.stringify(next["LoginProfile"]) !== JSON.stringify(login))
      await setLogin(ctx, id, next["LoginProfile"], login);
    await setHoldings(ctx, "User", id, next, previous);
  },
  async remove(ctx, id, properties) {
    try {
      await stripHoldings(ctx, "User", id);
      await setLogin(ctx, id, undefined, properties["LoginProfile"]);
      const { Groups } = await ctx.call("iam", "ListGroupsForUser", { UserName: id });
      for (const group of Groups ?? [])
        await ctx.call("iam", "RemoveUserFromGroup", { UserName: id, GroupName: group.GroupName });
      await ctx.call("iam", "DeleteUser", { UserName: id });
    } catch (error) {
      ignoreMissing(error);
    }
  },
  async attributes(ctx, id) {
    const { User } = await ctx.call("iam", "GetUser", { UserName: id });
    return { Arn: User?.Arn };
  },
};

/** AWS::IAM::Group. */
export const iamGroup: ResourceType = {
  type: "AWS::IAM::Group",
  async create(ctx, properties) {
    const GroupName = String(properties["GroupName"] ?? ctx.physicalName({ maxLength: 128 }));
    await make(ctx, () => ctx.call("iam", "CreateGroup", { GroupName, Path: properties["Path"] }));
    await setHoldings(ctx, "Group", GroupName, properties, {});
    return GroupName;
  },
  async update(ctx, id, next, previous) {
    if (next["Path"] !== previous["Path"])
      await ctx.call("iam", "UpdateGroup", { GroupName: id, NewPath: next["Path"] ?? "/" });
    await setHoldings(ctx, "Group", id, next, previous);
  },
  async remove(ctx, id) {
    try {
      await stripHoldings(ctx, "Group", id);
      await ctx.call("iam", "DeleteGroup", { GroupName: id });
    } catch (error) {
      ignoreMissing(error);
    }
  },
  async attributes(ctx, id) {
    const { Group } = await ctx.call("iam", "GetGroup", { GroupName: id });
    return { Arn: Group?.Arn };
  },
};

/** AWS::IAM::AccessKey. `GetAtt SecretAccessKey` reads the secret that IAM keeps sealed; no operation of the API shows it again. */
export const iamAccessKey: ResourceType = {
  type: "AWS::IAM::AccessKey",
  async create(ctx, properties) {
    void properties["Serial"]; // a new number is a new key
    const { AccessKey } = await ctx.call("iam", "CreateAccessKey", { UserName: properties["UserName"] });
    if (properties["Status"] === "Inactive") {
      await ctx.call("iam", "UpdateAccessKey", {
        UserName: properties["UserName"],
        AccessKeyId: AccessKey?.AccessKeyId,
        Status: "Inactive",
      });
    }
    return String(AccessKey?.AccessKeyId);
  },
  async update(ctx, id, next) {
    await ctx.call("iam", "UpdateAccessKey", {
      UserName: next["UserName"],
      AccessKeyId: id,
      Status: next["Status"] ?? "Active",
    });
  },
  async remove(ctx, id, properties) {
    await ctx
      .call("iam", "DeleteAccessKey", { UserName: properties["UserName"], AccessKeyId: id })
      .catch(ignoreMissing);
  },
  async attributes(ctx, id) {
    const records = new Records(ctx.platform.database, ctx.platform.clock, {
      service: "iam",
      account: ctx.account,
      region: "",
    });
    const key = await records.get<AccessKey>("access-key", id);
    const secret = key && ctx.platform.vault.open("access-key", key.value.sealedSecret);
    return secret === undefined ? { Id: id } : { Id: id, SecretAccessKey: secret };
  },
};
