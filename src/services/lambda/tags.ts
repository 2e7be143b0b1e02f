import { MAX_TAGS } from "./limits.ts";
import { invalidParameter } from "./model.ts";

type Tags = Readonly<Record<string, string>>;

/** Tags that a resource may have; throws for too many. */
export function checkedTags(tags: Tags): Tags {
  if (Object.keys(tags).length > MAX_TAGS) throw invalidParameter("Number of tags exceeds resource tag limit.");
  return tags;
}
