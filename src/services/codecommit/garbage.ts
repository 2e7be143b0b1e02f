import type { Context } from "../../aws/context.ts";
import type { QueueWorker } from "../../aws/service.ts";
import { repositoryFolder, runGit } from "../../compute/source/index.ts";
import type { Statement } from "../../ports/database.ts";
import type { Repository } from "./model.ts";

const TOPIC = "codecommit-garbage";
const GC_MS = 30 * 60_000;

/** The statements that make the repository be packed anew, once, when there is time. */
export function collectGarbage(ctx: Context<any>, repositoryId: string): Statement[] {
  return ctx.enqueue(TOPIC, { repositoryId }, { token: `gc-${repositoryId}` });
}

/** Packs what many pushes have left. Objects that nothing names are kept for two weeks: a push that is under way may need them. */
export const garbageWorker: QueueWorker<any> = {
  topic: TOPIC,
  concurrency: 1,
  leaseMs: 60_000,
  maxAttempts: 3,
  backoffMs: () => 10 * 60_000,
  async run(ctx, body) {
    const { repositoryId } = body as { repositoryId: string };
    const all = await ctx.records.list<Repository>("repository");
    if (!all.some((r) => r.value.id === repositoryId)) return;
    const folder = repositoryFolder(ctx.platform.settings.data, ctx, repositoryId);
    // By force: a lock that a killed process left names a process of a sandbox that is long gone.
    await runGit(ctx.platform, folder, ["gc", "--quiet", "--force", "--prune=2.weeks.ago"], { timeoutMs: GC_MS });
  },
};
