import type { Properties, ResourceContext, ResourceType } from "../../../aws/service.ts";
import { AwsError, codeOf } from "../../../kernel/aws-error.ts";

function input(Name: string, properties: Properties): Record<string, unknown> {
  const { Type, Value, Description, AllowedPattern, Tier, Policies, DataType } = properties;
  if (Type === "SecureString")
    throw new AwsError("ValidationError", "AWS::SSM::Parameter cannot make a parameter of the type SecureString.", 400);
  const all = {
    Name,
    Type,
    Value: Value === undefined ? undefined : String(Value),
    Description,
    AllowedPattern,
    Tier,
    Policies,
    DataType,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

async function setTags(ctx: ResourceContext, id: string, next: Properties, previous: Properties): Promise<void> {
  const [wanted, before] = [next["Tags"] ?? {}, previous["Tags"] ?? {}] as [
    Record<string, string>,
    Record<string, string>,
  ];
  if (JSON.stringify(wanted) === JSON.stringify(before)) return;
  const on = { ResourceType: "Parameter", ResourceId: id };
  const gone = Object.keys(before).filter((key) => !(key in wanted));
  if (gone.length) await ctx.call("ssm", "RemoveTagsFromResource", { ...on, TagKeys: gone });
  const Tags = Object.entries(wanted).map(([Key, Value]) => ({ Key, Value }));
  if (Tags.length) await ctx.call("ssm", "AddTagsToResource", { ...on, Tags });
}

/** AWS::SSM::Parameter. */
export const ssmParameter: ResourceType = {
  type: "AWS::SSM::Parameter",
  async create(ctx, properties) {
    const name = String(properties["Name"] ?? ctx.physicalName({ maxLength: 500, before: "CFN-" }));
    const own = Object.entries((properties["Tags"] ?? {}) as Record<string, string>).map(([Key, Value]) => ({
      Key,
      Value,
    }));
    try {
      await ctx.withStackTags(own, (Tags) =>
        ctx.call("ssm", "PutParameter", { ...input(name, properties), ...(Tags.length ? { Tags } : {}) }),
      );
    } catch (error) {
      if (codeOf(error) !== "ParameterAlreadyExists" || !ctx.retried) throw error;
    }
    return name;
  },
  async update(ctx, id, next, previous) {
    const removed = previous["Policies"] !== undefined && next["Policies"] === undefined ? { Policies: "[{}]" } : {};
    await ctx.call("ssm", "PutParameter", { ...input(id, next), ...removed, Overwrite: true });
    await setTags(ctx, id, next, previous);
  },
  async remove(ctx, id) {
    await ctx.call("ssm", "DeleteParameter", { Name: id }).catch((error: unknown) => {
      if (codeOf(error) !== "ParameterNotFound") throw error;
    });
  },
  attributes: async (ctx, id, properties) => ({
    Arn: `arn:aws:ssm:${ctx.region}:${ctx.account}:parameter/${id.replace(/^\//, "")}`,
    Type: properties["Type"],
    Value: properties["Value"],
  }),
};
