import { createHash } from "node:crypto";
import type { JsonObject, JsonValue } from "../yaml/index.ts";
import { isObject } from "../yaml/index.ts";
import type { ApiRoute } from "./api-routes.ts";

/** What the transform needs to know besides the template. */
export interface SamOptions {
  /** Values of the template's parameters. */
  readonly parameters?: Readonly<Record<string, JsonValue>>;
  readonly partition?: string;
  readonly region?: string;
  /** Names of AWS managed policies and their ARNs. */
  readonly managedPolicies?: Readonly<Record<string, string>>;
  /** Different for each deployment: what `AlwaysDeploy` puts into the name of an API's deployment. */
  readonly deploymentToken?: string;
}

/** A fault in one resource (or the whole document), in SAM's words. */
export class SamFault extends Error {
  readonly logicalId: string | undefined;
  constructor(logicalId: string | undefined, message: string) {
    super(message);
    this.name = "SamFault";
    this.logicalId = logicalId;
  }
}

/** A fault in the template as a whole. */
export function structureFault(message: string): SamFault {
  return new SamFault(undefined, `Structure of the SAM template is invalid. ${message}`);
}

/** A serverless resource as the template has it. */
export interface SamResource {
  readonly id: string;
  readonly type: string;
  readonly properties: JsonObject;
  /** DependsOn, Condition, Metadata, DeletionPolicy, UpdateReplacePolicy, UpdatePolicy. */
  readonly attributes: JsonObject;
}

/** The state of one run of the transform. */
export interface SamContext {
  readonly template: JsonObject;
  /** The resources that the result will have. */
  readonly resources: JsonObject;
  readonly conditions: JsonObject;
  readonly parameters: Readonly<Record<string, JsonValue>>;
  readonly partition: string;
  readonly region: string;
  readonly managedPolicies: Readonly<Record<string, string>>;
  readonly deploymentToken: string;
  readonly faults: SamFault[];
  /** The serverless resource being translated. */
  readonly current: { id: string };
  /** `{Function: {Alias: "FunctionAliaslive"}}`: what `!Ref Function.Alias` stands for. */
  readonly aliases: Map<string, Record<string, string>>;
  /** Serverless resources whose logical id changes (layers). */
  readonly renamed: Map<string, string>;
  /** Routes that events ask for, by API. */
  readonly routes: Map<string, ApiRoute[]>;
  /** Deployment groups wanted, by function. */
  readonly deployments: Map<string, JsonObject>;
  /** APIs that ask for a usage plan, with their settings. */
  readonly usagePlans: Map<string, JsonObject>;
}

/** Attributes that everything made for a resource shares. */
const SHARED = ["Condition", "DeletionPolicy", "UpdateReplacePolicy"];

/** Adds a generated resource; `from` hands its Condition and policies on. */
export function addResource(
  context: SamContext,
  id: string,
  type: string,
  properties: JsonObject,
  attributes: JsonObject = {},
): JsonObject {
  refuseOverwriting(context, id, type);
  const resource: JsonObject = { Type: type, ...attributes };
  if (Object.keys(properties).length > 0) resource.Properties = properties;
  context.resources[id] = resource;
  return resource;
}

/** What the transform makes must not take the place of a resource that the template has. */
function refuseOverwriting(context: SamContext, id: string, type: string): void {
  const declared = context.template.Resources;
  const own = isObject(declared) && Object.hasOwn(declared, id) ? declared[id] : undefined;
  if (!isObject(own) || String(own.Type).startsWith("AWS::Serverless::")) return;
  throw new SamFault(
    undefined,
    `Transforming resource with id [${context.current.id}] attempts to create a new resource with id [${id}] and type "${type}". A resource with that id already exists within this template. Please use a different id for that resource.`,
  );
}

/** The attributes of a serverless resource that its companions get. */
export function sharedAttributes(resource: SamResource): JsonObject {
  return pick(resource.attributes, SHARED);
}

/** The members of `value` that are there, by name. */
export function pick(value: JsonObject, names: readonly string[]): JsonObject {
  const result: JsonObject = {};
  for (const name of names) if (value[name] !== undefined && value[name] !== null) result[name] = value[name];
  return result;
}

