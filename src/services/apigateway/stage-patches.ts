import type { PatchOperation } from "@aws-sdk/client-api-gateway";
import { DEFAULT_SETTING } from "./method-settings.ts";
import { badRequest, missing, type Canary, type MethodSetting, type Stage } from "./model.ts";

const CACHING =
  "caching/ttlInSeconds, /{at}/caching/enabled, /{at}/caching/dataEncrypted, /{at}/caching/requireAuthorizationForCacheControl, /{at}/caching/unauthorizedCacheControlHeaderStrategy, ";
const IN_METHOD = "/{at}/metrics/enabled, /{at}/logging/dataTrace, /{at}/logging/loglevel, /{at}/throttling/burstLimit";
// AWS forgets commas in its own list.
const PATHS =
  "/deploymentId, /description, /cacheClusterEnabled, /cacheClusterSize, /clientCertificateId, /accessLogSettings, /accessLogSettings/destinationArn, /accessLogSettings/format, " +
  `${IN_METHOD}/{at}/throttling/rateLimit/{at}/${CACHING}`.replaceAll("{at}", "{resourcePath}/{httpMethod}") +
  `${IN_METHOD} /{at}/throttling/rateLimit /{at}/${CACHING}`.replaceAll("{at}", "*/*") +
  "/variables/{variable_name}, /tracingEnabled";

const LOG_LEVELS = ["OFF", "ERROR", "INFO"];
const STRATEGIES = ["FAIL_WITH_403", "SUCCEED_WITH_RESPONSE_HEADER", "SUCCEED_WITHOUT_RESPONSE_HEADER"];

const flag = (value: string): boolean => value === "true";

/** Members of a method's settings by the end of their path. */
const SETTINGS: Readonly<Record<string, (value: string) => Partial<MethodSetting>>> = {
  "metrics/enabled": (value) => ({ metricsEnabled: flag(value) }),
  "logging/dataTrace": (value) => ({ dataTraceEnabled: flag(value) }),
  "logging/loglevel": (value) => ({ loggingLevel: oneOf(value, LOG_LEVELS) }),
  "throttling/burstLimit": (value) => ({ throttlingBurstLimit: numberOf(value) }),
  "throttling/rateLimit": (value) => ({ throttlingRateLimit: numberOf(value) }),
  "caching/ttlInSeconds": (value) => ({ cacheTtlInSeconds: numberOf(value) }),
  "caching/enabled": (value) => ({ cachingEnabled: flag(value) }),
  "caching/dataEncrypted": (value) => ({ cacheDataEncrypted: flag(value) }),
  "caching/requireAuthorizationForCacheControl": (value) => ({ requireAuthorizationForCacheControl: flag(value) }),
  "caching/unauthorizedCacheControlHeaderStrategy": (value) => ({
    unauthorizedCacheControlHeaderStrategy: oneOf(value, STRATEGIES),
  }),
};

function oneOf(value: string, allowed: readonly string[]): string {
  if (!allowed.includes(value))
    throw badRequest(`Invalid value ${value} specified. Must be one of: ${allowed.join(", ")}`);
  return value;
}

function numberOf(value: string): number {
  const number = Number(value);
  if (value.trim() === "" || !Number.isFinite(number)) throw badRequest(`Invalid number specified: ${value}`);
  return number;
}

const invalidPath = (path: string): Error =>
  badRequest(`Invalid method setting path: ${path}. Must be one of: [${PATHS}]`);
const nothingThere = (path: string): Error =>
  badRequest(`Cannot remove method setting ${path.slice(1)} because there is no method setting for this method `);

/** Applies UpdateStage's operations: https://docs.aws.amazon.com/apigateway/latest/api/patch-operations.html#UpdateStage-Patch */
export function patchedStage(stage: Stage, patches: readonly PatchOperation[] = []): Stage {
  let next = stage;
  for (const patch of patches) next = applied(next, patch);
  return next;
}

function applied(stage: Stage, patch: PatchOperation): Stage {
  const { op = "", path = "", from, value = "" } = patch;
  if (op === "copy") return promoted(stage, path, from ?? "");
  const [, first = "", ...rest] = path.split("/");
  if (first === "variables" && rest.length) return { ...stage, variables: withEntry(stage.variables, op, rest, value) };
  if (first === "accessLogSettings") return withAccessLog(stage, op, path, rest, value);
  if (first === "canarySettings") return withCanary(stage, op, path, rest, value);
  if (rest.length === 0) return withField(stage, op, path, value);
  return withMethodSetting(stage, op, path, value);
}

function withField(stage: Stage, op: string, path: string, value: string): Stage {
  switch (path) {
    case "/deploymentId":
      return { ...stage, deploymentId: value };
    case "/description":
    case "/documentationVersion": {
      const name = path.slice(1) as "description" | "documentationVersion";
      const { [name]: _gone, ...without } = stage;
      return op === "remove" ? without : { ...without, [name]: value };
    }
    case "/tracingEnabled":
      return { ...stage, tracingEnabled: flag(value) };
    case "/cacheClusterEnabled":
    case "/cacheClusterSize":
      if (path === "/cacheClusterEnabled" ? flag(value) : op !== "remove") throw missing("cache clusters");
      return stage;
    case "/clientCertificateId":
      throw missing("client certificates");
    default:
      throw op === "remove" ? nothingThere(path) : invalidPath(path);
  }
}

