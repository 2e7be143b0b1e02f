import type { QueueWorker } from "../../aws/service.ts";
import { codeOf } from "../../kernel/aws-error.ts";
import { GuardFailed, type Statement } from "../../ports/database.ts";
import { noQueue, queueByArn, type Ctx, type Queue } from "./model.ts";
import type { SqsState } from "./state.ts";
import { movable, moveMessage } from "./store.ts";

/** A redrive: what is in a dead-letter queue goes back, or to another queue. */
export interface MoveTask {
  readonly id: string;
  readonly source: string;
  /** Absent: each message goes back to the queue that it came from. */
  readonly destination?: string;
  readonly perSecond?: number;
  readonly status: "RUNNING" | "COMPLETED" | "CANCELLING" | "CANCELLED" | "FAILED";
  readonly moved: number;
  readonly toMove: number;
  readonly started: number;
  readonly failure?: string;
}

export const MOVE_TASK = "move-task";
const TOPIC = "sqs-move";
const BATCH = 100;

/** Statements that let a task take its next step. */
export const nextStep = (ctx: Ctx, recordId: string, delayMs = 0): Statement[] =>
  ctx.enqueue(TOPIC, { task: recordId }, { delayMs });

/** Moves messages batch by batch; each batch is one transaction with the task's count and its next step. */
export const moveWorker: QueueWorker<SqsState> = {
  topic: TOPIC,
  concurrency: 4,
  leaseMs: 30_000,
  async run(ctx, body) {
    const { task: recordId } = body as { task: string };
    const stored = await ctx.records.get<MoveTask>(MOVE_TASK, recordId);
    if (!stored) return;
    const task = stored.value;
    const end = (change: Partial<MoveTask>, also: readonly Statement[] = []): Promise<void> =>
      ctx.records.write([ctx.records.put(MOVE_TASK, recordId, { ...task, ...change }, stored.rev)], also);
    try {
      if (task.status === "CANCELLING") return await end({ status: "CANCELLED" });
      if (task.status !== "RUNNING") return;
      const moves = await step(ctx, task);
      const moved = task.moved + moves.length;
      if (moves.length === 0 || moved >= task.toMove) return await end({ status: "COMPLETED", moved }, moves);
      await end({ moved }, [...moves, ...nextStep(ctx, recordId, task.perSecond === undefined ? 0 : 1000)]);
    } catch (error) {
      // Cancelled at the same time: the next try sees it.
      if (error instanceof GuardFailed || codeOf(error) === undefined) throw error;
      await end({ status: "FAILED", failure: "AWS.SimpleQueueService.NonExistentQueue" });
    }
  },
};

async function step(ctx: Ctx, task: MoveTask): Promise<Statement[]> {
  const source = await existing(ctx, task.source);
  const fixed = task.destination === undefined ? undefined : await existing(ctx, task.destination);
  const most = Math.min(task.perSecond ?? BATCH, task.toMove - task.moved);
  const statements: Statement[] = [];
  for (const { id, source: origin } of await movable(ctx, source, most)) {
    const to = fixed ?? (await existing(ctx, origin ?? ""));
    statements.push(moveMessage(ctx, source, to, id));
  }
  return statements;
}

async function existing(ctx: Ctx, arn: string): Promise<Queue> {
  const queue = await queueByArn(ctx, arn);
  if (!queue) throw noQueue();
  return queue;
}
