import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { LocalCache } from "../../compute/build/index.ts";
import { MAX_CACHE_BYTES } from "./limits.ts";
import type { Ctx } from "./model.ts";

const folderOf = (ctx: Ctx, project: string): string =>
  join(ctx.platform.settings.data, "build-cache", ctx.account, ctx.region, project);

/** Where a project with a LOCAL cache keeps it. */
export const localCache = (ctx: Ctx, project: string): LocalCache => ({
  folder: folderOf(ctx, project),
  maxBytes: MAX_CACHE_BYTES,
});

/** Forgets what a project keeps between builds; a build that is just being started may still have it. */
export async function removeCache(ctx: Ctx, project: string): Promise<void> {
  const gone = `${folderOf(ctx, project)}.${ctx.platform.ids.text(8)}`;
  await rename(folderOf(ctx, project), gone).catch(() => undefined);
  await rm(gone, { recursive: true, force: true });
}
