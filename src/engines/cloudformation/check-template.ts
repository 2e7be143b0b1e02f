import type { JsonObject, JsonValue } from "../yaml/index.ts";
import { isObject } from "../yaml/index.ts";
import { checkReferences } from "./check-references.ts";
import type { Diagnostic } from "./diagnostic.ts";
import { readParameters } from "./parameter-declarations.ts";
import type { OutputDeclaration, ResourceDeclaration, Template } from "./template.ts";
import { LIMITS } from "./template.ts";

const SECTIONS = new Set(
  (
    "AWSTemplateFormatVersion Description Metadata Parameters Mappings Conditions Rules Resources Outputs Transform " +
    "Hooks Globals"
  ).split(" "),
);
const RESOURCE_MEMBERS = new Set(
  (
    "Type Properties Condition DependsOn DeletionPolicy UpdateReplacePolicy UpdatePolicy CreationPolicy Metadata " +
    "Version Connectors Description"
  ).split(" "),
);
/** https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html */
const SNAPSHOTS =
  /^AWS::(EC2::Volume|ElastiCache::(CacheCluster|ReplicationGroup)|(DocDB|Neptune|RDS)::DBCluster|RDS::DBInstance|Redshift::Cluster)$/;
const POLICIES = new Set(["Delete", "Retain", "Snapshot", "RetainExceptOnCreate"]);
const FORMAT = "Template format error: ";

type LineOf = (pointer: string) => number | undefined;

/** What {@link checkTemplate} found. `template` is there only where nothing is wrong. */
export interface CheckedTemplate {
  readonly template?: Template;
  readonly diagnostics: readonly Diagnostic[];
}

/** Checks the structure of a template that needs no transform any more, and gives it a typed form. */
export function checkTemplate(value: JsonObject, lineOf: LineOf = () => undefined): CheckedTemplate {
  const report = new Report(lineOf);
  checkSections(value, report);
  if (report.found.length > 0) return { diagnostics: report.found };
  const section = (name: string): JsonObject => (isObject(value[name]) ? value[name] : {});
  const template: Template = {
    source: value,
    ...(typeof value.Description === "string" && { description: value.Description }),
    ...(value.Metadata !== undefined && { metadata: value.Metadata }),
    transforms: transformsOf(value),
    parameters: readParameters(section("Parameters"), report),
    mappings: readMappings(section("Mappings"), report),
    conditions: section("Conditions"),
    rules: section("Rules"),
    resources: readResources(section("Resources"), report),
    outputs: readOutputs(section("Outputs"), report),
  };
  if (report.found.length === 0) checkReferences(template, report);
  return report.found.length > 0 ? { diagnostics: report.found } : { template, diagnostics: [] };
}

/** Collects faults with their lines; at most a hundred, which is more than anyone reads. */
export class Report {
  readonly found: Diagnostic[] = [];
  readonly #lineOf: LineOf;

  constructor(lineOf: LineOf) {
    this.#lineOf = lineOf;
  }

  add(path: string, message: string): void {
    if (this.found.length >= 100) return;
    const line = this.#lineOf(path);
    const logicalId = /^\/Resources\/([^/]+)/.exec(path)?.[1];
    this.found.push({ path, message, ...(line !== undefined && { line }), ...(logicalId && { logicalId }) });
  }
}

/** The names of the transforms that a template asks for, in order. */
export function transformsOf(value: JsonObject): string[] {
  const list = Array.isArray(value.Transform) ? value.Transform : [value.Transform];
  return list.flatMap((item) => {
    if (typeof item === "string") return [item];
    return isObject(item) && typeof item.Name === "string" ? [item.Name] : [];
  });
}

