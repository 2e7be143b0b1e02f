import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

const FOLDER = resolve(import.meta.dirname, "../../../shared/conformance/localstack-snapshots");
/** The account of the recordings. */
const ACCOUNT = "111111111111";

/** Why recordings cannot be compared with; undefined where they can. Tests pass it as `skip`. */
export const noRecordings: string | undefined = existsSync(FOLDER) ? undefined : "recorded answers are absent";

export type Recorded = Readonly<Record<string, any>>;

/** Answers that were recorded from AWS, by the name of the case: everything behind the last `::`. */
export function recordings(file: string): (name: string) => Recorded {
  const all = JSON.parse(readFileSync(join(FOLDER, file), "utf8")) as Record<string, { "recorded-content": Recorded }>;
  const byName = new Map(
    Object.entries(all).map(([key, value]) => [key.split("::").at(-1)!, value["recorded-content"]]),
  );
  return (name) => {
    const found = byName.get(name);
    if (!found) throw new Error(`${file} has no case ${name}`);
    return found;
  };
}

/** What an SDK client's error says, as boto3 writes it down. */
export function errorView(error: unknown): Recorded {
  const { name, message, Type, $metadata } = error as Record<string, any>;
  return {
    Error: { Code: name, Message: message },
    ...(Type === undefined ? {} : { Type }),
    ResponseMetadata: { HTTPStatusCode: $metadata?.httpStatusCode },
  };
}

/**
 * Where `answer` differs from what was recorded, a line each. Placeholders such as `<uuid:1>` stand for any text, dates
 * for any date; members that are only ours are named too. `ignore` names members, at any depth, that need not agree.
 */
export function differences(recorded: unknown, answer: unknown, ignore: readonly string[] = [], path = ""): string[] {
  if (recorded && typeof recorded === "object" && !Array.isArray(recorded)) {
    const [wanted, got] = [recorded as Recorded, (answer ?? {}) as Recorded];
    if (typeof answer !== "object" || answer === null) return [`${path}: nothing`];
    const names = new Set([...Object.keys(wanted), ...Object.keys(got)]);
    return [...names]
      .filter((name) => !ignore.includes(name) && !["HTTPHeaders", "RetryAttempts", "RequestId"].includes(name))
      .flatMap((name) => {
        const here = path ? `${path}.${name}` : name;
        if (wanted[name] === undefined || wanted[name] === null)
          return got[name] === undefined || isEmpty(got[name])
            ? []
            : [`${here}: only ours: ${JSON.stringify(got[name])}`];
        if (got[name] === undefined) return isEmpty(wanted[name]) ? [] : [`${here}: missing`];
        return differences(wanted[name], got[name], ignore, here);
      });
  }
  if (Array.isArray(recorded)) {
    if (!Array.isArray(answer) || answer.length !== recorded.length)
      return [`${path}: ${JSON.stringify(answer)} is no list of ${recorded.length}`];
    return recorded.flatMap((item, i) => differences(item, answer[i], ignore, `${path}[${i}]`));
  }
  const text = answer instanceof Date ? answer.toISOString() : String(answer);
  return pattern(String(recorded)).test(text) ? [] : [`${path}: ${text}\n    recorded: ${recorded}`];
}

/** Compares the answers of one case, each by its name in the recording; `end` fails where any has differed. */
export function comparison(answers: Recorded) {
  const found: string[] = [];
  const compare = (key: string, answer: object, ignore: readonly string[] = []): void => {
    const { $metadata, ...rest } = answer as Record<string, any>;
    const view = $metadata ? { ...rest, ResponseMetadata: { HTTPStatusCode: $metadata.httpStatusCode } } : rest;
    const lines = differences(answers[key], view, ignore);
    found.push(...lines.map((line) => `${key}: ${line}`));
  };
  return {
    compare,
    async refused(key: string, call: Promise<object>, ignore: readonly string[] = []): Promise<void> {
      const outcome = await call.then(
        () => undefined,
        (error: unknown) => error,
      );
      if (!outcome) return void found.push(`${key}: it was not refused`);
      const { Message: _text, ...wanted } = answers[key] as Recorded;
      found.push(...differences(wanted, errorView(outcome), ["message", ...ignore]).map((line) => `${key}: ${line}`));
    },
    end: () => assert.deepEqual(found, []),
  };
}

const isEmpty = (value: unknown): boolean =>
  typeof value === "object" && value !== null && Object.keys(value).length === 0;

function pattern(recorded: string): RegExp {
  if (recorded === "date" || recorded === "datetime") return /^\d{4}-\d\d-\d\dT/;
  const literal = recorded.replaceAll(ACCOUNT, "000000000000").replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const placeholder = recorded.startsWith("arn:") ? "[^:]+" : "[^]+?";
  return new RegExp(`^${literal.replace(/<[^<>]+>/g, placeholder)}$`);
}
