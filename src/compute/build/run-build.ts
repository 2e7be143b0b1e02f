import { PHASES, type Buildspec, type BuildPhase } from "../../engines/buildspec/index.ts";
import { messageOf } from "../../kernel/aws-error.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { BuildSandbox, SandboxHost } from "../../ports/sandbox.ts";
import { collectArtifacts, NoArtifacts, type BuildArtifact } from "./artifacts.ts";
import { BuildLog } from "./build-log.ts";
import { saveCache, restoredFolders, type LocalCache } from "./local-cache.ts";

/** Where sources are in a build. */
export const SOURCE_FOLDER = "/codebuild/output/src";

export type BuildStatus = "SUCCEEDED" | "FAILED" | "TIMED_OUT" | "STOPPED" | "FAULT";

/** One phase as CodeBuild reports it. */
export interface BuildPhaseResult {
  readonly phaseType:
    | "PROVISIONING"
    | "DOWNLOAD_SOURCE"
    | "INSTALL"
    | "PRE_BUILD"
    | "BUILD"
    | "POST_BUILD"
    | "UPLOAD_ARTIFACTS"
    | "FINALIZING";
  readonly phaseStatus: BuildStatus | "IN_PROGRESS";
  readonly startTime: number;
  readonly endTime?: number;
  readonly contexts: readonly { readonly statusCode: string; readonly message: string }[];
}

export interface RunBuildInput {
  readonly sandboxHost: Pick<SandboxHost, "startBuild">;
  /** Id of the sandbox, `[a-z0-9-]{1,64}`. */
  readonly id: string;
  readonly spec: Buildspec;
  /** Where the buildspec came from, for the log. */
  readonly specLocation?: string;
  /** Variables of the project, the call and CodeBuild itself; they win over the buildspec's. */
  readonly env: Readonly<Record<string, string>>;
  /** What the buildspec takes from stores, looked up by the caller. */
  readonly storedVariables?: Readonly<Record<string, string>>;
  /** Values that must not show in the log. */
  readonly secrets?: readonly string[];
  /** Folder of the main process with the sources; without it the build starts empty. */
  readonly sourceFolder?: string;
  readonly secondarySources?: readonly { readonly identifier: string; readonly folder: string }[];
  /** An existing folder of the main process in which the zips of artifacts are written. */
  readonly outputFolder: string;
  readonly cache?: LocalCache;
  readonly limits: { readonly memoryMB: number; readonly diskMB: number; readonly cpus: number; readonly pids: number };
  readonly internet: boolean;
  readonly clock: Clock;
  /** Called when a phase begins (`IN_PROGRESS`) and when it ends. */
  readonly onPhase: (phase: BuildPhaseResult) => void;
  /** Called with each line of the log, newline included. */
  readonly onLog: (message: string) => void;
  /** Takes the zips to where they belong, within the phase UPLOAD_ARTIFACTS. */
  readonly onArtifacts?: (artifacts: readonly BuildArtifact[]) => Promise<void>;
  readonly signal?: AbortSignal;
  /** Time for the whole build. */
  readonly timeoutMs: number;
}

export interface RunBuildResult {
  readonly status: BuildStatus;
  readonly phases: readonly BuildPhaseResult[];
  readonly artifacts: readonly BuildArtifact[];
  readonly exportedVariables: Readonly<Record<string, string>>;
}

/** A phase that did not succeed, with CodeBuild's context code. */
class PhaseFailure extends Error {
  readonly statusCode: string;
  readonly status: BuildStatus;
  constructor(statusCode: string, message: string, status: BuildStatus = "FAILED") {
    super(message);
    this.statusCode = statusCode;
    this.status = status;
  }
}

/** The state of one build while it runs. */
interface Run {
  readonly input: RunBuildInput;
  readonly log: BuildLog;
  readonly deadline: number;
  readonly phases: BuildPhaseResult[];
}

/** Runs a buildspec in a sandbox. Never throws for what the build does; the sandbox is gone when it resolves. */
export async function runBuild(input: RunBuildInput): Promise<RunBuildResult> {
  const log = new BuildLog(input.clock, input.onLog, input.secrets ?? []);
  const run: Run = { input, log, deadline: input.clock.now() + input.timeoutMs, phases: [] };
  let sandbox: BuildSandbox | undefined;
  const provisioned = await phase(run, "PROVISIONING", async () => {
    sandbox = await provision(run);
  });
  if (!sandbox) return { status: provisioned, phases: run.phases, artifacts: [], exportedVariables: {} };
  try {
    return await runPhases(run, sandbox);
  } finally {
    await sandbox.stop();
  }
}

async function provision({ input, log }: Run): Promise<BuildSandbox> {
  input.signal?.throwIfAborted();
  const folders = [
    ...(input.sourceFolder ? [{ source: input.sourceFolder, target: SOURCE_FOLDER }] : []),
    ...secondaryTargets(input),
    ...(await restoredFolders(input.cache)),
  ];
  return await input.sandboxHost.startBuild({
    id: input.id,
    env: environmentOf(input),
    copyIn: folders,
    ...input.limits,
    internet: input.internet,
    onOutput: (chunk) => log.output(chunk),
  });
}

