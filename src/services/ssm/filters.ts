import { AwsError } from "../../kernel/aws-error.ts";
import { DEFAULT_KEY, type Parameter } from "./model.ts";

/** One condition of DescribeParameters or GetParametersByPath. */
export interface Filter {
  readonly Key?: string | undefined;
  readonly Option?: string | undefined;
  readonly Values?: readonly string[] | undefined;
}

/** Whether a parameter meets all filters. `keys` are those that the operation knows, beside tags. */
export function matchesFilters(parameter: Parameter, filters: readonly Filter[], keys: readonly string[]): boolean {
  return filters.every((filter) => {
    const key = String(filter.Key);
    const tag = keys.includes("Name") && /^tag:(.+)$/.exec(key)?.[1];
    if (!tag && !keys.includes(key))
      throw new AwsError(
        "InvalidFilterKey",
        `The following filter key is not valid: ${key.slice(0, 130)}. Valid filter keys include: [${keys.join(", ")}].`,
        400,
      );
    const values = filter.Values ?? [];
    if (key === "Path") return values.some((path) => isBelow(parameter.name, path, filter.Option ?? "OneLevel"));
    const option = filter.Option ?? "Equals";
    const test = TESTS[option];
    if (!test || (option === "Contains" && key !== "Name"))
      throw new AwsError(
        "InvalidFilterOption",
        `The following filter option is not valid: ${option}. Valid options include: [BeginsWith, Equals].`,
        400,
      );
    const actual = tag ? parameter.tags[tag] : valueOf(parameter, key);
    if (actual === undefined) return false;
    if (values.length === 0) return true;
    // A name may be given with or without the slash that begins it.
    return values.some(
      (value) => test(actual, value) || (key === "Name" && test(actual.replace(/^\//, ""), value.replace(/^\//, ""))),
    );
  });
}

const TESTS: Readonly<Record<string, (actual: string, wanted: string) => boolean>> = {
  Equals: (actual, wanted) => actual === wanted,
  BeginsWith: (actual, wanted) => actual.startsWith(wanted),
  Contains: (actual, wanted) => actual.includes(wanted),
};

function valueOf(parameter: Parameter, key: string): string | undefined {
  if (key === "Name") return parameter.name;
  if (key === "Type") return parameter.type;
  if (key === "Tier") return parameter.tier;
  if (key === "DataType") return "text";
  return parameter.type === "SecureString" ? DEFAULT_KEY : undefined;
}

function isBelow(name: string, path: string, option: string): boolean {
  const prefix = path.endsWith("/") ? path : `${path}/`;
  if (!name.startsWith(prefix)) return path === "/" && !name.startsWith("/");
  return option === "Recursive" || !name.slice(prefix.length).includes("/");
}
