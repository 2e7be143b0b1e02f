import { builtInActionType } from "./action-types.ts";
import type { ActionDefinition, ActionTypeLimits, PipelineDefinition } from "./definition.ts";
import { checkConditions } from "./validate-conditions.ts";

/** A fault of a definition; `code` is CodePipeline's exception. */
export interface PipelineFault {
  readonly code:
    | "InvalidStructureException"
    | "InvalidStageDeclarationException"
    | "InvalidActionDeclarationException"
    | "ValidationException"
    | "NotImplemented";
  readonly path: string;
  readonly message: string;
}

export type ActionTypeLookup = (type: ActionDefinition["actionTypeId"]) => ActionTypeLimits | undefined;

const NAME = /^[A-Za-z0-9.@_-]{1,100}$/;
const MAX = { stages: 50, actions: 1000, actionsPerStage: 100, runOrder: 999 } as const;

/** Notes a fault. */
export type AddFault = (code: PipelineFault["code"], path: string, message: string) => void;

/** Checks a pipeline's structure; custom action types are looked up by `findType`. */
export function validatePipeline(
  pipeline: PipelineDefinition,
  findType: ActionTypeLookup = () => undefined,
): PipelineFault[] {
  const faults: PipelineFault[] = [];
  const add: AddFault = (code, path, message) => {
    if (faults.length < 100) faults.push({ code, path, message });
  };
  if (!NAME.test(pipeline.name))
    add(
      "ValidationException",
      "/name",
      `Pipeline name ${pipeline.name} is not valid: it must match ^[A-Za-z0-9.@_-]{1,100}$`,
    );
  checkKind(pipeline, add);
  checkStages(pipeline, add);
  checkActions(pipeline, (type) => findType(type) ?? builtInActionType(type), add);
  checkArtifacts(pipeline, add);
  checkNamespaces(pipeline, add);
  return faults;
}

function checkKind(pipeline: PipelineDefinition, add: AddFault): void {
  const type = pipeline.pipelineType ?? "V1";
  const mode = pipeline.executionMode ?? "SUPERSEDED";
  if (type !== "V1" && type !== "V2")
    add("ValidationException", "/pipelineType", `Pipeline type ${type} is not valid: it must be V1 or V2`);
  if (!["SUPERSEDED", "QUEUED", "PARALLEL"].includes(mode))
    add("ValidationException", "/executionMode", `Execution mode ${mode} is not valid`);
  if (type === "V1") {
    if (mode !== "SUPERSEDED")
      add(
        "InvalidStructureException",
        "/executionMode",
        `Execution mode ${mode} is only supported for pipelines of type V2`,
      );
    if (pipeline.triggers?.length)
      add("InvalidStructureException", "/triggers", "Triggers are only supported for pipelines of type V2");
    if (pipeline.variables?.length)
      add(
        "InvalidStructureException",
        "/variables",
        "Variables at pipeline level are only supported for pipelines of type V2",
      );
  }
  const both = pipeline.artifactStore !== undefined && pipeline.artifactStores !== undefined;
  const neither = pipeline.artifactStore === undefined && pipeline.artifactStores === undefined;
  if (both || neither) {
    add(
      "InvalidStructureException",
      "/artifactStore",
      "You must include either artifactStore or artifactStores in your pipeline, but you cannot use both",
    );
  }
}

