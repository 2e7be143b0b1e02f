import type { Properties, ResourceType, Tag } from "../../../aws/service.ts";
import { codeOf } from "../../../kernel/aws-error.ts";

const tagsOf = (tags: readonly Tag[] | undefined) =>
  (tags ?? []).map(({ Key, Value }) => ({ key: Key, value: String(Value) }));

function exportOf(config: Properties | undefined) {
  const { ExportConfigType, S3Destination: to } = config ?? {};
  const s3 = to as Properties | undefined;
  return {
    exportConfigType: ExportConfigType,
    ...(s3
      ? {
          s3Destination: {
            bucket: s3["Bucket"],
            bucketOwner: s3["BucketOwner"],
            path: s3["Path"],
            packaging: s3["Packaging"],
            encryptionKey: s3["EncryptionKey"],
            encryptionDisabled: s3["EncryptionDisabled"],
          },
        }
      : {}),
  };
}

/** AWS::CodeBuild::ReportGroup; its id is its ARN. */
export const reportGroup: ResourceType = {
  type: "AWS::CodeBuild::ReportGroup",
  async create(ctx, { Name, Type, ExportConfig, Tags }) {
    const name = String(Name ?? ctx.physicalName({ maxLength: 128 }));
    try {
      const made = await ctx.withStackTags(Tags, (tags) =>
        ctx.call("codebuild", "CreateReportGroup", {
          name,
          type: Type,
          exportConfig: exportOf(ExportConfig),
          tags: tagsOf(tags),
        }),
      );
      return String(made.reportGroup?.arn);
    } catch (error) {
      if (codeOf(error) !== "ResourceAlreadyExistsException" || !ctx.retried) throw error;
      return `arn:aws:codebuild:${ctx.region}:${ctx.account}:report-group/${name}`;
    }
  },
  async update(ctx, id, { ExportConfig, Tags }) {
    await ctx.withStackTags(Tags, (tags) =>
      ctx.call("codebuild", "UpdateReportGroup", {
        arn: id,
        exportConfig: exportOf(ExportConfig),
        tags: tagsOf(tags),
      }),
    );
  },
  async remove(ctx, id, { DeleteReports }) {
    const deleteReports = String(DeleteReports) === "true";
    await ctx.call("codebuild", "DeleteReportGroup", { arn: id, deleteReports });
  },
  attributes: async (_ctx, id) => ({ Arn: id, Id: id }),
};
