import type { JsonObject, JsonValue } from "../yaml/index.ts";
import { isObject } from "../yaml/index.ts";
import type { ParameterDeclaration } from "./template.ts";

const FORMAT = "Template format error: ";
const MEMBERS = new Set(
  (
    "Type Default NoEcho Description AllowedValues AllowedPattern ConstraintDescription MinLength MaxLength MinValue " +
    "MaxValue"
  ).split(" "),
);
const TYPE =
  /^(String|Number|List<Number>|List<String>|CommaDelimitedList|(List<)?AWS::(EC2|Route53)::[A-Za-z:]+>?|AWS::SSM::Parameter::(Name|Value<[A-Za-z0-9:<>]+>))$/;

/** Reads the Parameters section. */
export function readParameters(
  section: JsonObject,
  report: { add(path: string, message: string): void },
): Record<string, ParameterDeclaration> {
  const result: Record<string, ParameterDeclaration> = {};
  for (const [name, raw] of Object.entries(section)) {
    const path = `/Parameters/${name}`;
    if (!/^[A-Za-z0-9]+$/.test(name)) report.add(path, `${FORMAT}Parameter name ${name} is non alphanumeric.`);
    if (!isObject(raw) || raw.Type === undefined) {
      report.add(path, `${FORMAT}Every Parameters object must contain a Type member.`);
      continue;
    }
    if (typeof raw.Type !== "string" || !TYPE.test(raw.Type)) {
      report.add(`${path}/Type`, `${FORMAT}Unrecognized parameter type: ${String(raw.Type)}`);
      continue;
    }
    for (const key of Object.keys(raw)) {
      if (!MEMBERS.has(key)) report.add(`${path}/${key}`, `Invalid template parameter property '${key}'`);
    }
    if (isObject(raw.Default)) {
      report.add(`${path}/Default`, `${FORMAT}Every Default member must be a string.`);
      continue;
    }
    result[name] = readParameter(raw, raw.Type);
  }
  return result;
}

function readParameter(raw: JsonObject, type: string): ParameterDeclaration {
  const values = Array.isArray(raw.AllowedValues) ? raw.AllowedValues.map(String) : undefined;
  return {
    type,
    noEcho: raw.NoEcho === true || raw.NoEcho === "true",
    ...(raw.Default !== undefined && raw.Default !== null && { default: raw.Default }),
    ...(typeof raw.Description === "string" && { description: raw.Description }),
    ...(values && { allowedValues: values }),
    ...(raw.AllowedPattern !== undefined && { allowedPattern: String(raw.AllowedPattern) }),
    ...(typeof raw.ConstraintDescription === "string" && { constraintDescription: raw.ConstraintDescription }),
    ...numbers(raw),
  };
}

function numbers(raw: JsonObject): Partial<ParameterDeclaration> {
  const read = (value: JsonValue | undefined): number | undefined =>
    value === undefined || Number.isNaN(Number(value)) ? undefined : Number(value);
  const entries = [
    ["minLength", read(raw.MinLength)],
    ["maxLength", read(raw.MaxLength)],
    ["minValue", read(raw.MinValue)],
    ["maxValue", read(raw.MaxValue)],
  ].filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Partial<ParameterDeclaration>;
}