function checkStages(pipeline: PipelineDefinition, add: AddFault): void {
  const { stages } = pipeline;
  if (stages.length < 2) {
    add(
      "InvalidStructureException",
      "/stages",
      `Pipeline has ${stages.length} stage(s). There should be a minimum of 2 stages in a pipeline`,
    );
  }
  if (stages.length > MAX.stages)
    add(
      "InvalidStructureException",
      "/stages",
      `Pipeline has ${stages.length} stages. There should be a maximum of ${MAX.stages} stages in a pipeline`,
    );
  const names = new Set<string>();
  for (const [i, stage] of stages.entries()) {
    const path = `/stages/${i}`;
    if (!NAME.test(stage.name))
      add("InvalidStageDeclarationException", `${path}/name`, `Stage name ${stage.name} is not valid`);
    if (names.has(stage.name))
      add(
        "InvalidStructureException",
        `${path}/name`,
        `Stage name must be unique within a pipeline. ${stage.name} has been used more than once`,
      );
    names.add(stage.name);
    if (stage.actions.length === 0)
      add(
        "InvalidStageDeclarationException",
        `${path}/actions`,
        `Stage ${stage.name} must contain at least one action`,
      );
    if (stage.actions.length > MAX.actionsPerStage)
      add(
        "InvalidStageDeclarationException",
        `${path}/actions`,
        `Stage ${stage.name} has more than ${MAX.actionsPerStage} actions`,
      );
  }
  checkConditions(pipeline, add);
}

function checkActions(pipeline: PipelineDefinition, limitsOf: ActionTypeLookup, add: AddFault): void {
  let count = 0;
  for (const [i, stage] of pipeline.stages.entries()) {
    const names = new Set<string>();
    for (const [j, action] of stage.actions.entries()) {
      const path = `/stages/${i}/actions/${j}`;
      count++;
      if (!NAME.test(action.name))
        add("InvalidActionDeclarationException", `${path}/name`, `Action name ${action.name} is not valid`);
      if (names.has(action.name))
        add(
          "InvalidStructureException",
          `${path}/name`,
          `Action name must be unique within a stage. ${action.name} has been used more than once in stage ${stage.name}`,
        );
      names.add(action.name);
      const order = action.runOrder ?? 1;
      if (!Number.isInteger(order) || order < 1 || order > MAX.runOrder)
        add(
          "InvalidActionDeclarationException",
          `${path}/runOrder`,
          `Action ${action.name} has run order ${order}. It must be between 1 and ${MAX.runOrder}`,
        );
      const source = action.actionTypeId.category === "Source";
      if (source && i > 0)
        add("InvalidStructureException", path, "Pipeline source actions can only occur in the first stage");
      if (!source && i === 0)
        add("InvalidStructureException", path, "Pipeline source stage should contain only source actions");
      checkAction(action, path, limitsOf, add);
      checkCommands(action, path, pipeline.pipelineType ?? "V1", add);
    }
  }
  if (count > MAX.actions)
    add(
      "InvalidStructureException",
      "/stages",
      `Pipeline has ${count} actions. There should be a maximum of ${MAX.actions} actions in a pipeline`,
    );
}

function checkAction(action: ActionDefinition, path: string, limitsOf: ActionTypeLookup, add: AddFault): void {
  const { category, owner, provider, version } = action.actionTypeId;
  const limits = limitsOf(action.actionTypeId);
  if (!limits) {
    add(
      "InvalidActionDeclarationException",
      `${path}/actionTypeId`,
      `ActionType (Category: '${category}', Provider: '${provider}', Owner: '${owner}', Version: '${version}') in action '${action.name}' is not available`,
    );
    return;
  }
  const sides = [
    ["input", action.inputArtifacts?.length ?? 0, limits.inputs],
    ["output", action.outputArtifacts?.length ?? 0, limits.outputs],
  ] as const;
  for (const [side, has, [min, max]] of sides) {
    if (has >= min && has <= max) continue;
    add(
      "InvalidActionDeclarationException",
      `${path}/${side}Artifacts`,
      `Action ${action.name} declares ${has} ${side} artifact(s): ${provider} requires a minimum of ${min} and a maximum of ${max}`,
    );
  }
  if (!limits.configuration) return;
  const configuration = action.configuration ?? {};
  for (const key of Object.keys(configuration)) {
    if (!limits.configuration[key])
      add(
        "InvalidActionDeclarationException",
        `${path}/configuration/${key}`,
        `Action configuration for action '${action.name}' contains unknown configuration '${key}'`,
      );
    if ((configuration[key]?.length ?? 0) > 10_000)
      add(
        "InvalidActionDeclarationException",
        `${path}/configuration/${key}`,
        `Action configuration value for '${key}' of action '${action.name}' is too long`,
      );
  }
  for (const [key, rule] of Object.entries(limits.configuration)) {
    if (rule.required && !configuration[key])
      add(
        "InvalidActionDeclarationException",
        `${path}/configuration`,
        `Action configuration for action '${action.name}' is missing required configuration '${key}'`,
      );
  }
}

