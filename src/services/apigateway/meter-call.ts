import type { Throttle } from "../../compute/edge/token-buckets.ts";
import { headerValue, type Call, type Caller, type RestContext } from "./call.ts";
import type { Refusal } from "./gateway-responses.ts";
import { settingOf } from "./method-settings.ts";
import { keyDigest, type ApiKey, type UsagePlan } from "./usage-model.ts";

interface Admitted {
  readonly key: ApiKey;
  readonly plan: UsagePlan;
  readonly value: string;
}

const forbidden: Refusal = { refused: "INVALID_API_KEY", message: "Forbidden" };

/**
 * Lets a call through to its integration: by the API key that the method demands, the throttles of the stage and of the key's
 * plan, and the plan's quota. Answers who the key says it is.
 */
export async function meterCall(ctx: RestContext, call: Call, caller: Caller): Promise<Caller | Refusal> {
  const { api, stage, matched, method } = call;
  const admitted = method.apiKeyRequired ? await admit(ctx, call, caller) : undefined;
  if (method.apiKeyRequired && !admitted) return forbidden;
  const methodKey = `${matched.resource.path}/${method.httpMethod}`;
  const limits: { key: string; throttle: Throttle }[] = [];
  const limit = (key: string, throttle: Throttle | undefined): void => {
    if (throttle) limits.push({ key: `${ctx.account}/${ctx.region}/${key}`, throttle });
  };
  const setting = settingOf(stage.methodSettings, matched.resource.path, method.httpMethod);
  if (setting && setting.throttlingRateLimit >= 0 && setting.throttlingBurstLimit >= 0)
    limit(`${api.id}/${stage.name}${methodKey}`, {
      rateLimit: setting.throttlingRateLimit,
      burstLimit: setting.throttlingBurstLimit,
    });
  if (admitted) {
    const { key, plan } = admitted;
    const own = planStage(plan, call)?.throttle?.[methodKey];
    limit(`${plan.id}/${key.id}/${api.id}/${stage.name}`, plan.throttle);
    limit(`${plan.id}/${key.id}/${api.id}/${stage.name}${methodKey}`, own);
  }
  if (limits.length > 0 && !ctx.state.buckets.take(limits, ctx.now()))
    return { refused: "THROTTLED", message: "Too Many Requests" };
  if (!admitted) return caller;
  const { key, plan, value } = admitted;
  if (!(await ctx.state.usage.take(ctx, `${plan.id}:${key.id}`, plan.quota)))
    return { refused: "QUOTA_EXCEEDED", message: "Limit Exceeded" };
  return { ...caller, identity: { ...caller.identity, apiKey: value, apiKeyId: key.id } };
}

const planStage = (plan: UsagePlan, { api, stage }: Call) =>
  plan.apiStages.find((s) => s.apiId === api.id && s.stage === stage.name);

/** The key that came with the call, and its plan for this stage. */
async function admit(ctx: RestContext, call: Call, caller: Caller): Promise<Admitted | undefined> {
  const value = call.api.apiKeySource === "AUTHORIZER" ? caller.usageKey : headerValue(call.request, "x-api-key");
  if (value === undefined || value === "") return undefined;
  const { api, stage } = call;
  const digest = keyDigest(value);
  const found = await ctx.records.made(`admitted\n${api.id}\n${stage.name}\n${digest}`, async () => {
    const id = (await ctx.records.get<string>("key-value", digest))?.value;
    const key = id === undefined ? undefined : (await ctx.records.get<ApiKey>("key", id))?.value;
    if (!key?.enabled) return undefined;
    for (const linked of await ctx.records.list("key-plan", { prefix: `${key.id}:` })) {
      const plan = (await ctx.records.get<UsagePlan>("plan", linked.id.split(":")[1]!))?.value;
      if (plan && planStage(plan, call)) return { key, plan };
    }
    return undefined;
  });
  return found && { ...found, value };
}