const secondaryTargets = ({ secondarySources = [] }: RunBuildInput): { source: string; target: string }[] =>
  secondarySources.map(({ identifier, folder }) => ({
    source: folder,
    target: `/codebuild/output/secondary/${identifier}`,
  }));

/** Variables by CodeBuild's precedence: the buildspec's are the weakest. */
function environmentOf(input: RunBuildInput): Record<string, string> {
  const folders = (input.secondarySources ?? []).map(({ identifier }) => [
    `CODEBUILD_SRC_DIR_${identifier}`,
    `/codebuild/output/secondary/${identifier}`,
  ]);
  return {
    ...input.spec.env.variables,
    ...input.storedVariables,
    CODEBUILD_START_TIME: String(input.clock.now()),
    ...input.env,
    CODEBUILD_SRC_DIR: SOURCE_FOLDER,
    CODEBUILD_BUILD_SUCCEEDING: "1",
    ...Object.fromEntries(folders),
  };
}

/** Runs the work of one phase, and reports its beginning and its end. */
async function phase(
  run: Run,
  phaseType: BuildPhaseResult["phaseType"],
  work: () => Promise<void>,
): Promise<BuildStatus> {
  const { input, log, phases } = run;
  const startTime = input.clock.now();
  input.onPhase({ phaseType, phaseStatus: "IN_PROGRESS", startTime, contexts: [] });
  let status: BuildStatus = "SUCCEEDED";
  let context = { statusCode: "", message: "" };
  try {
    await work();
  } catch (error) {
    const failure = failureOf(input, error);
    status = failure.status;
    context = { statusCode: failure.statusCode, message: failure.message };
  }
  const result: BuildPhaseResult = {
    phaseType,
    phaseStatus: status,
    startTime,
    endTime: input.clock.now(),
    contexts: [context],
  };
  phases.push(result);
  log.agent(`Phase complete: ${phaseType} State: ${status}`);
  log.agent(`Phase context status code: ${context.statusCode} Message: ${context.message}`);
  input.onPhase(result);
  return status;
}

function failureOf(input: RunBuildInput, error: unknown): PhaseFailure {
  if (error instanceof PhaseFailure) return error;
  if (input.signal?.aborted) return new PhaseFailure("BUILD_STOPPED", "Build has been stopped.", "STOPPED");
  if (error instanceof NoArtifacts) return new PhaseFailure("CLIENT_ERROR", error.message);
  return new PhaseFailure("CLIENT_ERROR", messageOf(error));
}

const COMMAND_PHASES = {
  install: "INSTALL",
  pre_build: "PRE_BUILD",
  build: "BUILD",
  post_build: "POST_BUILD",
} as const;

async function runPhases(run: Run, sandbox: BuildSandbox): Promise<RunBuildResult> {
  const { input, log } = run;
  let artifacts: BuildArtifact[] = [];
  const finish = async (status: BuildStatus): Promise<RunBuildResult> => {
    const exportedVariables = status === "TIMED_OUT" || status === "STOPPED" ? {} : await exported(run, sandbox);
    return { status, phases: run.phases, artifacts, exportedVariables };
  };
  let status = await phase(run, "DOWNLOAD_SOURCE", () => announce(run, sandbox));
  if (status !== "SUCCEEDED") return await finish(status);
  for (const name of PHASES) {
    const spec = input.spec.phases[name];
    log.agent(`Entering phase ${COMMAND_PHASES[name]}`);
    if (name === "post_build")
      await quietly(run, sandbox, `export CODEBUILD_BUILD_SUCCEEDING=${status === "SUCCEEDED" ? 1 : 0}`);
    const ended = await phase(run, COMMAND_PHASES[name], () =>
      spec ? runPhase(run, sandbox, spec) : Promise.resolve(),
    );
    if (ended === "TIMED_OUT" || ended === "STOPPED") return await finish(ended);
    if (ended === "SUCCEEDED" || spec?.onFailure.kind === "CONTINUE") continue;
    status = ended;
    if (name !== "build") break; // after a failed BUILD, POST_BUILD runs all the same
  }
  if (status === "SUCCEEDED") {
    status = await phase(run, "UPLOAD_ARTIFACTS", async () => {
      artifacts = await collectArtifacts({
        sandbox,
        spec: input.spec,
        outputFolder: input.outputFolder,
        expand: (text) => expand(run, sandbox, text),
        onLog: (message) => log.agent(message),
      });
      await input.onArtifacts?.(artifacts);
    });
    if (status === "SUCCEEDED" && input.cache)
      await saveCache(sandbox, input.spec.cache.paths, input.cache, (message) => log.agent(message));
  }
  return await finish(status);
}

