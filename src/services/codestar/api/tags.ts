import { operations } from "../../../aws/service.ts";
import { invalid, limitExceeded } from "../errors.ts";
import { MAX_TAGS } from "../limits.ts";
import { existingProject, onProject, page, type Project } from "../model.ts";
import type { CodeStarModule } from "../shapes.ts";

export function checkTags(tags: Readonly<Record<string, string>>): void {
  if (Object.keys(tags).length > MAX_TAGS) throw limitExceeded(`A project can have up to ${MAX_TAGS} tags.`);
  const reserved = Object.keys(tags).find((key) => key.toLowerCase().startsWith("aws:"));
  if (reserved) throw invalid(`The tag key ${reserved} is reserved: keys must not start with aws:.`);
}

export const tags = operations<CodeStarModule, any>()({
  ListTagsForProject: {
    permissions: onProject("ListTagsForProject"),
    async run(ctx, input) {
      const project = await existingProject(ctx, input.id);
      const { items, ...rest } = page(Object.entries(project.tags), input);
      return { tags: Object.fromEntries(items), ...rest };
    },
  },
  TagProject: {
    permissions: onProject("TagProject"),
    async run(ctx, input) {
      await existingProject(ctx, input.id);
      const changed = await ctx.records.update<Project>("project", String(input.id), (project) => {
        const all = { ...project.tags, ...input.tags };
        checkTags(all);
        return { ...project, tags: all };
      });
      return { tags: { ...changed?.tags } };
    },
  },
  UntagProject: {
    permissions: onProject("UntagProject"),
    async run(ctx, input) {
      await existingProject(ctx, input.id);
      const gone = new Set(input.tags);
      await ctx.records.update<Project>("project", String(input.id), (project) => ({
        ...project,
        tags: Object.fromEntries(Object.entries(project.tags).filter(([key]) => !gone.has(key))),
      }));
      return {};
    },
  },
});
