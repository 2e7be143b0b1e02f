import { tagChanges, tagMap } from "../../../aws/resource-tags.ts";
import type { Properties, ResourceContext, ResourceType, Tag } from "../../../aws/service.ts";
import { codeOf } from "../../../kernel/aws-error.ts";

const NUMBERS = [
  "BatchSize",
  "MaximumBatchingWindowInSeconds",
  "MaximumRecordAgeInSeconds",
  "MaximumRetryAttempts",
  "ParallelizationFactor",
  "TumblingWindowInSeconds",
];
const FLAGS = ["BisectBatchOnFunctionError", "Enabled"];
const PASSED = [
  "DestinationConfig",
  "FilterCriteria",
  "FunctionName",
  "FunctionResponseTypes",
  "MetricsConfig",
  "ProvisionedPollerConfig",
  "Queues",
  "SourceAccessConfigurations",
  "Topics",
];
/** What a setting has where the template no longer says anything of it. */
const STANDARD: Readonly<Record<string, unknown>> = {
  Enabled: true,
  BatchSize: 10,
  MaximumBatchingWindowInSeconds: 0,
  FilterCriteria: {},
  FunctionResponseTypes: [],
  ScalingConfig: {},
  MetricsConfig: {},
};

function inputOf(properties: Properties): Record<string, unknown> {
  const given = (names: readonly string[], of: (value: unknown) => unknown): [string, unknown][] =>
    names.filter((name) => properties[name] !== undefined).map((name) => [name, of(properties[name])]);
  const most = properties["ScalingConfig"]?.MaximumConcurrency;
  return {
    ...Object.fromEntries([
      ...given(NUMBERS, Number),
      ...given(FLAGS, (value) => String(value) === "true"),
      ...given(PASSED, (value) => value),
    ]),
    ...(most === undefined ? {} : { ScalingConfig: { MaximumConcurrency: Number(most) } }),
    ...(properties["KmsKeyArn"] === undefined ? {} : { KMSKeyArn: properties["KmsKeyArn"] }),
    ...(properties["StartingPosition"] === undefined ? {} : { StartingPosition: properties["StartingPosition"] }),
    ...(properties["SelfManagedEventSource"] === undefined
      ? {}
      : { SelfManagedEventSource: properties["SelfManagedEventSource"] }),
  };
}

/** The mapping that an earlier try of this step has made. */
async function made(ctx: ResourceContext, { FunctionName, EventSourceArn }: Properties): Promise<string | undefined> {
  if (!ctx.retried) return undefined;
  const { EventSourceMappings } = await ctx.call("lambda", "ListEventSourceMappings", { FunctionName, EventSourceArn });
  return EventSourceMappings?.[0]?.UUID;
}

/** AWS::Lambda::EventSourceMapping; `Ref` is its UUID. */
export const lambdaEventSourceMapping: ResourceType = {
  type: "AWS::Lambda::EventSourceMapping",
  refuses: {
    AmazonManagedKafkaEventSourceConfig: [],
    DocumentDBEventSourceConfig: [],
    LoggingConfig: [],
    SelfManagedKafkaEventSourceConfig: [],
    StartingPositionTimestamp: [],
  },
  async create(ctx, properties) {
    const before = await made(ctx, properties);
    if (before) return before;
    const { EventSourceArn, Tags } = properties;
    const { UUID } = await ctx.withStackTags(Tags as Tag[] | undefined, (all) =>
      ctx.call("lambda", "CreateEventSourceMapping", {
        ...inputOf(properties),
        EventSourceArn,
        ...(all.length ? { Tags: tagMap(all) } : {}),
      }),
    );
    return String(UUID);
  },
  async update(ctx, id, next, previous) {
    const wanted = inputOf(next);
    const dropped = Object.keys(inputOf(previous)).filter((name) => !(name in wanted) && name in STANDARD);
    const reset = Object.fromEntries(dropped.map((name) => [name, STANDARD[name]]));
    await ctx.call("lambda", "UpdateEventSourceMapping", { UUID: id, ...reset, ...wanted });
    const { set, gone } = tagChanges(next["Tags"], previous["Tags"]);
    const Resource = arnOf(ctx, id);
    if (gone.length) await ctx.call("lambda", "UntagResource", { Resource, TagKeys: gone });
    if (set.length) await ctx.call("lambda", "TagResource", { Resource, Tags: tagMap(set) });
  },
  async remove(ctx, id) {
    await ctx.call("lambda", "DeleteEventSourceMapping", { UUID: id }).catch((error: unknown) => {
      if (codeOf(error) !== "ResourceNotFoundException") throw error;
    });
  },
  attributes: async (ctx, id) => ({
    Id: id,
    EventSourceMappingArn: arnOf(ctx, id),
  }),
};

const arnOf = (ctx: ResourceContext, id: string): string =>
  `arn:aws:lambda:${ctx.region}:${ctx.account}:event-source-mapping:${id}`;
