import { PROJECT_TAG } from "../../kernel/project-tag.ts";
import { resourceSchema } from "../cloudformation/index.ts";
import type { JsonObject, JsonValue } from "../yaml/index.ts";
import { isObject } from "../yaml/index.ts";

/**
 * The `AWS::CodeStar` transform: tags what can be tagged with the ARN of the project that the parameter `ProjectId`
 * names. A resource that has the tag keeps its own.
 */
export function transformCodeStar(source: JsonObject): JsonObject {
  const parameters = isObject(source.Parameters) ? source.Parameters : {};
  const transforms = (Array.isArray(source.Transform) ? source.Transform : [source.Transform ?? ""]).filter(
    (name) => name !== "AWS::CodeStar" && name !== "",
  );
  const { Transform: _transform, ...rest } = source;
  const result: JsonObject = transforms.length > 0 ? { ...rest, Transform: transforms } : rest;
  if (!isObject(parameters.ProjectId) || !isObject(source.Resources)) return result;
  const arn: JsonValue = {
    "Fn::Sub": "arn:${AWS::Partition}:codestar:${AWS::Region}:${AWS::AccountId}:project/${ProjectId}",
  };
  const resources: JsonObject = {};
  for (const [id, resource] of Object.entries(source.Resources)) {
    resources[id] = isObject(resource) ? tagged(resource, arn) : resource;
  }
  return { ...result, Resources: resources };
}

function tagged(resource: JsonObject, arn: JsonValue): JsonObject {
  const tags = resourceSchema(String(resource.Type))?.tags;
  if (!tags) return resource;
  const properties = isObject(resource.Properties) ? resource.Properties : {};
  const own = properties[tags.property];
  if (tags.form === "map") {
    if (own !== undefined && !isObject(own)) return resource;
    return { ...resource, Properties: { ...properties, [tags.property]: { [PROJECT_TAG]: arn, ...own } } };
  }
  if (own !== undefined && !Array.isArray(own)) return resource;
  if (own?.some((tag) => isObject(tag) && tag.Key === PROJECT_TAG)) return resource;
  const list = [...(own ?? []), { Key: PROJECT_TAG, Value: arn }];
  return { ...resource, Properties: { ...properties, [tags.property]: list } };
}
