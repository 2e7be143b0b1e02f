import type * as CodeDeploy from "@aws-sdk/client-codedeploy";
import { operations } from "../../../aws/service.ts";
import { notImplemented } from "../../../kernel/aws-error.ts";
import { findConfig, PREDEFINED } from "../configs.ts";
import { MAX_CONFIGS, PAGE } from "../limits.ts";
import { bad, configArn, pageOf, type Config, type Group, type Traffic } from "../model.ts";

const onConfig =
  (action: string) => (input: { deploymentConfigName?: string | undefined }, ctx: Parameters<typeof configArn>[0]) => [
    { action: `codedeploy:${action}`, resource: configArn(ctx, String(input.deploymentConfigName)) },
  ];

export const configs = operations<typeof CodeDeploy, any>()({
  CreateDeploymentConfig: {
    permissions: onConfig("CreateDeploymentConfig"),
    async run(ctx, input) {
      const name = input.deploymentConfigName!;
      if (name.startsWith("CodeDeployDefault."))
        throw bad(
          "InvalidDeploymentConfigNameException",
          "The deployment configuration name must not begin with CodeDeployDefault.",
        );
      if ((input.computePlatform ?? "Server") !== "Lambda")
        throw notImplemented("deployment configurations of other compute platforms than Lambda");
      if ((await ctx.records.count("config")) >= MAX_CONFIGS)
        throw bad("DeploymentConfigLimitExceededException", "The deployment configurations limit was exceeded.");
      const config: Config = {
        name,
        id: ctx.platform.ids.uuid(),
        platform: "Lambda",
        traffic: trafficOf(input.trafficRoutingConfig as CodeDeploy.TrafficRoutingConfig | undefined),
        created: ctx.now(),
      };
      if (!(await ctx.records.create("config", name, config)))
        throw bad("DeploymentConfigAlreadyExistsException", `Deployment configuration already exists: ${name}`);
      return { deploymentConfigId: config.id };
    },
  },
  GetDeploymentConfig: {
    permissions: onConfig("GetDeploymentConfig"),
    run: async (ctx, input) => ({
      deploymentConfigInfo: view(await findConfig(ctx, String(input.deploymentConfigName))),
    }),
  },
  ListDeploymentConfigs: {
    permissions: (_input, ctx) => [{ action: "codedeploy:ListDeploymentConfigs", resource: configArn(ctx, "*") }],
    async run(ctx, input) {
      const own = (await ctx.records.list<Config>("config")).map((c) => c.value);
      const { items, nextToken } = pageOf([...PREDEFINED, ...own], input.nextToken, PAGE);
      return { deploymentConfigsList: items.map((c) => c.name), ...(nextToken ? { nextToken } : {}) };
    },
  },
  DeleteDeploymentConfig: {
    permissions: onConfig("DeleteDeploymentConfig"),
    async run(ctx, input) {
      const name = String(input.deploymentConfigName);
      if (PREDEFINED.some((c) => c.name === name))
        throw bad("InvalidOperationException", "A predefined deployment configuration cannot be deleted.");
      const groups = await ctx.records.list<Group>("group");
      if (groups.some((g) => g.value.config === name))
        throw bad("DeploymentConfigInUseException", `The deployment configuration ${name} is still in use.`);
      await ctx.records.write(ctx.records.remove("config", name));
      return {};
    },
  },
});

function trafficOf(given: CodeDeploy.TrafficRoutingConfig | undefined): Traffic {
  const invalid = (why: string) =>
    bad("InvalidTrafficRoutingConfigurationException", `The traffic routing configuration is not valid: ${why}`);
  const type = given?.type ?? "AllAtOnce";
  if (type === "AllAtOnce") return { type };
  const canary = given?.timeBasedCanary;
  const linear = given?.timeBasedLinear;
  const [percentage, minutes] =
    type === "TimeBasedCanary"
      ? [canary?.canaryPercentage, canary?.canaryInterval]
      : [linear?.linearPercentage, linear?.linearInterval];
  if (!percentage || percentage < 1 || percentage > 99) throw invalid("the percentage must be from 1 to 99.");
  if (!minutes || minutes < 1 || minutes > 2_880) throw invalid("the interval must be from 1 to 2880 minutes.");
  return { type, percentage, minutes };
}

function view(c: Config) {
  const { traffic } = c;
  const routing =
    traffic.type === "TimeBasedCanary"
      ? { timeBasedCanary: { canaryPercentage: traffic.percentage, canaryInterval: traffic.minutes } }
      : traffic.type === "TimeBasedLinear"
        ? { timeBasedLinear: { linearPercentage: traffic.percentage, linearInterval: traffic.minutes } }
        : {};
  return {
    deploymentConfigId: c.id,
    deploymentConfigName: c.name,
    computePlatform: c.platform,
    createTime: new Date(c.created),
    trafficRoutingConfig: { type: traffic.type, ...routing },
  };
}
