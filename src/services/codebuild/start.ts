import type { StartBuildInput } from "@aws-sdk/client-codebuild";
import type { Principal } from "../../aws/principal.ts";
import { AwsError, notImplemented } from "../../kernel/aws-error.ts";
import { buildChanged } from "./events.ts";
import {
  batchArn,
  buildArn,
  existingBuild,
  existingProject,
  invalidInput,
  projectName,
  projectOfBuild,
  type BuildView,
  type Ctx,
  type Json,
  type Phase,
  type StoredBuild,
} from "./model.ts";
import { startedBefore, startNumbered, type Numbered } from "./numbered.ts";
import { checkedSettings, checkVariables, type Settings } from "./project-settings.ts";
import { s3LogPlace } from "./s3-log.ts";

export const BUILDS = "codebuild-builds";
export const QUEUE_TIMEOUTS = "codebuild-queue-timeouts";

export const BUILD: Numbered<StoredBuild> = {
  kind: "build",
  counter: "counter",
  order: "order",
  projectOrder: "project-order",
  name: "Builds",
  existing: existingBuild,
};

const S3_ARN = /^arn:aws:s3:::[a-z0-9.-]{3,63}\/.+$/;
/** Overrides that would have to be ignored. */
const REFUSED = [
  "sourceAuthOverride",
  "gitSubmodulesConfigOverride",
  "buildStatusConfigOverride",
  "certificateOverride",
  "registryCredentialOverride",
  "fleetOverride",
  "hostKernelOverride",
  "autoRetryLimitOverride",
] as const;

export type StartInput = { readonly [K in keyof StartBuildInput]?: Json<StartBuildInput[K]> };

/** Puts a build into the queue; a call with the token of a former one answers that one's build. */
export async function startBuild(ctx: Ctx, input: StartInput): Promise<StoredBuild> {
  const name = projectName(input.projectName);
  const token = input.idempotencyToken === undefined ? undefined : `${name}:${input.idempotencyToken}`;
  const earlier = await startedBefore(ctx, BUILD, token);
  if (earlier) return earlier;
  const settings = checkedSettings(withOverrides(await existingProject(ctx, name), input));
  if (settings.source?.type === "CODEPIPELINE" && !S3_ARN.test(settings.sourceVersion ?? ""))
    throw invalidInput(
      "A build with the source type CODEPIPELINE is started by a pipeline: its source version must be the S3 ARN of an input artifact",
    );
  await checkConcurrency(ctx, name, settings.concurrentBuildLimit);
  return await startWithSettings(ctx, name, settings, token === undefined ? {} : { token });
}

/** How many of a project's latest builds are looked at for those that have not ended. */
const LATEST = 200;

/** Refuses a build more than the project may have at a time. */
async function checkConcurrency(ctx: Ctx, name: string, limit: number | undefined): Promise<void> {
  if (limit === undefined) return;
  const latest = { prefix: `${name}/`, reverse: true, limit: LATEST };
  const ids = await ctx.records.list<string>(BUILD.projectOrder, latest);
  const builds = await Promise.all(ids.map(({ value }) => ctx.records.get<StoredBuild>(BUILD.kind, value)));
  if (builds.filter((found) => found && !found.value.build.buildComplete).length < limit) return;
  throw new AwsError(
    "AccountLimitExceededException",
    `Cannot have more than ${limit} active builds for the project`,
    400,
  );
}

/** Puts a build into the queue, once for each token. */
export async function startWithSettings(
  ctx: Ctx,
  name: string,
  settings: Settings,
  { token, batch }: { token?: string; batch?: NonNullable<StoredBuild["batch"]> },
): Promise<StoredBuild> {
  return await startNumbered(ctx, BUILD, name, token, (id, number) => {
    const build: BuildView = {
      ...newBuild(ctx, id, number, settings),
      ...(batch ? { buildBatchArn: batchArn(ctx, batch.id) } : {}),
    };
    return {
      started: build,
      stored: { build, settings, runs: 0, ...(batch ? { batch } : {}) },
      also: [
        ...ctx.enqueue(BUILDS, { id }),
        ...ctx.enqueue(QUEUE_TIMEOUTS, { id }, { delayMs: Number(settings.queuedTimeoutInMinutes) * 60_000 }),
        ...buildChanged(ctx, build, "IN_PROGRESS"),
      ],
    };
  });
}

