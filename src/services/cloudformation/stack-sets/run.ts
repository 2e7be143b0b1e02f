import type { Context } from "../../../aws/context.ts";
import type { QueueWorker } from "../../../aws/service.ts";
import { AwsError, messageOf } from "../../../kernel/aws-error.ts";
import type { Statement } from "../../../ports/database.ts";
import { validation } from "../errors.ts";
import { READY_MS } from "../limits.ts";
import { hasEnded, isOver, type SetOperation, type StackInstance, type StackSet, type TargetResult } from "./model.ts";
import { deployInstance, executionContext, removeInstance } from "./deploy.ts";
import { resumeSetOperation, STACK_SET_TOPIC, type SetOperationMessage } from "./start.ts";
import { instanceId, INSTANCES, openOperations, OPERATIONS, putInstance, SETS, TURNS } from "./store.ts";

const SHORTEST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

/**
 * Carries the operations of stack sets out, one stack after the other, and goes on where a killed process stopped. It is
 * given back while a stack takes its time.
 */
export const stackSetWorker: QueueWorker<any> = {
  topic: STACK_SET_TOPIC,
  concurrency: 8,
  leaseMs: 30_000,
  maxAttempts: 1_000,
  async run(ctx, body) {
    const { set: setId, operation: id, looks } = body as SetOperationMessage;
    const set = (await ctx.records.get<StackSet>(SETS, setId))?.value;
    const operation = (await ctx.records.get<SetOperation>(OPERATIONS, `${setId}/${id}`))?.value;
    if (!set || !operation) return;
    if (operation.looks !== looks) return;
    if (!hasEnded(operation.status) && !(await carryOut(ctx, set, operation))) return;
    const [next] = await openOperations(ctx, setId);
    if (!next) return;
    const start = (now: SetOperation): SetOperation => (now.status === "QUEUED" ? { ...now, status: "RUNNING" } : now);
    await change(ctx, next, start, resumeSetOperation(ctx, next));
  },
};

async function change(
  ctx: Context<any>,
  { set, id }: SetOperation,
  make: (operation: SetOperation) => SetOperation,
  also: readonly Statement[] = [],
): Promise<SetOperation> {
  const changed = await ctx.records.update<SetOperation>(OPERATIONS, `${set}/${id}`, make, ...also);
  if (!changed) throw new Error(`operation ${id} of stack set ${set} is gone`);
  return changed;
}

/** Answers whether the operation has ended; where it has not, a message for the end of its pause is on its way. */
async function carryOut(ctx: Context<any>, set: StackSet, begun: SetOperation): Promise<boolean> {
  let operation = begun;
  const note = async (index: number, result: Omit<TargetResult, "account" | "region">): Promise<void> => {
    operation = await change(ctx, operation, (now) => ({
      ...now,
      results: now.results.map((one, i) =>
        i === index ? { account: one.account, region: one.region, ...result } : one,
      ),
    }));
  };
  for (let index = 0; index < operation.results.length; index++) {
    const target = operation.results[index]!;
    if (isOver(target.status)) continue;
    const since = target.since ?? ctx.now();
    if (target.since === undefined && (operation.status === "STOPPING" || isTooMany(operation))) {
      await cancelRest(ctx, operation);
      break;
    }
    if (target.since === undefined) await note(index, { status: "RUNNING", since });
    const result = await bring(ctx, set, operation, { ...target, since });
    if (!result) {
      await pause(ctx, operation, ctx.now() - since);
      return false;
    }
    await note(index, result);
  }
  const end = (now: SetOperation): SetOperation => ({ ...now, ...endOf(now), ended: ctx.now() });
  await change(ctx, operation, end, [ctx.records.put(TURNS, set.id, { operation: operation.id })]);
  return true;
}

/** Gives the worker back until the stack that is waited for is to be looked at again. */
async function pause(ctx: Context<any>, operation: SetOperation, waited: number): Promise<void> {
  const looks = (operation.looks ?? 0) + 1;
  const delay = Math.max(SHORTEST_PAUSE_MS, Math.min(Math.floor(waited / 10), LONGEST_PAUSE_MS));
  await change(ctx, operation, (now) => ({ ...now, looks }), resumeSetOperation(ctx, { ...operation, looks }, delay));
}

