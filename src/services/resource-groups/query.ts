import { MAX_TAG_FILTER_VALUES, MAX_TAG_FILTERS, MAX_TYPE_FILTERS } from "./limits.ts";
import { badRequest, type QueryType, type StoredQuery } from "./model.ts";

/** What a query asks for, read. */
export interface Query {
  /** Undefined: of all types. */
  readonly types: ReadonlySet<string> | undefined;
  readonly by:
    | { readonly kind: "stack"; readonly stack: string }
    /** A resource must have every key with one of its values; a key without values, with any. */
    | { readonly kind: "tags"; readonly tags: readonly TagFilter[] };
}

export interface TagFilter {
  readonly key: string;
  readonly values: readonly string[];
}

export const ALL_SUPPORTED = "AWS::AllSupported";
const TYPE = /^AWS::[A-Za-z0-9]+::\w+$/;
const STACK = /^arn:[\w-]+:cloudformation:[\w-]+:\d{12}:stack\/[A-Za-z][A-Za-z0-9-]{0,127}\/\S+$/;

const wrong = (reason: string) => badRequest(`Query not valid: ${reason}`);

/** A query that can be stored; refuses what nobody could answer. */
export function checkedQuery(
  given: { Type?: string | undefined; Query?: string | undefined } | undefined,
): StoredQuery & { readonly read: Query } {
  const type = given?.Type as QueryType;
  if (type !== "TAG_FILTERS_1_0" && type !== "CLOUDFORMATION_STACK_1_0")
    throw wrong("its Type is TAG_FILTERS_1_0 or CLOUDFORMATION_STACK_1_0");
  const stored = { type, query: given?.Query ?? "" };
  return { ...stored, read: readQuery(stored) };
}

export function readQuery({ type, query }: StoredQuery): Query {
  const parsed = parsedObject(query);
  const types = typesOf(parsed["ResourceTypeFilters"]);
  if (type === "CLOUDFORMATION_STACK_1_0") {
    allow(parsed, ["ResourceTypeFilters", "StackIdentifier"]);
    const stack = parsed["StackIdentifier"];
    if (typeof stack !== "string" || !STACK.test(stack))
      throw wrong("StackIdentifier is the ARN of a CloudFormation stack");
    return { types, by: { kind: "stack", stack } };
  }
  allow(parsed, ["ResourceTypeFilters", "TagFilters"]);
  return { types, by: { kind: "tags", tags: tagsOf(parsed["TagFilters"]) } };
}

function parsedObject(text: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw wrong("it is no JSON");
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) throw wrong("it is no JSON object");
  return parsed as Record<string, unknown>;
}

function allow(parsed: Record<string, unknown>, members: readonly string[]): void {
  const unknown = Object.keys(parsed).find((key) => !members.includes(key));
  if (unknown !== undefined)
    throw wrong(`it has the member ${unknown.slice(0, 100)}, which queries of its type do not`);
}

function typesOf(given: unknown): ReadonlySet<string> | undefined {
  if (given === undefined) return undefined;
  if (!Array.isArray(given) || given.length > MAX_TYPE_FILTERS)
    throw wrong(`ResourceTypeFilters is a list of up to ${MAX_TYPE_FILTERS} types`);
  for (const type of given)
    if (typeof type !== "string" || (type !== ALL_SUPPORTED && !TYPE.test(type)))
      throw wrong(`${JSON.stringify(type).slice(0, 100)} in ResourceTypeFilters is no resource type`);
  return given.length === 0 || given.includes(ALL_SUPPORTED) ? undefined : new Set(given as string[]);
}

function tagsOf(given: unknown): TagFilter[] {
  if (!Array.isArray(given) || given.length === 0 || given.length > MAX_TAG_FILTERS)
    throw wrong(`TagFilters is a list of 1 to ${MAX_TAG_FILTERS} tags`);
  return given.map((filter: { Key?: unknown; Values?: unknown } | null) => {
    const { Key: key, Values: values = [] } = filter ?? {};
    const isList = Array.isArray(values) && values.length <= MAX_TAG_FILTER_VALUES;
    if (typeof key !== "string" || key === "" || !isList || values.some((v) => typeof v !== "string"))
      throw wrong(`a tag filter has a Key and a list of up to ${MAX_TAG_FILTER_VALUES} Values`);
    return { key, values: values as string[] };
  });
}
