import type { JsonObject } from "../yaml/index.ts";
import { isObject } from "../yaml/index.ts";
import type { SamContext } from "./context.ts";
import { SamFault } from "./context.ts";

/** Makes resources of the connectors that are written within their sources. */
export function takeOutConnectors(context: SamContext): void {
  const declared = context.template.Resources as JsonObject;
  for (const [source, resource] of Object.entries(declared)) {
    if (!isObject(resource) || resource.Connectors === undefined) continue;
    const { Connectors: connectors } = resource;
    delete resource.Connectors;
    if (!isObject(connectors)) {
      context.faults.push(new SamFault(source, `'${source}.Connectors' should be a map.`));
      continue;
    }
    for (const [name, connector] of Object.entries(connectors)) {
      try {
        const id = source + name;
        if (!isObject(connector)) throw new SamFault(id, `${source}.${id} should be a map.`);
        if (declared[id] !== undefined)
          throw new SamFault(
            undefined,
            `Transforming resource with id [${source}] attempts to create a new resource with id [${id}] and type "AWS::Serverless::Connector". A resource with that id already exists within this template. Please use a different id for that resource.`,
          );
        declared[id] = ownResource(source, name, connector);
      } catch (error) {
        if (!(error instanceof SamFault)) throw error;
        context.faults.push(error);
      }
    }
  }
}

function ownResource(source: string, name: string, connector: JsonObject): JsonObject {
  const { Properties: properties, ...attributes } = connector;
  if (!isObject(properties)) throw new SamFault(source, `'Connectors.${name}.Properties' should be a map.`);
  const { SourceReference: more, ...others } = properties;
  if (more !== undefined && !isObject(more))
    throw new SamFault(source, `Property 'Connectors.${name}.Properties.SourceReference' should be a map.`);
  if (more?.Id !== undefined) throw new SamFault(name, "'Id' shouldn't be defined in 'SourceReference'.");
  return {
    ...attributes,
    Type: "AWS::Serverless::Connector",
    Properties: { ...others, Source: { Id: source, ...more } },
  };
}
