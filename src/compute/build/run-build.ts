import { PHASES, type Buildspec, type BuildPhase } from "../../engines/buildspec/index.ts";
import { messageOf } from "../../kernel/aws-error.ts";
import { fileFailure } from "../../ports/database.ts";
import type { BuildSandbox } from "../../ports/sandbox.ts";
import { collectArtifacts, NoArtifacts, type BuildArtifact } from "./artifacts.ts";
import { BuildLog } from "./build-log.ts";
import type { BuildPhaseResult, BuildStatus, PreparedBuild, RunBuildInput, RunBuildResult } from "./build-model.ts";
import { collectReports } from "./report-files.ts";
import { saveCache, restoredFolders } from "./build-cache.ts";
import { nodeMounts, nodeVariables } from "./build-node.ts";

/** Where sources are in a build. */
export const SOURCE_FOLDER = "/codebuild/output/src";

/** Why a phase did not succeed, with CodeBuild's context code. */
export class BuildFailure extends Error {
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

/** A build whose sandbox is there. */
interface StartedRun extends Run {
  readonly spec: Buildspec;
  readonly sandbox: BuildSandbox;
}

/** Runs a buildspec in a sandbox. Never throws for what the build does; the sandbox is gone when it resolves. */
export async function runBuild(input: RunBuildInput): Promise<RunBuildResult> {
  const log = new BuildLog(input.clock, input.onLog);
  const run: Run = { input, log, deadline: input.clock.now() + input.timeoutMs, phases: [] };
  let started: StartedRun | undefined;
  let status = await phase(run, "PROVISIONING", async () => {
    await input.provision?.();
    log.mask(input.secrets?.() ?? []);
  });
  if (status === "SUCCEEDED") {
    status = await phase(run, "DOWNLOAD_SOURCE", async () => {
      log.agent("Waiting for DOWNLOAD_SOURCE");
      const prepared = await input.prepare((message) => log.agent(message));
      log.mask(prepared.secrets ?? []);
      const sandbox = await startSandbox(run, prepared);
      started = { ...run, sandbox, spec: prepared.spec };
      await announce(started, prepared);
    });
  }
  const { sandbox } = started ?? {};
  try {
    if (!started || status !== "SUCCEEDED") return { status, phases: run.phases, artifacts: [], exportedVariables: {} };
    return await runPhases(started);
  } finally {
    await phase(run, "FINALIZING", async () => sandbox?.stop());
  }
}

async function startSandbox({ input, log }: Run, prepared: PreparedBuild): Promise<BuildSandbox> {
  input.signal?.throwIfAborted();
  const copyIn = [
    ...(prepared.sourceFolder ? [{ source: prepared.sourceFolder, target: SOURCE_FOLDER }] : []),
    ...(prepared.secondarySources ?? []).map((s) => ({ source: s.folder, target: secondaryFolder(s.identifier) })),
    ...(await restoredFolders(input.cache)),
  ];
  try {
    const onOutput = (chunk: Buffer): void => log.output(chunk);
    const { id, internet, limits } = input;
    return await input.sandboxHost.startBuild({
      id,
      env: environmentOf(input, prepared),
      copyIn,
      mounts: nodeMounts(input.code, prepared.spec),
      ...limits,
      internet,
      onOutput,
    });
  } catch (error) {
    throw new BuildFailure(
      "INTERNAL_SERVICE_ERROR",
      `The build's sandbox could not be started: ${messageOf(error)}`,
      "FAULT",
    );
  }
}

const secondaryFolder = (identifier: string): string => `/codebuild/output/secondary/${identifier}`;

/** Variables by CodeBuild's precedence: the buildspec's are the weakest. */
function environmentOf(input: RunBuildInput, prepared: PreparedBuild): Record<string, string> {
  const folders = (prepared.secondarySources ?? []).map(({ identifier }) => [
    `CODEBUILD_SRC_DIR_${identifier}`,
    secondaryFolder(identifier),
  ]);
  return {
    ...nodeVariables(prepared.spec),
    ...prepared.spec.env.variables,
    ...prepared.storedVariables,
    CODEBUILD_START_TIME: String(input.clock.now()),
    ...input.env(),
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

function failureOf(input: RunBuildInput, error: unknown): BuildFailure {
  if (error instanceof BuildFailure) return error;
  if (input.signal?.aborted) return new BuildFailure("BUILD_STOPPED", "Build has been stopped.", "STOPPED");
  if (error instanceof NoArtifacts) return new BuildFailure("CLIENT_ERROR", error.message);
  return new BuildFailure("CLIENT_ERROR", messageOf(fileFailure(error, "the build's files")));
}

const COMMAND_PHASES = {
  install: "INSTALL",
  pre_build: "PRE_BUILD",
  build: "BUILD",
  post_build: "POST_BUILD",
} as const;

async function runPhases(run: StartedRun): Promise<RunBuildResult> {
  const { input, log, sandbox, spec: buildspec } = run;
  let artifacts: BuildArtifact[] = [];
  const finish = async (status: BuildStatus): Promise<RunBuildResult> => {
    const exportedVariables = status === "TIMED_OUT" || status === "STOPPED" ? {} : await exported(run);
    return { status, phases: run.phases, artifacts, exportedVariables };
  };
  let status: BuildStatus = "SUCCEEDED";
  for (const name of PHASES) {
    const spec = buildspec.phases[name];
    log.agent(`Entering phase ${COMMAND_PHASES[name]}`);
    if (name === "post_build")
      await quietly(run, `export CODEBUILD_BUILD_SUCCEEDING=${status === "SUCCEEDED" ? 1 : 0}`);
    const ended = await phase(run, COMMAND_PHASES[name], () => (spec ? runPhase(run, spec) : Promise.resolve()));
    if (ended === "TIMED_OUT" || ended === "STOPPED") return await finish(ended);
    if (ended === "SUCCEEDED" || spec?.onFailure.kind === "CONTINUE") continue;
    status = ended;
    if (name !== "build") break; // after a failed BUILD, POST_BUILD runs all the same
  }
  await handReports(run);
  if (status === "SUCCEEDED") {
    status = await phase(run, "UPLOAD_ARTIFACTS", async () => {
      artifacts = await collectArtifacts({
        sandbox,
        spec: buildspec,
        outputFolder: input.outputFolder,
        expand: (text) => expand(run, text),
        onLog: (message) => log.agent(message),
      });
      await input.onArtifacts?.(artifacts);
    });
    if (status === "SUCCEEDED" && input.cache)
      await saveCache(sandbox, buildspec.cache.paths, input.cache, (message) => log.agent(message));
  }
  return await finish(status);
}

async function handReports(run: StartedRun): Promise<void> {
  const { input, log, sandbox, spec } = run;
  if (!input.onReports || !spec.reports.length) return;
  const note = (message: string): void => log.agent(message);
  const found = await collectReports({ sandbox, spec, expand: (text) => expand(run, text), onLog: note });
  await input.onReports(found, note);
}

/** What the agent says before the first phase. */
async function announce(run: StartedRun, { specLocation }: PreparedBuild): Promise<void> {
  const { log, sandbox, spec } = run;
  const runAs = [spec.runAs, ...Object.values(spec.phases).map((p) => p?.runAs)].find(
    (user) => user !== undefined && user !== "root",
  );
  if (runAs)
    throw new BuildFailure(
      "CLIENT_ERROR",
      `Starling does not implement run-as: ${runAs} yet; builds run as root of their own sandbox`,
    );
  log.agent(`Running on Starling`);
  log.agent(`CODEBUILD_SRC_DIR=${SOURCE_FOLDER}`);
  if (specLocation) log.agent(`YAML location is ${specLocation}`);
  for (const path of spec.unknownKeys) log.agent(`Warning: the buildspec's ${path} means nothing and is passed over`);
  log.agent("Processing environment variables");
  const found = PHASES.flatMap((name) =>
    spec.phases[name] ? [` ${COMMAND_PHASES[name]}: ${spec.phases[name]?.commands.length} commands`] : [],
  );
  log.agent(`Phases found in YAML: ${found.length}`);
  for (const line of found) log.agent(line);
  await checkRuntimes(run);
  if (spec.env.gitCredentialHelper)
    await sandbox.run(
      "git config --global credential.helper '!aws codecommit credential-helper $@' && git config --global credential.UseHttpPath true",
    );
}

const RUNTIMES: Readonly<Record<string, string>> = {
  nodejs: "node --version",
  python: "python3 --version",
  java: "java -version 2>&1 | head -n 1",
  golang: "go version",
  ruby: "ruby --version",
  php: "php --version | head -n 1",
  dotnet: "dotnet --version",
};

/** A build has the tools of this machine: what is older or newer than asked for is said, what is missing ends the build. */
async function checkRuntimes(run: StartedRun): Promise<void> {
  for (const [name, wanted] of Object.entries(run.spec.runtimeVersions)) {
    const command = Object.hasOwn(RUNTIMES, name) ? RUNTIMES[name] : undefined;
    if (!command)
      throw new BuildFailure(
        "YAML_FILE_ERROR",
        `Unknown runtime named '${name}'. This build image has the following runtimes: ${Object.keys(RUNTIMES).join(" ")}`,
      );
    const found = (await quietly(run, `command -v ${command.split(" ")[0]} >/dev/null && { ${command}; }`)).trim();
    if (!found)
      throw new BuildFailure("CLIENT_ERROR", `runtime-versions: ${name} ${wanted} is not installed on this machine`);
    const version = /\d+(\.\d+)*/.exec(found)?.[0] ?? found;
    run.log.agent(`Selecting '${name}' runtime version '${wanted}' based on manual selections...`);
    if (!`${version}.`.startsWith(`${wanted.replace(/\.x$/, "")}.`) && wanted !== "latest")
      run.log.agent(`Warning: ${name} ${wanted} is not available here; this build runs with ${name} ${version}`);
  }
}

async function runPhase(run: StartedRun, spec: BuildPhase): Promise<void> {
  const { onFailure } = spec;
  const attempts = onFailure.kind === "RETRY" ? onFailure.times : 0;
  for (let attempt = 0; ; attempt++) {
    try {
      return await runCommands(run, spec);
    } catch (error) {
      const pattern = onFailure.kind === "RETRY" ? onFailure.pattern : undefined;
      const mayRetry =
        error instanceof BuildFailure &&
        error.status === "FAILED" &&
        (pattern === undefined || error.message.includes(pattern));
      if (!mayRetry || attempt >= attempts) throw error;
      run.log.agent(`Retrying the phase, attempt ${attempt + 1} of ${attempts}`);
    }
  }
}

/** The commands of a phase up to the first that fails, and then those of `finally` in any case. */
async function runCommands(run: StartedRun, spec: BuildPhase): Promise<void> {
  let failure: unknown;
  try {
    for (const command of spec.commands) await runCommand(run, command);
  } catch (error) {
    failure = error;
    if (!(error instanceof BuildFailure) || error.status !== "FAILED") throw error;
  }
  for (const command of spec.finally) {
    try {
      await runCommand(run, command);
    } catch (error) {
      if (!(error instanceof BuildFailure) || error.status !== "FAILED") throw error;
      failure ??= error;
      break;
    }
  }
  if (failure) throw failure;
}

async function runCommand(run: StartedRun, command: string): Promise<void> {
  const { log, spec } = run;
  log.agent(`Running command ${command}`);
  const code = await limited(run, spec.version === "0.1" ? `(\n${command}\n)` : command);
  log.flush();
  if (code === 0) return;
  log.agent(`Command did not exit successfully ${command} exit status ${code}`);
  throw new BuildFailure(
    "COMMAND_EXECUTION_ERROR",
    `Error while executing command: ${command}. Reason: exit status ${code}`,
  );
}

/** Runs a command within the time that the build has left. */
async function limited(run: StartedRun, command: string): Promise<number> {
  const { input, deadline, sandbox } = run;
  const timeoutMs = deadline - input.clock.now();
  if (timeoutMs <= 0) throw new BuildFailure("BUILD_TIMED_OUT", "Build has timed out. ", "TIMED_OUT");
  const { code, timedOut } = await sandbox.run(command, {
    timeoutMs,
    ...(input.signal ? { signal: input.signal } : {}),
  });
  if (timedOut) throw new BuildFailure("BUILD_TIMED_OUT", "Build has timed out. ", "TIMED_OUT");
  return code;
}

const SHORT_MS = 10_000;
const quietly = async (run: StartedRun, command: string): Promise<string> =>
  await run.log.captured(() => run.sandbox.run(command, { timeoutMs: SHORT_MS }));

/** A text of the buildspec as the build's own shell expands it (`name: build-$(date +%F)`). */
async function expand(run: StartedRun, text: string): Promise<string> {
  if (!/[$`]/.test(text)) return text;
  return (await quietly(run, `printf '%s' "${text.replaceAll('"', '\\"')}"`)).trim();
}

async function exported(run: StartedRun): Promise<Record<string, string>> {
  const names = run.spec.env.exportedVariables.filter((name) => /^[A-Za-z_]\w*$/.test(name));
  if (!names.length) return {};
  const values = (await quietly(run, `printf '%s\\0' ${names.map((name) => `"\${${name}-}"`).join(" ")}`)).split("\0");
  return Object.fromEntries(names.map((name, i) => [name, values[i] ?? ""]));
}
