import type { JsonObject, JsonValue } from "../yaml/index.ts";
import { isObject } from "../yaml/index.ts";
import { parseS3 } from "./code-uri.ts";
import type { SamContext, SamResource } from "./context.ts";
import {
  addResource,
  compact,
  getAtt,
  isIntrinsic,
  ref,
  resolveParameters,
  SamFault,
  sharedAttributes,
  tagList,
} from "./context.ts";
import { addStateMachineEvents } from "./events/state-machine.ts";
import { roleProperties, trustPolicy } from "./role.ts";

/** Translates AWS::Serverless::StateMachine. */
export function translateStateMachine(context: SamContext, resource: SamResource): void {
  const { id, properties: p } = resource;
  if ((p.Definition === undefined) === (p.DefinitionUri === undefined)) {
    const both = p.Definition !== undefined;
    throw new SamFault(
      id,
      both
        ? "Specify either 'Definition' or 'DefinitionUri' property and not both."
        : "Either 'Definition' or 'DefinitionUri' property must be specified.",
    );
  }
  if (p.Definition !== undefined && !isObject(p.Definition))
    throw new SamFault(id, "Property 'Definition' should be a map.");
  if (p.Role !== undefined && p.Policies !== undefined)
    throw new SamFault(id, "Specify either 'Role' or 'Policies' (but not both at the same time) or neither of them");
  const propagated = p.PropagateTags === true && p.Tags !== undefined;
  const marker = propagated ? [] : [{ Key: "stateMachine:createdBy", Value: "SAM" }];
  const tags: JsonObject[] = [...marker, ...tagList(p.Tags)];
  const place = p.DefinitionUri === undefined ? undefined : parseS3(id, "DefinitionUri", p.DefinitionUri);
  const substitutions: JsonObject = isObject(p.DefinitionSubstitutions) ? { ...p.DefinitionSubstitutions } : {};
  const definition = isObject(p.Definition) ? extract(sortKeys(p.Definition), "definition", substitutions) : undefined;
  const lines = definition === undefined ? undefined : JSON.stringify(sortKeys(definition), null, 4).split("\n");
  const properties = compact({
    StateMachineName: p.Name,
    StateMachineType: p.Type,
    DefinitionString: lines ? { "Fn::Join": ["\n", lines] } : undefined,
    DefinitionS3Location: place ? compact({ Bucket: place.bucket, Key: place.key, Version: place.version }) : undefined,
    DefinitionSubstitutions: Object.keys(substitutions).length > 0 ? substitutions : undefined,
    RoleArn: p.Role ?? getAtt(`${id}Role`, "Arn"),
    LoggingConfiguration: p.Logging,
    TracingConfiguration: p.Tracing,
    Tags: tags,
  });
  addResource(context, id, "AWS::StepFunctions::StateMachine", properties, resource.attributes);
  addStateMachineEvents(context, resource, addStateMachineAlias(context, resource));
  if (p.Role !== undefined) return;
  const managed =
    isObject(p.Tracing) && p.Tracing.Enabled === true
      ? [`arn:${context.partition}:iam::aws:policy/AWSXrayWriteOnlyAccess`]
      : [];
  const role = roleProperties(context, {
    id,
    roleId: `${id}Role`,
    trust: trustPolicy("states.amazonaws.com"),
    managed,
    policies: p.Policies,
    inline: [],
    tags,
    path: p.RolePath,
    boundary: p.PermissionsBoundary,
  });
  addResource(context, `${id}Role`, "AWS::IAM::Role", role, sharedAttributes(resource));
}

/** Adds the version that AutoPublishAlias publishes and the alias that moves to it. Gives the alias's logical id. */
function addStateMachineAlias(context: SamContext, resource: SamResource): string | undefined {
  const { id, properties: p } = resource;
  const shared = sharedAttributes(resource);
  if (p.AutoPublishAlias === undefined) {
    if (p.DeploymentPreference === undefined) return undefined;
    throw new SamFault(id, "'DeploymentPreference' requires 'AutoPublishAlias' property to be specified.");
  }
  const name = resolveParameters(context, p.AutoPublishAlias);
  if (typeof name !== "string") {
    throw new SamFault(id, "'AutoPublishAlias' must be a string or a Ref to a template parameter");
  }
  const versionId = `${id}Version`;
  addResource(
    context,
    versionId,
    "AWS::StepFunctions::StateMachineVersion",
    { StateMachineArn: ref(id), StateMachineRevisionId: getAtt(id, "StateMachineRevisionId") },
    { DeletionPolicy: "Retain", UpdateReplacePolicy: "Retain", ...shared },
  );
  const preference: JsonObject = isObject(p.DeploymentPreference) ? p.DeploymentPreference : { Type: "ALL_AT_ONCE" };
  const aliasId = `${id}Alias${name.replace(/[^A-Za-z0-9]/g, "")}`;
  addResource(
    context,
    aliasId,
    "AWS::StepFunctions::StateMachineAlias",
    { Name: name, DeploymentPreference: { ...preference, StateMachineVersionArn: ref(versionId) } },
    shared,
  );
  context.aliases.set(id, { ...context.aliases.get(id), Alias: aliasId, Version: versionId });
  return aliasId;
}

/** Intrinsic functions leave the definition for substitutions, because its text is fixed. */
function extract(value: JsonValue, path: string, substitutions: JsonObject): JsonValue {
  if (Array.isArray(value)) return value.map((item, i) => extract(item, `${path}_${i}`, substitutions));
  if (!isObject(value)) return value;
  if (isIntrinsic(value)) {
    const name =
      `${path}_substitution_${Object.keys(substitutions).filter((key) => key.startsWith("definition")).length + 1}`.replace(
        /^.*_substitution/,
        "definition_substitution",
      );
    substitutions[name] = value;
    return `\${${name}}`;
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, extract(item, path, substitutions)]));
}

function sortKeys(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .toSorted()
      .map((key) => [key, sortKeys(value[key] ?? null)]),
  );
}
