import type { Context } from "../../../aws/context.ts";
import type { JsonObject } from "../../../engines/yaml/index.ts";

/**
 * Reads what a resource's properties are now, by public operations; members that are left out are not compared. Throws the
 * service's error where the resource is gone.
 */
export type LiveReader = (ctx: Context<any>, id: string, expected: JsonObject) => Promise<object>;

/** Tags of an API that has them as a map. */
export const readTags = (tags: Readonly<Record<string, unknown>> | undefined): object[] =>
  Object.entries(tags ?? {}).map(([Key, Value]) => ({ Key, Value }));
