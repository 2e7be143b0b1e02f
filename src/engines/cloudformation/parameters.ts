import { boundedMatcher } from "../../kernel/bounded-match.ts";
import type { JsonValue } from "../yaml/index.ts";
import { TemplateError } from "./diagnostic.ts";
import type { ParameterDeclaration, Template } from "./template.ts";

/** How long all values of one parameter may take to match their pattern. */
const MOST_PATTERN_MS = 250;

/** Values for a template's parameters. */
export interface ResolvedParameters {
  /** What `Ref` gives: text, or a list for the list types. SSM parameters hold what the store has. */
  readonly values: Readonly<Record<string, JsonValue>>;
  /** What was given or defaulted, as text: what DescribeStacks shows (SSM parameters: their name). */
  readonly given: Readonly<Record<string, string>>;
}

/** A parameter as an API caller gives it. */
export interface ParameterInput {
  readonly value?: string;
  readonly usePreviousValue?: boolean;
}

/**
 * Combines given, previous and default values and checks the constraints. `readSsm` reads a parameter of the
 * parameter store. Throws {@link TemplateError} in CloudFormation's words.
 */
export async function resolveParameters(
  template: Template,
  inputs: Readonly<Record<string, ParameterInput>>,
  previous: Readonly<Record<string, string>> = {},
  readSsm: (name: string) => Promise<string | undefined> = async () => undefined,
): Promise<ResolvedParameters> {
  const unknown = Object.keys(inputs).filter((name) => !Object.hasOwn(template.parameters, name));
  if (unknown.length > 0) throw new TemplateError(`Parameters: [${unknown.join(", ")}] do not exist in the template`);
  const given: Record<string, string> = {};
  const missing: string[] = [];
  for (const [name, declaration] of Object.entries(template.parameters)) {
    const input = inputs[name];
    if (input?.usePreviousValue) checkPrevious(name, input, previous);
    const value = input?.usePreviousValue ? previous[name] : (input?.value ?? defaultText(declaration));
    if (value === undefined && isStored(declaration))
      throw new TemplateError(`Parameter ${name} should either have input value or default value`);
    if (value === undefined) missing.push(name);
    else given[name] = value;
  }
  if (missing.length > 0) throw new TemplateError(`Parameters: [${missing.join(", ")}] must have values`);
  const values: Record<string, JsonValue> = {};
  for (const [name, text] of Object.entries(given)) {
    const declaration = template.parameters[name] as ParameterDeclaration;
    checkConstraints(name, text, declaration);
    const stored = /^AWS::SSM::Parameter::Value<(.+)>$/.exec(declaration.type)?.[1];
    if (!stored) {
      values[name] = typed(text, declaration.type);
      continue;
    }
    const found = await readSsm(text);
    if (found === undefined) {
      throw new TemplateError(`Unable to fetch parameters [${text}] from parameter store for this account.`);
    }
    values[name] = typed(found, stored);
  }
  return { values, given };
}

/** A previous value can be used where there is one, and no new one beside it. */
function checkPrevious(name: string, input: ParameterInput, previous: Readonly<Record<string, string>>): void {
  const refuse = (why: string): never => {
    throw new TemplateError(`Invalid input for parameter key ${name}. Cannot specify usePreviousValue as true ${why}`);
  };
  if (input.value) refuse("and non empty value for a parameter");
  if (previous[name] === undefined) refuse("for a parameter key not in the previous template");
}

const isStored = (declaration: ParameterDeclaration): boolean =>
  declaration.type.startsWith("AWS::SSM::Parameter::Value<");

function defaultText(declaration: ParameterDeclaration): string | undefined {
  const value = declaration.default;
  if (value === undefined) return undefined;
  return Array.isArray(value) ? value.map(String).join(",") : String(value);
}

function isList(type: string): boolean {
  return type === "CommaDelimitedList" || type.startsWith("List<");
}

function typed(text: string, type: string): JsonValue {
  if (!isList(type)) return text;
  return text === "" ? [] : text.split(",").map((item) => item.trim());
}

function checkConstraints(name: string, text: string, d: ParameterDeclaration): void {
  const fail = (reason: string): never => {
    const own = d.constraintDescription;
    throw new TemplateError(
      own ? `Parameter '${name}' failed to satisfy constraint: ${own}` : `Parameter '${name}' ${reason}`,
    );
  };
  const items = isList(d.type) ? (typed(text, d.type) as string[]) : [text];
  if (d.type === "Number" || d.type === "List<Number>") {
    for (const item of items) {
      const number = item.trim() === "" ? Number.NaN : Number(item);
      if (Number.isNaN(number)) fail("must be a number.");
      if (d.minValue !== undefined && number < d.minValue) fail(`must be a number not less than ${d.minValue}`);
      if (d.maxValue !== undefined && number > d.maxValue) fail(`must be a number not greater than ${d.maxValue}`);
    }
  }
  if (d.allowedValues && !items.every((item) => d.allowedValues?.includes(item))) {
    fail(`must be one of AllowedValues`);
  }
  if (d.minLength !== undefined && text.length < d.minLength) fail(`must contain at least ${d.minLength} characters`);
  if (d.maxLength !== undefined && text.length > d.maxLength) fail(`must contain at most ${d.maxLength} characters`);
  if (text.length > 4096) throw new TemplateError(`Parameter '${name}' must contain at most 4096 characters`);
  if (d.allowedPattern && !allMatch(name, d.allowedPattern, items)) fail(`must match pattern ${d.allowedPattern}`);
}

/** Patterns come from templates: one that takes long is refused. */
function allMatch(name: string, pattern: string, texts: readonly string[]): boolean {
  const expression = toRegExp(name, pattern);
  const matches = boundedMatcher(MOST_PATTERN_MS);
  return texts.every((text) => {
    const match = matches(expression, text);
    if (match === undefined)
      throw new TemplateError(`The AllowedPattern of parameter '${name}' takes too long to match: simplify it`);
    return match;
  });
}

function toRegExp(name: string, pattern: string): RegExp {
  for (const flags of ["u", ""]) {
    try {
      return new RegExp(`^(?:${pattern})$`, flags);
    } catch {
      continue;
    }
  }
  throw new TemplateError(
    `Template format error: AllowedPattern of parameter ${name} is not a valid pattern: ${pattern}`,
  );
}
