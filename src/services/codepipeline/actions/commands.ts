import { createReadStream } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Credentials } from "../../../aws/identity.ts";
import {
  limitsOf,
  LogDelivery,
  runBuild,
  unzipTo,
  type PreparedBuild,
  type RunBuildResult,
} from "../../../compute/build/index.ts";
import type { Buildspec } from "../../../engines/buildspec/index.ts";
import { ActionFailure, type ActionContext, type ActionProvider } from "../action-run.ts";
import { withArtifact } from "../artifact-files.ts";
import { buildFailure } from "./codebuild.ts";

/** https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-Commands.html */
const TIMEOUT_MINUTES = 55;
const SESSION_SECONDS = 3600;
const COMPUTE_TYPE = "BUILD_GENERAL1_SMALL";
const SOURCE_LIMITS = { maxBytes: 2 * 1024 ** 3, maxEntries: 200_000 };

/** Commands in a sandbox of their own, with the input artifacts: a build without a project. */
export const commands: ActionProvider = {
  timeoutMinutes: TIMEOUT_MINUTES,
  check({ environmentVariables = [], name }) {
    const secret = environmentVariables.find(({ type }) => type === "SECRETS_MANAGER");
    if (secret)
      throw new ActionFailure(
        "NotImplemented",
        `Starling does not implement variables of type SECRETS_MANAGER (${secret.name}) of action ${name} yet`,
      );
  },
  run: (action) => action.ctx.state.commandSlots.use(action.signal, () => runCommands(action)),
};

async function runCommands(action: ActionContext): ReturnType<ActionProvider["run"]> {
  const { ctx, run, role, declaration, outputs } = action;
  const work = join(ctx.state.work, `commands-${run.id}-${ctx.platform.ids.text(8)}`);
  await mkdir(join(work, "output"), { recursive: true });
  const log = new LogDelivery(role, `/aws/codepipeline/${declaration.name}`, run.id);
  try {
    await log.open();
    const result = await build(action, work, await credentialsOf(action), log);
    await log.flush();
    action.signal.throwIfAborted();
    if (result.status !== "SUCCEEDED")
      throw new ActionFailure("JobFailed", buildFailure({ buildStatus: result.status, phases: result.phases }));
    return { status: "Succeeded", outputs, externalId: buildIdOf(action), variables: result.exportedVariables };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function build(
  action: ActionContext,
  work: string,
  credentials: Credentials,
  log: LogDelivery,
): Promise<RunBuildResult> {
  const { ctx, run, role, outputs, signal } = action;
  const { platform } = ctx;
  const { warning: _warning, ...limits } = limitsOf(COMPUTE_TYPE)!;
  return await runBuild({
    sandboxHost: platform.sandboxes,
    code: platform.settings.code,
    id: `commands-${run.id.slice(0, 36)}-${platform.ids.text(4)}`.toLowerCase(),
    prepare: () => prepared(action, work),
    env: () => ({ ...ownVariables(action, credentials), ...run.environment }),
    secrets: () => [credentials.secretAccessKey, credentials.sessionToken],
    outputFolder: join(work, "output"),
    limits,
    internet: true,
    clock: platform.clock,
    onPhase: () => undefined,
    onLog: (message) => log.append(message),
    onArtifacts: async ([made]) => {
      const [output] = outputs;
      if (!made || !output) return;
      await role.call("s3", "PutObject", {
        Bucket: output.bucket,
        Key: output.key,
        Body: createReadStream(made.file),
        ContentLength: made.size,
        ContentType: "application/zip",
      });
    },
    signal,
    timeoutMs: TIMEOUT_MINUTES * 60_000,
  });
}

/** The artifacts' files, the first one's where the commands begin, and the commands as a buildspec. */
async function prepared(action: ActionContext, work: string): Promise<PreparedBuild> {
  const folders: { identifier: string; folder: string }[] = [];
  for (const artifact of action.inputs) {
    const folder = join(work, `src-${folders.length}`);
    await withArtifact(action, artifact, (file) => unzipTo(file, folder, SOURCE_LIMITS));
    folders.push({ identifier: artifact.name.replace(/\W/g, "_"), folder });
  }
  const [first, ...secondarySources] = folders;
  return { spec: specOf(action), secondarySources, ...(first ? { sourceFolder: first.folder } : {}) };
}

function specOf({ action, run }: ActionContext): Buildspec {
  const [output] = action.outputArtifacts ?? [];
  return {
    version: "0.2",
    env: {
      shell: "sh",
      variables: {},
      parameterStore: {},
      secretsManager: {},
      exportedVariables: action.outputVariables ?? [],
      gitCredentialHelper: false,
    },
    runtimeVersions: {},
    phases: { build: { commands: run.commands ?? [], finally: [], onFailure: { kind: "ABORT" } } },
    ...(output
      ? { artifacts: { files: output.files ?? [], excludePaths: [], discardPaths: false, symlinkPreserve: false } }
      : {}),
    secondaryArtifacts: {},
    reports: [],
    unknownKeys: [],
    cache: { paths: [], fallbackKeys: [] },
  };
}

/** Credentials of the pipeline's role, or of the action's own, which the pipeline's role assumes. */
async function credentialsOf({ ctx, action, declaration }: ActionContext): Promise<Credentials> {
  const { identity } = ctx.platform;
  const sessionName = declaration.name.slice(0, 64);
  const own = await identity.assumeRoleFor("codepipeline.amazonaws.com", String(declaration.roleArn), {
    sessionName,
    durationSeconds: SESSION_SECONDS,
  });
  if (!action.roleArn || action.roleArn === declaration.roleArn) return own;
  const { Credentials: given } = await ctx.as(own.principal).call("sts", "AssumeRole", {
    RoleArn: action.roleArn,
    RoleSessionName: sessionName,
  });
  const [accessKeyId, secretAccessKey, sessionToken] = [
    String(given?.AccessKeyId),
    String(given?.SecretAccessKey),
    String(given?.SessionToken),
  ];
  return { ...own, accessKeyId, secretAccessKey, sessionToken };
}

const buildIdOf = ({ ctx, declaration, run }: ActionContext): string =>
  `AWSCodePipeline-${ctx.account}-${declaration.name}:${run.id}`;

function ownVariables(action: ActionContext, credentials: Credentials): Record<string, string> {
  const { role, declaration, execution, inputs } = action;
  const revision = execution.revisions.find(({ artifact }) => artifact === inputs[0]?.name)?.id;
  return {
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_SESSION_TOKEN: credentials.sessionToken,
    AWS_REGION: role.region,
    AWS_DEFAULT_REGION: role.region,
    CODEBUILD_CI: "true",
    CODEBUILD_BUILD_ID: buildIdOf(action),
    CODEBUILD_INITIATOR: `codepipeline/${declaration.name}`,
    ...(revision ? { CODEBUILD_RESOLVED_SOURCE_VERSION: revision } : {}),
  };
}
