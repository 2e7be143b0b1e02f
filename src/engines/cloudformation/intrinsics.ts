import type { JsonObject, JsonValue } from "../yaml/index.ts";
import { isObject } from "../yaml/index.ts";
import { cidr } from "./cidr.ts";
import { TemplateError } from "./diagnostic.ts";
import { readGetAtt } from "./references.ts";
import type { Scope } from "./scope.ts";
import { KNOWN_AFTER_APPLY } from "./scope.ts";

/** `AWS::NoValue`: the member that has it is left out. */
const NO_VALUE = Symbol("AWS::NoValue");
type Value = JsonValue | typeof NO_VALUE;
const MAX_DEPTH = 200;
const MAX_TEXT = 4_000_000;

/**
 * Computes every intrinsic function in a value. Members that become `AWS::NoValue` are left out; a value that is
 * nothing but it gives `undefined`. Throws {@link TemplateError} in CloudFormation's words.
 */
export function resolveValue(value: JsonValue, scope: Scope): JsonValue | undefined {
  const result = resolve(value, scope, 0);
  return result === NO_VALUE ? undefined : result;
}

/** {@link resolveValue} for a resource's properties. */
export function resolveProperties(properties: JsonObject, scope: Scope): JsonObject {
  const result = resolve(properties, scope, 0);
  return isObject(result as JsonValue) ? (result as JsonObject) : {};
}

function resolve(value: JsonValue, scope: Scope, depth: number): Value {
  if (depth > MAX_DEPTH) throw new TemplateError("Template error: functions are nested too deeply");
  if (Array.isArray(value)) {
    const list: JsonValue[] = [];
    for (const item of value) {
      const resolved = resolve(item, scope, depth + 1);
      if (resolved !== NO_VALUE) list.push(resolved);
    }
    return list;
  }
  if (!isObject(value)) return value;
  const keys = Object.keys(value);
  const name = keys.length === 1 ? (keys[0] ?? "") : "";
  const run = name === "Ref" || name.startsWith("Fn::") ? FUNCTIONS[name] : undefined;
  if (run) return run(value[name] ?? null, { scope, depth: depth + 1 });
  if (name.startsWith("Fn::")) throw new TemplateError(`Template error: unsupported function ${name}`);
  const result: JsonObject = {};
  for (const key of keys) {
    const resolved = resolve(value[key] ?? null, scope, depth + 1);
    if (resolved !== NO_VALUE) result[key] = resolved;
  }
  return result;
}

interface Call {
  readonly scope: Scope;
  readonly depth: number;
}

