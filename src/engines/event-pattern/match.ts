import type { CompiledPattern, FieldRule, Json } from "./parse.ts";
import { isMap } from "./parse.ts";

/** Whether an event meets a pattern. A field that holds a list meets a rule when one of its members does. */
export function matchEventPattern(pattern: CompiledPattern, event: Json): boolean {
  return matches(pattern, isMap(event) ? event : {});
}

function matches(pattern: CompiledPattern, event: { [key: string]: Json }): boolean {
  for (const { name, rule } of pattern.fields) {
    if (!matchesRule(rule, valueOf(event, name, "nested" in rule))) return false;
  }
  return pattern.alternatives.every((options) => options.some((option) => matches(option, event)));
}

/**
 * The value of a field. AWS joins names by dots on both sides: `state.status` names the same as `status` within `state`,
 * whichever of the two the pattern or the event writes.
 */
function valueOf(event: { [key: string]: Json }, name: string, nested: boolean): Json | undefined {
  if (Object.hasOwn(event, name)) return event[name];
  for (let dot = name.indexOf("."); dot >= 0; dot = name.indexOf(".", dot + 1)) {
    const head = name.slice(0, dot);
    const inner = Object.hasOwn(event, head) ? event[head] : undefined;
    const found = isMap(inner) ? valueOf(inner, name.slice(dot + 1), nested) : undefined;
    if (found !== undefined) return found;
  }
  if (!nested) return undefined;
  const joined = Object.entries(event).filter(([key]) => key.startsWith(`${name}.`));
  return joined.length
    ? Object.fromEntries(joined.map(([key, value]) => [key.slice(name.length + 1), value]))
    : undefined;
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
