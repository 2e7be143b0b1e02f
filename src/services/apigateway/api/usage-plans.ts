import type * as Gateway from "@aws-sdk/client-api-gateway";
import type { Context } from "../../../aws/context.ts";
import { operations } from "../../../aws/service.ts";
import { badRequest, conflict, given, newId, notFound, on } from "../model.ts";
import { patchedPlan } from "../plan-patches.ts";
import { remaining } from "../usage-counters.ts";
import {
  checkedQuota,
  checkedThrottle,
  dayOf,
  keyOf,
  keyValue,
  planOf,
  type PlanStage,
  type Quota,
  type UsagePlan,
} from "../usage-model.ts";
import { page } from "./apis.ts";
import { unlink } from "./keys.ts";

const MAX_DAYS = 100;

function view({ created: _created, tags, ...plan }: UsagePlan): Gateway.UsagePlan {
  return { ...plan, apiStages: plan.apiStages.map((s) => ({ ...s })), ...(tags ? { tags: { ...tags } } : {}) };
}

/** All stages that a plan names must be there. */
async function checkStages(ctx: Context<any>, plan: UsagePlan, known: readonly PlanStage[] = []): Promise<void> {
  for (const { apiId, stage } of plan.apiStages) {
    if (known.some((s) => s.apiId === apiId && s.stage === stage)) continue;
    if (!(await ctx.records.get("stage", `${apiId}:${stage}`)))
      throw notFound(`Invalid API Stage {api: ${apiId}, stage: ${stage}} specified for usageplan ${plan.id}`);
  }
}

function stagesOf(given: readonly Gateway.ApiStage[] | undefined): PlanStage[] {
  return (given ?? []).map(({ apiId, stage, throttle }) => {
    if (!apiId || !stage) throw badRequest("Invalid API Stage specified");
    const limits = Object.entries(throttle ?? {}).map(([key, limit]) => [key, checkedThrottle(limit)]);
    return { apiId, stage, ...(limits.length ? { throttle: Object.fromEntries(limits) } : {}) };
  });
}

async function keyInPlan(ctx: Context<any>, planId: string | undefined, keyId: string | undefined) {
  await planOf(ctx, planId);
  if (!(await ctx.records.get("plan-key", `${planId}:${keyId}`)))
    throw notFound(`Invalid API Key identifier specified`);
  return keyOf(ctx, keyId);
}

const one = (i: any): string => `/usageplans/${i.usagePlanId}`;
const keyPath = (i: any): string => `${one(i)}/keys/${i.keyId}`;