function checkSections(value: JsonObject, report: Report): void {
  const unknown = Object.keys(value).filter((key) => !SECTIONS.has(key));
  if (unknown.length > 0)
    report.add(`/${unknown[0]}`, `Invalid template property or properties [${unknown.join(", ")}]`);
  const version = value.AWSTemplateFormatVersion;
  if (version !== undefined && version !== "2010-09-09") {
    const message =
      typeof version === "string"
        ? `Unsupported template format version ${version}.`
        : "unsupported value for AWSTemplateFormatVersion.";
    report.add("/AWSTemplateFormatVersion", `${FORMAT}${message}`);
  }
  if (value.Description !== undefined && typeof value.Description !== "string") {
    report.add("/Description", `${FORMAT}Description must be a string.`);
  } else if (Buffer.byteLength(String(value.Description ?? "")) > 1024) {
    report.add("/Description", `${FORMAT}Template description cannot be longer than 1024 bytes.`);
  }
  for (const name of ["Parameters", "Mappings", "Conditions", "Rules", "Resources", "Outputs"]) {
    const section = value[name];
    if (section !== undefined && !isObject(section))
      report.add(`/${name}`, `${FORMAT}Any ${name} member must be an object.`);
  }
  if (!isObject(value.Resources) || Object.keys(value.Resources).length === 0) {
    if (value.Resources === undefined || isObject(value.Resources)) {
      report.add("/Resources", `${FORMAT}At least one Resources member must be defined.`);
    }
  }
  for (const [name, limit] of Object.entries({
    Resources: LIMITS.resources,
    Parameters: LIMITS.parameters,
    Outputs: LIMITS.outputs,
    Mappings: LIMITS.mappings,
  })) {
    const count = isObject(value[name]) ? Object.keys(value[name]).length : 0;
    if (count > limit)
      report.add(
        `/${name}`,
        `${FORMAT}Number of ${name.toLowerCase()}, ${count}, is greater than maximum allowed, ${limit}`,
      );
  }
}

function readMappings(section: JsonObject, report: Report): JsonObject {
  for (const [name, mapping] of Object.entries(section)) {
    const path = `/Mappings/${name}`;
    if (!/^[A-Za-z0-9]+$/.test(name) && name !== "Fn::Transform")
      report.add(path, `${FORMAT}Mapping name ${name} is non alphanumeric.`);
    if (!isObject(mapping)) {
      report.add(path, `${FORMAT}Every Mappings member ${name} must be a map`);
      continue;
    }
    for (const [key, entry] of Object.entries(mapping)) {
      if (key === "Fn::Transform") continue;
      if (!isObject(entry)) {
        report.add(`${path}/${key}`, `${FORMAT}Every Mappings member ${key} must be a map`);
        continue;
      }
      const values = Object.values(entry);
      if (values.some((v) => v === undefined || v === null || isObject(v))) {
        report.add(`${path}/${key}`, `${FORMAT}Every Mappings attribute must be a String or a List.`);
      }
    }
  }
  return section;
}

function readResources(section: JsonObject, report: Report): Record<string, ResourceDeclaration> {
  const result: Record<string, ResourceDeclaration> = {};
  for (const [logicalId, raw] of Object.entries(section)) {
    const path = `/Resources/${logicalId}`;
    if (!/^[A-Za-z0-9]+$/.test(logicalId)) {
      report.add(path, `${FORMAT}Resource name ${logicalId} is non alphanumeric.`);
      continue;
    }
    if (logicalId.length > 255) report.add(path, `${FORMAT}Resource name ${logicalId} is longer than 255 characters.`);
    if (!isObject(raw)) {
      report.add(path, `${FORMAT}Any Resources member must be an object.`);
      continue;
    }
    const declared = readResource(logicalId, raw, path, report);
    if (declared) result[logicalId] = declared;
  }
  return result;
}

