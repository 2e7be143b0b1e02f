import type * as Lambda from "@aws-sdk/client-lambda";
import type { Context } from "../../aws/context.ts";
import { parseArn } from "../../kernel/arn.ts";
import { codeOf, notImplemented } from "../../kernel/aws-error.ts";
import { queueUrlOf } from "./dead-letter.ts";
import {
  functionArn,
  invalidParameter,
  LATEST,
  parseName,
  policyId,
  resourceNotFound,
  type FunctionHead,
} from "./model.ts";
import type { LambdaState } from "./state.ts";
import { versionOf } from "./store.ts";

type Ctx = Context<LambdaState>;

/** How asynchronous events of a function, a version or an alias are treated. */
export interface EventInvokeConfig {
  readonly name: string;
  readonly qualifier: string;
  readonly retries?: number;
  readonly maxAgeSeconds?: number;
  readonly onSuccess?: string;
  readonly onFailure?: string;
  /** Milliseconds since the epoch. */
  readonly modified: number;
}

/** What a caller may set, as the SDK types it. */
export interface EventInvokeInput {
  readonly MaximumRetryAttempts?: number | undefined;
  readonly MaximumEventAgeInSeconds?: number | undefined;
  readonly DestinationConfig?:
    | {
        OnSuccess?: { Destination?: string | undefined } | undefined;
        OnFailure?: { Destination?: string | undefined } | undefined;
      }
    | undefined;
}

export const EVENT_INVOKE = "event-invoke";

export async function eventInvokeConfig(
  ctx: Ctx,
  name: string,
  qualifier?: string,
): Promise<EventInvokeConfig | undefined> {
  return (await ctx.records.get<EventInvokeConfig>(EVENT_INVOKE, policyId(name, qualifier)))?.value;
}

export const noEventInvokeConfig = (ctx: Ctx, name: string, qualifier = LATEST) =>
  resourceNotFound(`The function ${functionArn(ctx, name)}:${qualifier} doesn't have an EventInvokeConfig`);

export const eventInvokeView = (ctx: Ctx, config: EventInvokeConfig): Lambda.FunctionEventInvokeConfig => ({
  LastModified: new Date(config.modified),
  FunctionArn: `${functionArn(ctx, config.name)}:${config.qualifier}`,
  ...(config.retries === undefined ? {} : { MaximumRetryAttempts: config.retries }),
  ...(config.maxAgeSeconds === undefined ? {} : { MaximumEventAgeInSeconds: config.maxAgeSeconds }),
  DestinationConfig: {
    OnSuccess: config.onSuccess === undefined ? {} : { Destination: config.onSuccess },
    OnFailure: config.onFailure === undefined ? {} : { Destination: config.onFailure },
  },
});

/** The settings that an input makes on top of `before`; throws for what Lambda refuses. */
export async function eventInvokeSettings(
  ctx: Ctx,
  target: { name: string; qualifier?: string | undefined },
  input: EventInvokeInput,
): Promise<(before?: EventInvokeConfig) => EventInvokeConfig> {
  const { MaximumRetryAttempts: retries, MaximumEventAgeInSeconds: maxAgeSeconds, DestinationConfig: wanted } = input;
  if (retries === undefined && maxAgeSeconds === undefined && wanted === undefined)
    throw invalidParameter("You must specify at least one of error handling or destination setting.");
  const { name, qualifier } = target;
  await versionOf(ctx, name, qualifier).catch((error: unknown) => {
    if (codeOf(error) !== "ResourceNotFoundException") throw error;
    throw resourceNotFound("The function doesn't exist.");
  });
  const onSuccess = wanted?.OnSuccess?.Destination || undefined;
  const onFailure = wanted?.OnFailure?.Destination || undefined;
  for (const destination of [onSuccess, onFailure])
    if (destination !== undefined) await checkDestination(ctx, name, destination, { onSuccess, onFailure });
  const destinations = { ...(onSuccess ? { onSuccess } : {}), ...(onFailure ? { onFailure } : {}) };
  return (before) => {
    const { onSuccess: _s, onFailure: _f, ...kept } = before ?? { name, qualifier: qualifier ?? LATEST };
    return {
      ...(wanted || !before ? kept : before),
      ...destinations,
      name,
      qualifier: qualifier ?? LATEST,
      ...(retries === undefined ? {} : { retries }),
      ...(maxAgeSeconds === undefined ? {} : { maxAgeSeconds }),
      modified: ctx.now(),
    };
  };
}

async function checkDestination(
  ctx: Ctx,
  name: string,
  destination: string,
  all: { onSuccess?: string | undefined; onFailure?: string | undefined },
): Promise<void> {
  const { service, region, account, resource = "" } = parseArn(destination) ?? {};
  if (service === "sqs" && resource) return checkQueue(ctx, destination);
  if (service === "sns" || service === "s3")
    throw notImplemented(`destinations of asynchronous calls in ${service.toUpperCase()}`);
  if (service === "events" && resource.startsWith("event-bus/")) return;
  if (service !== "lambda" || !resource.startsWith("function:")) {
    const shown = (kind: string, value: string | undefined): string =>
      value === undefined ? "null" : `${kind}(destination=${value})`;
    throw invalidParameter(
      `The provided destination config DestinationConfig(onSuccess=${shown("OnSuccess", all.onSuccess)}, onFailure=${shown("OnFailure", all.onFailure)}) is invalid.`,
    );
  }
  const invalid = invalidParameter(`The destination ARN ${destination} is invalid.`);
  if (region !== ctx.region || account !== ctx.account) throw invalid;
  const other = parseName(destination);
  if (other.name === name) throw invalidParameter("You can't specify the function as a destination for itself.");
  if (!(await ctx.records.get<FunctionHead>("function", other.name))) throw invalid;
}

/** A queue must be there, and be none of FIFO. */
async function checkQueue(ctx: Ctx, destination: string): Promise<void> {
  const { region, resource = "" } = parseArn(destination) ?? {};
  if (resource.endsWith(".fifo")) throw invalidParameter("A FIFO queue cannot be a destination of a function.");
  const QueueUrl = queueUrlOf(ctx, destination);
  const sender = ctx.inRegion(region ?? ctx.region).asService(destination);
  await sender.call("sqs", "GetQueueAttributes", { QueueUrl }).catch((error: unknown) => {
    if (codeOf(error) !== "QueueDoesNotExist") throw error;
    throw invalidParameter(`The destination ARN ${destination} is invalid.`);
  });
}