const FUNCTIONS: Readonly<Record<string, (argument: JsonValue, call: Call) => Value>> = {
  Ref: (argument, { scope }) => {
    if (typeof argument !== "string")
      throw new TemplateError("Template error: every Ref object must have a single String value.");
    return refValue(argument, scope);
  },
  "Fn::GetAtt": getAtt,
  "Fn::Sub": substitute,
  "Fn::Join": join,
  "Fn::Select": select,
  "Fn::Split": split,
  "Fn::If": choose,
  "Fn::Equals": (a, c) => evaluateCondition({ "Fn::Equals": a }, c.scope),
  "Fn::And": (a, c) => evaluateCondition({ "Fn::And": a }, c.scope),
  "Fn::Or": (a, c) => evaluateCondition({ "Fn::Or": a }, c.scope),
  "Fn::Not": (a, c) => evaluateCondition({ "Fn::Not": a }, c.scope),
  "Fn::FindInMap": findInMap,
  "Fn::ImportValue": importValue,
  "Fn::Base64": (argument, call) => {
    const text = scalar(argument, call, "Template error: every Fn::Base64 object must have a String-typed value.");
    return text === KNOWN_AFTER_APPLY ? text : bounded(Buffer.from(text).toString("base64"), call);
  },
  "Fn::Cidr": (argument, call) => {
    const list = resolved(argument, call);
    const [block, count, bits] = Array.isArray(list) ? list : [];
    const blocks =
      typeof block === "string" ? cidr(block, Number(count), bits === undefined ? undefined : Number(bits)) : undefined;
    if (!blocks)
      throw new TemplateError(
        "Template error: every Fn::Cidr object requires two parameters, (1) a CIDR block and (2) the number of subnets, from 1 to 256.",
      );
    return blocks;
  },
  "Fn::GetAZs": (argument, call) => {
    const region = scalar(argument, call, "Template error: every Fn::GetAZs object must have a String-typed value.");
    const name = region || call.scope.pseudo.region;
    return [...(call.scope.availabilityZones?.(name) ?? ["a", "b", "c"].map((zone) => `${name}${zone}`))];
  },
  "Fn::Length": (argument, call) => {
    const list = resolved(argument, call);
    if (list === KNOWN_AFTER_APPLY) return list;
    if (!Array.isArray(list)) throw new TemplateError("Template error: Fn::Length requires a list");
    return list.length;
  },
  "Fn::ToJsonString": (argument, call) => bounded(JSON.stringify(resolved(argument, call)), call),
  "Fn::Transform": (argument) => {
    const name = isObject(argument) ? String(argument.Name) : "";
    throw new TemplateError(`Template error: the transform ${name} in Fn::Transform was not applied`);
  },
};

function resolved(argument: JsonValue, call: Call): JsonValue {
  const value = resolve(argument, call.scope, call.depth);
  return value === NO_VALUE ? "" : value;
}

function scalar(argument: JsonValue, call: Call, message: string): string {
  const value = resolved(argument, call);
  if (typeof value === "object") throw new TemplateError(message);
  return String(value);
}

function refValue(name: string, scope: Scope): Value {
  const pseudo = pseudoValue(name, scope);
  if (pseudo !== undefined) return pseudo;
  if (Object.hasOwn(scope.parameters, name)) return scope.parameters[name] ?? "";
  const physical = scope.ref?.(name);
  if (physical !== undefined) return physical;
  if (scope.partial) return KNOWN_AFTER_APPLY;
  throw new TemplateError(
    `Template format error: Unresolved resource dependencies [${name}] in the Resources block of the template`,
  );
}

function pseudoValue(name: string, { pseudo }: Scope): Value | undefined {
  switch (name) {
    case "AWS::NoValue":
      return NO_VALUE;
    case "AWS::AccountId":
      return pseudo.accountId;
    case "AWS::Region":
      return pseudo.region;
    case "AWS::StackName":
      return pseudo.stackName;
    case "AWS::StackId":
      return pseudo.stackId;
    case "AWS::Partition":
      return pseudo.partition ?? "aws";
    case "AWS::URLSuffix":
      return pseudo.urlSuffix ?? "amazonaws.com";
    case "AWS::NotificationARNs":
      return [...(pseudo.notificationArns ?? [])];
    default:
      return undefined;
  }
}

function getAtt(argument: JsonValue, call: Call): Value {
  const parts = Array.isArray(argument) ? argument.map((part, i) => (i === 0 ? part : resolved(part, call))) : argument;
  const target = readGetAtt(parts);
  if (!target?.attribute) {
    throw new TemplateError(
      "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute",
    );
  }
  return attribute(target.name, target.attribute, call.scope);
}

function attribute(name: string, attr: string, scope: Scope): JsonValue {
  const value = scope.getAtt?.(name, attr);
  if (value !== undefined) return value;
  if (scope.partial) return KNOWN_AFTER_APPLY;
  throw new TemplateError(`Template error: resource ${name} does not support attribute type ${attr} in Fn::GetAtt`);
}

