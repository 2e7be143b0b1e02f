import type * as CodeDeploy from "@aws-sdk/client-codedeploy";
import type { Context } from "../../aws/context.ts";
import type { Permission } from "../../aws/service.ts";
import { arn } from "../../kernel/arn.ts";
import { AwsError } from "../../kernel/aws-error.ts";

export interface Application {
  readonly id: string;
  readonly name: string;
  readonly platform: "Lambda";
  readonly created: number;
  readonly tags: Readonly<Record<string, string>>;
}

export interface Group {
  readonly id: string;
  readonly application: string;
  readonly name: string;
  readonly config: string;
  readonly roleArn: string;
  readonly style?: CodeDeploy.DeploymentStyle;
  readonly rollback?: CodeDeploy.AutoRollbackConfiguration;
  readonly alarms?: CodeDeploy.AlarmConfiguration;
  readonly triggers?: readonly CodeDeploy.TriggerConfig[];
  readonly tags: Readonly<Record<string, string>>;
  /** The deployment that is under way: there is one at a time. */
  readonly active?: string;
  readonly lastAttempted?: string;
  readonly lastSuccessful?: string;
}

/** How traffic moves to the new version. */
export type Traffic =
  | { readonly type: "AllAtOnce" }
  | { readonly type: "TimeBasedCanary" | "TimeBasedLinear"; readonly percentage: number; readonly minutes: number };

export interface Config {
  readonly name: string;
  readonly id: string;
  readonly platform: "Lambda";
  readonly traffic: Traffic;
  readonly created: number;
}

/** What an AppSpec asks for. */
export interface LambdaShift {
  readonly functionName: string;
  readonly alias: string;
  readonly currentVersion: string;
  readonly targetVersion: string;
  readonly beforeHook?: string;
  readonly afterHook?: string;
}

export type HookName = "BeforeAllowTraffic" | "AfterAllowTraffic";

/** One lifecycle event of a deployment. */
export interface Lifecycle {
  readonly name: HookName | "AllowTraffic";
  readonly status: CodeDeploy.LifecycleEventStatus;
  readonly start?: number;
  readonly end?: number;
  /** What the hook's function must name to say how it went. */
  readonly executionId?: string;
  readonly message?: string;
}

export interface Deployment {
  readonly id: string;
  readonly application: string;
  readonly group: string;
  readonly config: string;
  readonly traffic: Traffic;
  readonly roleArn: string;
  readonly revision: CodeDeploy.RevisionLocation;
  readonly shift: LambdaShift;
  readonly status: "Created" | "InProgress" | "Succeeded" | "Failed" | "Stopped";
  readonly description?: string;
  readonly creator: "user" | "codeDeployRollback" | "CloudFormation";
  /** Events on which it rolls back. */
  readonly rollbackOn: readonly string[];
  /** Alarms that stop it. */
  readonly alarms?: { readonly names: readonly string[]; readonly ignoreFailure: boolean };
  /** The deployment that this one takes back. */
  readonly rollbackOf?: string;
  readonly rolledBackBy?: string;
  readonly events: readonly Lifecycle[];
  /** Share of the traffic that the new version has, 0 to 100. */
  readonly weight: number;
  readonly created: number;
  readonly started?: number;
  readonly completed?: number;
  readonly error?: { readonly code: CodeDeploy.ErrorCode; readonly message: string };
  /** Counts the steps: a message of an earlier one is void. */
  readonly step: number;
}

export const isDone = (d: Deployment): boolean =>
  d.status === "Succeeded" || d.status === "Failed" || d.status === "Stopped";

type Place = Pick<Context<any>, "account" | "region">;
export const applicationArn = (p: Place, name: string): string =>
  arn("codedeploy", p.region, p.account, `application:${name}`);
export const groupArn = (p: Place, app: string, group: string): string =>
  arn("codedeploy", p.region, p.account, `deploymentgroup:${app}/${group}`);
export const configArn = (p: Place, name: string): string =>
  arn("codedeploy", p.region, p.account, `deploymentconfig:${name}`);
/** Names may hold anything: encoded, application and group never run together. */
export const groupId = (app: string, group: string): string =>
  `${encodeURIComponent(app)}/${encodeURIComponent(group)}`;

export const bad = (code: string, message: string): AwsError => new AwsError(code, message, 400);
export const noApplication = (name: string): AwsError =>
  bad("ApplicationDoesNotExistException", `No application found for name: ${name}`);
export const noGroup = (name: string): AwsError =>
  bad("DeploymentGroupDoesNotExistException", `No Deployment Group found for name: ${name}`);
export const noConfig = (name: string): AwsError =>
  bad("DeploymentConfigDoesNotExistException", `No Deployment Configuration found for name: ${name}`);
export const noDeployment = (id: string): AwsError =>
  bad("DeploymentDoesNotExistException", `The deployment ${id} could not be found`);

export const onApplication =
  (action: string) =>
  (input: any, ctx: Context<any>): Permission[] => [
    { action: `codedeploy:${action}`, resource: applicationArn(ctx, String(input.applicationName)) },
  ];
export const onGroup =
  (action: string) =>
  (input: any, ctx: Context<any>): Permission[] => [
    {
      action: `codedeploy:${action}`,
      resource: groupArn(
        ctx,
        String(input.applicationName),
        String(input.deploymentGroupName ?? input.currentDeploymentGroupName ?? "*"),
      ),
    },
  ];
/** The permission on the group of the deployment that the input names. */
export const onDeployment =
  (action: string) =>
  async (input: any, ctx: Context<any>): Promise<Permission[]> => {
    const stored = await ctx.records.get<Deployment>("deployment", String(input.deploymentId));
    return [
      {
        action: `codedeploy:${action}`,
        resource: stored ? groupArn(ctx, stored.value.application, stored.value.group) : groupArn(ctx, "*", "*"),
      },
    ];
  };

export async function existingApplication(ctx: Context<any>, name: string | undefined): Promise<Application> {
  if (!name) throw bad("ApplicationNameRequiredException", "Application name is required");
  const stored = await ctx.records.get<Application>("application", name);
  if (!stored) throw noApplication(name);
  return stored.value;
}

export async function existingGroup(
  ctx: Context<any>,
  app: string | undefined,
  name: string | undefined,
): Promise<{ value: Group; rev: number }> {
  await existingApplication(ctx, app);
  if (!name) throw bad("DeploymentGroupNameRequiredException", "Deployment Group name is required");
  const stored = await ctx.records.get<Group>("group", groupId(app!, name));
  if (!stored) throw noGroup(name);
  return stored;
}

export async function existingDeployment(
  ctx: Context<any>,
  id: string | undefined,
): Promise<{ value: Deployment; rev: number }> {
  if (!id) throw bad("DeploymentIdRequiredException", "Deployment ID is required");
  const stored = await ctx.records.get<Deployment>("deployment", id);
  if (!stored) throw noDeployment(id);
  return stored;
}

/** One page of what was listed; the token is the place of the next item. */
export function pageOf<T>(
  all: readonly T[],
  token: string | undefined,
  limit: number,
): { items: T[]; nextToken?: string } {
  const start = token === undefined ? 0 : Number(token);
  if (!Number.isSafeInteger(start) || start < 0)
    throw bad("InvalidNextTokenException", "The next token was specified in an invalid format.");
  return {
    items: all.slice(start, start + limit),
    ...(start + limit < all.length ? { nextToken: String(start + limit) } : {}),
  };
}
