import { setImmediate } from "node:timers/promises";
import type * as Lambda from "@aws-sdk/client-lambda";
import type { Context } from "../../aws/context.ts";
import type { Platform } from "../../aws/platform.ts";
import type { ServiceCaller } from "../../aws/service.ts";
import type { Allotment } from "../../compute/lambda/provisioned-concurrency.ts";
import { AwsError, codeOf } from "../../kernel/aws-error.ts";
import type { Statement } from "../../ports/database.ts";
import { ACCOUNT_CONCURRENCY } from "../../compute/lambda/invoker.ts";
import {
  functionArn,
  functionNotFound,
  resourceNotFound,
  versionId,
  type AliasRecord,
  type FunctionHead,
  type FunctionRecord,
} from "./model.ts";
import type { LambdaState } from "./state.ts";
import { headOf, runnable, versionOf } from "./store.ts";
import { recordKeptReady } from "./usage.ts";

type Ctx = Context<LambdaState>;

/** How many environments are to be kept ready for a version or an alias. */
export interface ProvisionedConfig {
  readonly name: string;
  readonly qualifier: string;
  readonly requested: number;
  /** Milliseconds since the epoch. */
  readonly modified: number;
}

export const PROVISIONED = "provisioned-concurrency";
/** Kept environments are billed by so much at least. */
const BILLED_SECONDS = 300;

export const provisionedId = (name: string, qualifier: string): string => `${name}:${qualifier}`;

/** What is kept is metered from here on. */
export interface KeptSince {
  /** When it was metered last, in milliseconds since the epoch. */
  at: number;
  /** Seconds that were metered. */
  seconds: number;
}

/** The versions that a qualifier means, with the share of its calls that each gets; throws ResourceNotFoundException. */
export async function sharesOf(ctx: Ctx, name: string, qualifier: string): Promise<Map<string, number>> {
  if (/^\d+$/.test(qualifier)) {
    if (!(await ctx.records.get("version", versionId(name, qualifier)))) throw functionNotFound(ctx, name, qualifier);
    return new Map([[qualifier, 1]]);
  }
  const stored = await ctx.records.get<AliasRecord>("alias", `${name}:${qualifier}`);
  if (!stored) throw resourceNotFound(`Cannot find alias arn: ${functionArn(ctx, name, qualifier)}`);
  const { version, weights = {} } = stored.value;
  const others = Object.entries(weights);
  const rest = 1 - others.reduce((sum, [, weight]) => sum + weight, 0);
  return new Map([[version, rest], ...others]);
}

/** Configurations of a function, or of all functions. */
export async function provisionedConfigs(ctx: Ctx, name?: string): Promise<ProvisionedConfig[]> {
  const stored = await ctx.records.list<ProvisionedConfig>(
    PROVISIONED,
    name === undefined ? {} : { prefix: `${name}:` },
  );
  return stored.map(({ value }) => value);
}

export const totalOf = (configs: readonly ProvisionedConfig[]): number =>
  configs.reduce((sum, { requested }) => sum + requested, 0);

/** What of the account's concurrency no function has for itself; `except` is a function that is not counted. */
export async function unreservedConcurrency(ctx: Ctx, except?: string): Promise<number> {
  const heads = await ctx.records.list<FunctionHead>("function");
  const reserved = new Map(heads.map(({ id, value }) => [id, value.reservedConcurrency]));
  let taken = 0;
  for (const [name, amount = 0] of reserved) if (name !== except) taken += amount;
  for (const { name, requested } of await provisionedConfigs(ctx))
    if (name !== except && reserved.get(name) === undefined) taken += requested;
  return ACCOUNT_CONCURRENCY - taken;
}

export function provisionedView(ctx: Ctx, config: ProvisionedConfig): Lambda.GetProvisionedConcurrencyConfigResponse {
  const status = ctx.state.invoker.provisioned.status(functionArn(ctx, config.name, config.qualifier));
  const allocated = Math.min(status?.allocated ?? 0, config.requested);
  return {
    RequestedProvisionedConcurrentExecutions: config.requested,
    AvailableProvisionedConcurrentExecutions: allocated,
    AllocatedProvisionedConcurrentExecutions: allocated,
    Status: status?.state ?? "IN_PROGRESS",
    ...(status?.reason === undefined ? {} : { StatusReason: status.reason }),
    LastModified: new Date(config.modified).toISOString().replace(/\.\d+Z$/, "+0000"),
  };
}

export const noProvisioned = (): AwsError =>
  new AwsError(
    "ProvisionedConcurrencyConfigNotFoundException",
    "No Provisioned Concurrency Config found for this function",
    404,
    { Type: "User" },
  );

