import type { ResourceType } from "../../../aws/service.ts";
import { codeOf } from "../../../kernel/aws-error.ts";

const flag = (value: unknown): boolean => String(value).toLowerCase() === "true";

/** AWS::CodePipeline::CustomActionType. */
export const customActionType: ResourceType = {
  type: "AWS::CodePipeline::CustomActionType",
  async create(ctx, properties) {
    const {
      Category,
      Provider,
      Version,
      Settings,
      ConfigurationProperties = [],
      InputArtifactDetails,
      OutputArtifactDetails,
    } = properties;
    const counts = (details: Record<string, unknown> | undefined) => ({
      minimumCount: Number(details?.["MinimumCount"] ?? 0),
      maximumCount: Number(details?.["MaximumCount"] ?? 0),
    });
    const settings = Object.fromEntries(
      Object.entries(Settings ?? {}).map(([key, value]) => [key.charAt(0).toLowerCase() + key.slice(1), String(value)]),
    );
    try {
      await ctx.withStackTags(properties["Tags"], (tags) =>
        ctx.call("codepipeline", "CreateCustomActionType", {
          category: String(Category),
          provider: String(Provider),
          version: String(Version),
          ...(Settings ? { settings } : {}),
          configurationProperties: (ConfigurationProperties as Record<string, unknown>[]).map((p) => ({
            name: String(p["Name"]),
            required: flag(p["Required"]),
            key: flag(p["Key"]),
            secret: flag(p["Secret"]),
            ...(p["Queryable"] === undefined ? {} : { queryable: flag(p["Queryable"]) }),
            ...(p["Description"] ? { description: String(p["Description"]) } : {}),
            ...(p["Type"] ? { type: String(p["Type"]) } : {}),
          })),
          inputArtifactDetails: counts(InputArtifactDetails),
          outputArtifactDetails: counts(OutputArtifactDetails),
          ...(tags.length ? { tags: tags.map(({ Key, Value }) => ({ key: Key, value: String(Value) })) } : {}),
        }),
      );
    } catch (error) {
      if (codeOf(error) !== "InvalidStructureException" || !ctx.retried) throw error;
    }
    return `${Category}:${Provider}:${Version}`;
  },
  async remove(ctx, id) {
    const [category, provider, version] = id.split(":");
    await ctx.call("codepipeline", "DeleteCustomActionType", { category, provider, version });
  },
  attributes: async (_ctx, id) => ({ Id: id }),
};
