import type * as CostExplorer from "@aws-sdk/client-cost-explorer";
import type { LineItem } from "./line-items.ts";
import { invalid } from "./model.ts";

/** Expressions may be as deep as AWS lets them be. */
const MAX_DEPTH = 10;

type Test = (item: LineItem) => boolean;

/** What an expression lets through. Throws ValidationException where it is malformed. */
export function filterOf(expression: CostExplorer.Expression | undefined, depth = 0): Test {
  if (!expression) return () => true;
  if (depth > MAX_DEPTH) throw invalid(`The expression is nested more than ${MAX_DEPTH} deep`);
  const given = Object.entries(expression).filter(([, value]) => value !== undefined);
  if (given.length !== 1)
    throw invalid(
      "Expression must have exactly one of these root operators: [Or, And, Not, Dimensions, Tags, CostCategories]",
    );
  const { And, Or, Not, Dimensions, Tags } = expression;
  const several = (all: CostExplorer.Expression[], name: string): Test[] => {
    if (all.length < 2) throw invalid(`${name} must have at least two expressions`);
    return all.map((one) => filterOf(one, depth + 1));
  };
  if (And) {
    const tests = several(And, "And");
    return (item) => tests.every((test) => test(item));
  }
  if (Or) {
    const tests = several(Or, "Or");
    return (item) => tests.some((test) => test(item));
  }
  if (Not) {
    const test = filterOf(Not, depth + 1);
    return (item) => !test(item);
  }
  if (Dimensions) return valuesTest(Dimensions, (item) => item.dimensions[String(Dimensions.Key)]);
  if (Tags) return valuesTest(Tags, (item) => item.tags[String(Tags.Key)]);
  return () => false; // there are no cost categories, so nothing is in one
}

function valuesTest(
  { Values = [], MatchOptions }: { Values?: string[] | undefined; MatchOptions?: string[] | undefined },
  read: (item: LineItem) => string | undefined,
): Test {
  const options = new Set(MatchOptions ?? ["EQUALS"]);
  if (options.has("ABSENT")) return (item) => !read(item);
  if (Values.length === 0) throw invalid("Values must not be empty");
  const fold = (text: string): string => (options.has("CASE_INSENSITIVE") ? text.toLowerCase() : text);
  const wanted = Values.map(fold);
  const matches = (value: string, one: string): boolean => {
    if (options.has("STARTS_WITH")) return value.startsWith(one);
    if (options.has("ENDS_WITH")) return value.endsWith(one);
    if (options.has("CONTAINS")) return value.includes(one);
    return value === one;
  };
  return (item) => {
    const value = fold(read(item) ?? "");
    return wanted.some((one) => matches(value, one));
  };
}
