import { CONDITION_TYPES, declaredCondition, type ConditionType } from "./conditions.ts";
import type { PipelineDefinition, RuleDefinition, StageDefinition } from "./definition.ts";
import { RULE_TYPES } from "./rule-types.ts";
import type { AddFault } from "./validate.ts";

const RESULTS: Readonly<Record<ConditionType, readonly string[]>> = {
  BEFORE_ENTRY: ["FAIL", "SKIP"],
  ON_SUCCESS: ["FAIL", "ROLLBACK"],
  ON_FAILURE: ["FAIL", "ROLLBACK", "RETRY", "SKIP"],
};
const MAX_RULES = 5;
/** Rules that may decide that a stage is skipped. */
const SKIPPING: ReadonlySet<string> = new Set(["LambdaInvoke", "VariableCheck"]);

/** Checks what a pipeline declares for the entry, the success and the failure of its stages. */
export function checkConditions(pipeline: PipelineDefinition, add: AddFault): void {
  for (const [i, stage] of pipeline.stages.entries()) {
    const path = `/stages/${i}`;
    const isUsed = [stage.beforeEntry, stage.onSuccess, stage.onFailure].some((one) => one !== undefined);
    if (!isUsed) continue;
    const fault = (message: string): void => add("InvalidStageDeclarationException", path, message);
    if ((pipeline.pipelineType ?? "V1") === "V1")
      fault(`Stage ${stage.name}: conditions of stages are only supported for pipelines of type V2`);
    if (i === 0 && (stage.beforeEntry || stage.onFailure?.result === "ROLLBACK"))
      fault(`Stage ${stage.name}: a source stage has neither entry conditions nor rollbacks`);
    const { result, retryConfiguration } = stage.onFailure ?? {};
    if (result !== undefined && !RESULTS.ON_FAILURE.includes(result))
      fault(`Stage ${stage.name}: the onFailure result ${result} is not valid`);
    if (retryConfiguration && result !== "RETRY")
      fault(`Stage ${stage.name}: a retryConfiguration needs the onFailure result RETRY`);
    for (const type of CONDITION_TYPES) checkCondition(stage, type, fault);
  }
}

function checkCondition(stage: StageDefinition, type: ConditionType, fault: (message: string) => void): void {
  const condition = declaredCondition(stage, type);
  if (!condition) return;
  const where = `Stage ${stage.name}: the ${type} condition`;
  const { result, rules = [] } = condition;
  if (result !== undefined && !RESULTS[type].includes(result))
    fault(`${where} has the result ${result}; it must be one of ${RESULTS[type].join(", ")}`);
  if (rules.length < 1 || rules.length > MAX_RULES) fault(`${where} must have between 1 and ${MAX_RULES} rules`);
  if (type === "BEFORE_ENTRY" && result === "SKIP" && rules.some((one) => !SKIPPING.has(one.ruleTypeId.provider)))
    fault(`${where} with the result SKIP may only have the rules LambdaInvoke and VariableCheck`);
  const names = new Set<string>();
  for (const rule of rules) {
    if (names.has(rule.name)) fault(`${where} has more than one rule of the name ${rule.name}`);
    names.add(rule.name);
    checkRule(rule, `${where}'s rule ${rule.name}`, fault);
  }
}

function checkRule(rule: RuleDefinition, where: string, fault: (message: string) => void): void {
  const { category, provider, version = "1" } = rule.ruleTypeId;
  const limits = Object.hasOwn(RULE_TYPES, provider) ? RULE_TYPES[provider] : undefined;
  if (category !== "Rule" || !limits || version !== "1") {
    fault(`${where} is of a type that is not available: ${category}, ${provider}, version ${version}`);
    return;
  }
  if ((provider === "Commands") !== (rule.commands?.length ? true : false))
    fault(`${where} ${provider === "Commands" ? "must have at least one command" : "may have no commands"}`);
  const given = rule.configuration ?? {};
  for (const key of Object.keys(given))
    if (!limits.configuration?.[key]) fault(`${where} contains unknown configuration '${key}'`);
  for (const [key, { required }] of Object.entries(limits.configuration ?? {}))
    if (required && !given[key]) fault(`${where} is missing required configuration '${key}'`);
}
