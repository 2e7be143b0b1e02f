import type { Context } from "../../aws/context.ts";
import type { Throttle } from "../../compute/edge/token-buckets.ts";
import { badRequest, notFound } from "./model.ts";
import { createHash } from "node:crypto";

export interface ApiKey {
  readonly id: string;
  readonly name: string;
  readonly description?: string;
  readonly customerId?: string;
  readonly enabled: boolean;
  /** The value, sealed by the vault. */
  readonly sealed: string;
  readonly stageKeys: readonly string[];
  readonly created: number;
  readonly updated: number;
  readonly tags?: Readonly<Record<string, string>>;
}

export interface Quota {
  readonly limit: number;
  readonly offset: number;
  readonly period: "DAY" | "WEEK" | "MONTH";
}

export interface PlanStage {
  readonly apiId: string;
  readonly stage: string;
  /** By `/path/METHOD`. */
  readonly throttle?: Readonly<Record<string, Throttle>>;
}

export interface UsagePlan {
  readonly id: string;
  readonly name: string;
  readonly description?: string;
  readonly productCode?: string;
  readonly apiStages: readonly PlanStage[];
  readonly throttle?: Throttle;
  readonly quota?: Quota;
  readonly created: number;
  readonly tags?: Readonly<Record<string, string>>;
}

export const KEY_PURPOSE = "apigateway-api-key";

/** Keys are found by what they are, without being kept in clear text. */
export const keyDigest = (value: string): string => createHash("sha256").update(value).digest("hex");

export async function keyOf(ctx: Context<any>, id: string | undefined): Promise<ApiKey> {
  const stored = await ctx.records.get<ApiKey>("key", String(id));
  if (!stored) throw notFound("Invalid API Key identifier specified");
  return stored.value;
}

export const keyValue = (ctx: Context<any>, key: ApiKey): string =>
  ctx.platform.vault.open(KEY_PURPOSE, key.sealed) ?? "";

export async function planOf(ctx: Context<any>, id: string | undefined): Promise<UsagePlan> {
  const stored = await ctx.records.get<UsagePlan>("plan", String(id));
  if (!stored) throw notFound("Invalid Usage Plan ID specified");
  return stored.value;
}

export function checkedQuota(quota: Partial<Quota> | undefined): Quota | undefined {
  if (quota === undefined) return undefined;
  const { limit = NaN, offset = 0, period } = quota;
  if (period === undefined || !["DAY", "WEEK", "MONTH"].includes(period))
    throw badRequest("Usage Plan quota period must be one of: DAY, WEEK, MONTH");
  if (!Number.isSafeInteger(limit) || limit < 0) throw badRequest("Usage Plan quota limit must be greater than 0");
  const days = { DAY: 1, WEEK: 7, MONTH: 28 }[period];
  if (
    !Number.isSafeInteger(offset) ||
    offset < 0 ||
    (period !== "DAY" && offset >= days) ||
    (period === "DAY" && offset > 0)
  )
    throw badRequest("Usage Plan quota offset must be zero in the DAY period, and within the period else");
  return { limit, offset, period };
}

export function checkedThrottle(throttle: Partial<Throttle> | undefined): Throttle | undefined {
  if (throttle === undefined) return undefined;
  const { rateLimit = 0, burstLimit = 0 } = throttle;
  if (!(rateLimit >= 0) || !Number.isSafeInteger(burstLimit) || burstLimit < 0)
    throw badRequest("Usage Plan throttle rates must not be negative");
  return { rateLimit, burstLimit };
}

const DAY_MS = 86_400_000;

/** `2026-11-23`. */
export const dayOf = (time: number): string => new Date(time).toISOString().slice(0, 10);

/** The first day of the quota's present period; `offset` is the day of the week or month on which periods begin. */
export function periodStart({ period, offset }: Quota, now: number): string {
  const today = new Date(Date.parse(dayOf(now)));
  if (period === "DAY") return dayOf(now);
  if (period === "WEEK") return dayOf(today.getTime() - ((today.getUTCDay() - offset + 7) % 7) * DAY_MS);
  const first = Date.UTC(today.getUTCFullYear(), today.getUTCMonth(), 1 + offset);
  return dayOf(
    first <= today.getTime() ? first : Date.UTC(today.getUTCFullYear(), today.getUTCMonth() - 1, 1 + offset),
  );
}
