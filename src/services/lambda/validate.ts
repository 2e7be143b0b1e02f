import type { Context } from "../../aws/context.ts";
import { parseRuntime } from "../../compute/lambda/runtimes.ts";
import { notImplemented, type AwsError } from "../../kernel/aws-error.ts";
import { checkDeadLetterArn } from "./dead-letter.ts";
import {
  DEFAULT_MEMORY_MB,
  DEFAULT_TIMEOUT_SECONDS,
  DEFAULT_TMP_MB,
  MAX_ENVIRONMENT_BYTES,
  MAX_LAYERS,
  RESERVED_VARIABLES,
} from "./limits.ts";
import { invalidParameter, type FunctionRecord } from "./model.ts";
import type { LambdaState } from "./state.ts";

/** What AWS has, in the order of its message. */
const RUNTIMES =
  "nodejs20.x, python3.14, provided.al2023, python3.12, python3.13, nodejs24.x, nodejs22.x, java25, python3.10, python3.11, java21, ruby3.3, ruby3.4, ruby3.2, python3.8, python3.9, java17, nodejs16.x, dotnet10, dotnet8, java11, dotnet6, nodejs18.x, provided.al2, java8.al2";
/** Runtimes of AWS that nothing runs here. */
const NOT_HERE = /^(?:ruby\d\.\d|java\d+(?:\.al2)?|dotnet(?:core)?\d+(?:\.\d)?)$/;

type Settings = Omit<FunctionRecord, "name" | "version" | "codeDigest" | "codeSize" | "revisionId" | "modified">;

/** Members that CreateFunction and UpdateFunctionConfiguration share, as the SDK types them. */
export interface ConfigurationInput {
  readonly Runtime?: string | undefined;
  readonly Handler?: string | undefined;
  readonly Role?: string | undefined;
  readonly Description?: string | undefined;
  readonly Timeout?: number | undefined;
  readonly MemorySize?: number | undefined;
  readonly EphemeralStorage?: { Size?: number | undefined } | undefined;
  readonly Environment?: { Variables?: Record<string, string> | undefined } | undefined;
  readonly Architectures?: readonly string[] | undefined;
  readonly Layers?: readonly string[] | undefined;
  readonly LoggingConfig?: any;
  readonly TracingConfig?: { Mode?: string | undefined } | undefined;
  readonly DeadLetterConfig?: { TargetArn?: string | undefined } | undefined;
  readonly PackageType?: string | undefined;
  readonly KMSKeyArn?: string | undefined;
  readonly DurableConfig?: unknown;
  readonly TenancyConfig?: unknown;
  readonly CapacityProviderConfig?: unknown;
  readonly VpcConfig?: { SubnetIds?: string[] | undefined; SecurityGroupIds?: string[] | undefined } | undefined;
  readonly FileSystemConfigs?: unknown[] | undefined;
  readonly SnapStart?: { ApplyOn?: string | undefined } | undefined;
}

/** The settings after a change: what the input says, else what was before, else Lambda's defaults. Throws for what Lambda refuses. */
export function settingsOf(
  ctx: Context<LambdaState>,
  name: string,
  input: ConfigurationInput,
  before?: FunctionRecord,
): Settings {
  refuseUnsupported(input);
  const runtime = input.Runtime ?? before?.runtime;
  if (!runtime) throw invalidParameter("Runtime is mandatory for functions created with deployment packages.");
  if (NOT_HERE.test(runtime)) throw notImplemented(`functions in ${runtime}`);
  if (!parseRuntime(runtime)) {
    throw invalidParameter(
      `Value ${runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [${RUNTIMES}] or be a valid ARN`,
    );
  }
  const memoryMB = input.MemorySize ?? before?.memoryMB ?? DEFAULT_MEMORY_MB;
  if (!ctx.state.invoker.runtime(runtime, memoryMB))
    throw invalidParameter(`The runtime ${runtime} is not available on this machine.`);
  const handler = input.Handler ?? before?.handler;
  if (!handler) throw invalidParameter("Handler is mandatory for functions created with deployment packages.");
  const environment = sealedEnvironment(ctx, input, before);
  const deadLetterArn = input.DeadLetterConfig ? input.DeadLetterConfig.TargetArn : before?.deadLetterArn;
  if (deadLetterArn) checkDeadLetterArn(deadLetterArn);
  return {
    runtime,
    handler,
    memoryMB,
    description: input.Description ?? before?.description ?? "",
    role: input.Role ?? before?.role ?? "",
    timeoutSeconds: input.Timeout ?? before?.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS,
    tmpMB: input.EphemeralStorage?.Size ?? before?.tmpMB ?? DEFAULT_TMP_MB,
    architectures: architecturesOf(input, before, runtime),
    layers: layersOf(input, before),
    loggingConfig: loggingOf(name, input, before),
    tracing: input.TracingConfig?.Mode ?? before?.tracing ?? "PassThrough",
    ...(environment === undefined ? {} : { sealedEnvironment: environment }),
    ...(deadLetterArn ? { deadLetterArn } : {}),
  };
}

