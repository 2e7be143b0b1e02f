import { tagChanges } from "../../../aws/resource-tags.ts";
import type { Properties, ResourceType } from "../../../aws/service.ts";
import { codeOf, notImplemented } from "../../../kernel/aws-error.ts";
import { applicationArn } from "../model.ts";

/** Settings of components, alarms and log patterns: there is nothing here that would act by them. */
const UNKNOWN = ["ComponentMonitoringSettings", "CustomComponents", "GroupingType", "LogPatternSets"];

function input(properties: Properties): Record<string, unknown> {
  const unknown = UNKNOWN.find((name) => properties[name] !== undefined);
  if (unknown) throw notImplemented(`${unknown} of applications of Application Insights`);
  const { ResourceGroupName, OpsCenterEnabled, OpsItemSNSTopicArn, SNSNotificationArn, CWEMonitorEnabled } = properties;
  const all = {
    ResourceGroupName,
    OpsCenterEnabled,
    OpsItemSNSTopicArn,
    SNSNotificationArn,
    CWEMonitorEnabled,
    AttachMissingPermission: properties["AttachMissingPermission"],
    AutoConfigEnabled: properties["AutoConfigurationEnabled"],
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

const groupOf = (id: string): string => id.slice(id.lastIndexOf("/") + 1);

/** AWS::ApplicationInsights::Application. */
export const application: ResourceType = {
  type: "AWS::ApplicationInsights::Application",
  async create(ctx, properties) {
    try {
      await ctx.withStackTags(properties["Tags"], (Tags) =>
        ctx.call("applicationinsights", "CreateApplication", {
          ...input(properties),
          ...(Tags.length ? { Tags } : {}),
        }),
      );
    } catch (error) {
      if (codeOf(error) !== "ResourceInUseException" || !ctx.retried) throw error;
    }
    return applicationArn(ctx, String(properties["ResourceGroupName"]));
  },
  async update(ctx, id, next, previous) {
    await ctx.call("applicationinsights", "UpdateApplication", input(next));
    const { set, gone } = tagChanges(next["Tags"], previous["Tags"]);
    if (gone.length > 0)
      await ctx.call("applicationinsights", "UntagResource", { ResourceARN: id, TagKeys: [...gone] });
    if (set.length > 0) await ctx.call("applicationinsights", "TagResource", { ResourceARN: id, Tags: [...set] });
  },
  async remove(ctx, id) {
    await ctx
      .call("applicationinsights", "DeleteApplication", { ResourceGroupName: groupOf(id) })
      .catch((error: unknown) => {
        if (codeOf(error) !== "ResourceNotFoundException") throw error;
      });
  },
  attributes: async (_ctx, id) => ({ ApplicationARN: id }),
};
