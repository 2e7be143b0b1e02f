import { ActionFailure, type ActionProvider } from "../action-run.ts";

/** Starts another pipeline, and does not wait for its end. */
export const invokePipeline: ActionProvider = {
  timeoutMinutes: 60,
  check({ configuration = {}, name }) {
    for (const key of ["SourceRevisions", "Variables"])
      if (configuration[key]?.includes("#{") === false) listOf(configuration[key], key, name);
  },
  async run({ action, configuration, role, run }) {
    const { pipelineExecutionId } = await role.call("codepipeline", "StartPipelineExecution", {
      name: String(configuration["PipelineName"]),
      clientRequestToken: run.id,
      variables: listOf(configuration["Variables"], "Variables", action.name),
      sourceRevisions: listOf(configuration["SourceRevisions"], "SourceRevisions", action.name),
    });
    const id = String(pipelineExecutionId);
    return { status: "Succeeded", externalId: id, variables: { PipelineExecutionId: id } };
  },
};

function listOf(text: string | undefined, key: string, action: string): any[] {
  if (!text) return [];
  try {
    const list: unknown = JSON.parse(text);
    if (Array.isArray(list)) return list;
  } catch {
    // told below
  }
  throw new ActionFailure("ConfigurationError", `The ${key} of action ${action} are not a JSON list`);
}
