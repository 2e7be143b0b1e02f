import { limitsOf } from "../../compute/build/index.ts";
import { notImplemented } from "../../kernel/aws-error.ts";
import { DEFAULT_QUEUED_MINUTES, DEFAULT_TIMEOUT_MINUTES } from "./limits.ts";
import { invalidInput, type StoredProject } from "./model.ts";

/** What CreateProject, UpdateProject and the overrides of StartBuild share. */
export type Settings = Omit<StoredProject, "name" | "arn" | "created" | "lastModified" | "tags" | "badge" | "webhook">;

const SOURCES = new Set(["CODEPIPELINE", "CODECOMMIT", "S3", "NO_SOURCE"]);
const ENVIRONMENTS = new Set(["LINUX_CONTAINER", process.arch === "arm64" ? "ARM_CONTAINER" : "LINUX_CONTAINER"]);
const MAX_SECONDARY = 12;

/** Project settings with CodeBuild's defaults; what cannot be done is refused by its name. */
export function checkedSettings(given: Settings): Settings {
  const settings = withoutRemoved(given);
  if (!settings.source) throw invalidInput("Project source is required");
  if (!settings.artifacts) throw invalidInput("Project artifacts are required");
  if (!settings.environment) throw invalidInput("Project environment is required");
  if (!settings.serviceRole) throw invalidInput("Service role is required");
  checkSource(settings.source, settings.secondarySources ?? []);
  checkArtifacts(settings.artifacts, settings.secondaryArtifacts ?? [], settings.source.type);
  checkEnvironment(settings.environment);
  refuseOthers(settings);
  const cache = settings.cache?.type ? settings.cache : { type: "NO_CACHE" as const };
  if (cache.type === "S3" && !cache.location)
    throw invalidInput("Invalid cache: location is required for cache type S3");
  return {
    ...settings,
    cache,
    artifacts: withArtifactDefaults(settings.artifacts),
    timeoutInMinutes: settings.timeoutInMinutes ?? DEFAULT_TIMEOUT_MINUTES,
    queuedTimeoutInMinutes: settings.queuedTimeoutInMinutes ?? DEFAULT_QUEUED_MINUTES,
    environment: {
      privilegedMode: false,
      environmentVariables: [],
      imagePullCredentialsType: "CODEBUILD",
      ...settings.environment,
    },
  };
}

/** Of what an update takes away: a limit of -1 is none, as CodeBuild's reference says, and an empty configuration has no settings. */
function withoutRemoved({ concurrentBuildLimit, logsConfig, buildBatchConfig, ...others }: Settings): Settings {
  return {
    ...others,
    ...(concurrentBuildLimit === undefined || concurrentBuildLimit === -1 ? {} : { concurrentBuildLimit }),
    ...(logsConfig && Object.keys(logsConfig).length > 0 ? { logsConfig } : {}),
    ...(buildBatchConfig && Object.keys(buildBatchConfig).length > 0 ? { buildBatchConfig } : {}),
  };
}

type Source = NonNullable<Settings["source"]>;
type Artifacts = NonNullable<Settings["artifacts"]>;

function checkSource(source: Source, secondary: readonly Source[]): void {
  for (const one of [source, ...secondary]) {
    const type = String(one.type);
    if (!SOURCES.has(type)) throw notImplemented(`the CodeBuild source type ${type}`);
    if (one.buildStatusConfig || one.reportBuildStatus)
      throw notImplemented("reports of a build's status to its source provider");
    if (one.gitSubmodulesConfig?.fetchSubmodules) throw notImplemented("fetching of git submodules");
    if ((type === "S3" || type === "CODECOMMIT") && !one.location)
      throw invalidInput(`Invalid project source: location is required for source type ${type}`);
    if (type === "S3" && !/^(arn:aws:s3:::)?[a-z0-9.-]{3,63}\/.+/.test(one.location ?? ""))
      throw invalidInput("Invalid project source: location must be a valid S3 source: bucket/path");
  }
  if (source.type === "NO_SOURCE" && !source.buildspec?.includes("\n"))
    throw invalidInput("Project source type NO_SOURCE requires an inline buildspec");
  if (secondary.length > MAX_SECONDARY) throw invalidInput(`Invalid secondarySources: at most ${MAX_SECONDARY}`);
  for (const one of secondary)
    if (!/^[A-Za-z0-9_]{1,127}$/.test(one.sourceIdentifier ?? ""))
      throw invalidInput(`Invalid source identifier ${one.sourceIdentifier}: letters, digits and _ only`);
}