/** Makes the environments of a qualifier what the records say: after a change of them, and after a start. */
export async function applyProvisioned(ctx: Ctx, name: string, qualifier: string): Promise<void> {
  const arn = functionArn(ctx, name, qualifier);
  const stored = await ctx.records.get<ProvisionedConfig>(PROVISIONED, provisionedId(name, qualifier));
  const allotments = stored ? await allotmentsOf(ctx, stored.value) : [];
  if (allotments.length === 0) await meterKept(ctx, { name, qualifier }, { isLast: true });
  else if (!ctx.state.kept.has(arn)) ctx.state.kept.set(arn, { at: ctx.now(), seconds: 0 });
  ctx.state.invoker.provisioned.set(arn, allotments);
}

async function allotmentsOf(ctx: Ctx, { name, qualifier, requested }: ProvisionedConfig): Promise<Allotment[]> {
  const shares = await sharesOf(ctx, name, qualifier).catch((error: unknown) => {
    if (codeOf(error) !== "ResourceNotFoundException") throw error;
    return new Map<string, number>(); // it was deleted meanwhile
  });
  const allotments: Allotment[] = [];
  let left = requested;
  for (const [version, share] of [...shares].toReversed()) {
    const record = await ctx.records.getShared<FunctionRecord>("version", versionId(name, version));
    const count = Math.min(left, Math.ceil(requested * share));
    left -= count;
    if (record && count > 0) allotments.push({ version: runnable(ctx, record.value), count });
  }
  return allotments;
}

/** Bills what has been kept since the last time; at the end, full five minutes. */
export async function meterKept(
  ctx: Ctx,
  { name, qualifier }: Pick<ProvisionedConfig, "name" | "qualifier">,
  options: { isLast?: boolean } = {},
): Promise<void> {
  const arn = functionArn(ctx, name, qualifier);
  const since = ctx.state.kept.get(arn);
  const { allocated = 0 } = ctx.state.invoker.provisioned.status(arn) ?? {};
  if (options.isLast) ctx.state.kept.delete(arn);
  if (!since) return;
  const now = ctx.now();
  const real = (now - since.at) / 1000;
  const whole = Math.ceil((since.seconds + real) / BILLED_SECONDS) * BILLED_SECONDS;
  const seconds = options.isLast ? whole - since.seconds : real;
  since.at = now;
  since.seconds += seconds;
  if (allocated === 0) return;
  const record = await versionOf(ctx, name, qualifier).catch(() => undefined);
  if (record) recordKeptReady(ctx, record, await headOf(ctx, name), allocated * seconds);
}

/** Ends what is kept for a function or one of its qualifiers; statements that forget it. */
export async function forgetProvisioned(ctx: Ctx, name: string, qualifier?: string): Promise<Statement[]> {
  const gone = (await provisionedConfigs(ctx, name)).filter(
    (one) => qualifier === undefined || one.qualifier === qualifier,
  );
  for (const config of gone) {
    await meterKept(ctx, config, { isLast: true });
    ctx.state.invoker.provisioned.set(functionArn(ctx, name, config.qualifier), []);
  }
  return gone.map((config) => ctx.records.remove(PROVISIONED, provisionedId(name, config.qualifier)));
}

/** Brings back, after a start of the platform, what is to be kept ready. */
export async function restoreProvisioned(platform: Platform, caller: ServiceCaller): Promise<void> {
  await setImmediate(); // the service's state is set when its start has returned
  try {
    for (const { ctx, config } of await allConfigs(platform, caller))
      await applyProvisioned(ctx, config.name, config.qualifier);
  } catch (error) {
    platform.log.error("provisioned concurrency could not be brought back", { error });
  }
}

/** Meters everything that is kept, and mends what differs from the records. */
export async function keepProvisioned(ctx: Ctx): Promise<void> {
  for (const one of await allConfigs(ctx.platform, ctx.state.caller)) {
    await applyProvisioned(one.ctx, one.config.name, one.config.qualifier);
    await meterKept(one.ctx, one.config);
  }
}

async function allConfigs(
  { database }: Platform,
  caller: ServiceCaller,
): Promise<{ ctx: Ctx; config: ProvisionedConfig }[]> {
  const sql = "select account, region, value from record where service = 'lambda' and kind = ?";
  const rows = await database.all<{ account: string; region: string; value: string }>({
    sql,
    parameters: [PROVISIONED],
  });
  return rows.map(({ account, region, value }) => ({
    ctx: caller.context(account, region),
    config: JSON.parse(value) as ProvisionedConfig,
  }));
}
