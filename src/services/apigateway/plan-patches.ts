import type { PatchOperation } from "@aws-sdk/client-api-gateway";
import type { Throttle } from "../../compute/edge/token-buckets.ts";
import { badRequest } from "./model.ts";
import { patched } from "./patch.ts";
import { checkedQuota, checkedThrottle, type PlanStage, type Quota, type UsagePlan } from "./usage-model.ts";

const decoded = (part: string): string => part.replaceAll("~1", "/").replaceAll("~0", "~");

/** Applies UpdateUsagePlan's operations: https://docs.aws.amazon.com/apigateway/latest/api/patch-operations.html */
export function patchedPlan(plan: UsagePlan, patches: readonly PatchOperation[] = []): UsagePlan {
  let next = plan;
  for (const patch of patches) next = applied(next, patch);
  return next;
}

function applied(plan: UsagePlan, patch: PatchOperation): UsagePlan {
  const { op, path = "", value } = patch;
  const [, field = "", ...rest] = path.split("/");
  if (field === "quota") return withQuota(plan, op, rest[0], value);
  if (field === "throttle") {
    const { throttle: _gone, ...without } = plan;
    const throttle = changedThrottle(plan.throttle, op, rest[0], value);
    return throttle ? { ...without, throttle } : without;
  }
  if (field !== "apiStages") return patched(plan, [patch], ["name", "description", "productCode"]);
  return { ...plan, apiStages: rest.length ? withStageThrottle(plan, patch, rest) : withStage(plan, op, value) };
}

function withQuota(
  plan: UsagePlan,
  op: string | undefined,
  name: string | undefined,
  value: string | undefined,
): UsagePlan {
  const { quota: before, ...without } = plan;
  if (op === "remove" && name === undefined) return without;
  if (!name || !["limit", "offset", "period"].includes(name))
    throw badRequest(`Invalid patch path /quota/${name ?? ""}`);
  const changed = { limit: 0, offset: 0, period: "DAY", ...before, [name]: name === "period" ? value : Number(value) };
  // Each operation is applied by itself, so an offset may come before the period that it is of.
  return { ...without, quota: name === "offset" ? (changed as Quota) : checkedQuota(changed as Quota)! };
}

function changedThrottle(
  before: Throttle | undefined,
  op: string | undefined,
  name: string | undefined,
  value: string | undefined,
): Throttle | undefined {
  if (op === "remove" && name === undefined) return undefined;
  if (name !== "rateLimit" && name !== "burstLimit") throw badRequest(`Invalid patch path /throttle/${name ?? ""}`);
  return checkedThrottle({ rateLimit: 0, burstLimit: 0, ...before, [name]: op === "remove" ? 0 : Number(value) });
}

function withStage(plan: UsagePlan, op: string | undefined, value: string | undefined): PlanStage[] {
  const [apiId, stage, ...more] = (value ?? "").split(":");
  if (!apiId || !stage || more.length) throw badRequest("Invalid API Stage specified");
  const others = plan.apiStages.filter((s) => s.apiId !== apiId || s.stage !== stage);
  return op === "remove" ? others : [...others, { apiId, stage }];
}

/** `/apiStages/<api>:<stage>/throttle/<path>/<method>/rateLimit`. */
function withStageThrottle(plan: UsagePlan, { op, value }: PatchOperation, rest: readonly string[]): PlanStage[] {
  const [apiId, stage] = rest[0]!.split(":");
  const [word, path = "", method = "", name] = rest.slice(1);
  const known = plan.apiStages.find((s) => s.apiId === apiId && s.stage === stage);
  if (!known || word !== "throttle") throw badRequest("Invalid API Stage specified");
  const key = `${decoded(path)}/${method}`;
  const { [key]: before, ...others } = known.throttle ?? {};
  const throttle = path === "" ? undefined : changedThrottle(before, op, name, value);
  const all = path === "" ? {} : throttle ? { ...others, [key]: throttle } : others;
  return plan.apiStages.map((s) => (s === known ? { ...s, throttle: all } : s));
}