/** Actions that exist in pipelines of type V2 alone, and what only the provider Commands has. */
function checkCommands(action: ActionDefinition, path: string, pipelineType: string, add: AddFault): void {
  const { category, provider } = action.actionTypeId;
  const fault = (message: string): void => add("InvalidActionDeclarationException", path, message);
  const isCommands = category === "Compute" && provider === "Commands";
  if ((isCommands || (category === "Invoke" && provider === "CodePipeline")) && pipelineType === "V1")
    fault(`Action ${action.name}: the provider ${provider} is only supported for pipelines of type V2`);
  if (isCommands && !action.commands?.length) fault(`Action ${action.name} must have at least one command`);
  if (isCommands && action.outputArtifacts?.some(({ files }) => !files?.length))
    fault(`Action ${action.name}: the output artifact of the provider Commands must name its files`);
  if (!isCommands && (action.commands?.length || action.outputVariables?.length || action.environmentVariables?.length))
    fault(`Action ${action.name}: commands, outputVariables and environmentVariables belong to the provider Commands`);
}

/** Each artifact is made once, and before it is used: by an earlier stage or a lower run order of the same one. */
function checkArtifacts(pipeline: PipelineDefinition, add: AddFault): void {
  const made = new Map<string, { stage: number; order: number }>();
  for (const [i, stage] of pipeline.stages.entries()) {
    for (const [j, action] of stage.actions.entries()) {
      for (const { name } of action.outputArtifacts ?? []) {
        const path = `/stages/${i}/actions/${j}/outputArtifacts`;
        if (made.has(name))
          add(
            "InvalidStructureException",
            path,
            `Output Artifact Bundle name must be unique within the pipeline. ${name} has been used more than once.`,
          );
        made.set(name, { stage: i, order: action.runOrder ?? 1 });
      }
    }
  }
  for (const [i, stage] of pipeline.stages.entries()) {
    for (const [j, action] of stage.actions.entries()) {
      const seen = new Set<string>();
      for (const { name } of action.inputArtifacts ?? []) {
        const path = `/stages/${i}/actions/${j}/inputArtifacts`;
        const source = made.get(name);
        const ready = source && (source.stage < i || (source.stage === i && source.order < (action.runOrder ?? 1)));
        if (!ready)
          add(
            "InvalidStructureException",
            path,
            `Input Artifact Bundle ${name} in action ${action.name} is not declared as Output Artifact Bundle in any of the preceding actions`,
          );
        if (seen.has(name))
          add(
            "InvalidActionDeclarationException",
            path,
            `Input Artifact Bundle ${name} is declared more than once in action ${action.name}`,
          );
        seen.add(name);
      }
    }
  }
}

function checkNamespaces(pipeline: PipelineDefinition, add: AddFault): void {
  const seen = new Set<string>();
  for (const [i, stage] of pipeline.stages.entries()) {
    for (const [j, action] of stage.actions.entries()) {
      const { namespace } = action;
      if (namespace === undefined) continue;
      const path = `/stages/${i}/actions/${j}/namespace`;
      if (namespace === "codepipeline" || namespace === "variables")
        add("InvalidActionDeclarationException", path, `Namespace ${namespace} is reserved`);
      if (seen.has(namespace))
        add(
          "InvalidStructureException",
          path,
          `Namespace must be unique within the pipeline. ${namespace} has been used more than once`,
        );
      seen.add(namespace);
    }
  }
}
