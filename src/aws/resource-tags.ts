import { AwsError } from "../kernel/aws-error.ts";
import type { Context } from "./context.ts";
import type { Tag } from "./service.ts";

/** What is said to who tags with a name that is AWS's own. */
export const RESERVED_TAG = "aws: prefixed tag key names are not allowed for external use.";
/** The error code of each service whose resources CloudFormation marks with tags of its own. */
const RESERVED_CODES: Readonly<Record<string, string>> = {
  apigateway: "BadRequestException",
  apigatewayv2: "BadRequestException",
  ecr: "InvalidTagParameterException",
  events: "ValidationException",
  lambda: "InvalidParameterValueException",
  logs: "InvalidParameterException",
  monitoring: "InvalidParameterValue",
  ssm: "ValidationException",
};
const MEMBERS = ["Tags", "tags", "TagKeys", "tagKeys"];

/** Whether tags of this name are AWS's alone to set and to remove (`aws:cloudformation:stack-name`). */
export const isReservedTag = (key: string): boolean => /^aws:/i.test(key);

/** Throws for a call that sets or removes tags that are AWS's alone. What CloudFormation does for a stack may. */
export function refuseReservedTags(
  ctx: Pick<Context, "service" | "once">,
  input: Readonly<Record<string, unknown>>,
): void {
  const code = ctx.once === undefined ? RESERVED_CODES[ctx.service] : undefined;
  if (code === undefined) return;
  for (const member of MEMBERS) {
    const value = input[member];
    if (typeof value === "object" && value !== null && keysOf(value).some(isReservedTag))
      throw new AwsError(code, RESERVED_TAG, 400);
  }
}

/** The keys of tags as an operation takes them: a list of tags or of keys, or a map. */
function keysOf(tags: object): string[] {
  if (!Array.isArray(tags)) return Object.keys(tags);
  return tags.map((tag: unknown) => String(typeof tag === "object" ? (tag as Partial<Tag> | null)?.Key : tag));
}

/** How many tags count for a limit: all but AWS's own. */
export const countedTags = (keys: readonly string[]): number => keys.filter((key) => !isReservedTag(key)).length;

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

/** The same as a list. */
export const tagList = (tags: unknown): Tag[] => Object.entries(tagMap(tags)).map(([Key, Value]) => ({ Key, Value }));