/** The project's settings with what the call wants otherwise. */
export function withOverrides(project: Settings, input: StartInput): Settings {
  for (const name of REFUSED) if (input[name] !== undefined) throw notImplemented(`StartBuild's ${name}`);
  if (input.debugSessionEnabled) throw notImplemented("debug sessions of builds");
  checkVariables((input.environmentVariablesOverride ?? []) as { name: string }[]);
  const given = <T extends object>(values: T): Partial<T> =>
    Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;
  const source = {
    ...project.source,
    ...given({
      type: input.sourceTypeOverride,
      location: input.sourceLocationOverride,
      buildspec: input.buildspecOverride,
      gitCloneDepth: input.gitCloneDepthOverride,
      insecureSsl: input.insecureSslOverride,
    }),
  };
  const variables = new Map((project.environment?.environmentVariables ?? []).map((v) => [v.name, v]));
  for (const variable of input.environmentVariablesOverride ?? []) variables.set(variable.name, variable);
  return {
    ...project,
    ...given({
      sourceVersion: input.sourceVersion,
      secondarySources: input.secondarySourcesOverride,
      secondarySourceVersions: input.secondarySourcesVersionOverride,
      artifacts: input.artifactsOverride,
      secondaryArtifacts: input.secondaryArtifactsOverride,
      cache: input.cacheOverride,
      serviceRole: input.serviceRoleOverride,
      timeoutInMinutes: input.timeoutInMinutesOverride,
      queuedTimeoutInMinutes: input.queuedTimeoutInMinutesOverride,
      encryptionKey: input.encryptionKeyOverride,
      logsConfig: input.logsConfigOverride,
    }),
    source: source as NonNullable<Settings["source"]>,
    environment: {
      ...project.environment!,
      ...given({
        type: input.environmentTypeOverride,
        image: input.imageOverride,
        computeType: input.computeTypeOverride,
        privilegedMode: input.privilegedModeOverride,
        imagePullCredentialsType: input.imagePullCredentialsTypeOverride,
      }),
      environmentVariables: [...variables.values()],
    },
  };
}

function newBuild(ctx: Ctx, id: string, buildNumber: number, settings: Settings): BuildView {
  const now = ctx.now();
  const uuid = id.slice(id.lastIndexOf(":") + 1);
  const phases: Phase[] = [
    { phaseType: "SUBMITTED", phaseStatus: "SUCCEEDED", startTime: now, endTime: now, durationInSeconds: 0 },
    { phaseType: "QUEUED", startTime: now },
  ];
  const logs = settings.logsConfig?.cloudWatchLogs;
  const groupName = logs?.groupName ?? `/aws/codebuild/${projectOfBuild(id)}`;
  const streamName = logs?.streamName ? `${logs.streamName}/${uuid}` : uuid;
  const { source, secondarySources = [], cache, environment, serviceRole } = settings;
  return {
    id,
    arn: buildArn(ctx, id),
    buildNumber,
    startTime: now,
    currentPhase: "QUEUED",
    buildStatus: "IN_PROGRESS",
    buildComplete: false,
    ...(settings.sourceVersion ? { sourceVersion: settings.sourceVersion } : {}),
    projectName: projectOfBuild(id),
    phases,
    source: source!,
    secondarySources,
    secondarySourceVersions: settings.secondarySourceVersions ?? [],
    artifacts: { location: "" },
    secondaryArtifacts: [],
    cache: cache!,
    environment: environment!,
    serviceRole: serviceRole!,
    logs: {
      cloudWatchLogs: logs ?? { status: "ENABLED" },
      s3Logs: settings.logsConfig?.s3Logs ?? { status: "DISABLED", encryptionDisabled: false },
      ...s3LogPlace(settings, uuid),
      ...(logs?.status === "DISABLED"
        ? {}
        : {
            groupName,
            streamName,
            cloudWatchLogsArn: `arn:aws:logs:${ctx.region}:${ctx.account}:log-group:${groupName}:log-stream:${streamName}`,
          }),
    },
    timeoutInMinutes: settings.timeoutInMinutes!,
    queuedTimeoutInMinutes: settings.queuedTimeoutInMinutes!,
    initiator: initiatorOf(ctx.principal),
    encryptionKey: settings.encryptionKey!,
    exportedEnvironmentVariables: [],
    reportArns: [],
  };
}

/** Who started a build, as it shows. */
export function initiatorOf(principal: Principal): string {
  if (principal.kind === "user") return principal.name;
  if (principal.kind === "service") return principal.service;
  if (principal.kind !== "role") return principal.kind;
  if (principal.service === "codepipeline.amazonaws.com") return `codepipeline/${principal.sessionName}`;
  return `${principal.roleName}/${principal.sessionName}`;
}
