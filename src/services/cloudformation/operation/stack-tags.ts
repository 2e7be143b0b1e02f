import { isDeepStrictEqual } from "node:util";
import type { ResourceContext, ResourceType } from "../../../aws/service.ts";
import { resourceSchema, takesSystemTags } from "../../../engines/cloudformation/index.ts";
import { isObject, type JsonObject } from "../../../engines/yaml/index.ts";
import { isReservedTag, RESERVED_TAG } from "../../../aws/resource-tags.ts";
import { AwsError } from "../../../kernel/aws-error.ts";
import type { Stack, Tag } from "../model.ts";
import { StepFailed } from "./failure.ts";
import { watchReads } from "./watched-properties.ts";

/** Properties and the tags that come with the stack, as {@link inheritedTags} answers them. */
export interface Tagged {
  readonly properties: JsonObject;
  readonly stackTags: readonly Tag[];
}

/** The tags that a resource has of its stack: the stack's own, and those that say whose it is. */
export function inheritedTags(
  stack: Pick<Stack, "arn" | "name">,
  { logicalId, type }: { readonly logicalId: string; readonly type: string | undefined },
  tags: readonly Tag[],
): readonly Tag[] {
  if (type === undefined || type === "AWS::CloudFormation::Stack" || !takesSystemTags(type)) return tags;
  return [
    ...tags,
    { Key: "aws:cloudformation:stack-name", Value: stack.name },
    { Key: "aws:cloudformation:logical-id", Value: logicalId },
    { Key: "aws:cloudformation:stack-id", Value: stack.arn },
  ];
}

/** Throws for a template's own tags whose names are for AWS alone. */
export function refuseReservedTags(type: string, properties: JsonObject): void {
  const own = properties[resourceSchema(type)?.tags?.property ?? "Tags"];
  const keys = Array.isArray(own) ? own.map((tag) => (isObject(tag) ? tag.Key : undefined)) : Object.keys(own ?? {});
  if (keys.some((key) => typeof key === "string" && isReservedTag(key))) throw new StepFailed(RESERVED_TAG);
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
