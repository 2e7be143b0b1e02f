import type * as Lambda from "@aws-sdk/client-lambda";
import type { Context } from "../../aws/context.ts";
import type { LambdaState } from "./state.ts";
import { functionArn, LATEST, revisionOf, type FunctionRecord } from "./model.ts";

type Ctx = Context<LambdaState>;

/** The variables of a version in the clear. */
export function environmentOf(ctx: Context<any>, record: FunctionRecord): Record<string, string> {
  if (record.sealedEnvironment === undefined) return {};
  const text = ctx.platform.vault.open("lambda-environment", record.sealedEnvironment);
  return text === undefined ? {} : (JSON.parse(text) as Record<string, string>);
}

/** A version as Lambda describes it. */
export function configurationView(
  ctx: Ctx,
  record: FunctionRecord,
  options: { fresh?: "create" | "update"; qualifier?: string | undefined } = {},
): Lambda.FunctionConfiguration {
  const pending = {
    State: "Pending",
    StateReason: "The function is being created.",
    StateReasonCode: "Creating",
  } as const;
  const inProgress = {
    LastUpdateStatus: "InProgress",
    LastUpdateStatusReason: "The function is being created.",
    LastUpdateStatusReasonCode: "Creating",
  } as const;
  const state =
    options.fresh === "create"
      ? pending
      : {
          State: "Active" as const,
          ...(options.fresh === "update"
            ? (inProgress as unknown as { LastUpdateStatus: "InProgress" })
            : { LastUpdateStatus: "Successful" as const }),
        };
  const qualifier = options.qualifier ?? (record.version === LATEST ? undefined : record.version);
  return {
    FunctionName: record.name,
    FunctionArn: functionArn(ctx, record.name) + (qualifier === undefined ? "" : `:${qualifier}`),
    Runtime: record.runtime as Lambda.Runtime,
    Role: record.role,
    Handler: record.handler,
    CodeSize: record.codeSize,
    Description: record.description,
    Timeout: record.timeoutSeconds,
    MemorySize: record.memoryMB,
    LastModified: new Date(record.modified).toISOString().replace("Z", "+0000"),
    CodeSha256: Buffer.from(record.codeDigest, "hex").toString("base64"),
    Version: record.version,
    TracingConfig: { Mode: record.tracing as Lambda.TracingMode },
    RevisionId: revisionOf(record),
    PackageType: "Zip",
    Architectures: [...record.architectures] as Lambda.Architecture[],
    EphemeralStorage: { Size: record.tmpMB },
    SnapStart: { ApplyOn: "None", OptimizationStatus: "Off" },
    RuntimeVersionConfig: {
      RuntimeVersionArn: runtimeVersionArn(ctx, record.runtime),
    },
    LoggingConfig: record.loggingConfig as Lambda.LoggingConfig,
    ...state,
    ...(record.sealedEnvironment === undefined ? {} : { Environment: { Variables: environmentOf(ctx, record) } }),
    ...(record.deadLetterArn ? { DeadLetterConfig: { TargetArn: record.deadLetterArn } } : {}),
    ...(record.layers.length
      ? { Layers: record.layers.map((Arn, i) => ({ Arn, CodeSize: record.layerSizes?.[i] ?? 0 })) }
      : {}),
  };
}

/** A version as lists describe it: without what only one call of it answers. */
export function listedView(
  ctx: Ctx,
  record: FunctionRecord,
  options: { qualifier?: string | undefined } = {},
): Lambda.FunctionConfiguration {
  const {
    State: _s,
    LastUpdateStatus: _u,
    RuntimeVersionConfig: _r,
    ...listed
  } = configurationView(ctx, record, options);
  return listed;
}

/** A stable identifier of what runs a runtime here, in the place of AWS's hash of its image. */
export function runtimeVersionArn(ctx: { region: string }, runtime: string): string {
  const id = Buffer.from(`starling/${runtime}/${process.version}`).toString("hex").padEnd(64, "0").slice(0, 64);
  return `arn:aws:lambda:${ctx.region}::runtime:${id}`;
}
