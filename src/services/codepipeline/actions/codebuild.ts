import {
  ActionFailure,
  inputNamed,
  waitFor,
  type ActionContext,
  type ActionProvider,
  type Left,
} from "../action-run.ts";
import type { Artifact } from "../model.ts";

/** The topic on which CodeBuild calls out that a build has ended. */
const BUILD_ENDED = "codebuild/ended";
const SLOWEST_MS = 2_000;

interface Variable {
  readonly name: string;
  readonly value: string;
  readonly type?: "PLAINTEXT" | "PARAMETER_STORE" | "SECRETS_MANAGER";
}

/** A build or a test by CodeBuild. */
export const codebuild: ActionProvider = {
  timeoutMinutes: 36 * 60,
  check({ configuration, name }) {
    if (configuration?.["CombineArtifacts"]?.toLowerCase() === "true")
      throw new ActionFailure(
        "NotImplemented",
        `Starling does not implement CombineArtifacts of the CodeBuild action ${name} yet`,
      );
    if (configuration?.["EnvironmentVariables"]?.includes("#{") === false)
      variablesOf(configuration["EnvironmentVariables"], name);
  },
  async run(action) {
    const { role, outputs } = action;
    if (action.configuration["BatchEnabled"]?.toLowerCase() === "true") return await runBatch(action);
    const id = action.run.externalId ?? (await start(action));
    try {
      const build = await waitFor(
        action,
        async () => {
          const { builds } = await role.call("codebuild", "BatchGetBuilds", { ids: [id] });
          if (!builds?.[0]) throw new ActionFailure("JobFailed", `The build ${id} has been deleted`);
          return builds[0].buildComplete ? builds[0] : undefined;
        },
        { topic: BUILD_ENDED, isOurs: (message) => message === id, slowestMs: SLOWEST_MS },
      );
      if (build.buildStatus !== "SUCCEEDED") throw new ActionFailure("JobFailed", buildFailure(build));
      const variables = Object.fromEntries(
        (build.exportedEnvironmentVariables ?? []).map(({ name, value }) => [String(name), String(value ?? "")]),
      );
      return { status: "Succeeded", outputs, externalId: id, variables };
    } catch (error) {
      // Given up by somebody, or too late: the build is of no use any more. A stop of the platform leaves it alone.
      if (action.signal.aborted && !action.ctx.signal.aborted)
        await role.call("codebuild", "StopBuild", { id }).catch(() => undefined);
      throw error;
    }
  },
};

/** A batch of builds; each output is named by the build that makes it. */
async function runBatch(action: ActionContext): Promise<Left> {
  const { role, outputs, run } = action;
  let id = run.externalId;
  if (id === undefined) {
    const { buildBatch } = await role.call("codebuild", "StartBuildBatch", {
      ...inputOf(action),
      artifactsOverride: { type: "CODEPIPELINE" },
      secondaryArtifactsOverride: outputs.map(asSecondary),
    });
    id = String(buildBatch?.id);
    await action.save({ externalId: id });
  }
  try {
    const batch = await waitFor(
      action,
      async () => {
        const { buildBatches } = await role.call("codebuild", "BatchGetBuildBatches", { ids: [id] });
        if (!buildBatches?.[0]) throw new ActionFailure("JobFailed", `The batch build ${id} has been deleted`);
        return buildBatches[0].complete ? buildBatches[0] : undefined;
      },
      { slowestMs: SLOWEST_MS },
    );
    if (batch.buildBatchStatus !== "SUCCEEDED")
      throw new ActionFailure("JobFailed", buildFailure({ buildStatus: batch.buildBatchStatus, phases: batch.phases }));
    return { status: "Succeeded", outputs, externalId: id };
  } catch (error) {
    if (action.signal.aborted && !action.ctx.signal.aborted)
      await role.call("codebuild", "StopBuildBatch", { id }).catch(() => undefined);
    throw error;
  }
}

const asSecondary = (one: Artifact) =>
  ({ type: "CODEPIPELINE", artifactIdentifier: one.name, ...placeOf(one) }) as const;

async function start(action: ActionContext): Promise<string> {
  const { outputs, role } = action;
  const { build } = await role.call("codebuild", "StartBuild", {
    ...inputOf(action),
    artifactsOverride: { type: "CODEPIPELINE", ...(outputs.length === 1 ? placeOf(outputs[0]!) : {}) },
    secondaryArtifactsOverride: outputs.length > 1 ? outputs.map(asSecondary) : [],
  });
  const id = String(build?.id);
  await action.save({ externalId: id });
  return id;
}

/** What a build and a batch are started with: the project, the sources and the variables. */
function inputOf(action: ActionContext) {
  const { configuration, inputs, run } = action;
  const primary = inputNamed(action, configuration["PrimarySource"] ?? inputs[0]?.name);
  const secondary = inputs.filter((one) => one !== primary);
  return {
    projectName: String(configuration["ProjectName"]),
    idempotencyToken: run.id,
    sourceTypeOverride: "CODEPIPELINE" as const,
    sourceVersion: `arn:aws:s3:::${primary.bucket}/${primary.key}`,
    secondarySourcesOverride: secondary.map((one) => ({
      type: "CODEPIPELINE" as const,
      location: `${one.bucket}/${one.key}`,
      sourceIdentifier: one.name.replace(/\W/g, "_"),
    })),
    environmentVariablesOverride: variablesOf(configuration["EnvironmentVariables"], run.action),
    ...(configuration["BuildspecOverride"] ? { buildspecOverride: configuration["BuildspecOverride"] } : {}),
  };
}

function placeOf({ bucket, key }: Artifact): { location: string; path: string; name: string } {
  const slash = key.lastIndexOf("/");
  return { location: bucket, path: key.slice(0, Math.max(slash, 0)), name: key.slice(slash + 1) };
}

function variablesOf(text: string | undefined, action: string): Variable[] {
  if (!text) return [];
  try {
    const list = JSON.parse(text) as Variable[];
    if (!Array.isArray(list) || !list.every((one) => typeof one?.name === "string" && typeof one.value === "string"))
      throw new Error("each of them needs a name and a value");
    return list.map(({ name, value, type }) => ({ name, value, ...(type ? { type } : {}) }));
  } catch (error) {
    throw new ActionFailure(
      "ConfigurationError",
      `The EnvironmentVariables of action ${action} are not a JSON list of variables: ${(error as Error).message}`,
    );
  }
}

/** How a build failed: the phase, and what it said: the command, or the file and the line. */
export function buildFailure(build: {
  buildStatus?: string | undefined;
  phases?:
    | readonly {
        phaseType?: string | undefined;
        phaseStatus?: string | undefined;
        contexts?: readonly { statusCode?: string | undefined; message?: string | undefined }[] | undefined;
      }[]
    | undefined;
}): string {
  const phase = build.phases?.find((one) => one.phaseStatus && one.phaseStatus !== "SUCCEEDED");
  const context = phase?.contexts?.[0];
  const why = phase ? `. Phase ${phase.phaseType}: ${context?.statusCode ?? ""}: ${context?.message ?? ""}` : "";
  return `Build terminated with state: ${build.buildStatus}${why}`;
}
