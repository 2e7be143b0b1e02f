import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { BuildCache } from "../../compute/build/index.ts";
import { MAX_CACHE_BYTES } from "./limits.ts";
import type { Ctx } from "./model.ts";

const folderOf = (ctx: Ctx, project: string): string =>
  join(ctx.platform.settings.data, "build-cache", ctx.account, ctx.region, project);

/** Where a project with a LOCAL cache keeps it. */
export const localCache = (ctx: Ctx, project: string): BuildCache => ({
  folder: folderOf(ctx, project),
  maxBytes: MAX_CACHE_BYTES,
});

/** How often a project's cache has been reset: a cache in S3 lies in another place after each. */
export const cacheTurn = async (ctx: Ctx, project: string): Promise<number> =>
  (await ctx.records.get<number>("cache-turn", project))?.value ?? 0;

/** From here on, builds of the project find none of what is cached now. */
export async function resetCache(ctx: Ctx, project: string): Promise<void> {
  await ctx.records.write(ctx.records.put("cache-turn", project, (await cacheTurn(ctx, project)) + 1));
  await removeCache(ctx, project);
}

/** Forgets what a project keeps between builds; a build that is just being started may still have it. */
export async function removeCache(ctx: Ctx, project: string): Promise<void> {
  const gone = `${folderOf(ctx, project)}.${ctx.platform.ids.text(8)}`;
  await rename(folderOf(ctx, project), gone).catch(() => undefined);
  await rm(gone, { recursive: true, force: true });
}