function substitute(argument: JsonValue, call: Call): Value {
  const [text, own] = Array.isArray(argument) ? argument : [argument, {}];
  if (typeof text !== "string" || (Array.isArray(argument) && (argument.length !== 2 || !isObject(own)))) {
    throw new TemplateError(
      "Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string as first argument, and an optional second argument to specify a mapping of values to replace in the string",
    );
  }
  const values = isObject(own) ? own : {};
  const result = text.replace(/\$\{(!?)([^}]*)\}/g, (_whole, literal: string, inner: string) => {
    if (literal) return `\${${inner}}`;
    const name = inner.trim();
    const value = Object.hasOwn(values, name) ? resolved(values[name] ?? null, call) : subName(name, call.scope);
    if (Array.isArray(value)) return value.join(",");
    if (typeof value === "object")
      throw new TemplateError(`Template error: Fn::Sub value for ${name} must be a string`);
    return String(value);
  });
  return bounded(result, call);
}

function subName(name: string, scope: Scope): JsonValue {
  const dot = name.indexOf(".");
  if (dot > 0) return attribute(name.slice(0, dot), name.slice(dot + 1), scope);
  const value = refValue(name, scope);
  return value === NO_VALUE ? "" : value;
}

function bounded(text: string, { scope: { room } }: Call): string {
  if (room) room.left -= text.length;
  if (text.length > MAX_TEXT || (room && room.left < 0))
    throw new TemplateError("Template error: the result of a function is too long");
  return text;
}

const JOIN =
  "Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined.";

function join(argument: JsonValue, call: Call): Value {
  if (!Array.isArray(argument) || argument.length !== 2 || typeof argument[0] !== "string")
    throw new TemplateError(JOIN);
  const list = resolved(argument[1] ?? null, call);
  if (list === KNOWN_AFTER_APPLY) return list;
  if (!Array.isArray(list) || list.some((item) => typeof item === "object")) throw new TemplateError(JOIN);
  return bounded(list.map(String).join(argument[0]), call);
}

function select(argument: JsonValue, call: Call): Value {
  const message = "Template error: Fn::Select requires a list argument with two elements: an integer index and a list";
  if (!Array.isArray(argument) || argument.length !== 2) throw new TemplateError(message);
  const index = Number(scalar(argument[0] ?? null, call, message));
  const list = resolved(argument[1] ?? null, call);
  if (list === KNOWN_AFTER_APPLY) return list;
  if (!Number.isInteger(index) || !Array.isArray(list)) throw new TemplateError(message);
  const item = list[index];
  if (item === undefined)
    throw new TemplateError(`Template error: Fn::Select cannot select nonexistent value at index ${index}`);
  return item;
}

function split(argument: JsonValue, call: Call): Value {
  const message =
    "Template error: every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be split or a function that returns a string to be split.";
  if (!Array.isArray(argument) || argument.length !== 2 || typeof argument[0] !== "string")
    throw new TemplateError(message);
  const text = resolved(argument[1] ?? null, call);
  if (text === KNOWN_AFTER_APPLY) return text;
  if (typeof text !== "string" || argument[0] === "") throw new TemplateError(message);
  return text.split(argument[0]);
}

function choose(argument: JsonValue, call: Call): Value {
  if (!Array.isArray(argument) || argument.length !== 3) {
    throw new TemplateError("Template error: Fn::If requires a list argument with three elements");
  }
  const [condition, yes, no] = argument as [JsonValue, JsonValue, JsonValue];
  const name = typeof condition === "string" ? condition : "";
  const outcome = call.scope.conditions[name];
  if (outcome === undefined)
    throw new TemplateError(`Template error: unresolved condition dependency ${name} in Fn::If`);
  return resolve(outcome ? yes : no, call.scope, call.depth);
}

