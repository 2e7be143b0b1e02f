import { policyText } from "../../../aws/policy-text.ts";
import { ignoring } from "../../../kernel/aws-error.ts";
import type { Properties, ResourceContext, ResourceType } from "../../../aws/service.ts";

const ignoreMissing = ignoring("NoSuchEntity");

type AnyCall = (service: "iam", operation: string, input: object) => Promise<unknown>;

/** One inline policy of one holder. `Ref` answers the policy's name. */
function inlinePolicy(holder: "Role" | "User" | "Group"): ResourceType {
  const member = `${holder}Name`;
  const call = (ctx: ResourceContext, operation: string, properties: Properties, more: object = {}): Promise<unknown> =>
    (ctx.call as AnyCall).call(ctx, "iam", `${operation}${holder}Policy`, {
      [member]: properties[member],
      PolicyName: properties["PolicyName"],
      ...more,
    });
  const put = (ctx: ResourceContext, properties: Properties): Promise<unknown> =>
    call(ctx, "Put", properties, { PolicyDocument: policyText(properties["PolicyDocument"]) });
  return {
    type: `AWS::IAM::${holder}Policy`,
    async create(ctx, properties) {
      await put(ctx, properties);
      return `${properties["PolicyName"]}|${properties[member]}`;
    },
    async update(ctx, _id, next) {
      await put(ctx, next);
    },
    async remove(ctx, _id, properties) {
      await call(ctx, "Delete", properties).catch(ignoreMissing);
    },
    ref: (_id, properties) => String(properties["PolicyName"]),
  };
}

/** AWS::IAM::RolePolicy. */
export const iamRolePolicy = inlinePolicy("Role");
/** AWS::IAM::UserPolicy. */
export const iamUserPolicy = inlinePolicy("User");
/** AWS::IAM::GroupPolicy. */
export const iamGroupPolicy = inlinePolicy("Group");

const usersOf = (properties: Properties): string[] => (properties["Users"] ?? []).map(String);

/** AWS::IAM::UserToGroupAddition. */
export const iamUserToGroupAddition: ResourceType = {
  type: "AWS::IAM::UserToGroupAddition",
  async create(ctx, properties) {
    await setMembers(ctx, properties, {});
    return ctx.physicalName({ maxLength: 128 });
  },
  update: (ctx, _id, next, previous) => setMembers(ctx, next, previous),
  remove: (ctx, _id, properties) => setMembers(ctx, {}, properties),
  attributes: async (_ctx, id) => ({ Id: id }),
};

async function setMembers(ctx: ResourceContext, next: Properties, previous: Properties): Promise<void> {
  const [wanted, had] = [usersOf(next), usersOf(previous)];
  const isMoved = next["GroupName"] !== previous["GroupName"];
  for (const UserName of wanted) await ctx.call("iam", "AddUserToGroup", { UserName, GroupName: next["GroupName"] });
  for (const UserName of had)
    if (isMoved || !wanted.includes(UserName))
      await ctx.call("iam", "RemoveUserFromGroup", { UserName, GroupName: previous["GroupName"] }).catch(ignoreMissing);
}
