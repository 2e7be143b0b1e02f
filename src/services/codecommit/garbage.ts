import type { QueueWorker } from "../../aws/service.ts";
import { runGit } from "../../compute/source/index.ts";
import { changingRefs, GARBAGE } from "./announce.ts";
import { folderOf, type Repository } from "./model.ts";

const GC_MS = 30 * 60_000;

/** Packs what many pushes have left. Objects that nothing names are kept for two weeks: a push that is under way may need them. */
export const garbageWorker: QueueWorker<any> = {
  topic: GARBAGE,
  concurrency: 1,
  leaseMs: 60_000,
  maxAttempts: 3,
  backoffMs: () => 10 * 60_000,
  async run(ctx, body) {
    const { repositoryId } = body as { repositoryId: string };
    const all = await ctx.records.list<Repository>("repository");
    const repository = all.find((r) => r.value.id === repositoryId)?.value;
    if (!repository) return;
    // By force: a lock that a killed process left names a process of a sandbox that is long gone.
    const args = ["gc", "--quiet", "--force", "--prune=2.weeks.ago"];
    await changingRefs(ctx, repository, [], () =>
      runGit(ctx.platform, folderOf(ctx, repository), args, { timeoutMs: GC_MS }),
    );
  },
};