function checkArtifacts(artifacts: Artifacts, secondary: readonly Artifacts[], sourceType: string | undefined): void {
  for (const one of [artifacts, ...secondary]) {
    if (one.type === "S3" && !one.location)
      throw invalidInput("Invalid artifacts: location is required for artifacts type S3");
  }
  if ((artifacts.type === "CODEPIPELINE") !== (sourceType === "CODEPIPELINE"))
    throw invalidInput("Invalid artifacts: artifact type and source type must both be CODEPIPELINE, or neither");
  if (secondary.length > MAX_SECONDARY) throw invalidInput(`Invalid secondaryArtifacts: at most ${MAX_SECONDARY}`);
  for (const one of secondary)
    if (!one.artifactIdentifier) throw invalidInput("Invalid secondaryArtifacts: artifactIdentifier is required");
}

function checkEnvironment(environment: NonNullable<Settings["environment"]>): void {
  if (!ENVIRONMENTS.has(String(environment.type)))
    throw notImplemented(`the CodeBuild environment type ${environment.type}`);
  if (!limitsOf(String(environment.computeType)))
    throw notImplemented(`the CodeBuild compute type ${environment.computeType}`);
  if (environment.certificate) throw notImplemented("certificates of a build environment (environment.certificate)");
  if (environment.registryCredential) throw notImplemented("registry credentials of a build environment");
  if (environment.fleet?.fleetArn) throw notImplemented("CodeBuild fleets");
  checkVariables(environment.environmentVariables ?? []);
}

/** Environment variables of a project or a call. */
export function checkVariables(
  variables: readonly { readonly name: string | undefined; readonly type?: string }[],
): void {
  for (const { name, type } of variables) {
    if (!/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(name ?? ""))
      throw invalidInput(`Invalid environment variable name: ${name}`);
    if (name?.startsWith("CODEBUILD_"))
      throw invalidInput(`Environment variable name ${name} is reserved: names must not start with CODEBUILD_`);
    if (type === "SECRETS_MANAGER") throw notImplemented(`environment variables of type SECRETS_MANAGER (${name})`);
  }
}

function refuseOthers(settings: Settings): void {
  if (settings.vpcConfig?.vpcId) throw notImplemented("builds in a VPC (vpcConfig)");
  if (settings.fileSystemLocations?.length) throw notImplemented("file systems of a build (fileSystemLocations)");
  if (settings.autoRetryLimit) throw notImplemented("automatic retries of builds (autoRetryLimit)");
  checkBatchConfig(settings);
  const s3Logs = settings.logsConfig?.s3Logs;
  if (s3Logs?.status === "ENABLED" && !s3Logs.location)
    throw invalidInput("Invalid logs config: location is required when S3 logs are enabled");
}

const MAX_BATCH_MINUTES = 2160;

function checkBatchConfig({ buildBatchConfig, artifacts }: Settings): void {
  const { timeoutInMins = 480, combineArtifacts } = buildBatchConfig ?? {};
  if (timeoutInMins < 5 || timeoutInMins > MAX_BATCH_MINUTES)
    throw invalidInput(`Invalid batch timeout: timeoutInMins must be between 5 and ${MAX_BATCH_MINUTES}`);
  if (combineArtifacts && (artifacts?.type !== "S3" || artifacts.packaging === "ZIP"))
    throw notImplemented("combined artifacts of batches in one zip (combineArtifacts; packaging NONE works)");
}

/** S3 artifacts have a packaging, and their name is the project's where none is given. */
function withArtifactDefaults(artifacts: Artifacts): Artifacts {
  if (artifacts.type !== "S3") return artifacts;
  return { packaging: "NONE", namespaceType: "NONE", ...artifacts };
}
