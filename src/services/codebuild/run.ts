import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../../aws/context.ts";
import type { Credentials } from "../../aws/identity.ts";
import type { QueueWorker } from "../../aws/service.ts";
import {
  BuildFailure,
  CONCURRENT_BUILDS,
  limitsOf,
  LogDelivery,
  runBuild,
  type PreparedBuild,
  type ReportFiles,
  type RunBuildResult,
} from "../../compute/build/index.ts";
import { codeOf, messageOf } from "../../kernel/aws-error.ts";
import { cacheTurn, localCache } from "./cache.ts";
import { checkImage } from "./images.ts";
import { S3Cache } from "./s3-cache.ts";
import { S3Log } from "./s3-log.ts";
import { projectArn, type Ctx, type Phase, type StoredBuild } from "./model.ts";
import { BuildRecorder } from "./recorder.ts";
import { makeReport } from "./reports/make-report.ts";
import { fetchSource, readBuildspec } from "./sources.ts";
import { BUILDS, QUEUE_TIMEOUTS } from "./start.ts";
import type { CodeBuildState } from "./state.ts";
import { endedPhase } from "./phase.ts";
import { endQueued } from "./stop.ts";
import { uploadArtifacts } from "./upload.ts";
import { ownVariables, projectVariables, storedVariables } from "./variables.ts";

const MINUTE_MS = 60_000;
const MAX_SESSION_SECONDS = 12 * 3600;
/** A build that the end of the platform interrupts begins again, but not for ever. */
const MAX_RUNS = 3;

/** Runs builds from the queue, as many at once as the machine can hold. */
export const builder: QueueWorker<CodeBuildState> = {
  topic: BUILDS,
  concurrency: CONCURRENT_BUILDS,
  leaseMs: 60_000,
  async run(ctx, body) {
    const { id } = body as { id: string };
    const begun = await begin(ctx, id);
    if (!begun) return;
    const work = join(ctx.state.work, id.replace(/^.*:/, ""));
    const controller = new AbortController();
    const onPlatformStop = (): void => controller.abort(ctx.signal.reason);
    ctx.state.running.set(id, controller);
    ctx.signal.addEventListener("abort", onPlatformStop, { once: true });
    try {
      if (ctx.signal.aborted) onPlatformStop();
      await rm(work, { recursive: true, force: true });
      await mkdir(join(work, "output"), { recursive: true });
      await new BuildRun(ctx, begun, work, controller.signal).run();
    } finally {
      ctx.signal.removeEventListener("abort", onPlatformStop);
      ctx.state.running.delete(id);
      await rm(work, { recursive: true, force: true });
    }
  },
};

/** Ends builds that no worker took in time. */
export const queueTimeouts: QueueWorker<CodeBuildState> = {
  topic: QUEUE_TIMEOUTS,
  concurrency: 4,
  leaseMs: 30_000,
  async run(ctx, body) {
    const stored = await ctx.records.get<StoredBuild>("build", (body as { id: string }).id);
    if (stored && stored.value.runs === 0 && !stored.value.build.buildComplete)
      await endQueued(ctx, stored.value.build, "TIMED_OUT", {
        statusCode: "BUILD_TIMED_OUT",
        message: "Build has timed out in the queue.",
      });
  },
};

/** Takes the build out of the queue; a build that was interrupted begins anew. */
async function begin(ctx: Ctx, id: string): Promise<StoredBuild | undefined> {
  const now = ctx.now();
  const stored = await ctx.records.update<StoredBuild>("build", id, (b) => {
    if (b.build.buildComplete) return undefined;
    const first = b.build.phases.filter((p) => p.phaseType === "SUBMITTED" || p.phaseType === "QUEUED");
    const phases = first.map((p): Phase =>
      p.phaseType === "QUEUED" && !p.endTime ? endedPhase(p, now, "SUCCEEDED") : p,
    );
    return { ...b, runs: b.runs + 1, build: { ...b.build, phases, currentPhase: "PROVISIONING" } };
  });
  return stored && !stored.build.buildComplete ? stored : undefined;
}

