import { isDeepStrictEqual } from "node:util";
import type { ResourceContext, ResourceType } from "../../../aws/service.ts";
import { resourceSchema } from "../../../engines/cloudformation/index.ts";
import { isObject, type JsonObject } from "../../../engines/yaml/index.ts";
import { AwsError } from "../../../kernel/aws-error.ts";
import type { Tag } from "../model.ts";
import { watchReads } from "./watched-properties.ts";

/** Properties and the stack's tags that go with them. */
export interface Tagged {
  readonly properties: JsonObject;
  readonly stackTags: readonly Tag[];
}

/** Whether a change of the stack's tags changes resources of this type. */
export const takesTags = (type: ResourceType): boolean =>
  type.update !== undefined && resourceSchema(type.type)?.tags !== undefined;

/**
 * Updates a resource with its own tags and those of the stack. Where the stack's role may not set tags, it is updated with
 * its own tags only: a narrow role does not fail the deployment. Answers its id, and which changed properties had no effect.
 */
export async function updateTagged(
  ctx: ResourceContext,
  type: ResourceType,
  id: string,
  next: Tagged,
  previous: Tagged,
): Promise<{ id: string; ignored: string[] }> {
  const [wanted, before] = [merged(type, next), merged(type, previous)];
  const run = async (properties: JsonObject, former: JsonObject) => {
    const watched = watchReads(properties);
    const updated = (await type.update!(ctx, id, watched.properties, former)) ?? id;
    return {
      id: updated,
      ignored: watched.unread().filter((name) => !isDeepStrictEqual(properties[name], former[name])),
    };
  };
  try {
    return await run(wanted, before);
  } catch (error) {
    const denied = error instanceof AwsError && (error.status === 403 || /AccessDenied/.test(error.code));
    if (!denied || (wanted === next.properties && before === previous.properties)) throw error;
    return run(next.properties, previous.properties);
  }
}

function merged(type: ResourceType, { properties, stackTags }: Tagged): JsonObject {
  const tags = resourceSchema(type.type)?.tags;
  if (!tags || stackTags.length === 0 || type.type === "AWS::CloudFormation::Stack") return properties;
  const own = properties[tags.property];
  if (tags.form === "map") {
    return {
      ...properties,
      [tags.property]: {
        ...Object.fromEntries(stackTags.map((t) => [t.Key, t.Value])),
        ...(isObject(own ?? null) ? (own as JsonObject) : {}),
      },
    };
  }
  const list = Array.isArray(own) ? own : [];
  const inherited = stackTags
    .filter((t) => !list.some((o) => isObject(o) && o.Key === t.Key))
    .map((t) => ({ Key: t.Key, Value: t.Value }));
  return { ...properties, [tags.property]: [...list, ...inherited] };
}