/** What the agent says before the first phase. */
async function announce({ input, log }: Run, sandbox: BuildSandbox): Promise<void> {
  const runAs = [input.spec.runAs, ...Object.values(input.spec.phases).map((p) => p?.runAs)].find(
    (user) => user !== undefined && user !== "root",
  );
  if (runAs)
    throw new PhaseFailure(
      "CLIENT_ERROR",
      `Starling does not implement run-as: ${runAs} yet; builds run as root of their own sandbox`,
    );
  log.agent(`Running on Starling`);
  log.agent(`CODEBUILD_SRC_DIR=${SOURCE_FOLDER}`);
  if (input.specLocation) log.agent(`YAML location is ${input.specLocation}`);
  log.agent("Processing environment variables");
  const found = PHASES.flatMap((name) =>
    input.spec.phases[name] ? [` ${COMMAND_PHASES[name]}: ${input.spec.phases[name]?.commands.length} commands`] : [],
  );
  log.agent(`Phases found in YAML: ${found.length}`);
  for (const line of found) log.agent(line);
  if (input.spec.env.gitCredentialHelper)
    await sandbox.run(
      "git config --global credential.helper '!aws codecommit credential-helper $@' && git config --global credential.UseHttpPath true",
    );
}

async function runPhase(run: Run, sandbox: BuildSandbox, spec: BuildPhase): Promise<void> {
  const { onFailure } = spec;
  const attempts = onFailure.kind === "RETRY" ? onFailure.times : 0;
  for (let attempt = 0; ; attempt++) {
    try {
      return await runCommands(run, sandbox, spec);
    } catch (error) {
      const pattern = onFailure.kind === "RETRY" ? onFailure.pattern : undefined;
      const mayRetry =
        error instanceof PhaseFailure &&
        error.status === "FAILED" &&
        (pattern === undefined || error.message.includes(pattern));
      if (!mayRetry || attempt >= attempts) throw error;
      run.log.agent(`Retrying the phase, attempt ${attempt + 1} of ${attempts}`);
    }
  }
}

/** The commands of a phase up to the first that fails, and then those of `finally` in any case. */
async function runCommands(run: Run, sandbox: BuildSandbox, spec: BuildPhase): Promise<void> {
  let failure: unknown;
  try {
    for (const command of spec.commands) await runCommand(run, sandbox, command);
  } catch (error) {
    failure = error;
    if (!(error instanceof PhaseFailure) || error.status !== "FAILED") throw error;
  }
  for (const command of spec.finally) {
    try {
      await runCommand(run, sandbox, command);
    } catch (error) {
      if (!(error instanceof PhaseFailure) || error.status !== "FAILED") throw error;
      failure ??= error;
      break;
    }
  }
  if (failure) throw failure;
}

async function runCommand(run: Run, sandbox: BuildSandbox, command: string): Promise<void> {
  const { input, log } = run;
  log.agent(`Running command ${command}`);
  const code = await limited(run, sandbox, input.spec.version === "0.1" ? `(\n${command}\n)` : command);
  log.flush();
  if (code === 0) return;
  log.agent(`Command did not exit successfully ${command} exit status ${code}`);
  throw new PhaseFailure(
    "COMMAND_EXECUTION_ERROR",
    `Error while executing command: ${command}. Reason: exit status ${code}`,
  );
}

/** Runs a command within the time that the build has left. */
async function limited(run: Run, sandbox: BuildSandbox, command: string): Promise<number> {
  const { input, deadline } = run;
  const timeoutMs = deadline - input.clock.now();
  if (timeoutMs <= 0) throw new PhaseFailure("BUILD_TIMED_OUT", "Build has timed out. ", "TIMED_OUT");
  const { code, timedOut } = await sandbox.run(command, {
    timeoutMs,
    ...(input.signal ? { signal: input.signal } : {}),
  });
  if (timedOut) throw new PhaseFailure("BUILD_TIMED_OUT", "Build has timed out. ", "TIMED_OUT");
  return code;
}

const SHORT_MS = 10_000;
const quietly = async (run: Run, sandbox: BuildSandbox, command: string): Promise<string> =>
  await run.log.captured(() => sandbox.run(command, { timeoutMs: SHORT_MS }));

/** A text of the buildspec as the build's own shell expands it (`name: build-$(date +%F)`). */
async function expand(run: Run, sandbox: BuildSandbox, text: string): Promise<string> {
  if (!/[$`]/.test(text)) return text;
  return (await quietly(run, sandbox, `printf '%s' "${text.replaceAll('"', '\\"')}"`)).trim();
}

async function exported(run: Run, sandbox: BuildSandbox): Promise<Record<string, string>> {
  const names = run.input.spec.env.exportedVariables.filter((name) => /^[A-Za-z_]\w*$/.test(name));
  if (!names.length) return {};
  const values = (
    await quietly(run, sandbox, `printf '%s\\0' ${names.map((name) => `"\${${name}-}"`).join(" ")}`)
  ).split("\0");
  return Object.fromEntries(names.map((name, i) => [name, values[i] ?? ""]));
}
