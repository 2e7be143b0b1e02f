/** What makes the tags of one state those of another. */
export interface TagChanges {
  readonly set: readonly { Key: string; Value: string }[];
  /** Keys that go. */
  readonly gone: readonly string[];
}

/** Reads a template's tags, which types write as a list or as a map, and what a change of them takes. */
export function tagChanges(next: unknown, previous: unknown): TagChanges {
  const [wanted, before] = [tagMap(next), tagMap(previous)];
  const set = Object.entries(wanted).filter(([key, value]) => before[key] !== value);
  return {
    set: set.map(([Key, Value]) => ({ Key, Value })),
    gone: Object.keys(before).filter((key) => wanted[key] === undefined),
  };
}

/** Tags by key. */
export function tagMap(tags: unknown): Record<string, string> {
  const pairs = Array.isArray(tags)
    ? tags.map((t: { Key: unknown; Value: unknown }) => [String(t.Key), String(t.Value ?? "")])
    : Object.entries((tags ?? {}) as object).map(([key, value]) => [key, String(value)]);
  return Object.fromEntries(pairs) as Record<string, string>;
}
