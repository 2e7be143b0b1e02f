import type { JsonObject } from "../yaml/index.ts";
import { isObject } from "../yaml/index.ts";
import type { SamContext, SamResource } from "./context.ts";
import { addResource, compact, pick, ref, resolveParameters, SamFault, sharedAttributes, tagList } from "./context.ts";

/** Notes that an API wants a usage plan: its own, or the one that APIs share. */
export function noteUsagePlan(context: SamContext, resource: SamResource): void {
  const auth = isObject(resource.properties.Auth) ? resource.properties.Auth : {};
  if (auth.UsagePlan === undefined) return;
  const plan = resolveParameters(context, auth.UsagePlan);
  if (!isObject(plan)) throw new SamFault(resource.id, "'UsagePlan' must be a dictionary");
  const mode = plan.CreateUsagePlan;
  if (mode === undefined)
    throw new SamFault(resource.id, "'CreateUsagePlan' is required field inside UsagePlan properties.");
  if (mode === "NONE") return;
  if (mode !== "PER_API" && mode !== "SHARED") {
    throw new SamFault(resource.id, '\'CreateUsagePlan\' accepts only one of ["PER_API", "SHARED", "NONE"]');
  }
  const tags = resource.properties.PropagateTags === true ? tagList(resource.properties.Tags) : [];
  const own: JsonObject = tags.length > 0 ? { PropagatedTags: tags } : {};
  context.usagePlans.set(resource.id, { ...plan, ...own, attributes: sharedAttributes(resource) });
}

/** Adds the usage plans with a key each. */
export function addUsagePlans(context: SamContext): void {
  const shared: string[] = [];
  for (const [api, plan] of context.usagePlans) {
    if (plan.CreateUsagePlan === "SHARED") shared.push(api);
    else addPlan(context, api, [api], plan, plan.attributes as JsonObject);
  }
  if (shared.length === 0) return;
  const settings = shared.map((api) => context.usagePlans.get(api) ?? {});
  const merged: JsonObject = {};
  for (const one of settings) Object.assign(merged, one);
  addPlan(context, "Serverless", shared, merged, sharedPlanAttributes(context, settings));
}

/** The shared plan is there where one of its APIs is. */
function sharedPlanAttributes(context: SamContext, settings: readonly JsonObject[]): JsonObject {
  const all = settings.map((one) => (isObject(one.attributes) ? one.attributes : {}));
  const { Condition: _condition, ...rest } = Object.assign({}, ...all) as JsonObject;
  const names = [...new Set(all.map((one) => one.Condition))];
  if (names.some((name) => typeof name !== "string")) return rest;
  if (names.length === 1) return { ...rest, Condition: names[0] ?? "" };
  context.conditions.SharedUsagePlanCondition = { "Fn::Or": names.map((name) => ({ Condition: name ?? "" })) };
  return { ...rest, Condition: "SharedUsagePlanCondition" };
}

const SETTINGS = ["Description", "Quota", "Tags", "Throttle", "UsagePlanName"];

function addPlan(
  context: SamContext,
  prefix: string,
  apis: readonly string[],
  plan: JsonObject,
  attributes: JsonObject,
): void {
  const [planId, keyId, linkId] = [`${prefix}UsagePlan`, `${prefix}ApiKey`, `${prefix}UsagePlanKey`];
  const stageOf = (api: string): JsonObject => ref(context.aliases.get(api)?.Stage ?? `${api}Stage`);
  const properties = compact({
    ApiStages: apis.map((api) => ({ ApiId: ref(api), Stage: stageOf(api) })),
    ...pick(plan, SETTINGS),
    ...compact({ Tags: plan.Tags ?? plan.PropagatedTags }),
  });
  addResource(context, planId, "AWS::ApiGateway::UsagePlan", properties, { ...attributes, DependsOn: [...apis] });
  const StageKeys = apis.map((api) => ({ RestApiId: ref(api), StageName: stageOf(api) }));
  addResource(
    context,
    keyId,
    "AWS::ApiGateway::ApiKey",
    compact({ Enabled: true, StageKeys, Tags: plan.PropagatedTags }),
    { ...attributes, DependsOn: [planId] },
  );
  const link = { KeyId: ref(keyId), KeyType: "API_KEY", UsagePlanId: ref(planId) };
  addResource(context, linkId, "AWS::ApiGateway::UsagePlanKey", link, { ...attributes, DependsOn: [keyId] });
  for (const api of apis) {
    context.aliases.set(api, { ...context.aliases.get(api), UsagePlan: planId, UsagePlanKey: linkId, ApiKey: keyId });
  }
}
