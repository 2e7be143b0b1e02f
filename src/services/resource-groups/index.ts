import type * as ResourceGroups from "@aws-sdk/client-resource-groups";
import { defineService } from "../../aws/service.ts";
import { groups } from "./api/groups.ts";
import { members } from "./api/members.ts";
import { tags } from "./api/tags.ts";
import { group } from "./resources/group.ts";

/** Resource Groups: queries with a name; what belongs to a group is looked up when somebody asks. */
export const resourceGroups = defineService<typeof ResourceGroups>({
  name: "resource-groups",
  operations: { ...groups, ...members, ...tags },
  resources: [group],
});
