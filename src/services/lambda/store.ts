import type { Context } from "../../aws/context.ts";
import type { Settings } from "../../aws/platform.ts";
import type { FunctionVersion } from "../../compute/lambda/function-version.ts";
import { environmentOf } from "./configuration.ts";
import {
  functionArn,
  functionNotFound,
  LATEST,
  versionId,
  type AliasRecord,
  type FunctionHead,
  type FunctionRecord,
} from "./model.ts";
import type { LambdaState } from "./state.ts";

type Ctx = Context<LambdaState>;

/** What belongs to the whole function; throws ResourceNotFoundException. */
export async function headOf(ctx: Ctx, name: string): Promise<FunctionHead> {
  const stored = await ctx.records.getShared<FunctionHead>("function", name);
  if (!stored) throw functionNotFound(ctx, name);
  return stored.value;
}

/** Changes what belongs to the whole function; throws ResourceNotFoundException. */
export async function changeHead(
  ctx: Ctx,
  name: string,
  how: (head: FunctionHead) => FunctionHead,
): Promise<FunctionHead> {
  const head = await ctx.records.update<FunctionHead>("function", name, how);
  if (!head) throw functionNotFound(ctx, name);
  return head;
}

/** The version that a qualifier means: a number, `$LATEST`, or an alias (one of its versions by weight). */
export async function versionOf(ctx: Ctx, name: string, qualifier?: string): Promise<FunctionRecord> {
  const version =
    qualifier === undefined || qualifier === LATEST || /^\d+$/.test(qualifier) ? (qualifier ?? LATEST) : undefined;
  const wanted = version ?? (await aliasTarget(ctx, name, qualifier!));
  const stored = await ctx.records.getShared<FunctionRecord>("version", versionId(name, wanted));
  if (!stored) throw functionNotFound(ctx, name, qualifier);
  return stored.value;
}

/** The same where each call of the qualifier means the same version; undefined where an alias chooses by weight. */
export async function fixedVersionOf(ctx: Ctx, name: string, qualifier = LATEST): Promise<FunctionRecord | undefined> {
  if (qualifier !== LATEST && !/^\d+$/.test(qualifier)) {
    const alias = await ctx.records.getShared<AliasRecord>("alias", `${name}:${qualifier}`);
    if (Object.keys(alias?.value.weights ?? {}).length > 0) return undefined;
  }
  return versionOf(ctx, name, qualifier);
}

async function aliasTarget(ctx: Ctx, name: string, alias: string): Promise<string> {
  const stored = await ctx.records.getShared<AliasRecord>("alias", `${name}:${alias}`);
  if (!stored) throw functionNotFound(ctx, name, alias);
  const { version, weights = {} } = stored.value;
  let at = Number(`0.${ctx.platform.ids.text(9, "0123456789")}`);
  for (const [other, weight] of Object.entries(weights)) {
    if (at < weight) return other;
    at -= weight;
  }
  return version;
}

/** A version as the invoker runs it. */
export function runnable(ctx: Ctx, record: FunctionRecord): FunctionVersion {
  const { versions } = ctx.state;
  let version = versions.get(record);
  if (!version) versions.set(record, (version = toRunnable(ctx, record)));
  return version;
}

function toRunnable(ctx: Ctx, record: FunctionRecord): FunctionVersion {
  const arn = functionArn(ctx, record.name);
  const environment = environmentOf(ctx, record);
  return {
    key: `${arn}:${record.version}:${record.revisionId}`,
    account: ctx.account,
    region: ctx.region,
    name: record.name,
    version: record.version,
    arn,
    runtime: record.runtime,
    handler: record.handler,
    memoryMB: record.memoryMB,
    timeoutSeconds: record.timeoutSeconds,
    tmpMB: record.tmpMB,
    roleArn: record.role,
    environment,
    logGroup: record.loggingConfig.LogGroup,
    logFormat: record.loggingConfig.LogFormat === "JSON" ? "JSON" : "Text",
    applicationLogLevel: record.loggingConfig.ApplicationLogLevel ?? "INFO",
    systemLogLevel: record.loggingConfig.SystemLogLevel ?? "INFO",
    internet: reachesInternet(ctx.platform.settings.internet, environment),
    codeDigest: record.codeDigest,
    layerDigests: record.layerDigests ?? [],
  };
}

/** A function's own variable decides, where the platform leaves it to functions. */
function reachesInternet(setting: Settings["internet"], environment: Readonly<Record<string, string>>): boolean {
  const own = environment["STARLING_INTERNET"];
  return setting === "always" ? own !== "off" : setting === "asked" && own === "on";
}
