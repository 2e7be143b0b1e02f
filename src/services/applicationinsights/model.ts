import type { Context } from "../../aws/context.ts";
import type { Permission } from "../../aws/service.ts";
import { arn, parseArn } from "../../kernel/arn.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import type { ApplicationSettings } from "./shapes.ts";

/** An application as it is stored: what somebody wants to have monitored, not what is. */
export interface Application {
  readonly group: string;
  readonly settings: Omit<ApplicationSettings, "ResourceGroupName">;
  readonly tags: Readonly<Record<string, string>>;
}

export type InsightsContext = Context<any>;
type Place = Pick<InsightsContext, "account" | "region">;

export const KIND = "application";
export const MAX_APPLICATIONS = 100;
export const MAX_TAGS = 200;
export const PAGE = 40;

/** Nobody shall take what is kept here for what watches over the application. */
const REMARKS =
  "Starling keeps the application, but monitors nothing for it yet: no components are configured, no alarms are made and no problems are detected.";

export const invalid = (message: string): AwsError => new AwsError("ValidationException", message, 400);

/** The ARN of the application of a resource group. */
export const applicationArn = (place: Place, group: string): string =>
  arn("applicationinsights", place.region, place.account, `application/resource-group/${group}`);

export const noApplication = (group: string): AwsError =>
  new AwsError("ResourceNotFoundException", `Application not found for resource group ${group}`, 400);

/** The resource group whose application an ARN names. */
export function groupOfArn(ctx: Place, text: string): string {
  const { service, region, account, resource } = parseArn(text) ?? {};
  const [, group] = /^application\/resource-group\/(.+)$/.exec(resource ?? "") ?? [];
  if (service !== "applicationinsights" || region !== ctx.region || account !== ctx.account || !group)
    throw invalid(`${text} is no ARN of an application of this account and region.`);
  return group;
}

export async function applicationOf(ctx: InsightsContext, group: string): Promise<Application> {
  const stored = await ctx.records.get<Application>(KIND, group);
  if (!stored) throw noApplication(group);
  return stored.value;
}

export const applicationView = (ctx: Place, { group, settings }: Application) => ({
  AccountId: ctx.account,
  ResourceGroupName: group,
  LifeCycle: "NOT_CONFIGURED",
  OpsCenterEnabled: false,
  CWEMonitorEnabled: false,
  AutoConfigEnabled: false,
  AttachMissingPermission: false,
  ...settings,
  Remarks: REMARKS,
  DiscoveryType: "RESOURCE_GROUP_BASED",
});

/** The permission for an operation on the application of a resource group. */
export const onApplication =
  (action: string) =>
  (input: { ResourceGroupName?: string | undefined }, ctx: InsightsContext): readonly Permission[] => [
    { action: `applicationinsights:${action}`, resource: applicationArn(ctx, String(input.ResourceGroupName)) },
  ];
