import type { Context } from "../../aws/context.ts";
import { isObject, type JsonValue } from "../../engines/yaml/index.ts";
import { validation } from "./errors.ts";
import { RESOURCE_SIGNALS, WAIT_SECONDS } from "./limits.ts";
import { isInProgress, type Stack, type StackResource } from "./model.ts";

/** A signal that was sent to a resource by SignalResource. */
export interface ResourceSignal {
  readonly status: "SUCCESS" | "FAILURE";
  readonly uniqueId: string;
}

/** What a CreationPolicy waits for. */
export interface WantedSignals {
  readonly count: number;
  readonly seconds: number;
}

const KIND = "resource-signal";
const STANDARD_SECONDS = 300;
/** The one type that waits for signals, and forgets them when it goes. */
const WAITS = "AWS::CloudFormation::WaitCondition";

/** What a CreationPolicy says of signals; `undefined` where it waits for none. */
export function wantedSignals(policy: JsonValue | undefined): WantedSignals | undefined {
  const signal = isObject(policy ?? null) ? (policy as Record<string, JsonValue>)["ResourceSignal"] : undefined;
  if (!isObject(signal ?? null)) return undefined;
  const { Count = 1, Timeout } = signal as { Count?: JsonValue; Timeout?: JsonValue };
  const seconds = Timeout === undefined ? STANDARD_SECONDS : secondsOf(String(Timeout));
  const count = Number(Count);
  if (!Number.isInteger(count) || count < 0 || count > RESOURCE_SIGNALS)
    throw validation(`Count of a CreationPolicy must be a whole number of at most ${RESOURCE_SIGNALS}.`);
  if (seconds === undefined || seconds > WAIT_SECONDS)
    throw validation(`Timeout of a CreationPolicy must be a duration like PT15M, of at most PT12H: ${String(Timeout)}`);
  return { count, seconds };
}

/** The seconds of `PT1H2M3S`. */
function secondsOf(text: string): number | undefined {
  const found = /^PT(?=\d)(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})S)?$/.exec(text);
  if (!found) return undefined;
  const [hours, minutes, seconds] = found.slice(1).map((part) => Number(part ?? 0));
  return hours! * 3600 + minutes! * 60 + seconds!;
}

/** What a step has received. */
export async function resourceSignals(ctx: Context<any>, token: string): Promise<ResourceSignal[]> {
  return (await ctx.records.list<ResourceSignal>(KIND, { prefix: `${token}/` })).map((row) => row.value);
}

export async function forgetResourceSignals(ctx: Context<any>, token: string): Promise<void> {
  const rows = await ctx.records.list(KIND, { prefix: `${token}/` });
  await ctx.records.write(...rows.map((row) => ctx.records.remove(KIND, row.id)));
}

/** Takes a signal for a resource that is being made or changed. Only a failure may follow one with the same id. */
export async function takeSignal(
  ctx: Context<any>,
  stack: Stack,
  resource: StackResource,
  signal: ResourceSignal,
): Promise<void> {
  const { logicalId, status, step } = resource;
  if (!isInProgress(stack.status))
    throw validation(`Stack ${stack.arn} is in ${stack.status} state and cannot be signaled`);
  if (!step || !/^(CREATE|UPDATE)_IN_PROGRESS$/.test(status))
    throw validation(`Resource ${logicalId} is in ${status} state and cannot be signaled`);
  if (resource.type !== WAITS) return; // nobody would ever look at it, or forget it
  const id = `${step.token}/${signal.uniqueId}`;
  const there = await ctx.records.get<ResourceSignal>(KIND, id);
  if (there && signal.status === "SUCCESS")
    throw validation(
      `Signal with ID ${signal.uniqueId} for resource ${logicalId} already exists. Signals may only be updated with a FAILURE status.`,
    );
  if (!there && (await resourceSignals(ctx, step.token)).length >= RESOURCE_SIGNALS)
    throw validation(`Resource ${logicalId} has received ${RESOURCE_SIGNALS} signals, and takes no more.`);
  await ctx.records.write(ctx.records.put(KIND, id, signal));
}
