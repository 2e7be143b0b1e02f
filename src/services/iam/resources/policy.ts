import { policyText } from "../../../aws/policy-text.ts";
import { codeOf } from "../../../kernel/aws-error.ts";
import type { Properties, ResourceContext, ResourceType } from "../../../aws/service.ts";

const HOLDERS = [
  ["Roles", "Role"],
  ["Users", "User"],
  ["Groups", "Group"],
] as const;

type AnyCall = (service: "iam", operation: string, input: object) => Promise<any>;

async function put(ctx: ResourceContext, next: Properties, previous: Properties): Promise<void> {
  const call = (ctx.call as AnyCall).bind(ctx);
  const PolicyDocument = policyText(next["PolicyDocument"]);
  for (const [member, holder] of HOLDERS) {
    const wanted: string[] = next[member] ?? [];
    for (const name of wanted)
      await call("iam", `Put${holder}Policy`, {
        [`${holder}Name`]: name,
        PolicyName: next["PolicyName"],
        PolicyDocument,
      });
    for (const name of (previous[member] ?? []) as string[]) {
      if (wanted.includes(name) && previous["PolicyName"] === next["PolicyName"]) continue;
      await call("iam", `Delete${holder}Policy`, { [`${holder}Name`]: name, PolicyName: previous["PolicyName"] }).catch(
        (error: unknown) => {
          if (codeOf(error) !== "NoSuchEntity") throw error;
        },
      );
    }
  }
}

/** AWS::IAM::Policy: one inline policy put into roles, users and groups. */
export const iamPolicy: ResourceType = {
  type: "AWS::IAM::Policy",
  async create(ctx, properties) {
    await put(ctx, properties, {});
    return ctx.physicalName({ maxLength: 128 });
  },
  update: (ctx, _id, next, previous) => put(ctx, next, previous),
  remove: (ctx, _id, properties) => put(ctx, {}, properties),
  attributes: async (_ctx, id) => ({ Id: id }),
};
