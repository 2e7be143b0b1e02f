import type { JsonObject, JsonValue } from "../yaml/index.ts";
import { isObject } from "../yaml/index.ts";
import { compact, SamFault } from "./context.ts";
import { POLICY_TEMPLATES } from "./policy-template-table.ts";

/** Whether a name is one of SAM's policy templates (`DynamoDBCrudPolicy`, ...). */
export function isPolicyTemplate(name: string): boolean {
  return Object.hasOwn(POLICY_TEMPLATES, name);
}

/** The policy document of a template with its parameters filled in. */
export function expandPolicyTemplate(id: string, name: string, values: JsonValue): JsonObject {
  const statements = POLICY_TEMPLATES[name] ?? [];
  if (!isObject(values)) throw new SamFault(id, `Must specify valid parameter values for policy template '${name}'`);
  const conditions = CONDITIONS[name]?.map(([, , resource]) => resource) ?? [];
  const wanted = new Set(
    [...statements.flatMap(([, , ...resources]) => resources), ...conditions].flatMap(namesIn).map(parameterOf),
  );
  const missing = [...wanted].filter((parameter) => !Object.hasOwn(values, parameter));
  if (missing.length > 0) {
    const list = missing.map((parameter) => `'${parameter}'`).join(", ");
    throw new SamFault(id, `Following required parameters of template '${name}' don't have values: [${list}]`);
  }
  return {
    Statement: statements.map(([service, actions, ...resources], index) => {
      const filled = resources.map((resource) => fill(resource.replace(/^@/, ""), values));
      const listed = filled.length > 1 || resources[0]?.startsWith("@");
      const condition = CONDITIONS[name]?.find(([statement]) => statement === index);
      return compact({
        Effect: "Allow",
        Action: actions.startsWith("=")
          ? `${service}:${actions.slice(1)}`
          : actions.split(" ").map((action) => `${service}:${action}`),
        Resource: listed ? filled : (filled[0] ?? "*"),
        Condition: condition && { StringEquals: { [condition[1]]: fill(condition[2], values) } },
      });
    }),
  };
}

function namesIn(resource: string): string[] {
  return [...resource.matchAll(/\$\{(\w+)\}/g)].map((match) => match[1] ?? "");
}

/** The few statements that hold under a condition: which of the template's, the key, and the ARN it must equal. */
const CONDITIONS: Readonly<Record<string, readonly (readonly [number, string, string])[]>> = {
  AWSSecretsManagerRotationPolicy: [
    [0, "secretsmanager:resource/AllowRotationLambdaArn", "lambda:function:${functionName}"],
  ],
  EFSWriteAccessPolicy: [[0, "elasticfilesystem:AccessPointArn", "elasticfilesystem:access-point/${accessPoint}"]],
};

/** Variables that are spelled otherwise than their parameter. */
const SPELLED: Readonly<Record<string, string>> = { pipelinename: "PipelineName", workgroupName: "WorkGroupName" };

function parameterOf(name: string): string {
  const spelled = SPELLED[name];
  if (spelled) return spelled;
  return name.charAt(0).toUpperCase() + name.slice(1);
}

function fill(resource: string, values: JsonObject): JsonValue {
  if (resource === "*") return "*";
  const [, global = "", service = "", path = ""] = /^(-?)([a-z0-9]+):(.*)$/.exec(resource) ?? [];
  const place = global ? "::" : ":${AWS::Region}:${AWS::AccountId}";
  const text = service ? `arn:\${AWS::Partition}:${service}${place}:${path}` : resource;
  const names = namesIn(resource);
  if (names.length === 0) return { "Fn::Sub": text };
  return { "Fn::Sub": [text, Object.fromEntries(names.map((name) => [name, values[parameterOf(name)] ?? ""]))] };
}
