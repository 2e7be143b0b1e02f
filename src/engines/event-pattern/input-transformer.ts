import { AwsError } from "../../kernel/aws-error.ts";
import type { Json } from "./parse.ts";
import { isMap } from "./parse.ts";

/** `InputTransformer` of a rule's target. */
export interface InputTransformer {
  readonly inputPathsMap?: Readonly<Record<string, string>>;
  readonly inputTemplate: string;
}

/** What a template may use besides its paths. */
export interface EventVariables {
  readonly ruleArn: string;
  readonly ruleName: string;
  readonly ingestionTime: string;
}

const MAX_PATHS = 100;
const MAX_TEMPLATE = 8192;

/** Reads a value by EventBridge's JSONPath subset: `$`, `.name`, `['name']`, `[index]`. */
export function readPath(path: string, event: Json): Json | undefined {
  let value: Json | undefined = event;
  for (const step of parsePath(path)) {
    if (typeof step === "number") value = Array.isArray(value) ? value[step] : undefined;
    else value = isMap(value) && Object.hasOwn(value, step) ? value[step] : undefined;
  }
  return value;
}

function parsePath(path: string): (string | number)[] {
  const invalid = (): AwsError => new AwsError("ValidationException", `Invalid JSONPath: ${path}`, 400);
  if (!path.startsWith("$") || path.length > 256) throw invalid();
  const steps: (string | number)[] = [];
  let rest = path.slice(1);
  while (rest !== "") {
    const match = /^(?:\.([A-Za-z0-9_\-$]+)|\['([^']+)'\]|\["([^"]+)"\]|\[(\d{1,6})\])/.exec(rest);
    if (!match) throw invalid();
    steps.push(match[4] === undefined ? (match[1] ?? match[2] ?? match[3] ?? "") : Number(match[4]));
    rest = rest.slice(match[0].length);
  }
  return steps;
}

/** Checks a transformer; throws `ValidationException` in EventBridge's words. */
export function checkInputTransformer(transformer: InputTransformer, target: string): void {
  const paths = Object.entries(transformer.inputPathsMap ?? {});
  if (paths.length > MAX_PATHS || transformer.inputTemplate.length > MAX_TEMPLATE) {
    throw new AwsError("ValidationException", "InputTransformer exceeds its size limits.", 400);
  }
  for (const [name, path] of paths) {
    if (name.startsWith("AWS.")) throw new AwsError("ValidationException", `Invalid InputPathsMap key: ${name}`, 400);
    parsePath(path);
  }
  const known = new Set(paths.map(([name]) => name));
  for (const name of placeholders(transformer.inputTemplate)) {
    if (known.has(name) || name.startsWith("aws.events.")) continue;
    throw new AwsError(
      "ValidationException",
      `InputTemplate for target ${target} contains invalid placeholder ${name}.`,
      400,
    );
  }
}

function placeholders(template: string): string[] {
  return [...template.matchAll(/<([A-Za-z0-9_.-]+)>/g)].map((match) => match[1] ?? "");
}

/**
 * Makes the input of a target, as AWS was recorded. Elsewhere than inside quotes a value goes in as JSON, and a missing
 * one as an empty text. Inside quotes a text goes in as it is, and a missing value as nothing; an object or a list loses
 * its own quotes in a template of texts, and makes one that is JSON invalid: `undefined`, the target gets nothing.
 */
export function transformInput(
  transformer: InputTransformer,
  event: Json,
  variables: EventVariables,
): string | undefined {
  const isJson = /^\s*[[{]/.test(transformer.inputTemplate);
  let isValid = true;
  const values = new Map<string, Json | undefined>([
    ["aws.events.rule-arn", variables.ruleArn],
    ["aws.events.rule-name", variables.ruleName],
    ["aws.events.event.ingestion-time", variables.ingestionTime],
    ["aws.events.event", headOf(event)],
    ["aws.events.event.json", event],
  ]);
  for (const [name, path] of Object.entries(transformer.inputPathsMap ?? {})) values.set(name, readPath(path, event));
  let quoted = false;
  const made = transformer.inputTemplate.replace(/\\.|"|<([A-Za-z0-9_.-]+)>/gs, (whole, name: string | undefined) => {
    if (name === undefined) {
      if (whole === '"') quoted = !quoted;
      return whole;
    }
    if (!values.has(name)) return whole;
    const value = values.get(name);
    if (!quoted) return JSON.stringify(value === undefined ? "" : value);
    if (typeof value === "string") return JSON.stringify(value).slice(1, -1);
    if (value === undefined || value === null) return "";
    if (typeof value === "object" && isJson) isValid = false;
    return JSON.stringify(value).replaceAll('"', "");
  });
  return isValid ? made : undefined;
}

/** The event without its detail, in the names that AWS gives its members here. */
function headOf(event: Json): Json {
  if (!isMap(event)) return event;
  const { detail: _detail, "detail-type": detailType, ...rest } = event;
  return { ...rest, ...(detailType === undefined ? {} : { detailType }) };
}