/** One run of one build. */
class BuildRun {
  readonly #ctx: Ctx;
  readonly #stored: StoredBuild;
  readonly #work: string;
  readonly #signal: AbortSignal;
  readonly #recorder: BuildRecorder;
  #role: Context<any> | undefined;
  #credentials: Credentials | undefined;
  #log: LogDelivery | undefined;
  #s3Log: S3Log | undefined;
  readonly #s3Cache: S3Cache | undefined;
  #env: Record<string, string> = {};

  constructor(ctx: Ctx, stored: StoredBuild, work: string, signal: AbortSignal) {
    this.#ctx = ctx;
    this.#stored = stored;
    this.#work = work;
    this.#signal = signal;
    this.#recorder = new BuildRecorder(ctx, stored.build);
    const { cache } = stored.settings;
    if (cache?.type === "S3") this.#s3Cache = new S3Cache(cache, stored.build.projectName, join(work, "cache"));
  }

  async run(): Promise<void> {
    const { build, runs, stopRequested } = this.#stored;
    if (stopRequested) return await this.#recorder.end({ buildStatus: "STOPPED" });
    if (runs > MAX_RUNS)
      return await this.#recorder.end({ buildStatus: "FAULT", phases: [...build.phases, this.#interrupted()] });
    const result = await this.#runBuild();
    if (this.#ctx.signal.aborted && result.status !== "SUCCEEDED")
      throw new Error(`build ${build.id} was interrupted: ${messageOf(this.#ctx.signal.reason)}`);
    await this.#log?.flush();
    await this.#s3Log?.upload(this.#role!);
    const exported = Object.entries(result.exportedVariables).map(([name, value]) => ({ name, value }));
    await this.#recorder.end({ buildStatus: result.status, exportedEnvironmentVariables: exported });
  }

  async #runBuild(): Promise<RunBuildResult> {
    const { platform } = this.#ctx;
    const { build, settings, runs } = this.#stored;
    const { warning: _warning, ...limits } = limitsOf(String(settings.environment?.computeType))!;
    return await runBuild({
      sandboxHost: platform.sandboxes,
      code: platform.settings.code,
      id: `build-${build.id.slice(-36)}${runs > 1 ? `-${runs}` : ""}`.toLowerCase(),
      provision: () => this.#provision(),
      prepare: (note) => this.#prepare(note),
      env: () => ({
        ...this.#env,
        ...ownVariables(this.#ctx, this.#recorder.build, this.#credentials!, this.#stored.batch?.identifier),
      }),
      secrets: () => [this.#credentials!.secretAccessKey, this.#credentials!.sessionToken],
      outputFolder: join(this.#work, "output"),
      ...(settings.cache?.type === "LOCAL" ? { cache: localCache(this.#ctx, build.projectName) } : {}),
      ...(this.#s3Cache ? { cache: this.#s3Cache.forBuild(() => this.#role!) } : {}),
      limits,
      internet: true,
      clock: platform.clock,
      onPhase: (phase) => this.#recorder.phase(phase),
      onLog: (message) => {
        this.#log?.append(message);
        this.#s3Log?.append(message);
      },
      onArtifacts: async (made) => this.#recorder.change(await uploadArtifacts(this.#role!, build, settings, made)),
      onReports: (found, note) => this.#report(found, note),
      signal: this.#signal,
      timeoutMs: Number(settings.timeoutInMinutes) * MINUTE_MS,
    });
  }

  /** Credentials of the build's role, and its log. */
  async #provision(): Promise<void> {
    const { build, settings } = this.#stored;
    const { identity } = this.#ctx.platform;
    const roleArn = String(settings.serviceRole);
    try {
      const { maxSessionDuration } = await identity.role(roleArn);
      const durationSeconds = Math.max(
        maxSessionDuration,
        Math.min(MAX_SESSION_SECONDS, Number(settings.timeoutInMinutes) * 60),
      );
      const sourceArn = projectArn(this.#ctx, build.projectName);
      this.#credentials = await identity.assumeRoleFor("codebuild.amazonaws.com", roleArn, {
        sessionName: `AWSCodeBuild-${build.id.slice(-36)}`,
        durationSeconds,
        sourceArn,
      });
    } catch (error) {
      throw new BuildFailure(
        "ACCESS_DENIED",
        `CodeBuild is not authorized to perform: sts:AssumeRole on ${roleArn}: ${messageOf(error)}`,
      );
    }
    this.#role = this.#ctx.as(this.#credentials.principal);
    checkImage(String(settings.environment?.image));
    const s3Log = settings.logsConfig?.s3Logs;
    if (s3Log?.status === "ENABLED") this.#s3Log = new S3Log(build, join(this.#work, "build.log.gz"));
    const { groupName, streamName } = build.logs ?? {};
    if (!groupName || !streamName) return;
    const log = new LogDelivery(this.#role, groupName, streamName);
    try {
      await log.open();
    } catch (error) {
      if (codeOf(error) !== "AccessDeniedException") throw error;
      throw new BuildFailure(
        "ACCESS_DENIED",
        `Service role ${roleArn} does not allow AWS CodeBuild to create Amazon CloudWatch Logs log streams for build ${build.arn}. Error message: ${messageOf(error)}`,
      );
    }
    this.#log = log;
  }

  async #prepare(note: (message: string) => void): Promise<PreparedBuild> {
    const { settings, runs } = this.#stored;
    if (runs > 1) note("The platform ended while this build ran: it starts again from the beginning");
    for (const warning of warnings(settings)) note(`Warning: ${warning}`);
    const role = this.#role!;
    const source = await fetchSource(role, settings.source!, settings.sourceVersion, join(this.#work, "src"));
    if (source.resolvedVersion) this.#recorder.change({ resolvedSourceVersion: source.resolvedVersion });
    const secondarySources: { identifier: string; folder: string }[] = [];
    for (const one of settings.secondarySources ?? []) {
      const identifier = String(one.sourceIdentifier);
      const version = settings.secondarySourceVersions?.find((v) => v.sourceIdentifier === identifier)?.sourceVersion;
      const { folder } = await fetchSource(role, one, version, join(this.#work, `src-${identifier}`));
      if (folder) secondarySources.push({ identifier, folder });
    }
    const { spec, location } = await readBuildspec(role, settings.source?.buildspec, source.folder);
    const [own, stored] = [await projectVariables(role, settings), await storedVariables(role, spec)];
    this.#env = own.values;
    const turn = this.#s3Cache ? await cacheTurn(this.#ctx, this.#recorder.build.projectName) : 0;
    await this.#s3Cache?.restore(role, turn, spec.cache, source.folder, note);
    return {
      spec,
      specLocation: location,
      storedVariables: stored.values,
      secrets: [...own.secrets, ...stored.secrets],
      ...(source.folder ? { sourceFolder: source.folder } : {}),
      secondarySources,
    };
  }

  async #report(found: readonly ReportFiles[], note: (message: string) => void): Promise<void> {
    const reportArns: string[] = [];
    for (const files of found) {
      const arn = await makeReport(this.#ctx, this.#role!, this.#recorder.build, files, note);
      if (arn) reportArns.push(arn);
    }
    this.#recorder.change({ reportArns });
  }

  #interrupted(): Phase {
    const now = this.#ctx.now();
    return endedPhase({ phaseType: "PROVISIONING", startTime: now }, now, "FAULT", {
      statusCode: "INTERNAL_SERVICE_ERROR",
      message: `The platform ended ${MAX_RUNS} times while this build ran.`,
    });
  }
}

/** What of the environment is not as it was asked for. */
function warnings({ environment, cache, source }: StoredBuild["settings"]): string[] {
  const limits = limitsOf(String(environment?.computeType));
  return [
    `the image ${environment?.image} is not used: the build runs with the tools of this machine`,
    ...(limits?.warning ? [limits.warning] : []),
    ...(environment?.privilegedMode ? ["privileged mode is not given: there is no Docker daemon in this build"] : []),
    ...(cache?.modes?.includes("LOCAL_DOCKER_LAYER_CACHE") ? ["LOCAL_DOCKER_LAYER_CACHE has no effect"] : []),
    ...(source?.gitCloneDepth
      ? ["gitCloneDepth has no effect: builds get the files of the commit without its history"]
      : []),
  ];
}