function findInMap(argument: JsonValue, call: Call): Value {
  if (!Array.isArray(argument) || argument.length < 3 || argument.length > 4) {
    throw new TemplateError(
      "Template error: every Fn::FindInMap object requires three parameters, the map name, map key and the attribute for return value",
    );
  }
  const text = "Template error: every Fn::FindInMap parameter must be a string";
  const [map, key, member] = argument.slice(0, 3).map((part) => scalar(part, call, text)) as [string, string, string];
  const mapping = call.scope.mappings[map];
  const entry = isObject(mapping) && Object.hasOwn(mapping, key) ? mapping[key] : undefined;
  const value = isObject(entry) && Object.hasOwn(entry, member) ? entry[member] : undefined;
  if (value !== undefined) return value;
  const options = argument[3];
  if (isObject(options) && options.DefaultValue !== undefined)
    return resolve(options.DefaultValue, call.scope, call.depth);
  if (call.scope.partial && [map, key, member].includes(KNOWN_AFTER_APPLY)) return KNOWN_AFTER_APPLY;
  throw new TemplateError(`Template error: Unable to get mapping for ${map}::${key}::${member}`);
}

function importValue(argument: JsonValue, call: Call): Value {
  const name = scalar(argument, call, "Template error: the attribute in Fn::ImportValue must be a string");
  const value = call.scope.importValue?.(name);
  if (value !== undefined) return value;
  if (call.scope.partial && name.includes(KNOWN_AFTER_APPLY)) return KNOWN_AFTER_APPLY;
  throw new TemplateError(`No export named ${name} found.`);
}

/** Evaluates the Conditions section; a condition may use others. */
export function evaluateConditions(conditions: JsonObject, scope: Omit<Scope, "conditions">): Record<string, boolean> {
  const done: Record<string, boolean> = {};
  const running = new Set<string>();
  const lookup = new Proxy(done, {
    get: (target, name) => (typeof name === "string" ? (target[name] ?? settle(name)) : undefined),
  });
  const settle = (name: string): boolean | undefined => {
    if (!Object.hasOwn(conditions, name)) return undefined;
    if (running.has(name))
      throw new TemplateError(`Template format error: Circular dependencies between conditions: [${name}]`);
    running.add(name);
    done[name] = evaluateCondition(conditions[name] ?? null, { ...scope, conditions: lookup });
    running.delete(name);
    return done[name];
  };
  for (const name of Object.keys(conditions)) settle(name);
  return done;
}

/** Evaluates one condition expression. */
export function evaluateCondition(value: JsonValue, scope: Scope): boolean {
  if (typeof value === "boolean") return value;
  if (value === "true" || value === "false") return value === "true";
  const entries = isObject(value) ? Object.entries(value) : [];
  const [name, argument] = entries.length === 1 ? (entries[0] as [string, JsonValue]) : ["", null];
  const list = Array.isArray(argument) ? argument : [];
  if (name === "Condition" && typeof argument === "string") {
    const known = scope.conditions[argument];
    if (known === undefined) throw new TemplateError(`Template error: unresolved condition dependency ${argument}`);
    return known;
  }
  if (name === "Fn::Equals") {
    if (list.length !== 2)
      throw new TemplateError("Template error: every Fn::Equals object requires a list of 2 string parameters.");
    const [a, b] = list.map((item) => resolveValue(item, scope));
    return comparable(a) === comparable(b);
  }
  if (name === "Fn::Not") {
    if (list.length !== 1)
      throw new TemplateError("Template error: every Fn::Not object requires a list of 1 boolean parameter.");
    return !evaluateCondition(list[0] ?? null, scope);
  }
  if (name === "Fn::And" || name === "Fn::Or") {
    if (list.length < 2 || list.length > 10) {
      throw new TemplateError(
        `Template error: every ${name} object requires a list of at least 2 and at most 10 boolean parameters.`,
      );
    }
    const test = (item: JsonValue): boolean => evaluateCondition(item, scope);
    return name === "Fn::And" ? list.every(test) : list.some(test);
  }
  throw new TemplateError("Template format error: Every Conditions member must be a condition function.");
}

function comparable(value: JsonValue | undefined): string {
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
