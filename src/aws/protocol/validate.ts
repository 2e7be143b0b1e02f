import { AwsError } from "../../kernel/aws-error.ts";
import type { Constraint } from "../model-pack.ts";
import { compiled, type Member, type OperationModel, type ServiceModel, type Shape, type Target } from "../model.ts";
import {
  bodyPrefix,
  isUnenforced,
  keepsValues,
  listed,
  missingMemberError,
  refusedEarly,
  saysNotNull,
  violationCode,
} from "./validation-rules.ts";
import { isNothing, toBytes } from "./values.ts";

/** Most violations that one message lists. */
const MAX_VIOLATIONS = 20;
/** Most characters of a value that a message repeats. */
const MAX_SHOWN = 1024;

interface Findings {
  readonly violations: string[];
}

/** Checks a value at `path`, `a.1.member.b` as AWS writes it. */
type Check = (value: unknown, path: string, findings: Findings) => void;

/**
 * Refuses an input that breaks a constraint of the model (required, length, range, pattern, enum), with the code and
 * the words that the service uses.
 */
export function validateInput(model: ServiceModel, operation: OperationModel, input: unknown): void {
  const { input: shape } = operation;
  if (shape.kind !== "structure") return;
  const missing = compiled(shape, "required", () => shape.members.filter((member) => isRequired(model, member)));
  for (const member of missing) {
    if (isNothing((input as Record<string, unknown>)[member.name])) {
      const error = missingMemberError(model, member);
      if (error) throw error;
    }
  }
  const early = refusedEarly(model, input as Record<string, unknown>);
  if (early) throw early;
  if (model.name === "s3") return; // S3 has a code of its own for almost every member; its handlers know them
  const findings: Findings = { violations: [] };
  const check = compiled(shape, "validate", () =>
    structureCheck(model, shape.members, `${model.name}.${operation.name}`),
  );
  check(input, "", findings);
  const { violations } = findings;
  if (violations.length === 0) return;
  const count = `${violations.length} validation error${violations.length === 1 ? "" : "s"} detected`;
  throw new AwsError(violationCode(model), `${count}: ${violations.join("; ")}`, 400);
}

/** The query protocol cannot send an empty structure, so a missing one may be meant as empty. */
function isRequired(model: ServiceModel, { shape, traits }: Member): boolean {
  const canBeSent = shape.kind !== "structure" || model.protocol !== "awsQuery";
  return traits.required === true && canBeSent;
}

/** `operation` names the exceptions that hold for the members at the top; inside of a shape there are none. */
function structureCheck(model: ServiceModel, members: readonly Member[], operation?: string): Check {
  let checks:
    | readonly (readonly [name: string, segment: string, required: boolean, check: Check | undefined])[]
    | undefined;
  return (value, path, findings) => {
    checks ??= members.map((member) => {
      const free = operation !== undefined && isUnenforced(`${operation}.${member.name}`);
      const segment = bodyPrefix(operation, member) + member.name.charAt(0).toLowerCase() + member.name.slice(1);
      return [member.name, segment, isRequired(model, member), free ? undefined : targetCheck(model, member)] as const;
    });
    if (typeof value !== "object" || value === null) return;
    for (const [name, segment, required, check] of checks) {
      const item = (value as Record<string, unknown>)[name];
      const place = path ? `${path}.${segment}` : segment;
      if (!isNothing(item)) check?.(item, place, findings);
      else if (required)
        addViolation(findings, `Value${keepsValues(model) ? "" : " null"} at '${place}'`, "Member must not be null");
    }
  };
}

function targetCheck(model: ServiceModel, target: Target): Check | undefined {
  const own = target.constraint && constraintCheck(model, target);
  const inner = shapeCheck(model, target.shape);
  if (!own || !inner) return own ?? inner;
  return (value, path, findings) => {
    own(value, path, findings);
    inner(value, path, findings);
  };
}

function shapeCheck(model: ServiceModel, shape: Shape): Check | undefined {
  switch (shape.kind) {
    case "structure":
    case "union":
      return compiled(shape, "validate inside", () => structureCheck(model, shape.members));
    case "list":
      return lazyCheck(shape, "validate items", () => listCheck(model, shape));
    case "map":
      return lazyCheck(shape, "validate entries", () => mapCheck(model, shape));
    default:
      return undefined;
  }
}

/** Shapes may contain themselves, so what is inside of one is compiled when first used. */
function lazyCheck(shape: Shape, key: string, build: () => Check): Check {
  return (value, path, findings) => compiled(shape, key, build)(value, path, findings);
}

function listCheck(model: ServiceModel, shape: Shape): Check {
  const rules = rulesOf(model, shape.value);
  const inside = shapeCheck(model, shape.value.shape);
  const words = `Member must satisfy constraint: [${wordsOf(rules, model)}]`;
  const isSecret = isHidden(model, shape.value);
  return (value, path, findings) => {
    if (!Array.isArray(value)) return;
    if (rules.length > 0 && value.some((item: unknown) => !isNothing(item) && rules.some((rule) => !rule.holds(item))))
      addViolation(findings, shown(isSecret, value, path), words);
    if (!inside) return;
    value.forEach((item: unknown, index) => {
      if (!isNothing(item)) inside(item, `${path}.${index + 1}.member`, findings);
    });
  };
}

