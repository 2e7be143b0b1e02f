import { countedTags } from "../../aws/resource-tags.ts";
import { MAX_TAGS } from "./limits.ts";
import { invalidParameter } from "./model.ts";

type Tags = Readonly<Record<string, string>>;

/** Tags that a resource may have; throws for too many. */
export function checkedTags(tags: Tags): Tags {
  if (countedTags(Object.keys(tags)) > MAX_TAGS) throw invalidParameter("Number of tags exceeds resource tag limit.");
  return tags;
}
