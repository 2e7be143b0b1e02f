import { tagMap } from "../../../aws/resource-tags.ts";
import type { Properties, ResourceType } from "../../../aws/service.ts";
import { ignoring } from "../../../kernel/aws-error.ts";
import { retag, text, type Patch } from "./patches.ts";

const ignoreGone = ignoring("NotFoundException");

const isTrue = (value: unknown): boolean => String(value) === "true";

/** `api/stage`, as a key names the stages that it is for. */
const stageKeys = (given: readonly { RestApiId: string; StageName: string }[] | undefined): string[] =>
  (given ?? []).map(({ RestApiId, StageName }) => `${RestApiId}/${StageName}`);

/** AWS::ApiGateway::ApiKey. */
export const apiKey: ResourceType = {
  type: "AWS::ApiGateway::ApiKey",
  async create(ctx, { Name, Description, CustomerId, Enabled, Value, StageKeys, GenerateDistinctId, Tags }) {
    const input = {
      name: Name ?? ctx.physicalName({ maxLength: 128 }),
      description: Description,
      customerId: CustomerId,
      enabled: Enabled === undefined ? undefined : isTrue(Enabled),
      generateDistinctId: GenerateDistinctId === undefined ? undefined : isTrue(GenerateDistinctId),
      value: Value,
      stageKeys: StageKeys?.map(({ RestApiId, StageName }: Properties) => ({
        restApiId: RestApiId,
        stageName: StageName,
      })),
    };
    const made = await ctx.withStackTags(Tags, (tags) =>
      ctx.call("apigateway", "CreateApiKey", { ...input, ...(tags.length ? { tags: tagMap(tags) } : {}) }),
    );
    return String(made.id);
  },
  async update(ctx, id, next, previous) {
    const [stages, before] = [stageKeys(next["StageKeys"]), stageKeys(previous["StageKeys"])];
    const patchOperations: Patch[] = [
      ...text("/description", next["Description"], previous["Description"]),
      ...text("/customerId", next["CustomerId"], previous["CustomerId"]),
      ...text("/enabled", isTrue(next["Enabled"]), isTrue(previous["Enabled"])),
      ...before.filter((s) => !stages.includes(s)).map((value): Patch => ({ op: "remove", path: "/stages", value })),
      ...stages.filter((s) => !before.includes(s)).map((value): Patch => ({ op: "add", path: "/stages", value })),
    ];
    if (patchOperations.length) await ctx.call("apigateway", "UpdateApiKey", { apiKey: id, patchOperations });
    await retag(ctx, `apikeys/${id}`, next["Tags"], previous["Tags"]);
  },
  async remove(ctx, id) {
    await ctx.call("apigateway", "DeleteApiKey", { apiKey: id }).catch(ignoreGone);
  },
  attributes: async (_ctx, id) => ({ APIKeyId: id }),
};

interface Limit {
  readonly RateLimit?: number | string;
  readonly BurstLimit?: number | string;
}

interface PlanStage {
  readonly ApiId: string;
  readonly Stage: string;
  readonly Throttle?: Readonly<Record<string, Limit>>;
}

const limitOf = (limit: Limit | undefined) =>
  limit && { rateLimit: Number(limit.RateLimit ?? 0), burstLimit: Number(limit.BurstLimit ?? 0) };

const quotaOf = (quota: Properties | undefined) =>
  quota && { limit: Number(quota["Limit"]), offset: Number(quota["Offset"] ?? 0), period: quota["Period"] };

const throttlesOf = ({ Throttle }: PlanStage) =>
  Object.fromEntries(Object.entries(Throttle ?? {}).map(([key, limit]) => [key, limitOf(limit)]));

const stageOf = (s: PlanStage) => ({
  apiId: s.ApiId,
  stage: s.Stage,
  ...(s.Throttle ? { throttle: throttlesOf(s) } : {}),
});

