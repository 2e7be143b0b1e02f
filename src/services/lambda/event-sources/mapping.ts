import type * as Lambda from "@aws-sdk/client-lambda";
import type { Context } from "../../../aws/context.ts";
import { arn } from "../../../kernel/arn.ts";
import { functionArn } from "../model.ts";
import type { LambdaState } from "../state.ts";

export type Ctx = Context<LambdaState>;

/** An event source mapping: what Lambda reads for a function, and how. */
export interface Mapping {
  readonly uuid: string;
  readonly functionName: string;
  readonly qualifier?: string;
  /** ARN of the source. */
  readonly source: string;
  readonly enabled: boolean;
  readonly batchSize: number;
  readonly windowSeconds: number;
  /** Patterns; an event that meets none is dropped. */
  readonly filters: readonly string[];
  readonly responseTypes: readonly string[];
  readonly maximumConcurrency?: number;
  readonly countsEvents: boolean;
  readonly tags?: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch. */
  readonly modified: number;
}

export const MAPPING = "event-source-mapping";

export const mappingArn = (place: { region: string; account: string }, uuid: string): string =>
  arn("lambda", place.region, place.account, `event-source-mapping:${uuid}`);

/** The states that a change passes through, as the answer to it says. */
export type Passing = "Creating" | "Updating" | "Enabling" | "Disabling" | "Deleting";

export function mappingView(ctx: Ctx, mapping: Mapping, passing?: Passing): Lambda.EventSourceMappingConfiguration {
  return {
    UUID: mapping.uuid,
    BatchSize: mapping.batchSize,
    MaximumBatchingWindowInSeconds: mapping.windowSeconds,
    EventSourceArn: mapping.source,
    ...(mapping.filters.length ? { FilterCriteria: { Filters: mapping.filters.map((Pattern) => ({ Pattern })) } } : {}),
    FunctionArn: functionArn(ctx, mapping.functionName) + (mapping.qualifier ? `:${mapping.qualifier}` : ""),
    LastModified: new Date(mapping.modified),
    State: passing ?? (mapping.enabled ? "Enabled" : "Disabled"),
    StateTransitionReason: "USER_INITIATED",
    FunctionResponseTypes: [...mapping.responseTypes] as Lambda.FunctionResponseType[],
    EventSourceMappingArn: mappingArn(ctx, mapping.uuid),
    ...(mapping.maximumConcurrency === undefined
      ? {}
      : { ScalingConfig: { MaximumConcurrency: mapping.maximumConcurrency } }),
    ...(mapping.countsEvents ? { MetricsConfig: { Metrics: ["EventCount"] } } : {}),
  };
}