function mapCheck(model: ServiceModel, shape: Shape): Check {
  const keyRules = rulesOf(model, shape.key);
  const valueRules = rulesOf(model, shape.value);
  const isSecret = isHidden(model, shape.value);
  const inside = shapeCheck(model, shape.value.shape);
  return (value, path, findings) => {
    if (typeof value !== "object" || value === null) return;
    for (const [key, item] of Object.entries(value)) {
      if (keyRules.some((rule) => !rule.holds(key))) {
        addViolation(
          findings,
          shown(isSecret, value, path),
          `Map keys must satisfy constraint: [${wordsOf(keyRules)}]`,
        );
      }
      if (isNothing(item)) continue;
      if (valueRules.some((rule) => !rule.holds(item))) {
        addViolation(
          findings,
          shown(isSecret, value, path),
          `Map value must satisfy constraint: [${wordsOf(valueRules, model)}]`,
        );
      }
      inside?.(item, `${path}.${key}.member`, findings);
    }
  };
}

function constraintCheck(model: ServiceModel, target: Target): Check | undefined {
  const rules = rulesOf(model, target);
  if (rules.length === 0) return undefined;
  const isSecret = isHidden(model, target);
  return (value, path, findings) => {
    for (const rule of rules) {
      if (rule.holds(value)) continue;
      addViolation(findings, shown(isSecret, value, path), rule.words);
    }
  };
}

function addViolation(findings: Findings, what: string, words: string): void {
  if (findings.violations.length < MAX_VIOLATIONS) {
    findings.violations.push(`${what} failed to satisfy constraint: ${words}`);
  }
}

interface Rule {
  readonly words: string;
  holds(value: unknown): boolean;
}

/** What items of a list or values of a map must be; with `model`, as that service says it. */
function wordsOf(rules: readonly Rule[], model?: ServiceModel): string {
  const words = rules.map((rule) => rule.words);
  return [...words, ...(model && saysNotNull(model) ? ["Member must not be null"] : [])].join(", ");
}

function rulesOf(model: ServiceModel, target: Target): readonly Rule[] {
  const { constraint } = target;
  if (!constraint || target.traits.streaming) return [];
  return [...boundRules(constraint), ...patternRules(constraint), ...enumRules(model, constraint)];
}

function boundRules(constraint: Constraint): Rule[] {
  const rules: Rule[] = [];
  const add = (what: "length" | "value", bounds: Constraint["length"], measure: (value: unknown) => number): void => {
    const [minimum, maximum] = bounds ?? [null, null];
    if (maximum !== null) {
      const words = `Member must have ${what} less than or equal to ${maximum}`;
      rules.push({ words, holds: (value) => measure(value) <= maximum });
    }
    if (minimum !== null) {
      const words = `Member must have ${what} greater than or equal to ${minimum}`;
      rules.push({ words, holds: (value) => measure(value) >= minimum });
    }
  };
  add("length", constraint.length, lengthOf);
  add("value", constraint.range, Number);
  return rules;
}

function lengthOf(value: unknown): number {
  if (typeof value === "string" || Array.isArray(value)) return value.length;
  if (value instanceof Uint8Array) return toBytes(value).length;
  return typeof value === "object" && value !== null ? Object.keys(value).length : 0;
}

function patternRules({ pattern, length }: Constraint): Rule[] {
  // Where any text will do, services take line breaks too (filters of event source mappings).
  const expression = pattern === undefined || pattern === ".*" ? undefined : toRegExp(pattern);
  if (!expression) return [];
  const words = `Member must satisfy regular expression pattern: ${pattern}`;
  // What is longer than allowed is refused for that; matching it would only cost time.
  const longest = length?.[1] ?? Infinity;
  return [{ words, holds: (value) => typeof value !== "string" || value.length > longest || expression.test(value) }];
}

/** Models are written for Java, whose patterns allow escapes that JavaScript refuses in Unicode mode. */
export function toRegExp(pattern: string): RegExp | undefined {
  const portable = pattern.replaceAll("\\p{Print}", "[\\x20-\\x7e]").replace(/\\([_:@=~<>,;!%&"'`# ])/g, "$1");
  // Outside of Unicode mode, `\p` would be the letter p.
  for (const flags of portable.includes("\\p{") ? ["u"] : ["u", ""]) {
    try {
      return new RegExp(`^(?:${portable})$`, flags);
    } catch {
      continue;
    }
  }
  return undefined;
}

function enumRules(model: ServiceModel, { enum: values }: Constraint): Rule[] {
  if (!values) return [];
  const allowed = new Set(values);
  const words = `Member must satisfy enum value set${keepsValues(model) ? "" : `: [${listed(values)}]`}`;
  return [{ words, holds: (value) => allowed.has(value as string) }];
}

/** Whether messages do not repeat what was given here. */
function isHidden(model: ServiceModel, { traits, shape }: Target): boolean {
  return keepsValues(model) || traits.sensitive === true || shape.kind === "blob";
}

function shown(isSecret: boolean, value: unknown, path: string): string {
  if (isSecret) return `Value at '${path}'`;
  const text = textOf(value);
  return `Value '${text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}...` : text}' at '${path}'`;
}

/** A value as Java prints it, which is what AWS's messages show. */
function textOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.slice(0, 100).map(textOf).join(", ")}]`;
  if (value instanceof Date) return value.toUTCString();
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).slice(0, 100);
    return `{${entries.map(([key, item]) => `${key}=${textOf(item)}`).join(", ")}}`;
  }
  return String(value);
}
