import type * as CodeDeploy from "@aws-sdk/client-codedeploy";
import type { Context } from "../../../aws/context.ts";
import { operations, passRole } from "../../../aws/service.ts";
import { notImplemented } from "../../../kernel/aws-error.ts";
import { GuardFailed } from "../../../ports/database.ts";
import { DEFAULT_CONFIG, findConfig } from "../configs.ts";
import { MAX_GROUPS, PAGE } from "../limits.ts";
import {
  bad,
  existingApplication,
  existingGroup,
  groupArn,
  groupId,
  onApplication,
  onGroup,
  pageOf,
  type Deployment,
  type Group,
} from "../model.ts";
import { checkAlarmConfig } from "../alarms.ts";
import { tagsFrom } from "./tags.ts";

const ROLLBACK_EVENTS = ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"];
const SERVERS = [
  "ec2TagFilters",
  "onPremisesInstanceTagFilters",
  "autoScalingGroups",
  "blueGreenDeploymentConfiguration",
  "loadBalancerInfo",
  "ec2TagSet",
  "ecsServices",
  "onPremisesTagSet",
];

export const groups = operations<typeof CodeDeploy, any>()({
  CreateDeploymentGroup: {
    permissions: (input, ctx) => [
      ...onGroup("CreateDeploymentGroup")(input, ctx),
      ...passRole(input.serviceRoleArn, "codedeploy.amazonaws.com"),
    ],
    async run(ctx, input) {
      await existingApplication(ctx, input.applicationName);
      const [application, name] = [input.applicationName!, input.deploymentGroupName!];
      if (!input.serviceRoleArn) throw bad("RoleRequiredException", "The role ID was not specified.");
      checkSettings(input);
      const config = await findConfig(ctx, input.deploymentConfigName ?? DEFAULT_CONFIG);
      if ((await ctx.records.count("group", `${encodeURIComponent(application)}/`)) >= MAX_GROUPS)
        throw bad("DeploymentGroupLimitExceededException", "The deployment groups limit was exceeded.");
      const group: Group = {
        id: ctx.platform.ids.uuid(),
        application,
        name,
        config: config.name,
        roleArn: input.serviceRoleArn,
        ...settings(input),
        tags: tagsFrom(input.tags ?? []),
      };
      if (!(await ctx.records.create("group", groupId(application, name), group)))
        throw bad("DeploymentGroupAlreadyExistsException", `Deployment group already exists: ${name}`);
      return { deploymentGroupId: group.id };
    },
  },
  GetDeploymentGroup: {
    permissions: onGroup("GetDeploymentGroup"),
    run: async (ctx, input) => ({
      deploymentGroupInfo: await view(
        ctx,
        (await existingGroup(ctx, input.applicationName, input.deploymentGroupName)).value,
      ),
    }),
  },
  BatchGetDeploymentGroups: {
    permissions: (input, ctx) =>
      (input.deploymentGroupNames ?? []).map((name) => ({
        action: "codedeploy:BatchGetDeploymentGroups",
        resource: groupArn(ctx, String(input.applicationName), String(name)),
      })),
    async run(ctx, input) {
      const found = (input.deploymentGroupNames ?? []).map(async (name) =>
        view(ctx, (await existingGroup(ctx, input.applicationName, String(name))).value),
      );
      return { deploymentGroupsInfo: await Promise.all(found) };
    },
  },
  ListDeploymentGroups: {
    permissions: onApplication("ListDeploymentGroups"),
    async run(ctx, input) {
      const { name } = await existingApplication(ctx, input.applicationName);
      const { items, nextToken } = pageOf(
        await ctx.records.list<Group>("group", { prefix: `${encodeURIComponent(name)}/` }),
        input.nextToken,
        PAGE,
      );
      return {
        applicationName: name,
        deploymentGroups: items.map((g) => g.value.name),
        ...(nextToken ? { nextToken } : {}),
      };
    },
  },
  UpdateDeploymentGroup: {
    permissions: (input, ctx) => [
      ...onGroup("UpdateDeploymentGroup")(input, ctx),
      ...passRole(input.serviceRoleArn, "codedeploy.amazonaws.com"),
    ],
    async run(ctx, input) {
      const { value: before, rev } = await existingGroup(ctx, input.applicationName, input.currentDeploymentGroupName);
      checkSettings(input);
      const config = await findConfig(ctx, input.deploymentConfigName ?? before.config);
      const name = input.newDeploymentGroupName ?? before.name;
      const group: Group = {
        ...before,
        name,
        config: config.name,
        roleArn: input.serviceRoleArn ?? before.roleArn,
        ...settings(input),
      };
      const id = groupId(before.application, before.name);
      const next = groupId(before.application, name);
      const batch =
        next === id
          ? [ctx.records.put("group", id, group, rev)]
          : [ctx.records.put("group", next, group, 0), ctx.records.remove("group", id, rev)];
      if (next !== id && before.active)
        throw bad(
          "InvalidOperationException",
          `The deployment group ${before.name} has a deployment that is under way.`,
        );
      await ctx.records.write(batch).catch((error: unknown) => {
        if (!(error instanceof GuardFailed)) throw error;
        throw next !== id && error.index === 0
          ? bad("DeploymentGroupAlreadyExistsException", `Deployment group already exists: ${name}`)
          : bad("ThrottlingException", "The deployment group is being changed by others: try again.");
      });
      return { hooksNotCleanedUp: [] };
    },
  },
  DeleteDeploymentGroup: {
    permissions: onGroup("DeleteDeploymentGroup"),
    async run(ctx, input) {
      const stored = await ctx.records.get<Group>(
        "group",
        groupId(String(input.applicationName), String(input.deploymentGroupName)),
      );
      if (stored?.value.active)
        throw bad(
          "InvalidOperationException",
          `The deployment group ${stored.value.name} has a deployment that is under way.`,
        );
      if (stored) await ctx.records.write(ctx.records.remove("group", stored.id));
      return { hooksNotCleanedUp: [] };
    },
  },
});

