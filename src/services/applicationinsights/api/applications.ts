import { operations } from "../../../aws/service.ts";
import { AwsError, codeOf, notImplemented } from "../../../kernel/aws-error.ts";
import {
  applicationOf,
  applicationView,
  invalid,
  KIND,
  MAX_APPLICATIONS,
  noApplication,
  onApplication,
  PAGE,
  type Application,
  type InsightsContext,
} from "../model.ts";
import type { ApplicationInsightsModule, ApplicationSettings } from "../shapes.ts";
import { tagsFrom } from "./tags.ts";

/** What was said of an application; refuses what would have to send messages about problems that nobody finds here. */
function settingsOf(input: ApplicationSettings): Application["settings"] {
  if (input.OpsItemSNSTopicArn || input.SNSNotificationArn)
    throw notImplemented("notifications of Application Insights by SNS");
  const { OpsCenterEnabled, CWEMonitorEnabled, AutoConfigEnabled, AttachMissingPermission } = input;
  const said = { OpsCenterEnabled, CWEMonitorEnabled, AutoConfigEnabled, AttachMissingPermission };
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
}

async function checkGroup(ctx: InsightsContext, group: string): Promise<void> {
  await ctx.call("resource-groups", "GetGroup", { GroupName: group }).catch((error: unknown) => {
    if (codeOf(error) !== "NotFoundException") throw error;
    throw new AwsError("ResourceNotFoundException", `Resource group ${group} does not exist`, 400);
  });
}

export const applications = operations<ApplicationInsightsModule, any>()({
  CreateApplication: {
    permissions: onApplication("CreateApplication"),
    async run(ctx, input) {
      if (input.GroupingType !== undefined || input.AutoCreate)
        throw notImplemented("applications of Application Insights that have no resource group");
      const group = input.ResourceGroupName;
      if (!group) throw invalid("ResourceGroupName is missing.");
      const application: Application = { group, settings: settingsOf(input), tags: tagsFrom(input.Tags ?? []) };
      await checkGroup(ctx, group);
      if ((await ctx.records.count(KIND)) >= MAX_APPLICATIONS)
        throw new AwsError("ResourceInUseException", `An account has at most ${MAX_APPLICATIONS} applications.`, 400);
      if (!(await ctx.records.create(KIND, group, application)))
        throw new AwsError("ResourceInUseException", `Application already exists for resource group ${group}`, 400);
      return { ApplicationInfo: applicationView(ctx, application) };
    },
  },
  DescribeApplication: {
    permissions: onApplication("DescribeApplication"),
    run: async (ctx, input) => ({
      ApplicationInfo: applicationView(ctx, await applicationOf(ctx, String(input.ResourceGroupName))),
    }),
  },
  ListApplications: {
    permissions: () => [{ action: "applicationinsights:ListApplications", resource: "*" }],
    async run(ctx, input) {
      const limit = input.MaxResults ?? PAGE;
      const after = input.NextToken === undefined ? {} : { after: input.NextToken };
      const stored = await ctx.records.list<Application>(KIND, { ...after, limit: limit + 1 });
      const page = stored.slice(0, limit);
      return {
        ApplicationInfoList: page.map(({ value }) => applicationView(ctx, value)),
        ...(stored.length > limit ? { NextToken: page.at(-1)!.id } : {}),
      };
    },
  },
  UpdateApplication: {
    permissions: onApplication("UpdateApplication"),
    async run(ctx, input) {
      const group = String(input.ResourceGroupName);
      const said = settingsOf(input);
      const changed = await ctx.records.update<Application>(KIND, group, (before) => ({
        ...before,
        settings: { ...before.settings, ...said },
      }));
      if (!changed) throw noApplication(group);
      return { ApplicationInfo: applicationView(ctx, changed) };
    },
  },
  DeleteApplication: {
    permissions: onApplication("DeleteApplication"),
    async run(ctx, input) {
      const { group } = await applicationOf(ctx, String(input.ResourceGroupName));
      await ctx.records.write(ctx.records.remove(KIND, group));
      return {};
    },
  },
});
