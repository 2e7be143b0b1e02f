import type * as ResourceGroups from "@aws-sdk/client-resource-groups";
import { operations } from "../../../aws/service.ts";
import { changeGroup, checkedTags, groupArn, groupOf, onGroup } from "../model.ts";

export const tags = operations<typeof ResourceGroups, any>()({
  GetTags: {
    permissions: onGroup("GetTags"),
    async run(ctx, input) {
      const group = await groupOf(ctx, input);
      return { Arn: groupArn(ctx, group.name), Tags: { ...group.tags } };
    },
  },
  Tag: {
    permissions: onGroup("Tag"),
    async run(ctx, input) {
      const added = input.Tags ?? {};
      const group = await changeGroup(ctx, input, (before) => ({
        ...before,
        tags: checkedTags({ ...before.tags, ...added }),
      }));
      return { Arn: groupArn(ctx, group.name), Tags: { ...added } };
    },
  },
  Untag: {
    permissions: onGroup("Untag"),
    async run(ctx, input) {
      const gone = input.Keys ?? [];
      const group = await changeGroup(ctx, input, (before) => ({
        ...before,
        tags: Object.fromEntries(Object.entries(before.tags).filter(([key]) => !gone.includes(key))),
      }));
      return { Arn: groupArn(ctx, group.name), Keys: [...gone] };
    },
  },
});
