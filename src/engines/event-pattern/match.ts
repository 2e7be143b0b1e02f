import type { CompiledPattern, FieldRule, Json } from "./parse.ts";
import { isMap } from "./parse.ts";

/** Whether an event meets a pattern. A field that holds a list meets a rule when one of its members does. */
export function matchEventPattern(pattern: CompiledPattern, event: Json): boolean {
  return matches(pattern, isMap(event) ? event : {});
}

function matches(pattern: CompiledPattern, event: { [key: string]: Json }): boolean {
  for (const { name, rule } of pattern.fields) {
    const value = Object.hasOwn(event, name) ? event[name] : undefined;
    if (!matchesRule(rule, value)) return false;
  }
  return pattern.alternatives.every((options) => options.some((option) => matches(option, event)));
}

function matchesRule(rule: FieldRule, value: Json | undefined): boolean {
  if ("nested" in rule) {
    // A list of objects matches where one of them does; what is missing counts as an empty object.
    if (Array.isArray(value)) return value.some((item) => isMap(item) && matches(rule.nested, item));
    return matches(rule.nested, isMap(value) ? value : {});
  }
  if (value === undefined) return rule.absent;
  const values = Array.isArray(value) ? value : [value];
  if (values.length === 0) return rule.absent;
  // "exists" asks for leaves: an object has none of its own.
  return values.some((one) => !isMap(one) && rule.tests.some((test) => test(one)));
}
