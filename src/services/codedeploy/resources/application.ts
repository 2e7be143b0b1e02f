import { tagChanges } from "../../../aws/resource-tags.ts";
import type { Properties, ResourceContext, ResourceType } from "../../../aws/service.ts";
import { codeOf } from "../../../kernel/aws-error.ts";

/** Turns a template's property names into those of the API: `CanaryInterval` to `canaryInterval`, at any depth. */
function lowered(value: unknown): any {
  if (Array.isArray(value)) return value.map(lowered);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [`${key[0]!.toLowerCase()}${key.slice(1)}`, lowered(inner)]),
  );
}

async function setTags(ctx: ResourceContext, of: string, next: Properties, previous: Properties): Promise<void> {
  const ResourceArn = `arn:aws:codedeploy:${ctx.region}:${ctx.account}:${of}`;
  const { set, gone } = tagChanges(next["Tags"], previous["Tags"]);
  if (gone.length) await ctx.call("codedeploy", "UntagResource", { ResourceArn, TagKeys: gone });
  if (set.length) await ctx.call("codedeploy", "TagResource", { ResourceArn, Tags: set });
}

/** AWS::CodeDeploy::Application. */
export const codedeployApplication: ResourceType = {
  type: "AWS::CodeDeploy::Application",
  async create(ctx, properties) {
    const applicationName = String(properties["ApplicationName"] ?? ctx.physicalName({ maxLength: 100 }));
    const computePlatform = String(properties["ComputePlatform"] ?? "Server");
    try {
      await ctx.withStackTags(properties["Tags"], (tags) =>
        ctx.call("codedeploy", "CreateApplication", {
          applicationName,
          computePlatform,
          ...(tags.length ? { tags } : {}),
        }),
      );
    } catch (error) {
      if (codeOf(error) !== "ApplicationAlreadyExistsException" || !ctx.retried) throw error;
    }
    return applicationName;
  },
  update: (ctx, id, next, previous) => setTags(ctx, `application:${id}`, next, previous),
  async remove(ctx, id) {
    await ctx.call("codedeploy", "DeleteApplication", { applicationName: id });
  },
};

/** AWS::CodeDeploy::DeploymentConfig. */
export const codedeployConfig: ResourceType = {
  type: "AWS::CodeDeploy::DeploymentConfig",
  refuses: { MinimumHealthyHosts: [], ZonalConfig: [] },
  async create(ctx, properties) {
    const deploymentConfigName = String(properties["DeploymentConfigName"] ?? ctx.physicalName({ maxLength: 100 }));
    const routing = properties["TrafficRoutingConfig"];
    const input = {
      deploymentConfigName,
      computePlatform: properties["ComputePlatform"] ?? "Server",
      ...(routing ? { trafficRoutingConfig: numbers(lowered(routing)) } : {}),
    };
    try {
      await ctx.call("codedeploy", "CreateDeploymentConfig", input);
    } catch (error) {
      if (codeOf(error) !== "DeploymentConfigAlreadyExistsException" || !ctx.retried) throw error;
    }
    return deploymentConfigName;
  },
  async remove(ctx, id) {
    await ctx.call("codedeploy", "DeleteDeploymentConfig", { deploymentConfigName: id });
  },
};

/** Templates may write numbers as text. */
function numbers(routing: Record<string, any>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(routing).map(([key, value]) => [
      key,
      typeof value === "object" ? Object.fromEntries(Object.entries(value).map(([k, v]) => [k, Number(v)])) : value,
    ]),
  );
}

function groupInput(properties: Properties): Record<string, unknown> {
  const names = [
    "DeploymentConfigName",
    "ServiceRoleArn",
    "AlarmConfiguration",
    "AutoRollbackConfiguration",
    "DeploymentStyle",
    "TriggerConfigurations",
    "Ec2TagFilters",
    "OnPremisesInstanceTagFilters",
    "AutoScalingGroups",
    "LoadBalancerInfo",
    "Ec2TagSet",
    "BlueGreenDeploymentConfiguration",
  ];
  const input = lowered(
    Object.fromEntries(names.flatMap((name) => (properties[name] === undefined ? [] : [[name, properties[name]]]))),
  ) as Record<string, any>;
  for (const name of ["autoRollbackConfiguration", "alarmConfiguration"]) {
    if (typeof input[name]?.enabled === "string")
      input[name] = { ...input[name], enabled: input[name].enabled === "true" };
  }
  return input;
}

const STANDARD_CONFIGS: Readonly<Record<string, string>> = {
  Lambda: "CodeDeployDefault.LambdaAllAtOnce",
  ECS: "CodeDeployDefault.ECSAllAtOnce",
};

/** What a group deploys by where its template does not say. */
async function standardConfig(ctx: ResourceContext, id: string, { ApplicationName }: Properties): Promise<string> {
  const { deploymentGroupInfo } = await ctx.call("codedeploy", "GetDeploymentGroup", {
    applicationName: ApplicationName,
    deploymentGroupName: id,
  });
  return STANDARD_CONFIGS[String(deploymentGroupInfo?.computePlatform)] ?? "CodeDeployDefault.OneAtATime";
}

/** AWS::CodeDeploy::DeploymentGroup. Its physical id is its name; the application is among its properties. */
export const codedeployGroup: ResourceType = {
  type: "AWS::CodeDeploy::DeploymentGroup",
  refuses: {
    Deployment: [],
    ECSServices: [],
    OnPremisesTagSet: [],
    TerminationHookEnabled: [],
    OutdatedInstancesStrategy: ["UPDATE"],
  },
  async create(ctx, properties) {
    const on = {
      applicationName: String(properties["ApplicationName"]),
      deploymentGroupName: String(properties["DeploymentGroupName"] ?? ctx.physicalName({ maxLength: 100 })),
    };
    try {
      await ctx.withStackTags(properties["Tags"], (tags) =>
        ctx.call("codedeploy", "CreateDeploymentGroup", {
          ...on,
          ...groupInput(properties),
          ...(tags.length ? { tags } : {}),
        }),
      );
    } catch (error) {
      if (codeOf(error) !== "DeploymentGroupAlreadyExistsException" || !ctx.retried) throw error;
    }
    return on.deploymentGroupName;
  },
  async update(ctx, id, next, previous) {
    await ctx.call("codedeploy", "UpdateDeploymentGroup", {
      applicationName: String(next["ApplicationName"]),
      currentDeploymentGroupName: id,
      // The operation leaves what is not said as it is.
      alarmConfiguration: { enabled: false, alarms: [] },
      autoRollbackConfiguration: { enabled: false, events: [] },
      triggerConfigurations: [],
      ...(previous["DeploymentConfigName"] === undefined
        ? {}
        : { deploymentConfigName: await standardConfig(ctx, id, next) }),
      ...groupInput(next),
    });
    await setTags(ctx, `deploymentgroup:${next["ApplicationName"]}/${id}`, next, previous);
  },
  async remove(ctx, id, properties) {
    await ctx.call("codedeploy", "DeleteDeploymentGroup", {
      applicationName: String(properties["ApplicationName"]),
      deploymentGroupName: id,
    });
  },
};