export const usagePlans = operations<typeof Gateway, any>()({
  CreateUsagePlan: {
    permissions: on("POST", () => "/usageplans"),
    async run(ctx, input) {
      const plan = given({
        id: newId(ctx),
        name: String(input.name),
        description: input.description,
        apiStages: stagesOf(input.apiStages),
        throttle: checkedThrottle(input.throttle),
        quota: checkedQuota(input.quota as Quota | undefined),
        created: ctx.now(),
        tags: input.tags,
      }) as UsagePlan;
      await checkStages(ctx, plan);
      await ctx.records.write(ctx.records.put("plan", plan.id, plan));
      return view(plan);
    },
  },
  GetUsagePlan: {
    permissions: on("GET", one),
    run: async (ctx, input) => ({ tags: {}, ...view(await planOf(ctx, input.usagePlanId)) }),
  },
  GetUsagePlans: {
    permissions: on("GET", () => "/usageplans"),
    async run(ctx, input) {
      let all = (await ctx.records.list<UsagePlan>("plan")).map((s) => s.value).sort((a, b) => a.created - b.created);
      if (input.keyId !== undefined) {
        const linked = await ctx.records.list("key-plan", { prefix: `${input.keyId}:` });
        const ids = linked.map(({ id }) => id.split(":")[1]);
        all = all.filter((plan) => ids.includes(plan.id));
      }
      const { items, ...rest } = page(all, input);
      return { items: items.map(view), ...rest };
    },
  },
  UpdateUsagePlan: {
    permissions: on("PATCH", one),
    async run(ctx, input) {
      const before = await planOf(ctx, input.usagePlanId);
      const wanted = patchedPlan(before, input.patchOperations);
      checkedQuota(wanted.quota);
      await checkStages(ctx, wanted, before.apiStages);
      const next = await ctx.records.update<UsagePlan>("plan", before.id, (plan) =>
        patchedPlan(plan, input.patchOperations),
      );
      return { tags: {}, ...view(next ?? wanted) };
    },
  },
  DeleteUsagePlan: {
    permissions: on("DELETE", one),
    async run(ctx, input) {
      const plan = await planOf(ctx, input.usagePlanId);
      if (plan.apiStages.length)
        throw badRequest(`Cannot delete usage plan. Please remove all associated API stages first`);
      const linked = await ctx.records.list("plan-key", { prefix: `${plan.id}:` });
      await ctx.records.write(
        ctx.records.remove("plan", plan.id),
        ...linked.map(({ id }) => unlink(ctx, plan.id, id.split(":")[1]!)),
      );
      return {};
    },
  },
  CreateUsagePlanKey: {
    permissions: on("POST", (i) => `${one(i)}/keys`),
    async run(ctx, input) {
      if (input.keyType !== "API_KEY") throw badRequest("Usage Plan Key type must be API_KEY");
      const plan = await planOf(ctx, input.usagePlanId);
      const key = await keyOf(ctx, input.keyId);
      const linked = ctx.records.put("key-plan", `${key.id}:${plan.id}`, {});
      const made = await ctx.records.create("plan-key", `${plan.id}:${key.id}`, { added: ctx.now() }, linked);
      if (!made && !ctx.once) throw conflict("Usage Plan Key already exists");
      return { id: key.id, type: "API_KEY", name: key.name, value: keyValue(ctx, key) };
    },
  },
  GetUsagePlanKey: {
    permissions: on("GET", keyPath),
    async run(ctx, input) {
      const key = await keyInPlan(ctx, input.usagePlanId, input.keyId);
      return { id: key.id, type: "API_KEY", name: key.name, value: keyValue(ctx, key) };
    },
  },
  GetUsagePlanKeys: {
    permissions: on("GET", (i) => `${one(i)}/keys`),
    async run(ctx, input) {
      // Of a plan that is not there AWS answers an empty list.
      const linked = await ctx.records.list("plan-key", { prefix: `${input.usagePlanId}:` });
      const all = await Promise.all(linked.map(({ id }) => keyOf(ctx, id.split(":")[1])));
      const { nameQuery } = input;
      const { items, ...rest } = page(nameQuery ? all.filter((key) => key.name?.startsWith(nameQuery)) : all, input);
      return {
        items: items.map((key) => ({ id: key.id, type: "API_KEY", name: key.name, value: keyValue(ctx, key) })),
        ...rest,
      };
    },
  },
  DeleteUsagePlanKey: {
    permissions: on("DELETE", keyPath),
    async run(ctx, input) {
      const key = await keyInPlan(ctx, input.usagePlanId, input.keyId);
      await ctx.records.write(unlink(ctx, String(input.usagePlanId), key.id));
      return {};
    },
  },
  GetUsage: {
    permissions: on("GET", (i) => `${one(i)}/usage`),
    async run(ctx, input) {
      const plan = await planOf(ctx, input.usagePlanId);
      const { startDate = "", endDate = "" } = input;
      const days = daysBetween(startDate, endDate);
      const linked = await ctx.records.list("plan-key", { prefix: `${plan.id}:${input.keyId ?? ""}` });
      const { items: shown, ...rest } = page(linked, input);
      const items = await Promise.all(
        shown.map(async ({ id }) => {
          const used = await ctx.state.usage.days(ctx, id);
          const rows = days.map((day) => [used[day] ?? 0, plan.quota ? leftOn(used, plan.quota, day) : 0]);
          return [id.split(":")[1], rows] as const;
        }),
      );
      return { usagePlanId: plan.id, startDate, endDate, items: Object.fromEntries(items), ...rest };
    },
  },
  UpdateUsage: {
    permissions: on("PATCH", (i) => `${keyPath(i)}/usage`),
    async run(ctx, input) {
      const plan = await planOf(ctx, input.usagePlanId);
      const key = await keyInPlan(ctx, plan.id, input.keyId);
      const left = Number(input.patchOperations?.find((p) => p.path === "/remaining" && p.op === "replace")?.value);
      if (!Number.isSafeInteger(left) || left < 0) throw badRequest("Invalid patch path. Must be one of: [/remaining]");
      if (!plan.quota) throw badRequest("Usage Plan has no quota");
      await ctx.state.usage.setRemaining(ctx, `${plan.id}:${key.id}`, plan.quota, left);
      const today = dayOf(ctx.now());
      const used = await ctx.state.usage.days(ctx, `${plan.id}:${key.id}`);
      const items = { [key.id]: [[used[today] ?? 0, remaining(used, plan.quota, ctx.now())]] };
      return { usagePlanId: plan.id, startDate: today, endDate: today, items };
    },
  },
});

function daysBetween(start: string, end: string): string[] {
  const [from, to] = [Date.parse(start), Date.parse(end)];
  if (!(from <= to)) throw badRequest("Invalid startDate or endDate specified");
  const count = Math.round((to - from) / 86_400_000) + 1;
  if (count > MAX_DAYS) throw badRequest("The range of dates must not be greater than 90 days");
  return Array.from({ length: count }, (_, i) => dayOf(from + i * 86_400_000));
}

/** What remained at the end of a day. */
function leftOn(days: Readonly<Record<string, number>>, quota: Quota, day: string): number {
  const until = Object.fromEntries(Object.entries(days).filter(([one]) => one <= day));
  return remaining(until, quota, Date.parse(day));
}
