import type * as Lambda from "@aws-sdk/client-lambda";
import { compileEventPattern } from "../../../engines/event-pattern/index.ts";
import { codeOf, notImplemented } from "../../../kernel/aws-error.ts";
import { MAX_FILTERS } from "../limits.ts";
import { invalidParameter, parseName, type FunctionRecord } from "../model.ts";
import { versionOf } from "../store.ts";
import type { Ctx, Mapping } from "./mapping.ts";
import { sourceOf } from "./sources.ts";

/** What may be said of a mapping, as the SDK types it. */
export type MappingInput = Partial<Omit<Lambda.CreateEventSourceMappingRequest, "EventSourceArn">>;

/** Members that mean something for streams only. */
const STREAM_ONLY = [
  "BisectBatchOnFunctionError",
  "DestinationConfig",
  "MaximumRecordAgeInSeconds",
  "MaximumRetryAttempts",
  "ParallelizationFactor",
  "StartingPosition",
  "StartingPositionTimestamp",
  "TumblingWindowInSeconds",
] as const;
/** Members of other kinds of sources. */
const FOREIGN = [
  "AmazonManagedKafkaEventSourceConfig",
  "DocumentDBEventSourceConfig",
  "Queues",
  "SelfManagedKafkaEventSourceConfig",
  "SourceAccessConfigurations",
  "Topics",
] as const;

/** The mapping that an input makes of `before`; throws for what Lambda refuses. */
export async function mappingSettings(
  ctx: Ctx,
  before: Pick<Mapping, "uuid" | "source"> & Partial<Mapping>,
  input: MappingInput,
): Promise<Mapping> {
  refuseUnsupported(input);
  const kind = sourceOf(before.source);
  const batchSize = input.BatchSize ?? before.batchSize ?? kind.batchSize;
  const windowSeconds = input.MaximumBatchingWindowInSeconds ?? before.windowSeconds ?? 0;
  const concurrency = input.ScalingConfig ? input.ScalingConfig.MaximumConcurrency : before.maximumConcurrency;
  const named = input.FunctionName === undefined ? undefined : parseName(input.FunctionName);
  const mapping: Mapping = {
    uuid: before.uuid,
    source: before.source,
    functionName: named?.name ?? before.functionName ?? "",
    ...withQualifier(named ? named.qualifier : before.qualifier),
    enabled: input.Enabled ?? before.enabled ?? true,
    batchSize,
    windowSeconds,
    filters: input.FilterCriteria ? filtersOf(input.FilterCriteria) : (before.filters ?? []),
    responseTypes: input.FunctionResponseTypes ?? before.responseTypes ?? [],
    ...(concurrency === undefined ? {} : { maximumConcurrency: concurrency }),
    countsEvents: input.MetricsConfig
      ? (input.MetricsConfig.Metrics ?? []).includes("EventCount")
      : (before.countsEvents ?? false),
    ...(before.tags ? { tags: before.tags } : {}),
    modified: ctx.now(),
  };
  await kind.check(ctx, mapping, await functionOf(ctx, mapping));
  return mapping;
}

const withQualifier = (qualifier: string | undefined): { qualifier?: string } =>
  qualifier === undefined ? {} : { qualifier };

/** The version that the mapping calls just now. */
async function functionOf(ctx: Ctx, { functionName, qualifier }: Mapping): Promise<FunctionRecord> {
  return versionOf(ctx, functionName, qualifier).catch((error: unknown) => {
    if (codeOf(error) !== "ResourceNotFoundException") throw error;
    throw invalidParameter("Function does not exist");
  });
}

function refuseUnsupported(input: MappingInput): void {
  for (const name of [...STREAM_ONLY, ...FOREIGN])
    if (isGiven(input[name]))
      throw invalidParameter(`Unsupported ${name} parameter for given event source mapping type.`);
  if (input.ProvisionedPollerConfig) throw notImplemented("provisioned pollers of event source mappings");
  if (input.KMSKeyArn) throw notImplemented("the encryption of filter criteria with KMS keys");
}

const isGiven = (value: unknown): boolean =>
  value !== undefined && value !== false && !(typeof value === "object" && Object.keys(value ?? {}).length === 0);

function filtersOf({ Filters = [] }: Lambda.FilterCriteria): string[] {
  if (Filters.length > MAX_FILTERS)
    throw invalidParameter(`Number of filters must be less than or equal to ${MAX_FILTERS}`);
  return Filters.map(({ Pattern = "{}" }) => {
    try {
      compileEventPattern(Pattern);
      return Pattern;
    } catch {
      throw invalidParameter("Invalid filter pattern definition.");
    }
  });
}