function endOf(operation: SetOperation): Pick<SetOperation, "status" | "reason"> {
  if (operation.status === "STOPPING") return { status: "STOPPED" };
  return isTooMany(operation) ? { status: "FAILED" } : { status: "SUCCEEDED" };
}

/** Whether in one region more stacks have failed than are to be put up with. */
function isTooMany({ results, preferences }: SetOperation): boolean {
  const regions = new Set(results.map((one) => one.region));
  return [...regions].some((region) => {
    const here = results.filter((one) => one.region === region);
    const percent = Math.floor((here.length * (preferences.FailureTolerancePercentage ?? 0)) / 100);
    const tolerated = preferences.FailureToleranceCount ?? percent;
    return here.filter((one) => one.status === "FAILED").length > tolerated;
  });
}

async function cancelRest(ctx: Context<any>, operation: SetOperation): Promise<void> {
  const reason =
    operation.status === "STOPPING"
      ? "Cancelled since the operation was stopped"
      : "Cancelled since failure tolerance has exceeded";
  const { results } = await change(ctx, operation, (now) => ({
    ...now,
    results: now.results.map((one) => (isOver(one.status) ? one : { ...one, status: "CANCELLED", reason })),
  }));
  for (const one of results.filter((r) => r.status === "CANCELLED")) {
    await ctx.records.update<StackInstance>(INSTANCES, instanceId(operation.set, one), (now) => ({
      ...now,
      detailed: "CANCELLED",
      reason,
    }));
  }
}

/** Brings one stack to what the operation wants, and notes it in its instance; `undefined` where that takes its time. */
async function bring(
  ctx: Context<any>,
  set: StackSet,
  operation: SetOperation,
  target: TargetResult & { readonly since: number },
): Promise<Pick<TargetResult, "status" | "reason"> | undefined> {
  const id = instanceId(set.id, target);
  const instance = (await ctx.records.get<StackInstance>(INSTANCES, id))?.value;
  // What is not there need not go.
  if (!instance) return { status: "SUCCEEDED" };
  const { reason: _reason, ...rest } = instance;
  await ctx.records.write([putInstance(ctx, { ...rest, detailed: "RUNNING" })]);
  try {
    if (operation.action === "DELETE") {
      if (!operation.retain && instance.stackId !== undefined) {
        const there = await executionContext(ctx, set, target);
        if (!(await removeInstance(there, instance, operation.id))) return notYet(ctx, instance, target.since);
      }
      await ctx.records.write([ctx.records.remove(INSTANCES, id)]);
      return { status: "SUCCEEDED" };
    }
    // The roles that were passed with this template: a later update may have changed both while the operation waited.
    const there = await executionContext(ctx, set, target);
    const stackId = await deployInstance(there, set, instance, operation.id, async (made) => {
      await ctx.records.write([putInstance(ctx, { ...rest, detailed: "RUNNING", stackId: made })]);
    });
    if (stackId === undefined) return notYet(ctx, instance, target.since);
    await ctx.records.write([putInstance(ctx, { ...rest, status: "CURRENT", detailed: "SUCCEEDED", stackId })]);
    return { status: "SUCCEEDED" };
  } catch (error) {
    if (ctx.signal.aborted) throw error;
    if (!(error instanceof AwsError))
      ctx.platform.log.error("a stack of a stack set failed by a fault of ours", { set: set.id, error });
    const reason = error instanceof AwsError ? error.message : `Internal Failure: ${messageOf(error)}`;
    const status = operation.action === "DELETE" ? "INOPERABLE" : "OUTDATED";
    await ctx.records.update<StackInstance>(INSTANCES, id, (now) => ({ ...now, status, detailed: "FAILED", reason }));
    return { status: "FAILED", reason };
  }
}

/** A stack may take long, but not for ever. */
function notYet(ctx: Context<any>, { stackName }: StackInstance, since: number): undefined {
  if (ctx.now() - since > READY_MS)
    throw validation(`Stack ${stackName} did not end within ${READY_MS / 60_000} minutes.`);
}
