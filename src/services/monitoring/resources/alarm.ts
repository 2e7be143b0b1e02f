import { tagChanges } from "../../../aws/resource-tags.ts";
import type { Properties, ResourceContext, ResourceType } from "../../../aws/service.ts";
import { codeOf } from "../../../kernel/aws-error.ts";

const alarmArn = (ctx: ResourceContext, name: string): string =>
  `arn:aws:cloudwatch:${ctx.region}:${ctx.account}:alarm:${name}`;

function alarmType(type: string, operation: "PutMetricAlarm" | "PutCompositeAlarm"): ResourceType {
  const put = (ctx: ResourceContext, AlarmName: string, { Tags: _tags, ...properties }: Properties, tags?: object[]) =>
    ctx.call("monitoring", operation, { ...properties, AlarmName, ...(tags?.length ? { Tags: tags } : {}) });
  return {
    type,
    async create(ctx, properties) {
      const name = String(properties["AlarmName"] ?? ctx.physicalName({ maxLength: 255 }));
      await ctx.withStackTags(properties["Tags"], (tags) => put(ctx, name, properties, tags));
      return name;
    },
    async update(ctx, id, next, previous) {
      await put(ctx, id, next);
      const { set, gone } = tagChanges(next["Tags"], previous["Tags"]);
      const ResourceARN = alarmArn(ctx, id);
      if (gone.length) await ctx.call("monitoring", "UntagResource", { ResourceARN, TagKeys: gone });
      if (set.length) await ctx.call("monitoring", "TagResource", { ResourceARN, Tags: [...set] });
    },
    async remove(ctx, id) {
      await ctx.call("monitoring", "DeleteAlarms", { AlarmNames: [id] });
    },
    attributes: async (ctx, id) => ({ Arn: alarmArn(ctx, id) }),
  };
}

/** AWS::CloudWatch::Alarm. */
export const metricAlarm = alarmType("AWS::CloudWatch::Alarm", "PutMetricAlarm");
/** AWS::CloudWatch::CompositeAlarm. */
export const compositeAlarm = alarmType("AWS::CloudWatch::CompositeAlarm", "PutCompositeAlarm");

/** AWS::CloudWatch::Dashboard. */
export const dashboard: ResourceType = {
  type: "AWS::CloudWatch::Dashboard",
  async create(ctx, properties) {
    const DashboardName = String(properties["DashboardName"] ?? ctx.physicalName({ maxLength: 255 }));
    await ctx.call("monitoring", "PutDashboard", { DashboardName, DashboardBody: properties["DashboardBody"] });
    return DashboardName;
  },
  async update(ctx, id, next) {
    await ctx.call("monitoring", "PutDashboard", { DashboardName: id, DashboardBody: next["DashboardBody"] });
  },
  async remove(ctx, id) {
    await ctx.call("monitoring", "DeleteDashboards", { DashboardNames: [id] }).catch((error: unknown) => {
      if (codeOf(error) !== "ResourceNotFound") throw error;
    });
  },
};
