import type { JsonObject, JsonValue } from "../yaml/index.ts";
import { isObject } from "../yaml/index.ts";
import { declareImplicitApis, inheritByImplicitApis } from "./api-routes.ts";
import { translateApplication } from "./application.ts";
import { translateConnector } from "./connector.ts";
import type { SamContext, SamOptions, SamResource } from "./context.ts";
import { clone, pick, SamFault, structureFault } from "./context.ts";
import { addDeploymentResources } from "./deployment-preference.ts";
import { takeOutConnectors } from "./embedded-connectors.ts";
import { translateFunction } from "./function.ts";
import { mergeGlobals } from "./globals.ts";
import { translateHttpApi } from "./http-api.ts";
import { checkKnownProperties } from "./property-types.ts";
import { translateLayerVersion } from "./layer-version.ts";
import { linkReferences } from "./link-references.ts";
import { translateRestApi } from "./rest-api.ts";
import { translateSimpleTable } from "./simple-table.ts";
import { translateStateMachine } from "./state-machine.ts";
import { addUsagePlans } from "./usage-plan.ts";

/** The result of the transform: a plain template, or what is wrong in SAM's words. */
export type SamResult =
  | { readonly template: JsonObject; readonly error?: undefined }
  | { readonly template?: undefined; readonly error: string };

/** Functions come first because their events add to the APIs; connectors last, as they read what all others made. */
const TRANSLATORS: readonly (readonly [string, (context: SamContext, resource: SamResource) => void])[] = [
  ["AWS::Serverless::LayerVersion", translateLayerVersion],
  ["AWS::Serverless::Function", translateFunction],
  ["AWS::Serverless::StateMachine", translateStateMachine],
  ["AWS::Serverless::Api", translateRestApi],
  ["AWS::Serverless::HttpApi", translateHttpApi],
  ["AWS::Serverless::SimpleTable", translateSimpleTable],
  ["AWS::Serverless::Application", translateApplication],
  ["AWS::Serverless::Connector", translateConnector],
];

/** What SAM translates and Starling does not; any other type is CloudFormation's to refuse. */
const UNTRANSLATED = ["GraphQLApi", "WebSocketApi", "CapacityProvider"].map((name) => `AWS::Serverless::${name}`);

/** The `AWS::Serverless-2016-10-31` transform: turns serverless resources into plain ones. */
export function transformSam(source: JsonObject, options: SamOptions = {}): SamResult {
  const template = clone(source);
  try {
    const context = prepare(template, options);
    translateAll(context);
    if (context.faults.length > 0) return { error: describe(context.faults) };
    addDeploymentResources(context);
    addUsagePlans(context);
    return { template: finish(context) };
  } catch (error) {
    if (error instanceof SamFault) return { error: describe([error]) };
    throw error;
  }
}

function prepare(template: JsonObject, options: SamOptions): SamContext {
  if (!isObject(template.Resources) || Object.keys(template.Resources).length === 0) {
    throw structureFault("'Resources' section is required");
  }
  for (const resource of Object.values(template.Resources)) {
    if (!isObject(resource))
      throw structureFault("All 'Resources' must be Objects. If you're using YAML, this may be an indentation issue.");
    if (resource.Properties === null) resource.Properties = {};
    if (resource.Condition !== undefined && typeof resource.Condition !== "string")
      throw structureFault("Every Condition member must be a string.");
  }
  for (const name of ["Mappings", "Parameters"])
    if (template[name] !== undefined && !isObject(template[name]))
      throw structureFault("'Mappings' or 'Parameters' is either null or not a valid dictionary.");
  declareImplicitApis(template);
  mergeGlobals(template);
  inheritByImplicitApis(template);
  return {
    template,
    resources: {},
    conditions: isObject(template.Conditions) ? template.Conditions : {},
    parameters: { ...defaults(template), ...options.parameters, ...pseudo(options) },
    partition: options.partition ?? "aws",
    region: options.region ?? "us-east-1",
    managedPolicies: options.managedPolicies ?? {},
    deploymentToken: options.deploymentToken ?? "",
    faults: [],
    current: { id: "" },
    aliases: new Map(),
    renamed: new Map(),
    routes: new Map(),
    deployments: new Map(),
    usagePlans: new Map(),
  };
}

function defaults(template: JsonObject): Record<string, JsonValue> {
  const result: Record<string, JsonValue> = {};
  for (const [name, parameter] of Object.entries(isObject(template.Parameters) ? template.Parameters : {})) {
    if (isObject(parameter) && parameter.Default !== undefined) result[name] = parameter.Default;
  }
  return result;
}

function pseudo(options: SamOptions): Record<string, JsonValue> {
  return { "AWS::Region": options.region ?? "us-east-1", "AWS::Partition": options.partition ?? "aws" };
}

function translateAll(context: SamContext): void {
  takeOutConnectors(context);
  const declared = context.template.Resources as JsonObject;
  for (const [id, raw] of Object.entries(declared)) {
    const type = isObject(raw) ? String(raw.Type) : "";
    if (UNTRANSLATED.includes(type)) context.faults.push(new SamFault(id, `Starling does not translate ${type} yet.`));
    else if (!TRANSLATORS.some(([known]) => known === type)) context.resources[id] ??= raw;
  }
  for (const [type, translate] of TRANSLATORS) {
    for (const [id, raw] of Object.entries(declared)) {
      if (!isObject(raw) || raw.Type !== type) continue;
      try {
        context.current.id = id;
        if (!/^[a-zA-Z0-9]+$/.test(id)) throw new SamFault(id, "Logical ids must be alphanumeric.");
        const resource = readResource(id, raw);
        checkKnownProperties(resource);
        translate(context, resource);
      } catch (error) {
        if (!(error instanceof SamFault)) throw error;
        context.faults.push(error);
      }
    }
  }
}

/** What stands beside a serverless resource's properties and is handed on; SAM passes over anything else. */
const ATTRIBUTES = ["DependsOn", "Condition", "Metadata", "DeletionPolicy", "UpdateReplacePolicy", "UpdatePolicy"];

function readResource(id: string, raw: JsonObject): SamResource {
  const { Type: type, Properties: properties } = raw;
  if (properties !== undefined && !isObject(properties))
    throw new SamFault(id, "Properties of a resource must be an object.");
  return { id, type: String(type), properties: dropEmpty(properties ?? {}), attributes: pick(raw, ATTRIBUTES) };
}

/** A member without value is as good as absent. */
function dropEmpty(properties: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== null));
}

function finish(context: SamContext): JsonObject {
  const { Transform: transform, Globals: _globals, ...template } = context.template;
  const others = (Array.isArray(transform) ? transform : []).filter((name) => name !== "AWS::Serverless-2016-10-31");
  const result: JsonObject = { ...template, Resources: context.resources };
  if (Object.keys(context.conditions).length > 0) result.Conditions = context.conditions;
  if (others.length > 0) result.Transform = others;
  return linkReferences(context, result);
}

function describe(faults: readonly SamFault[]): string {
  const parts = faults
    .map((fault) =>
      fault.logicalId === undefined
        ? fault.message
        : `Resource with id [${fault.logicalId}] is invalid. ${fault.message}`,
    )
    .toSorted();
  return `Invalid Serverless Application Specification document. Number of errors found: ${faults.length}. ${parts.join(" ")}`;
}