/** AWS::ApiGateway::UsagePlan. */
export const usagePlan: ResourceType = {
  type: "AWS::ApiGateway::UsagePlan",
  async create(ctx, { UsagePlanName, Description, ApiStages, Throttle, Quota, Tags }) {
    const input = {
      name: UsagePlanName ?? ctx.physicalName({ maxLength: 128 }),
      description: Description,
      apiStages: (ApiStages as PlanStage[] | undefined)?.map(stageOf),
      throttle: limitOf(Throttle),
      quota: quotaOf(Quota),
    };
    const made = await ctx.withStackTags(Tags, (tags) =>
      ctx.call("apigateway", "CreateUsagePlan", { ...input, ...(tags.length ? { tags: tagMap(tags) } : {}) }),
    );
    return String(made.id);
  },
  async update(ctx, id, next, previous) {
    const patchOperations = [
      ...(next["UsagePlanName"] === undefined ? [] : text("/name", next["UsagePlanName"], previous["UsagePlanName"])),
      ...text("/description", next["Description"], previous["Description"]),
      ...members("/throttle", limitOf(next["Throttle"]), limitOf(previous["Throttle"])),
      ...members("/quota", quotaOf(next["Quota"]), quotaOf(previous["Quota"])),
      ...stageChanges(next["ApiStages"] ?? [], previous["ApiStages"] ?? []),
    ];
    if (patchOperations.length) await ctx.call("apigateway", "UpdateUsagePlan", { usagePlanId: id, patchOperations });
    await retag(ctx, `usageplans/${id}`, next["Tags"], previous["Tags"]);
  },
  async remove(ctx, id) {
    const plan = await ctx.call("apigateway", "GetUsagePlan", { usagePlanId: id }).catch(ignoreGone);
    if (!plan) return;
    const patchOperations = (plan.apiStages ?? []).map(({ apiId, stage }) => ({
      op: "remove" as const,
      path: "/apiStages",
      value: `${apiId}:${stage}`,
    }));
    if (patchOperations.length) await ctx.call("apigateway", "UpdateUsagePlan", { usagePlanId: id, patchOperations });
    await ctx.call("apigateway", "DeleteUsagePlan", { usagePlanId: id }).catch(ignoreGone);
  },
  attributes: async (_ctx, id) => ({ Id: id }),
};

/** A group of members that is there, changed or gone. */
function members(path: string, next: object | undefined, previous: object | undefined): Patch[] {
  if (!next) return previous ? [{ op: "remove", path }] : [];
  if (JSON.stringify(next) === JSON.stringify(previous)) return [];
  return Object.entries(next).map(([name, value]) => ({
    op: "replace",
    path: `${path}/${name}`,
    value: String(value),
  }));
}

function stageChanges(next: readonly PlanStage[], previous: readonly PlanStage[]): Patch[] {
  const same = (a: PlanStage) => (b: PlanStage) => JSON.stringify(stageOf(a)) === JSON.stringify(stageOf(b));
  const name = (s: PlanStage): string => `${s.ApiId}:${s.Stage}`;
  const gone = previous.filter((s) => !next.some(same(s)));
  const added = next.filter((s) => !previous.some(same(s)));
  return [
    ...gone.map((s): Patch => ({ op: "remove", path: "/apiStages", value: name(s) })),
    ...added.flatMap((s): Patch[] => [
      { op: "add", path: "/apiStages", value: name(s) },
      ...Object.entries(throttlesOf(s)).flatMap(([key, limit]) => {
        const [, path = "", method = ""] = /^(.*)\/([A-Z*]+)$/.exec(key) ?? [];
        const at = `/apiStages/${name(s)}/throttle/${path.replaceAll("~", "~0").replaceAll("/", "~1")}/${method}`;
        return members(at, limit, undefined);
      }),
    ]),
  ];
}

/** AWS::ApiGateway::UsagePlanKey. */
export const usagePlanKey: ResourceType = {
  type: "AWS::ApiGateway::UsagePlanKey",
  async create(ctx, { KeyId, KeyType, UsagePlanId }) {
    await ctx.call("apigateway", "CreateUsagePlanKey", { keyId: KeyId, keyType: KeyType, usagePlanId: UsagePlanId });
    return `${KeyId}:${UsagePlanId}`;
  },
  async remove(ctx, _id, { KeyId, UsagePlanId }) {
    await ctx.call("apigateway", "DeleteUsagePlanKey", { keyId: KeyId, usagePlanId: UsagePlanId }).catch(ignoreGone);
  },
  attributes: async (_ctx, id) => ({ Id: id }),
};
