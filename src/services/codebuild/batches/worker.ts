import type { ComputeType, EnvironmentType } from "@aws-sdk/client-codebuild";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { isAllowed } from "../../../aws/authorize.ts";
import type { QueueWorker } from "../../../aws/service.ts";
import { BuildFailure } from "../../../compute/build/index.ts";
import type { BatchSpec, BatchTask } from "../../../engines/buildspec/index.ts";
import { AwsError, messageOf } from "../../../kernel/aws-error.ts";
import { ownValue } from "../../../kernel/own-value.ts";
import { existingBuild, projectArn, type Ctx, type StoredBuild } from "../model.ts";
import { startedBefore } from "../numbered.ts";
import { checkedSettings, type Settings } from "../project-settings.ts";
import { fetchSource, readBuildspec } from "../sources.ts";
import { BUILD, startWithSettings, withOverrides } from "../start.ts";
import type { CodeBuildState } from "../state.ts";
import { requestStop } from "../stop.ts";
import { BATCH_TIMEOUTS, BATCHES, batchSoon, endBatch, enterPhase, type StoredBatch } from "./model.ts";

/** Lets batches go on: reads what they are to build, starts what may begin, and ends them. */
export const batchWorker: QueueWorker<CodeBuildState> = {
  topic: BATCHES,
  concurrency: 8,
  leaseMs: 60_000,
  async run(ctx, body) {
    const { id } = body as { id: string };
    const stored = (await ctx.records.get<StoredBatch>("batch", id))?.value;
    if (!stored || stored.batch.complete) return;
    try {
      await goOn(ctx, stored.spec || stored.stopRequested ? stored : await withSpec(ctx, stored));
    } catch (error) {
      if (!(error instanceof BuildFailure || error instanceof AwsError) || ctx.signal.aborted) throw error;
      const context = {
        statusCode: error instanceof BuildFailure ? error.statusCode : "CLIENT_ERROR",
        message: messageOf(error),
      };
      await change(ctx, id, (b) => ({ ...b, batch: endBatch(b.batch, "FAILED", ctx.now(), context) }));
    }
  },
};

/** Ends batches that take too long. */
export const batchTimeouts: QueueWorker<CodeBuildState> = {
  topic: BATCH_TIMEOUTS,
  concurrency: 4,
  leaseMs: 30_000,
  async run(ctx, body) {
    const { id, attempt } = body as { id: string; attempt: number };
    await ctx.records.update<StoredBatch>(
      "batch",
      id,
      (b) => (b.batch.complete || b.attempt !== attempt ? undefined : { ...b, stopRequested: "TIMED_OUT" }),
      ...batchSoon(ctx, id),
    );
  },
};

/** Changes a batch that is not over; answers it as it is then. */
async function change(ctx: Ctx, id: string, make: (batch: StoredBatch) => StoredBatch): Promise<StoredBatch> {
  const next = await ctx.records.update<StoredBatch>("batch", id, (b) => (b.batch.complete ? undefined : make(b)));
  if (!next) throw new Error(`the batch ${id} is gone`);
  return next;
}

