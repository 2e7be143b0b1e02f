import type { Properties, ResourceContext, ResourceType } from "../../../aws/service.ts";
import { codeOf } from "../../../kernel/aws-error.ts";

const inputOf = ({ EventPattern, RetentionDays, Description }: Properties) => ({
  ...(EventPattern ? { EventPattern: JSON.stringify(EventPattern) } : {}),
  ...(RetentionDays === undefined ? {} : { RetentionDays: Number(RetentionDays) }),
  ...(Description === undefined ? {} : { Description: String(Description) }),
});

/** AWS::Events::Archive. */
export const eventsArchive: ResourceType = {
  type: "AWS::Events::Archive",
  refuses: { KmsKeyIdentifier: [] },
  async create(ctx: ResourceContext, properties) {
    const ArchiveName = String(properties["ArchiveName"] ?? ctx.physicalName({ maxLength: 48 }));
    const input = { ArchiveName, EventSourceArn: String(properties["SourceArn"]), ...inputOf(properties) };
    await ctx.call("events", "CreateArchive", input).catch((error: unknown) => {
      if (codeOf(error) !== "ResourceAlreadyExistsException" || !ctx.retried) throw error;
    });
    return ArchiveName;
  },
  async update(ctx, id, next) {
    await ctx.call("events", "UpdateArchive", { ArchiveName: id, RetentionDays: 0, Description: "", ...inputOf(next) });
  },
  async remove(ctx, id) {
    await ctx.call("events", "DeleteArchive", { ArchiveName: id }).catch((error: unknown) => {
      if (codeOf(error) !== "ResourceNotFoundException") throw error;
    });
  },
  attributes: async (ctx, id) => ({
    Arn: `arn:aws:events:${ctx.region}:${ctx.account}:archive/${id}`,
    ArchiveName: id,
  }),
};
