import type * as Gateway from "@aws-sdk/client-api-gateway";
import type { Context } from "../../aws/context.ts";
import { badRequest, given, missing, notFound, type Canary, type Stage } from "./model.ts";
import { checkedCanary } from "./stage-patches.ts";

export const stageId = (api: string | undefined, stage: string | undefined): string => `${api}:${stage}`;

export const stageView = (stage: Stage) => ({
  deploymentId: stage.deploymentId,
  stageName: stage.name,
  cacheClusterEnabled: false,
  cacheClusterStatus: "NOT_AVAILABLE" as const,
  methodSettings: { ...stage.methodSettings } as Record<string, Gateway.MethodSetting>,
  ...(stage.accessLog ? { accessLogSettings: { ...stage.accessLog } } : {}),
  ...(stage.canary ? { canarySettings: { ...stage.canary } as Gateway.CanarySettings } : {}),
  ...(stage.documentationVersion === undefined ? {} : { documentationVersion: stage.documentationVersion }),
  tracingEnabled: stage.tracingEnabled,
  createdDate: new Date(stage.created),
  lastUpdatedDate: new Date(stage.updated),
  ...(Object.keys(stage.variables).length ? { variables: { ...stage.variables } } : {}),
  ...(stage.description === undefined ? {} : { description: stage.description }),
  ...(stage.tags ? { tags: { ...stage.tags } } : {}),
});

export async function stageOf(ctx: Context<any>, api: string | undefined, name: string | undefined): Promise<Stage> {
  const stored = await ctx.records.get<Stage>("stage", stageId(api, name));
  if (!stored) throw notFound("Invalid stage identifier specified");
  return stored.value;
}

/** What a caller says of a new stage. */
export interface NewStage {
  readonly description?: string | undefined;
  readonly variables?: Record<string, string> | undefined;
  readonly tracingEnabled?: boolean | undefined;
  readonly tags?: Record<string, string> | undefined;
  readonly documentationVersion?: string | undefined;
  readonly cacheClusterEnabled?: boolean | undefined;
  readonly canary?: Canary | undefined;
}

export function newStage(ctx: Context<any>, name: string, deploymentId: string, input: NewStage): Stage {
  if (!/^[\w-]{1,128}$/.test(name)) throw badRequest("Stage name only allows a-zA-Z0-9_-");
  if (input.cacheClusterEnabled) throw missing("cache clusters");
  const now = ctx.now();
  return given({
    name,
    deploymentId,
    variables: input.variables ?? {},
    tracingEnabled: input.tracingEnabled ?? false,
    created: now,
    updated: now,
    description: input.description,
    documentationVersion: input.documentationVersion,
    canary: input.canary,
    tags: input.tags,
  }) as Stage;
}

/** A canary as it is asked for, of a deployment that is there. */
export async function checkedNewCanary(
  ctx: Context<any>,
  restApiId: string | undefined,
  said: Gateway.CanarySettings | undefined,
): Promise<Canary | undefined> {
  if (!said) return undefined;
  const { deploymentId } = said;
  if (!deploymentId || !(await ctx.records.get("deployment", `${restApiId}:${deploymentId}`)))
    throw badRequest("Deployment id does not exist");
  return newCanary(deploymentId, said);
}

export function newCanary(
  deploymentId: string,
  said: Pick<Gateway.CanarySettings, "percentTraffic" | "stageVariableOverrides" | "useStageCache">,
): Canary {
  const { percentTraffic = 0, stageVariableOverrides, useStageCache = false } = said;
  const overrides = stageVariableOverrides ? { stageVariableOverrides } : {};
  return checkedCanary({ deploymentId, percentTraffic, useStageCache, ...overrides });
}
