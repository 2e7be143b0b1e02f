import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readModel, type ServiceModel, type Target } from "../../src/aws/model.ts";
import {
  packFromBotocore,
  type BotocoreModel,
  type BotocoreOperation,
} from "../../tools/generate-models/from-botocore.ts";

/** Data that is not part of the project; tests of it are skipped where it is absent. */
export const CONFORMANCE = join(import.meta.dirname, "../../../shared/conformance");

export function absent(folder: string): string | false {
  return existsSync(join(CONFORMANCE, folder)) ? false : `there is no ../shared/conformance/${folder}`;
}

export interface InputCase {
  readonly id: string;
  readonly given: BotocoreOperation;
  readonly params: Record<string, unknown>;
  readonly serialized: {
    readonly method: string;
    readonly uri: string;
    readonly body?: string;
    readonly headers?: Readonly<Record<string, string>>;
  };
}

export interface OutputCase {
  readonly id: string;
  readonly given: BotocoreOperation;
  readonly result?: Record<string, unknown>;
  readonly errorCode?: string;
  readonly errorMessage?: string;
  readonly error?: Record<string, unknown>;
  readonly response: {
    readonly status_code: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body?: string;
  };
}

interface Suite<Case> extends Omit<BotocoreModel, "operations"> {
  readonly description: string;
  readonly clientEndpoint?: string;
  readonly cases: readonly Case[];
}

/** Every case of a file with the model that it is about. */
export function* conformanceCases<Case extends InputCase | OutputCase>(
  file: string,
): Generator<{ case: Case; model: ServiceModel; index: number }> {
  const suites = JSON.parse(readFileSync(join(CONFORMANCE, "protocols", file), "utf8")) as readonly Suite<Case>[];
  for (const suite of suites) {
    if (suite.clientEndpoint !== undefined) continue; // about where clients send requests
    for (const [index, each] of suite.cases.entries()) {
      const operations = { [each.given.name]: each.given };
      const { metadata, shapes } = suite;
      yield { case: each, index, model: readModel(packFromBotocore("conformance", { metadata, shapes, operations })) };
    }
  }
}

/** A value as the cases write it, as our handlers see it: dates and bytes. */
export function handlerValue(target: Target, value: unknown): unknown {
  const { shape } = target;
  if (value === null || value === undefined) return value;
  switch (shape.kind) {
    case "timestamp":
      return new Date(Math.round(Number(value) * 1000));
    case "blob":
      return Buffer.from(String(value), "utf8");
    case "number":
      return Number(value);
    case "list":
      return (value as unknown[]).map((item) => handlerValue(shape.value, item));
    case "map":
      return mapValues(value as object, () => shape.value);
    case "structure":
    case "union":
      return mapValues(value as object, (name) => shape.members.find((member) => member.name === name));
    default:
      return value;
  }
}

function mapValues(value: object, targetOf: (name: string) => Target | undefined): unknown {
  const entries = Object.entries(value).map(([name, item]): [string, unknown] => {
    const target = targetOf(name);
    return [name, target ? handlerValue(target, item) : item];
  });
  return Object.fromEntries(entries.filter(([, item]) => item !== undefined));
}
