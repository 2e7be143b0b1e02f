import type * as CodeBuild from "@aws-sdk/client-codebuild";
import type { Properties, ResourceType } from "../../../aws/service.ts";
import { codeOf } from "../../../kernel/aws-error.ts";
import { groupArn } from "../reports/model.ts";
import { tagsOf, toApi } from "./project.ts";

const exportOf = (config: Properties | undefined) => toApi(config ?? {}) as CodeBuild.ReportExportConfig;

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
      return groupArn(ctx, name);
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
