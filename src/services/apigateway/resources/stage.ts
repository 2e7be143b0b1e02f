import { tagMap } from "../../../aws/resource-tags.ts";
import type { Properties, ResourceType } from "../../../aws/service.ts";
import { codeOf, ignoring } from "../../../kernel/aws-error.ts";
import { retag, type Patch } from "./patches.ts";

const ignoreGone = ignoring("NotFoundException");

/** What of a method's settings is where in a stage. */
const METHOD_SETTINGS: Readonly<Record<string, string>> = {
  MetricsEnabled: "metrics/enabled",
  DataTraceEnabled: "logging/dataTrace",
  LoggingLevel: "logging/loglevel",
  ThrottlingBurstLimit: "throttling/burstLimit",
  ThrottlingRateLimit: "throttling/rateLimit",
  CachingEnabled: "caching/enabled",
  CacheTtlInSeconds: "caching/ttlInSeconds",
  CacheDataEncrypted: "caching/dataEncrypted",
};

/** The place of a template's method: `/a/b` may come as it is, or with its slashes as `~1`. */
function methodPath({ ResourcePath = "/*", HttpMethod = "*" }: Properties): string {
  const path = String(ResourcePath).replaceAll("~1", "/").replace(/^\/+/, "/");
  const at = path === "/*" ? "*" : path.replaceAll("~", "~0").replaceAll("/", "~1");
  return `/${at}/${HttpMethod}`;
}

function methodPatches(next: readonly Properties[], previous: readonly Properties[]): Patch[] {
  if (JSON.stringify(next) === JSON.stringify(previous)) return [];
  const gone = previous.map((setting): Patch => ({ op: "remove", path: methodPath(setting) }));
  // Those for all methods come first: what is said of one begins with them.
  const ordered = next.toSorted((a, b) => Number(methodPath(b) === "/*/*") - Number(methodPath(a) === "/*/*"));
  const set = ordered.flatMap((setting) =>
    Object.entries(METHOD_SETTINGS).flatMap(([name, place]): Patch[] =>
      setting[name] === undefined
        ? []
        : [{ op: "replace", path: `${methodPath(setting)}/${place}`, value: String(setting[name]) }],
    ),
  );
  return [...gone, ...set];
}

function logPatches(next: Properties | undefined, previous: Properties | undefined): Patch[] {
  if (JSON.stringify(next) === JSON.stringify(previous)) return [];
  if (!next) return [{ op: "remove", path: "/accessLogSettings" }];
  return [
    { op: "replace", path: "/accessLogSettings/destinationArn", value: String(next["DestinationArn"]) },
    ...(next["Format"] === undefined
      ? []
      : [
          {
            op: "replace" as const,
            path: "/accessLogSettings/format",
            value: String(next["Format"]).replace(/\s+$/, ""),
          },
        ]),
  ];
}

function canaryPatches(next: Properties | undefined, previous: Properties | undefined): Patch[] {
  if (JSON.stringify(next) === JSON.stringify(previous)) return [];
  const gone: Patch[] = previous ? [{ op: "remove", path: "/canarySettings" }] : [];
  if (!next) return gone;
  const set = (name: string, value: unknown): Patch[] =>
    value === undefined ? [] : [{ op: "replace", path: `/canarySettings/${name}`, value: String(value as string) }];
  return [
    ...gone,
    ...set("percentTraffic", next["PercentTraffic"] ?? 0),
    ...set("deploymentId", next["DeploymentId"]),
    ...set("useStageCache", next["UseStageCache"]),
    ...Object.entries((next["StageVariableOverrides"] ?? {}) as Properties).flatMap(([name, value]) =>
      set(`stageVariableOverrides/${name}`, value),
    ),
  ];
}

