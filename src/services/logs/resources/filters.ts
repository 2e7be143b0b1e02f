import type { Properties, ResourceContext, ResourceType } from "../../../aws/service.ts";
import { ignoring, messageOf } from "../../../kernel/aws-error.ts";

const group = (properties: Properties): string => String(properties["LogGroupName"]);

const ignoreMissing = ignoring("ResourceNotFoundException");

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

const subscriptionInput = (filterName: string, properties: Properties) => ({
  filterName,
  logGroupName: group(properties),
  filterPattern: String(properties["FilterPattern"]),
  destinationArn: properties["DestinationArn"],
  ...(properties["RoleArn"] ? { roleArn: properties["RoleArn"] } : {}),
  ...(properties["Distribution"] ? { distribution: properties["Distribution"] } : {}),
});

/** Pauses between tries, in milliseconds. */
const PAUSES = [100, 200, 400, 800, 1600];

/**
 * Templates seldom say that a filter depends on the permission by which it may call its function: both are made side by
 * side, so a function that does not let itself be called yet is asked a few times more.
 */
async function patiently(ctx: ResourceContext, put: () => Promise<unknown>): Promise<void> {
  for (const pause of PAUSES) {
    try {
      await put();
      return;
    } catch (error) {
      if (!messageOf(error).startsWith("Could not execute the lambda function")) throw error;
      await ctx.platform.clock.sleep(pause, ctx.signal);
    }
  }
  await put();
}

/** A filter of a group: the operations of both kinds differ by their names and what they put. */
function filterType(
  kind: "Metric" | "Subscription",
  inputOf: typeof metricInput | typeof subscriptionInput,
): ResourceType {
  const put = (ctx: ResourceContext, name: string, properties: Properties) =>
    patiently(ctx, () => ctx.call("logs", `Put${kind}Filter` as "PutMetricFilter", inputOf(name, properties)));
  return {
    type: `AWS::Logs::${kind}Filter`,
    refuses: {
      ApplyOnTransformedLogs: [],
      EmitSystemFieldDimensions: [],
      EmitSystemFields: [],
      FieldSelectionCriteria: [],
    },
    async create(ctx, properties) {
      const name = String(properties["FilterName"] ?? ctx.physicalName({ maxLength: 512 }));
      await put(ctx, name, properties);
      return name;
    },
    async update(ctx, id, next) {
      await put(ctx, id, next);
    },
    async remove(ctx, id, properties) {
      const input = { logGroupName: group(properties), filterName: id };
      await ctx.call("logs", `Delete${kind}Filter` as "DeleteMetricFilter", input).catch(ignoreMissing);
    },
  };
}

export const metricFilter = filterType("Metric", metricInput);
export const subscriptionFilter = filterType("Subscription", subscriptionInput);
