import { declaredCondition, type ActionDefinition, type StageDefinition } from "../../engines/pipeline/index.ts";
import type { ActionRun, Pipeline } from "./model.ts";

/** The action, or the rule as if it were one, that a run of a declaration is for. */
export function declaredRun(
  definition: Pipeline["declaration"],
  { stage, action, condition }: Pick<ActionRun, "stage" | "action" | "condition">,
): ActionDefinition {
  const declared = definition.stages.find((s) => s.name === stage);
  const found =
    declared && condition
      ? rulesOf(declared, condition).find((rule) => rule.name === action)
      : declared?.actions.find((a) => a.name === action);
  if (!found) throw new Error(`the pipeline ${definition.name} has no action ${stage}/${action}`);
  return found;
}

/** The rules of a stage's condition in the shape of actions: they are run like these. */
export const rulesOf = (stage: StageDefinition, condition: NonNullable<ActionRun["condition"]>): ActionDefinition[] =>
  (declaredCondition(stage, condition)?.rules ?? []).map(({ ruleTypeId, ...rule }) => ({
    ...rule,
    actionTypeId: {
      category: "Rule",
      owner: ruleTypeId.owner ?? "AWS",
      provider: ruleTypeId.provider,
      version: ruleTypeId.version ?? "1",
    },
  }));