type Input = {
  readonly [
    K in "alarmConfiguration" | "autoRollbackConfiguration" | "deploymentStyle" | "triggerConfigurations"
  ]?: any;
};

/** What Starling cannot do is refused, so that nobody relies on it. */
function checkSettings(input: Input): void {
  const server = SERVERS.find((name) => {
    const value = (input as Record<string, unknown>)[name];
    return Array.isArray(value) ? value.length > 0 : value !== undefined;
  });
  if (server)
    throw bad("InvalidDeploymentGroupNameException", `For Lambda deployment groups, ${server} can not be specified.`);
  checkAlarmConfig(input.alarmConfiguration);
  if (input.triggerConfigurations?.length)
    throw notImplemented("triggers of deployment groups: use an EventBridge rule");
  const style = input.deploymentStyle as CodeDeploy.DeploymentStyle | undefined;
  if (style && (style.deploymentType !== "BLUE_GREEN" || style.deploymentOption !== "WITH_TRAFFIC_CONTROL")) {
    throw bad(
      "InvalidDeploymentStyleException",
      "For Lambda deployment group, the deployment type must be BLUE_GREEN and the deployment option WITH_TRAFFIC_CONTROL.",
    );
  }
  const unknown = (input.autoRollbackConfiguration?.events as string[] | undefined)?.find(
    (event) => !ROLLBACK_EVENTS.includes(event),
  );
  if (unknown)
    throw bad("InvalidAutoRollbackConfigException", `${unknown} is not an event on which a deployment rolls back.`);
}

function settings(input: Input): Pick<Group, "style" | "rollback" | "alarms"> {
  return {
    ...(input.deploymentStyle ? { style: input.deploymentStyle } : {}),
    ...(input.autoRollbackConfiguration ? { rollback: input.autoRollbackConfiguration } : {}),
    ...(input.alarmConfiguration ? { alarms: input.alarmConfiguration } : {}),
  };
}

async function view(ctx: Context<any>, g: Group) {
  const last = async (id: string | undefined) => {
    const d = id && (await ctx.records.get<Deployment>("deployment", id))?.value;
    return d
      ? {
          deploymentId: d.id,
          status: d.status,
          createTime: new Date(d.created),
          ...(d.completed ? { endTime: new Date(d.completed) } : {}),
          revision: d.revision,
        }
      : undefined;
  };
  const [attempted, successful] = await Promise.all([last(g.lastAttempted), last(g.lastSuccessful)]);
  const short = (d: NonNullable<typeof attempted>) => ({
    deploymentId: d.deploymentId,
    status: d.status,
    createTime: d.createTime,
    ...(d.endTime ? { endTime: d.endTime } : {}),
  });
  return {
    applicationName: g.application,
    deploymentGroupId: g.id,
    deploymentGroupName: g.name,
    deploymentConfigName: g.config,
    serviceRoleArn: g.roleArn,
    computePlatform: "Lambda" as const,
    deploymentStyle: g.style ?? {
      deploymentType: "BLUE_GREEN" as const,
      deploymentOption: "WITH_TRAFFIC_CONTROL" as const,
    },
    autoRollbackConfiguration: g.rollback ?? { enabled: false, events: [] },
    alarmConfiguration: { enabled: false, ignorePollAlarmFailure: false, alarms: [], ...g.alarms },
    triggerConfigurations: [],
    ...(successful ? { targetRevision: successful.revision, lastSuccessfulDeployment: short(successful) } : {}),
    ...(attempted ? { lastAttemptedDeployment: short(attempted) } : {}),
  };
}
