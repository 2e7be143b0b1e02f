import type { Context } from "../../../aws/context.ts";
import type { QueueWorker } from "../../../aws/service.ts";
import { messageOf } from "../../../kernel/aws-error.ts";
import { isOutOfRoom } from "../../../ports/database.ts";
import { lastEventOf } from "../events.ts";
import { NESTING_DEPTH, OPEN_STACKS, PARALLEL_STACKS } from "../limits.ts";
import type { Operation, Phase, Stack } from "../model.ts";
import { resourcesOf, type OperationMessage } from "../store.ts";
import { apply, cleanUp, remove, rollBack, rollBackCleanUp, watch } from "./phases.ts";
import { StackRun } from "./stack-run.ts";
import { Turn, Turns } from "./turns.ts";

const PHASES: Readonly<Record<Exclude<Phase, "done">, (run: StackRun) => Promise<void>>> = {
  apply,
  watch,
  "clean-up": cleanUp,
  rollback: rollBack,
  "rollback-clean-up": rollBackCleanUp,
  remove,
};

/** Tries of an operation that fails by a fault of ours, before the stack is given up. */
const MAX_ATTEMPTS = 8;

const FAILED: Readonly<Record<Operation["kind"], Stack["status"]>> = {
  create: "CREATE_FAILED",
  update: "UPDATE_FAILED",
  delete: "DELETE_FAILED",
};

const failedStatus = (operation: Operation): Stack["status"] =>
  operation.importing ? "IMPORT_ROLLBACK_FAILED" : FAILED[operation.kind];

/** What the workers of all stacks share: for each depth of nesting whose turn it is. */
export interface StackWork {
  readonly turns: readonly Turns[];
}

export const startStackWork = (): StackWork => ({
  turns: Array.from({ length: NESTING_DEPTH + 1 }, () => new Turns(PARALLEL_STACKS)),
});

/** One worker for each depth of nesting: they carry stack operations out, and go on where a killed process stopped. */
export const stackWorkers: readonly QueueWorker<any>[] = Array.from({ length: NESTING_DEPTH + 1 }, (_none, depth) => ({
  topic: `cloudformation-${depth}`,
  concurrency: OPEN_STACKS,
  leaseMs: 30_000,
  maxAttempts: 1_000,
  async run(ctx, body, attempt) {
    const turn = new Turn((ctx.state as StackWork).turns[depth]!, ctx.signal);
    await turn.during(() => runOperation(ctx, turn, body as OperationMessage, attempt));
  },
}));

async function runOperation(ctx: Context<any>, turn: Turn, message: OperationMessage, attempt: number): Promise<void> {
  const operation = (await ctx.records.get<Operation>("operation", message.operation))?.value;
  if (!operation || operation.phase === "done" || operation.looks !== message.looks) return;
  const stack = (await ctx.records.get<Stack>("stack", operation.stack))?.value;
  if (!stack) return;
  const resources = await resourcesOf(ctx, stack.uuid);
  const lastEvent = await lastEventOf(ctx, stack.uuid);
  const open = (as: Context<any>): StackRun => new StackRun(as, turn, stack, operation, resources, lastEvent);
  let run: StackRun;
  try {
    run = open(await actingContext(ctx, operation));
  } catch (error) {
    if (ctx.signal.aborted) throw error;
    const role = `Role ${operation.roleArn} is invalid or cannot be assumed`;
    return open(ctx).enter("done", failedStatus(operation), role);
  }
  try {
    // Five phases at most follow each other; each ends in another one, in `done`, or in a pause with a message for its end.
    const { looks } = operation;
    for (let phases = 0; run.operation.phase !== "done" && run.operation.looks === looks && phases < 8; phases++) {
      await PHASES[run.operation.phase](run);
    }
  } catch (error) {
    if (ctx.signal.aborted || attempt < MAX_ATTEMPTS || isOutOfRoom(error)) throw error;
    ctx.platform.log.error("a stack operation was given up", { stack: stack.arn, error });
    await run.enter("done", failedStatus(operation), `Internal Failure: ${messageOf(error)}`);
  }
}

/** The stack's role where it has one, else who asked for the operation. */
async function actingContext(ctx: Context<any>, operation: Operation): Promise<Context<any>> {
  return operation.roleArn ? ctx.asRole(operation.roleArn, "AWSCloudFormation") : ctx.as(operation.principal);
}