function refuseUnsupported(input: ConfigurationInput): void {
  const missing = (what: string): AwsError => notImplemented(`${what} for functions`);
  if (input.PackageType === "Image") throw missing("container images");
  if (input.FileSystemConfigs?.length) throw missing("file systems (EFS)");
  if (input.KMSKeyArn) throw missing("KMS keys of one's own (KMSKeyArn)");
  for (const name of ["DurableConfig", "TenancyConfig", "CapacityProviderConfig"] as const)
    if (input[name] !== undefined) throw missing(name);
  if (input.SnapStart?.ApplyOn === "PublishedVersions") throw missing("SnapStart");
  if (input.VpcConfig?.SubnetIds?.length) throw missing("VPC connections");
}

/** Interpreted runtimes run on any architecture; a compiled `provided` function of another one cannot. */
function architecturesOf(
  input: ConfigurationInput,
  before: FunctionRecord | undefined,
  runtime: string,
): readonly string[] {
  const wanted = input.Architectures ?? before?.architectures ?? ["x86_64"];
  const host = process.arch === "arm64" ? "arm64" : "x86_64";
  if (wanted[0] !== host && parseRuntime(runtime)?.family === "provided")
    throw invalidParameter(`A ${runtime} function for ${wanted[0]} cannot run on this machine, which is ${host}.`);
  return wanted;
}

function layersOf(input: ConfigurationInput, before: FunctionRecord | undefined): readonly string[] {
  const layers = input.Layers ?? before?.layers ?? [];
  if (layers.length > MAX_LAYERS) throw invalidParameter(`Cannot reference more than ${MAX_LAYERS} layers.`);
  return layers;
}

function loggingOf(
  name: string,
  input: ConfigurationInput,
  before: FunctionRecord | undefined,
): FunctionRecord["loggingConfig"] {
  const given = input.LoggingConfig;
  if (!given) return before?.loggingConfig ?? { LogFormat: "Text", LogGroup: `/aws/lambda/${name}` };
  const LogGroup = given.LogGroup ?? `/aws/lambda/${name}`;
  if (given.LogFormat !== "JSON") return { LogFormat: "Text", LogGroup };
  const { ApplicationLogLevel = "INFO", SystemLogLevel = "INFO" } = given;
  return { LogFormat: "JSON", LogGroup, ApplicationLogLevel, SystemLogLevel };
}

function sealedEnvironment(
  ctx: Context<LambdaState>,
  input: ConfigurationInput,
  before: FunctionRecord | undefined,
): string | undefined {
  if (!input.Environment) return before?.sealedEnvironment;
  const variables = input.Environment.Variables ?? {};
  const reserved = Object.keys(variables).filter((key) => RESERVED_VARIABLES.has(key));
  if (reserved.length) {
    throw invalidParameter(
      `Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: ${reserved.join(", ")}`,
    );
  }
  const text = JSON.stringify(variables);
  if (Buffer.byteLength(text) > MAX_ENVIRONMENT_BYTES) {
    throw invalidParameter(
      `Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit. String measured: ${text}`,
    );
  }
  return ctx.platform.vault.seal("lambda-environment", text);
}