/** Leaves out the members that are undefined. */
export function compact(value: Readonly<Record<string, JsonValue | undefined>>): JsonObject {
  const result: JsonObject = {};
  for (const [key, item] of Object.entries(value)) if (item !== undefined && item !== null) result[key] = item;
  return result;
}

/** Replaces `Ref` of a parameter by its value, at any depth, and parameters in the texts of `Fn::Sub`. */
export function resolveParameters(context: SamContext, value: JsonValue): JsonValue {
  return resolve(context, value, true);
}

/** As {@link resolveParameters}, but leaves `Fn::Sub` alone. */
export function resolveRefs(context: SamContext, value: JsonValue): JsonValue {
  return resolve(context, value, false);
}

function resolve(context: SamContext, value: JsonValue, texts: boolean): JsonValue {
  if (Array.isArray(value)) return value.map((item) => resolve(context, item, texts));
  if (!isObject(value)) return value;
  const keys = Object.keys(value);
  if (keys.length === 1 && typeof value.Ref === "string" && Object.hasOwn(context.parameters, value.Ref)) {
    return context.parameters[value.Ref] ?? value;
  }
  const result: JsonObject = {};
  for (const key of keys) result[key] = resolve(context, value[key] ?? null, texts);
  if (texts && keys.length === 1 && result["Fn::Sub"] !== undefined)
    result["Fn::Sub"] = substitute(context, result["Fn::Sub"]);
  if (keys.length === 1 && Array.isArray(result["Fn::FindInMap"])) return lookUp(context, result);
  return result;
}

/** The text of an Fn::Sub with the parameters in it replaced by their values, as far as those are text. */
function substitute(context: SamContext, sub: JsonValue): JsonValue {
  const [text, own] = Array.isArray(sub) ? sub : [sub];
  if (typeof text !== "string") return sub;
  const filled = text.replace(/\$\{([A-Za-z0-9:]+)\}/g, (whole, name: string) => {
    if (isObject(own) && Object.hasOwn(own, name)) return whole;
    const value = Object.hasOwn(context.parameters, name) ? context.parameters[name] : undefined;
    return typeof value === "string" || typeof value === "number" ? String(value) : whole;
  });
  return Array.isArray(sub) ? [filled, ...sub.slice(1)] : filled;
}

function lookUp(context: SamContext, value: JsonObject): JsonValue {
  const [map, top, second] = value["Fn::FindInMap"] as JsonValue[];
  let at: JsonValue | undefined = context.template.Mappings;
  for (const key of [map, top, second]) at = isObject(at) && typeof key === "string" ? at[key] : undefined;
  return at ?? value;
}

/** Whether a value is a Ref, a condition or a function. */
export function isIntrinsic(value: JsonValue | undefined): boolean {
  if (!isObject(value)) return false;
  const [key, ...more] = Object.keys(value);
  return more.length === 0 && key !== undefined && (key === "Ref" || key === "Condition" || key.startsWith("Fn::"));
}

export const ref = (id: string): JsonObject => ({ Ref: id });
export const getAtt = (id: string, attribute: string): JsonObject => ({ "Fn::GetAtt": [id, attribute] });

/** JSON with sorted keys and no spaces, non-ASCII escaped, as the transform hashes it. */
export function canonicalJson(value: JsonValue): string {
  return JSON.stringify(sorted(value)).replace(
    /[\u007f-\uffff]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function sorted(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .toSorted()
      .map((key) => [key, sorted(value[key] ?? null)]),
  );
}

/** The hexadecimal SHA-1 that suffixes versions, layers and deployments. It names things, it protects nothing. */
export function sha1(text: string): string {
  return createHash("sha1").update(text).digest("hex");
}

/** `{a: b}` as the list of tags that most services take. */
export function tagList(tags: JsonValue | undefined): JsonObject[] {
  if (!isObject(tags)) return [];
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value: Value ?? "" }));
}

/** A deep copy, so that what is shared in the template is not changed twice. */
export function clone<T extends JsonValue>(value: T): T {
  return structuredClone(value);
}
