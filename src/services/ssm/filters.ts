import { AwsError } from "../../kernel/aws-error.ts";
import { DEFAULT_KEY, type Parameter } from "./model.ts";

/** One condition of DescribeParameters or GetParametersByPath. */
export interface Filter {
  readonly Key?: string | undefined;
  readonly Option?: string | undefined;
  readonly Values?: readonly string[] | undefined;
}

const PATH_OPTIONS = ["Recursive", "OneLevel"];
const VALID_VALUES: Readonly<Record<string, readonly string[]>> = {
  Tier: ["Standard", "Advanced", "Intelligent-Tiering"],
  Type: ["String", "StringList", "SecureString"],
};

/** Refuses filters that cannot be. `keys` are those that the operation knows, beside tags. */
export function checkFilters(filters: readonly Filter[], keys: readonly string[]): void {
  const seen = new Set<string>();
  for (const { Key, Option, Values = [] } of filters) {
    const key = String(Key);
    const isTag = keys.includes("Name") && /^tag:./.test(key);
    if (!isTag && !keys.includes(key))
      throw fault(
        "InvalidFilterKey",
        `The following filter key is not valid: ${key.slice(0, 130)}. Valid filter keys include: [${keys.join(", ")}].`,
      );
    if (seen.has(key))
      throw fault(
        "InvalidFilterValue",
        `The following filter is duplicated in the request: ${key}. A request can contain only one occurrence of a specific filter.`,
      );
    seen.add(key);
    if (!isTag && Values.length === 0)
      throw fault("InvalidFilterValue", `The following filter values are missing : null for filter key ${key}`);
    checkOption(key, Option);
    if (key === "Path") for (const path of Values) checkPath(path);
    const unknown = Values.find((value) => VALID_VALUES[key] && !VALID_VALUES[key].includes(value));
    if (unknown !== undefined)
      throw fault(
        "InvalidFilterValue",
        `The following filter value is not valid: ${unknown}. Valid values include: [${VALID_VALUES[key]!.join(", ")}]`,
      );
  }
}

const fault = (code: string, message: string): AwsError => new AwsError(code, message, 400);

function checkOption(key: string, option: string | undefined): void {
  if (option === undefined) return;
  if (key === "Path" && !PATH_OPTIONS.includes(option))
    throw fault(
      "InvalidFilterOption",
      `The following filter option is not valid: ${option}. Valid options include: [${PATH_OPTIONS.join(", ")}]`,
    );
  if (key !== "Path" && (!Object.hasOwn(TESTS, option) || (option === "Contains" && key !== "Name")))
    throw fault(
      "InvalidFilterOption",
      `The following filter option is not valid: ${option}. Valid options include: [BeginsWith, Equals].`,
    );
}

function checkPath(path: string): void {
  if (/^\/?(aws|ssm)/i.test(path))
    throw fault(
      "ValidationException",
      'Filters for common parameters can\'t be prefixed with "aws" or "ssm" (case-insensitive). When using global parameters, please specify within a global namespace.',
    );
  if (!/^(\/|(\/[\w.-]+)+\/?)$/.test(path))
    throw fault(
      "ValidationException",
      `The parameter doesn't meet the parameter name requirements. The parameter name must begin with a forward slash "/". It can't be prefixed with "aws" or "ssm" (case-insensitive). It must use only letters, numbers, or the following symbols: . (period), - (hyphen), _ (underscore). Special characters are not allowed. All sub-paths, if specified, must use the forward slash symbol "/". Valid example: /get/parameters2-/by1./path0_.`,
    );
}

/** Whether a parameter meets all filters, which have been checked. */
export function matchesFilters(parameter: Parameter, filters: readonly Filter[]): boolean {
  return filters.every((filter) => {
    const key = String(filter.Key);
    const tag = /^tag:(.+)$/.exec(key)?.[1];
    const values = filter.Values ?? [];
    if (key === "Path") return values.some((path) => isBelow(parameter.name, path, filter.Option ?? "OneLevel"));
    const test = TESTS[filter.Option ?? "Equals"]!;
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

/** Whether a name is below a path; one without a slash is below the root. */
export function isBelow(name: string, path: string, option: string): boolean {
  const prefix = path.endsWith("/") ? path : `${path}/`;
  if (!name.startsWith(prefix)) return path === "/" && !name.startsWith("/");
  return option === "Recursive" || !name.slice(prefix.length).includes("/");
}
