import { tagChanges, tagMap } from "../../../aws/resource-tags.ts";
import type { ResourceType } from "../../../aws/service.ts";
import { codeOf } from "../../../kernel/aws-error.ts";

/** AWS::Logs::LogGroup. */
export const logGroup: ResourceType = {
  type: "AWS::Logs::LogGroup",
  refuses: {
    BearerTokenAuthenticationEnabled: [],
    DataProtectionPolicy: [],
    DeletionProtectionEnabled: [],
    FieldIndexPolicies: [],
    ResourcePolicyDocument: [],
    LogGroupClass: ["STANDARD"],
  },
  async create(ctx, properties) {
    const logGroupName = String(properties["LogGroupName"] ?? ctx.physicalName({ maxLength: 512 }));
    try {
      await ctx.withStackTags(properties["Tags"], (tags) =>
        ctx.call("logs", "CreateLogGroup", {
          logGroupName,
          kmsKeyId: properties["KmsKeyId"],
          ...(tags.length ? { tags: Object.fromEntries(tags.map((t) => [t.Key, t.Value])) } : {}),
        }),
      );
    } catch (error) {
      if (codeOf(error) !== "ResourceAlreadyExistsException" || !ctx.retried) throw error;
    }
    if (properties["RetentionInDays"])
      await ctx.call("logs", "PutRetentionPolicy", {
        logGroupName,
        retentionInDays: Number(properties["RetentionInDays"]),
      });
    return logGroupName;
  },
  async update(ctx, id, next, previous) {
    const { set, gone } = tagChanges(next["Tags"], previous["Tags"]);
    const resourceArn = `arn:aws:logs:${ctx.region}:${ctx.account}:log-group:${id}`;
    if (gone.length) await ctx.call("logs", "UntagResource", { resourceArn, tagKeys: gone });
    if (set.length) await ctx.call("logs", "TagResource", { resourceArn, tags: tagMap(set) });
    const kmsKeyId = next["KmsKeyId"] as string | undefined;
    if (kmsKeyId !== previous["KmsKeyId"])
      await (kmsKeyId === undefined
        ? ctx.call("logs", "DisassociateKmsKey", { logGroupName: id })
        : ctx.call("logs", "AssociateKmsKey", { logGroupName: id, kmsKeyId }));
    if (next["RetentionInDays"])
      await ctx.call("logs", "PutRetentionPolicy", {
        logGroupName: id,
        retentionInDays: Number(next["RetentionInDays"]),
      });
    else if (previous["RetentionInDays"]) await ctx.call("logs", "DeleteRetentionPolicy", { logGroupName: id });
  },
  async remove(ctx, id) {
    await ctx.call("logs", "DeleteLogGroup", { logGroupName: id }).catch((error: unknown) => {
      if (codeOf(error) !== "ResourceNotFoundException") throw error;
    });
  },
  attributes: async (ctx, id) => ({ Arn: `arn:aws:logs:${ctx.region}:${ctx.account}:log-group:${id}:*` }),
};
