import type { Properties, ResourceContext, ResourceType } from "../../../aws/service.ts";
import { codeOf } from "../../../kernel/aws-error.ts";

const group = (properties: Properties): string => String(properties["LogGroupName"]);

const ignoreMissing = (error: unknown): void => {
  if (codeOf(error) !== "ResourceNotFoundException") throw error;
};

const metricInput = (filterName: string, properties: Properties) => ({
  filterName,
  logGroupName: group(properties),
  filterPattern: String(properties["FilterPattern"]),
  metricTransformations: (properties["MetricTransformations"] as Properties[]).map((t) => ({
    metricName: t["MetricName"],
    metricNamespace: t["MetricNamespace"],
    metricValue: String(t["MetricValue"]),
    ...(t["DefaultValue"] === undefined ? {} : { defaultValue: Number(t["DefaultValue"]) }),
    ...(t["Unit"] ? { unit: t["Unit"] } : {}),
    ...(t["Dimensions"]
      ? { dimensions: Object.fromEntries((t["Dimensions"] as Properties[]).map((d) => [d["Key"], d["Value"]])) }
      : {}),
  })),
});

/** AWS::Logs::MetricFilter. */
export const metricFilter: ResourceType = {
  type: "AWS::Logs::MetricFilter",
  async create(ctx: ResourceContext, properties) {
    const name = String(properties["FilterName"] ?? ctx.physicalName({ maxLength: 512 }));
    await ctx.call("logs", "PutMetricFilter", metricInput(name, properties));
    return name;
  },
  async update(ctx, id, next) {
    await ctx.call("logs", "PutMetricFilter", metricInput(id, next));
  },
  async remove(ctx, id, properties) {
    const input = { logGroupName: group(properties), filterName: id };
    await ctx.call("logs", "DeleteMetricFilter", input).catch(ignoreMissing);
  },
};

const subscriptionInput = (filterName: string, properties: Properties) => ({
  filterName,
  logGroupName: group(properties),
  filterPattern: String(properties["FilterPattern"]),
  destinationArn: properties["DestinationArn"],
  ...(properties["RoleArn"] ? { roleArn: properties["RoleArn"] } : {}),
  ...(properties["Distribution"] ? { distribution: properties["Distribution"] } : {}),
});

/** AWS::Logs::SubscriptionFilter. */
export const subscriptionFilter: ResourceType = {
  type: "AWS::Logs::SubscriptionFilter",
  async create(ctx: ResourceContext, properties) {
    const name = String(properties["FilterName"] ?? ctx.physicalName({ maxLength: 512 }));
    await ctx.call("logs", "PutSubscriptionFilter", subscriptionInput(name, properties));
    return name;
  },
  async update(ctx, id, next) {
    await ctx.call("logs", "PutSubscriptionFilter", subscriptionInput(id, next));
  },
  async remove(ctx, id, properties) {
    const input = { logGroupName: group(properties), filterName: id };
    await ctx.call("logs", "DeleteSubscriptionFilter", input).catch(ignoreMissing);
  },
};
