import type { ActionTypeLimits } from "./definition.ts";

const key = (name: string, required = false) => [name, { required }] as const;
const rule = (
  inputs: ActionTypeLimits["inputs"],
  ...configuration: (readonly [string, { readonly required: boolean }])[]
): ActionTypeLimits => ({ inputs, outputs: [0, 0], configuration: Object.fromEntries(configuration) });

/** AWS's rules for conditions, by provider. */
export const RULE_TYPES: Readonly<Record<string, ActionTypeLimits>> = {
  CloudWatchAlarm: rule([0, 0], key("AlarmName", true), key("AlarmStates"), key("WaitTime")),
  CodeBuild: rule([0, 5], key("ProjectName", true), key("PrimarySource"), key("EnvironmentVariables")),
  Commands: rule([0, 5]),
  DeploymentWindow: rule([0, 0], key("Cron", true), key("TimeZone")),
  LambdaInvoke: rule([0, 5], key("FunctionName", true), key("UserParameters")),
  VariableCheck: rule([0, 0], key("Variable", true), key("Value", true), key("Operator", true)),
};