/** Reads the buildspec, as the project's role; the builds get the very commit that was read. */
async function withSpec(ctx: Ctx, { batch, settings }: StoredBatch): Promise<StoredBatch> {
  await change(ctx, batch.id, (b) => ({
    ...b,
    batch: enterPhase(b.batch, "DOWNLOAD_BATCHSPEC", ctx.now(), { status: "SUCCEEDED" }),
  }));
  const work = join(ctx.state.work, `batch-${batch.id.replace(/^.*:/, "")}`);
  await rm(work, { recursive: true, force: true });
  await mkdir(work, { recursive: true });
  try {
    const role = await ctx.asRole(String(settings.serviceRole), `AWSCodeBuild-${batch.id.slice(-36)}`);
    const source = await fetchSource(role, settings.source!, settings.sourceVersion, join(work, "src"));
    const { spec } = await readBuildspec(role, settings.source?.buildspec, source.folder);
    if (!spec.batch)
      throw new BuildFailure("YAML_FILE_ERROR", "The buildspec has no section batch: a batch build needs one");
    checkRestrictions(spec.batch, settings);
    const { resolvedVersion } = source;
    return await change(ctx, batch.id, (b) => ({
      ...b,
      spec: spec.batch!,
      settings:
        resolvedVersion && settings.source?.type !== "CODEPIPELINE"
          ? { ...settings, sourceVersion: resolvedVersion }
          : settings,
      batch: {
        ...enterPhase(b.batch, "IN_PROGRESS", ctx.now(), { status: "SUCCEEDED" }),
        ...(resolvedVersion ? { resolvedSourceVersion: resolvedVersion } : {}),
      },
    }));
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function checkRestrictions({ tasks }: BatchSpec, { buildBatchConfig, environment }: Settings): void {
  const { maximumBuildsAllowed, computeTypesAllowed } = buildBatchConfig?.restrictions ?? {};
  if (maximumBuildsAllowed !== undefined && tasks.length > maximumBuildsAllowed)
    throw new BuildFailure(
      "CLIENT_ERROR",
      `The batch has ${tasks.length} builds; the project allows ${maximumBuildsAllowed}`,
    );
  const unwanted = tasks
    .map((task) => task.environment.computeType ?? String(environment?.computeType))
    .find((type) => computeTypesAllowed?.length && !computeTypesAllowed.includes(type));
  if (unwanted)
    throw new BuildFailure("CLIENT_ERROR", `The project does not allow batch builds of the compute type ${unwanted}`);
}

const isOver = (build: StoredBuild | undefined): boolean => build?.build.buildComplete === true;
const hasSucceeded = (build: StoredBuild | undefined): boolean => build?.build.buildStatus === "SUCCEEDED";

/** Starts the builds that wait for nothing any more, or ends a batch in which nothing is left to do. */
async function goOn(ctx: Ctx, stored: StoredBatch): Promise<void> {
  const tasks = stored.spec?.tasks ?? [];
  const current = new Map<string, StoredBuild | undefined>();
  for (const { identifier } of tasks) {
    const id = ownValue(stored.current, identifier);
    current.set(identifier, id === undefined ? undefined : await existingBuild(ctx, id));
  }
  const byName = new Map(tasks.map((task) => [task.identifier, task]));
  const isFine = (identifier: string): boolean =>
    isOver(current.get(identifier)) && (hasSucceeded(current.get(identifier)) || byName.get(identifier)!.ignoreFailure);
  const hasFailed = tasks.some(({ identifier }) => isOver(current.get(identifier)) && !isFine(identifier));
  const isStopping = stored.stopRequested !== undefined || (hasFailed && stored.spec?.fastFail === true);
  const running = [...current.values()].filter((one) => one && !isOver(one)) as StoredBuild[];
  if (isStopping && running.length) {
    const role = await batchRole(ctx, stored, "StopBuild");
    for (const { build } of running) await requestStop(role, build.id).catch(unlessEnded);
    return; // the end of each lets the batch go on
  }
  const ready = isStopping ? [] : tasks.filter((t) => !current.get(t.identifier) && t.dependsOn.every(isFine));
  if (ready.length) {
    const role = await batchRole(ctx, stored, "StartBuild");
    for (const task of ready) await startTask(ctx, role, stored, task);
    return;
  }
  if (running.length) return;
  const status = stored.stopRequested ?? (tasks.every(({ identifier }) => isFine(identifier)) ? "SUCCEEDED" : "FAILED");
  await change(ctx, stored.batch.id, (b) => ({ ...b, batch: endBatch(b.batch, status, ctx.now()) }));
}

function unlessEnded(error: unknown): void {
  if (!(error instanceof AwsError && error.code === "InvalidInputException")) throw error;
}

/** The batch's own role, which must be allowed what is done with its builds. */
async function batchRole(ctx: Ctx, { batch }: StoredBatch, action: "StartBuild" | "StopBuild"): Promise<Ctx> {
  const roleArn = String(batch.buildBatchConfig?.serviceRole);
  const role = await ctx.asRole(roleArn, `AWSCodeBuild-${batch.id.slice(-36)}`);
  if (await isAllowed(role, { action: `codebuild:${action}`, resource: projectArn(ctx, batch.projectName) }))
    return role;
  throw new BuildFailure(
    "ACCESS_DENIED",
    `The batch service role ${roleArn} is not authorized to perform: codebuild:${action} on ${projectArn(ctx, batch.projectName)}`,
  );
}

async function startTask(ctx: Ctx, role: Ctx, stored: StoredBatch, task: BatchTask): Promise<void> {
  const { batch, attempt } = stored;
  const { identifier } = task;
  const settings = settingsOfTask(stored.settings, task);
  const token = `task ${batch.id} ${attempt} ${identifier}`;
  const { build } =
    (await startedBefore(ctx, BUILD, token)) ??
    (await startWithSettings(role, batch.projectName, settings, { token, batch: { id: batch.id, identifier } }));
  const { id } = build;
  await change(ctx, batch.id, (b) => ({
    ...b,
    current: { ...b.current, [identifier]: id },
    builds: { ...b.builds, [identifier]: [...(ownValue(b.builds, identifier) ?? []).filter((one) => one !== id), id] },
  }));
}

/** The batch's settings with what the buildspec says of one build of it: names of images and types, which are checked. */
function settingsOfTask(settings: Settings, { buildspec, environment, variables, identifier }: BatchTask): Settings {
  const { type, image, computeType, privilegedMode } = environment;
  return checkedSettings({
    ...withOverrides(settings, {
      buildspecOverride: buildspec,
      environmentTypeOverride: type as EnvironmentType | undefined,
      imageOverride: image,
      computeTypeOverride: computeType as ComputeType | undefined,
      privilegedModeOverride: privilegedMode,
      environmentVariablesOverride: Object.entries(variables).map(([name, value]) => ({
        name,
        value,
        type: "PLAINTEXT",
      })),
    }),
    ...artifactsOfTask(settings, identifier),
  });
}

/**
 * Where a build of a batch puts its artifacts: below its own name, unless all are combined in one place. A pipeline's
 * action names its outputs by the builds: `<build>`, and `<build>_<secondary artifact>`.
 */
function artifactsOfTask(settings: Settings, identifier: string): Partial<Settings> {
  const { artifacts, secondaryArtifacts = [], buildBatchConfig } = settings;
  if (artifacts?.type === "CODEPIPELINE") {
    const { artifactIdentifier: _name, ...own } = secondaryArtifacts.find(
      (a) => a.artifactIdentifier === identifier,
    ) ?? {
      type: "CODEPIPELINE" as const,
    };
    const prefix = `${identifier}_`;
    return {
      artifacts: own,
      secondaryArtifacts: secondaryArtifacts
        .filter((a) => a.artifactIdentifier?.startsWith(prefix))
        .map((a) => ({ ...a, artifactIdentifier: String(a.artifactIdentifier).slice(prefix.length) })),
    };
  }
  if (buildBatchConfig?.combineArtifacts) return {};
  const placed = <T extends NonNullable<typeof artifacts>>(one: T): T =>
    one.type === "S3" ? { ...one, path: [one.path, identifier].filter(Boolean).join("/") } : one;
  return { ...(artifacts ? { artifacts: placed(artifacts) } : {}), secondaryArtifacts: secondaryArtifacts.map(placed) };
}
