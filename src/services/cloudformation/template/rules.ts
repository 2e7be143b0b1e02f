import { resolveValue, TemplateError, type Scope, type Template } from "../../../engines/cloudformation/index.ts";
import { isObject, type JsonValue } from "../../../engines/yaml/index.ts";

const MAX_DEPTH = 50;

/** Checks the assertions of a template's Rules section against the parameters. Throws TemplateError with what an assertion says. */
export function checkRules(template: Template, scope: Scope): void {
  for (const [name, rule] of Object.entries(template.rules)) {
    if (!isObject(rule) || !Array.isArray(rule.Assertions)) {
      throw new TemplateError(`Template format error: Rule ${name} must have a list of Assertions.`);
    }
    if (rule.RuleCondition !== undefined && !holds(rule.RuleCondition, scope, 0)) continue;
    for (const assertion of rule.Assertions) {
      if (!isObject(assertion) || assertion.Assert === undefined) {
        throw new TemplateError(`Template format error: Every assertion of Rule ${name} must have an Assert.`);
      }
      if (holds(assertion.Assert, scope, 0)) continue;
      const description = assertion.AssertDescription;
      throw new TemplateError(
        `Rule ${name} failed: ${typeof description === "string" ? description : "an assertion does not hold"}`,
      );
    }
  }
}

function holds(value: JsonValue, scope: Scope, depth: number): boolean {
  if (typeof value === "boolean") return value;
  if (value === "true" || value === "false") return value === "true";
  const [entry, ...more] = isObject(value) ? Object.entries(value) : [];
  const list = entry && Array.isArray(entry[1]) ? entry[1] : [];
  if (!entry || more.length > 0 || depth > MAX_DEPTH) {
    throw new TemplateError("Template format error: Every rule must be made of rule functions.");
  }
  const inner = (item: JsonValue): boolean => holds(item, scope, depth + 1);
  const texts = (item: JsonValue | undefined): string[] => {
    const resolved = resolveValue(item ?? [], scope);
    return (Array.isArray(resolved) ? resolved : [resolved ?? ""]).map((v) =>
      typeof v === "object" ? JSON.stringify(v) : String(v),
    );
  };
  switch (entry[0]) {
    case "Fn::And":
      return list.every(inner);
    case "Fn::Or":
      return list.some(inner);
    case "Fn::Not":
      return !inner(list[0] ?? false);
    case "Fn::Equals":
      return texts(list[0]).join() === texts(list[1]).join();
    case "Fn::Contains": {
      const [all, [one = ""]] = [texts(list[0]), texts(list[1])];
      return all.includes(one);
    }
    case "Fn::EachMemberEquals":
      return texts(list[0]).every((v) => v === texts(list[1])[0]);
    case "Fn::EachMemberIn": {
      const allowed = texts(list[1]);
      return texts(list[0]).every((v) => allowed.includes(v));
    }
    default:
      throw new TemplateError(`Starling does not implement the rule function ${entry[0]} yet.`);
  }
}