function withEntry(
  map: Readonly<Record<string, string>>,
  op: string,
  rest: readonly string[],
  value: string,
): Record<string, string> {
  const name = rest.join("/").replaceAll("~1", "/");
  const { [name]: _before, ...others } = map;
  if (op === "remove") return others;
  if (!/^\w+$/.test(name) || !/^[A-Za-z0-9\-._~:/?#&=,]*$/.test(value))
    throw badRequest(`Stage variable names and values only allow alphanumeric characters and -._~:/?#&=,: ${name}`);
  return { ...others, [name]: value };
}

function withAccessLog(stage: Stage, op: string, path: string, rest: readonly string[], value: string): Stage {
  const { accessLog, ...without } = stage;
  const [name] = rest;
  if (op === "remove") {
    if (name !== undefined || !accessLog) throw nothingThere(path);
    return without;
  }
  if (rest.length !== 1 || (name !== "destinationArn" && name !== "format"))
    throw badRequest(
      "Invalid accessLogSettings path. Must be one of : [/accessLogSettings/destinationArn, /accessLogSettings/format]",
    );
  if (value === "") throw badRequest("Access Log value must not be empty");
  return { ...without, accessLog: checkedAccessLog({ ...accessLog, [name]: value }) };
}

/** Access logs go to a log group; other destinations are refused by name. */
export function checkedAccessLog(log: NonNullable<Stage["accessLog"]>): NonNullable<Stage["accessLog"]> {
  const { destinationArn } = log;
  if (destinationArn === undefined) return log;
  if (/^arn:[\w-]+:firehose:/.test(destinationArn)) throw missing("access logs to Firehose");
  if (!/^arn:[\w-]+:logs:[\w-]+:\d{12}:log-group:[^:*]+(:\*)?$/.test(destinationArn))
    throw badRequest(
      "Invalid ARN specified in the request. ARNs must start with 'arn:': access logs go to a log group",
    );
  return { ...log, destinationArn: destinationArn.replace(/:\*$/, "") };
}

function withCanary(stage: Stage, op: string, path: string, rest: readonly string[], value: string): Stage {
  const { canary, ...without } = stage;
  const [name = "", ...more] = rest;
  if (op === "remove" && rest.length === 0) return without;
  if (op === "add" && name === "deploymentId") throw badRequest(`Invalid add operation with path: ${path}`);
  const before: Canary = canary ?? { deploymentId: stage.deploymentId, percentTraffic: 0, useStageCache: false };
  if (name === "stageVariableOverrides" && (more.length || op !== "remove")) {
    if (!more.length) throw invalidPath(path);
    const overrides = withEntry(before.stageVariableOverrides ?? {}, op, more, value);
    return { ...without, canary: { ...before, stageVariableOverrides: overrides } };
  }
  if (op === "remove") throw nothingThere(path);
  switch (name) {
    case "percentTraffic":
      return { ...without, canary: checkedCanary({ ...before, percentTraffic: numberOf(value) }) };
    case "deploymentId":
      return { ...without, canary: { ...before, deploymentId: value } };
    case "useStageCache":
      return { ...without, canary: { ...before, useStageCache: flag(value) } };
    default:
      throw invalidPath(path);
  }
}

export function checkedCanary(canary: Canary): Canary {
  const { percentTraffic } = canary;
  if (!(percentTraffic >= 0 && percentTraffic <= 100))
    throw badRequest(`Invalid canary percent traffic specified: ${percentTraffic}. Must be between 0.0 and 100.0`);
  return canary;
}

/** A canary's deployment and variables become the stage's. */
function promoted(stage: Stage, path: string, from: string): Stage {
  const known =
    (path === "/deploymentId" && from === "/canarySettings/deploymentId") ||
    (path === "/variables" && from === "/canarySettings/stageVariableOverrides");
  if (!known)
    throw badRequest(
      `Invalid copy operation with path: ${path} and from ${from}. Valid copy:path are [/deploymentId, /variables] and valid copy:from are [/canarySettings/deploymentId, /canarySettings/stageVariableOverrides]`,
    );
  const { canary } = stage;
  if (!canary) throw badRequest("Promotion not available. Canary does not exist.");
  if (path === "/deploymentId") return { ...stage, deploymentId: canary.deploymentId };
  return { ...stage, variables: { ...stage.variables, ...canary.stageVariableOverrides } };
}

function withMethodSetting(stage: Stage, op: string, path: string, value: string): Stage {
  const settings = stage.methodSettings ?? {};
  const whole = /^\/(.+)\/([A-Z]+|\*)$/.exec(path);
  if (op === "remove") {
    const key = whole ? settingKey(whole[1]!, whole[2]!) : undefined;
    if (key === undefined || !Object.hasOwn(settings, key)) throw nothingThere(path);
    const { [key]: _gone, ...others } = settings;
    return { ...stage, methodSettings: others };
  }
  const [, resource, method, member] = /^\/(.+)\/([A-Z]+|\*)\/(\w+\/\w+)$/.exec(path) ?? [];
  const change = member === undefined ? undefined : SETTINGS[member];
  if (!resource || !method || !change) throw invalidPath(path);
  const key = settingKey(resource, method);
  const before = settings[key] ?? settings["*/*"] ?? DEFAULT_SETTING;
  return { ...stage, methodSettings: { ...settings, [key]: { ...before, ...change(value) } } };
}

/** `pets/GET`: slashes in the path come as `~1`, and the first is left out. */
const settingKey = (resource: string, method: string): string =>
  `${resource.replaceAll("~1", "/").replaceAll("~0", "~").replace(/^\//, "")}/${method}`;