/** What has to be patched so that a stage has the settings of a template. */
export function stageSettings(next: Properties, previous: Properties): Patch[] {
  return [
    ...(String(next["CacheClusterEnabled"]) === "true"
      ? [{ op: "replace" as const, path: "/cacheClusterEnabled", value: "true" }]
      : []),
    ...(next["ClientCertificateId"] === undefined
      ? []
      : [{ op: "replace" as const, path: "/clientCertificateId", value: String(next["ClientCertificateId"]) }]),
    ...methodPatches(next["MethodSettings"] ?? [], previous["MethodSettings"] ?? []),
    ...logPatches(next["AccessLogSetting"], previous["AccessLogSetting"]),
    ...canaryPatches(next["CanarySetting"], previous["CanarySetting"]),
  ];
}

/** What is to be removed may be gone already. */
function isThere({ op, path }: Patch, stage: Properties): boolean {
  if (op !== "remove") return true;
  if (path === "/accessLogSettings") return stage["accessLogSettings"] !== undefined;
  if (path === "/canarySettings") return stage["canarySettings"] !== undefined;
  // A method of the root has the key `/GET`, one of /pets `pets/GET`.
  const key = path.slice(1).replaceAll("~1", "/").replace(/^\//, "");
  return Object.hasOwn((stage["methodSettings"] ?? {}) as object, key);
}

/** AWS::ApiGateway::Stage. */
export const apiStage: ResourceType = {
  type: "AWS::ApiGateway::Stage",
  async create(ctx, properties) {
    const { RestApiId, DeploymentId, Description, Variables, TracingEnabled, DocumentationVersion, Tags } = properties;
    const StageName = String(properties["StageName"] ?? ctx.physicalName({ maxLength: 128 }));
    const input = {
      restApiId: RestApiId,
      deploymentId: DeploymentId,
      stageName: StageName,
      description: Description,
      variables: Variables,
      tracingEnabled: TracingEnabled,
      documentationVersion: DocumentationVersion,
    };
    try {
      await ctx.withStackTags(Tags, (tags) =>
        ctx.call("apigateway", "CreateStage", { ...input, ...(tags.length ? { tags: tagMap(tags) } : {}) }),
      );
    } catch (error) {
      if (codeOf(error) !== "ConflictException" || !ctx.retried) throw error;
    }
    const where = { restApiId: RestApiId, stageName: StageName };
    const patchOperations = stageSettings(properties, {});
    try {
      if (patchOperations.length) await ctx.call("apigateway", "UpdateStage", { ...where, patchOperations });
    } catch (error) {
      await ctx.call("apigateway", "DeleteStage", where).catch(ignoreGone);
      throw error;
    }
    return StageName;
  },
  async update(ctx, id, next, previous) {
    const stage = await ctx.call("apigateway", "GetStage", { restApiId: next["RestApiId"], stageName: id });
    const variables = Object.entries((next["Variables"] ?? {}) as Record<string, string>).map(([key, value]) => ({
      op: "replace" as const,
      path: `/variables/${key}`,
      value: String(value),
    }));
    const removed = Object.keys((previous["Variables"] ?? {}) as object)
      .filter((key) => !(key in (next["Variables"] ?? {})))
      .map((key) => ({ op: "remove" as const, path: `/variables/${key}` }));
    const patchOperations = [
      { op: "replace" as const, path: "/deploymentId", value: String(next["DeploymentId"]) },
      ...(["Description", "TracingEnabled", "DocumentationVersion"] as const).flatMap((name) => {
        if (next[name] === previous[name]) return [];
        const value = String(next[name] ?? (name === "TracingEnabled" ? false : ""));
        return [{ op: "replace" as const, path: `/${name[0]!.toLowerCase()}${name.slice(1)}`, value }];
      }),
      ...variables,
      ...removed,
      ...stageSettings(next, previous).filter((patch) => isThere(patch, stage)),
    ];
    await ctx.call("apigateway", "UpdateStage", { restApiId: next["RestApiId"], stageName: id, patchOperations });
    await retag(ctx, `restapis/${next["RestApiId"]}/stages/${id}`, next["Tags"], previous["Tags"]);
  },
  async remove(ctx, id, { RestApiId }) {
    await ctx.call("apigateway", "DeleteStage", { restApiId: RestApiId, stageName: id }).catch(ignoreGone);
  },
};
