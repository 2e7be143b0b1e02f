import type { JsonObject } from "../../../engines/yaml/index.ts";

/**
 * Properties that remember which of them were read. What a resource type never looks at it cannot have done anything about: the
 * stack's events say so, instead of a success that is none.
 */
export function watchReads(properties: JsonObject): { properties: JsonObject; unread(): string[] } {
  const read = new Set<PropertyKey>();
  const watched = new Proxy(properties, {
    get(target, name, receiver) {
      read.add(name);
      return Reflect.get(target, name, receiver) as unknown;
    },
    has(target, name) {
      read.add(name);
      return Reflect.has(target, name);
    },
    // Whoever takes all of them hands them on: what receives them accepts or refuses them.
    ownKeys(target) {
      for (const name of Reflect.ownKeys(target)) read.add(name);
      return Reflect.ownKeys(target);
    },
  });
  return { properties: watched, unread: () => Object.keys(properties).filter((name) => !read.has(name)) };
}

/** What an event says of properties that had no effect; undefined where all had. */
export function ignoredNote(names: readonly string[]): string | undefined {
  return names.length > 0 ? `Starling does not act on these properties yet: ${names.join(", ")}.` : undefined;
}