function readResource(
  logicalId: string,
  raw: JsonObject,
  path: string,
  report: Report,
): ResourceDeclaration | undefined {
  if (typeof raw.Type !== "string" || raw.Type === "") {
    report.add(path, `${FORMAT}[${path}] Every Resources object must contain a Type member.`);
    return undefined;
  }
  for (const key of Object.keys(raw)) {
    if (!RESOURCE_MEMBERS.has(key)) report.add(`${path}/${key}`, `Invalid template resource property '${key}'`);
  }
  if (raw.Properties !== undefined && !isObject(raw.Properties)) {
    report.add(`${path}/Properties`, `${FORMAT}[${path}/Properties] Properties must be an object.`);
  }
  if (raw.Condition !== undefined && typeof raw.Condition !== "string") {
    report.add(`${path}/Condition`, `${FORMAT}Every Condition member must be a string.`);
  }
  const dependsOn =
    typeof raw.DependsOn === "string" ? [raw.DependsOn] : raw.DependsOn === undefined ? [] : raw.DependsOn;
  if (!Array.isArray(dependsOn) || !dependsOn.every((id) => typeof id === "string")) {
    report.add(`${path}/DependsOn`, `${FORMAT}Every DependsOn value must be a string or a list of strings.`);
  }
  for (const name of ["DeletionPolicy", "UpdateReplacePolicy"] as const) {
    const policy = raw[name];
    if (policy === undefined || isObject(policy)) continue;
    if (typeof policy !== "string" || !POLICIES.has(policy)) {
      report.add(`${path}/${name}`, `${FORMAT}Unrecognized ${name} ${String(policy)} for resource ${logicalId}`);
    } else if (policy === "Snapshot" && !SNAPSHOTS.test(String(raw.Type))) {
      const words = name === "DeletionPolicy" ? "deletion policy" : "update replace policy";
      const message = `Template error: resource type ${String(raw.Type)} does not support ${words} Snapshot`;
      report.add(`${path}/${name}`, message);
    }
  }
  for (const name of ["CreationPolicy", "UpdatePolicy"]) {
    if (raw[name] !== undefined && !mayBeObject(raw[name]))
      report.add(`${path}/${name}`, `${FORMAT}Expected an object`);
  }
  const nothing = findNull(raw, path);
  if (nothing) report.add(nothing, `[${nothing}] 'null' values are not allowed in templates`);
  return {
    logicalId,
    type: raw.Type,
    properties: isObject(raw.Properties) ? raw.Properties : {},
    ...(typeof raw.Condition === "string" && { condition: raw.Condition }),
    dependsOn: Array.isArray(dependsOn) ? dependsOn.filter((id) => typeof id === "string") : [],
    ...(raw.DeletionPolicy !== undefined && { deletionPolicy: raw.DeletionPolicy }),
    ...(raw.UpdateReplacePolicy !== undefined && { updateReplacePolicy: raw.UpdateReplacePolicy }),
    ...(raw.UpdatePolicy !== undefined && { updatePolicy: raw.UpdatePolicy }),
    ...(raw.CreationPolicy !== undefined && { creationPolicy: raw.CreationPolicy }),
    ...(raw.Metadata !== undefined && { metadata: raw.Metadata }),
  };
}

function readOutputs(section: JsonObject, report: Report): Record<string, OutputDeclaration> {
  const result: Record<string, OutputDeclaration> = {};
  for (const [name, raw] of Object.entries(section)) {
    const path = `/Outputs/${name}`;
    if (!/^[A-Za-z0-9]+$/.test(name)) report.add(path, `${FORMAT}Output name ${name} is non alphanumeric.`);
    if (!isObject(raw) || raw.Value === undefined) {
      report.add(path, `${FORMAT}Every Outputs member must contain a Value object`);
      continue;
    }
    if (raw.Value === null) report.add(`${path}/Value`, `[${path}/Value] 'null' values are not allowed in templates`);
    const exported = isObject(raw.Export) ? raw.Export.Name : undefined;
    if (raw.Export !== undefined && exported === undefined) {
      report.add(
        `${path}/Export`,
        `${FORMAT}Output ${name} is malformed. The Name field of every Export member must be specified.`,
      );
    }
    result[name] = {
      name,
      value: raw.Value,
      ...(typeof raw.Description === "string" && { description: raw.Description }),
      ...(typeof raw.Condition === "string" && { condition: raw.Condition }),
      ...(exported !== undefined && { exportName: exported }),
    };
  }
  return result;
}

function findNull(value: JsonValue, path: string): string | undefined {
  if (value === null) return path;
  if (typeof value !== "object") return undefined;
  const entries = Array.isArray(value) ? value.entries() : Object.entries(value);
  for (const [key, item] of entries) {
    if (key === "Metadata") continue;
    const found = findNull(item, `${path}/${key}`);
    if (found) return found;
  }
  return undefined;
}

/** A map, or an Fn::If of maps: no other function stands for a whole policy. */
function mayBeObject(value: JsonValue): boolean {
  if (!isObject(value)) return false;
  const [key = "", ...more] = Object.keys(value);
  return more.length > 0 || key === "Fn::If" || !(key === "Ref" || key.startsWith("Fn::"));
}
