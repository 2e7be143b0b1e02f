import type { JsonObject, JsonValue } from "../yaml/index.ts";
import { codeLocation } from "./code-uri.ts";
import type { SamContext, SamResource } from "./context.ts";
import { addResource, canonicalJson, clone, compact, pick, resolveParameters, SamFault, sha1 } from "./context.ts";

/** Translates AWS::Serverless::LayerVersion. Its logical id follows its content, so that a change makes a new version. */
export function translateLayerVersion(context: SamContext, resource: SamResource): void {
  const { id, properties: p } = resource;
  const policy = retention(context, resource);
  const declared = context.template.Resources;
  const whole: JsonValue =
    typeof declared === "object" && declared !== null && !Array.isArray(declared) ? clone(declared[id] ?? {}) : {};
  const texts = resolveParameters(context, pick(p, ["LayerName", "Description", "LicenseInfo", "RetentionPolicy"]));
  const { DeletionPolicy: _kept, UpdateReplacePolicy: _replaced, Metadata: _metadata, ...hashed } = whole as JsonObject;
  const content = { [id]: { ...hashed, Properties: { ...p, ...(texts as JsonObject) } } };
  const newId = `${id}${sha1(canonicalJson(content)).slice(0, 10)}`;
  const properties = compact({
    LayerName: id,
    Content: codeLocation(id, "ContentUri", p.ContentUri),
    ...pick(p, ["CompatibleArchitectures", "CompatibleRuntimes"]),
    ...pick(texts as JsonObject, ["LayerName", "Description", "LicenseInfo"]),
  });
  const { DeletionPolicy: _own, ...rest } = resource.attributes;
  addResource(context, newId, "AWS::Lambda::LayerVersion", properties, { ...rest, DeletionPolicy: policy });
  context.renamed.set(id, newId);
}

function retention(context: SamContext, { id, properties: p, attributes }: SamResource): string {
  const wanted = p.RetentionPolicy ?? attributes.DeletionPolicy ?? "Retain";
  const value = resolveParameters(context, wanted);
  const name = typeof value === "string" ? value.toLowerCase() : "";
  if (name === "retain") return "Retain";
  if (name === "delete") return "Delete";
  throw new SamFault(id, "'RetentionPolicy' must be one of the following options: ['Retain', 'Delete'].");
}
