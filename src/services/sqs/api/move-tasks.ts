import type * as Sqs from "@aws-sdk/client-sqs";
import { operations } from "../../../aws/service.ts";
import { numberOf } from "../attributes.ts";
import { MAX_MOVES_PER_SECOND, MAX_MOVE_TASKS } from "../limits.ts";
import {
  findQueue,
  invalidParameter,
  invalidValue,
  isFifo,
  queueArn,
  queueByArn,
  queuePermission,
  QUEUE,
  resourceNotFound,
  type Ctx,
  type Queue,
} from "../model.ts";
import { MOVE_TASK, nextStep, type MoveTask } from "../move-tasks.ts";
import type { SqsState } from "../state.ts";
import { counts } from "../store.ts";

const nameOf = (arn: string): string => arn.slice(arn.lastIndexOf(":") + 1);
/** Newest last, by the name of the source. */
const recordId = (task: MoveTask): string =>
  `${nameOf(task.source)}:${String(task.started).padStart(15, "0")}:${task.id}`;

const onArn = (action: string) => async (arn: string | undefined, ctx: Ctx) => {
  const [, , , , account = ctx.account] = (arn ?? "").split(":");
  const name = nameOf(arn ?? "");
  return queuePermission(ctx, action, account || ctx.account, name, await findQueue(ctx, name));
};

async function named(ctx: Ctx, arn: string | undefined, member: string): Promise<Queue> {
  const queue = await queueByArn(ctx, arn ?? "");
  if (!queue) throw resourceNotFound(`The resource that you specified for the ${member} parameter doesn't exist.`);
  return queue;
}

const handleOf = (task: MoveTask): string =>
  Buffer.from(JSON.stringify({ taskId: task.id, sourceArn: task.source })).toString("base64");

function handleParts(handle: string | undefined): { taskId: string; sourceArn: string } | undefined {
  try {
    const text = Buffer.from(handle ?? "", "base64").toString("utf8");
    const { taskId, sourceArn } = JSON.parse(text) as Record<string, unknown>;
    return typeof taskId === "string" && typeof sourceArn === "string" ? { taskId, sourceArn } : undefined;
  } catch {
    return undefined;
  }
}

const tasksOf = async (ctx: Ctx, name: string): Promise<MoveTask[]> =>
  (await ctx.records.list<MoveTask>(MOVE_TASK, { prefix: `${name}:`, reverse: true })).map(({ value }) => value);

async function start(ctx: Ctx, source: Queue, task: MoveTask): Promise<void> {
  const before = await tasksOf(ctx, source.name);
  if (before.some(({ status }) => status === "RUNNING" || status === "CANCELLING"))
    throw invalidValue(
      "There is already a task running. Only one active task is allowed for a source queue arn at a given time.",
    );
  const old = before.slice(MAX_MOVE_TASKS - 1).map((gone) => ctx.records.remove(MOVE_TASK, recordId(gone)));
  await ctx.records.write([ctx.records.put(MOVE_TASK, recordId(task), task, 0)], old, nextStep(ctx, recordId(task)));
}

export const moveTasks = operations<typeof Sqs, SqsState>()({
  StartMessageMoveTask: {
    permissions: async (input, ctx) => [
      await onArn("StartMessageMoveTask")(input.SourceArn, ctx),
      await onArn("ReceiveMessage")(input.SourceArn, ctx),
      await onArn("DeleteMessage")(input.SourceArn, ctx),
      ...(input.DestinationArn ? [await onArn("SendMessage")(input.DestinationArn, ctx)] : []),
    ],
    async run(ctx, input) {
      const source = await named(ctx, input.SourceArn, "SourceArn");
      const destination = input.DestinationArn ? await named(ctx, input.DestinationArn, "DestinationArn") : undefined;
      const perSecond = input.MaxNumberOfMessagesPerSecond;
      if (perSecond !== undefined && (perSecond < 1 || perSecond > MAX_MOVES_PER_SECOND))
        throw invalidParameter(
          "MaxNumberOfMessagesPerSecond",
          perSecond,
          `Must be >= 1 and <= ${MAX_MOVES_PER_SECOND}, if provided.`,
        );
      const isDead = (await ctx.records.list<Queue>(QUEUE)).some(({ value }) =>
        value.attributes["RedrivePolicy"]?.includes(`"${input.SourceArn}"`),
      );
      if (!isDead) throw invalidValue("Source queue must be configured as a Dead Letter Queue.");
      if (destination && isFifo(destination) !== isFifo(source))
        throw invalidValue("Source and destination queue must be of the same type.");
      const { visible } = await counts(ctx, source, numberOf(source, "MessageRetentionPeriod"));
      const task: MoveTask = {
        id: ctx.platform.ids.uuid(),
        source: String(input.SourceArn),
        ...(input.DestinationArn ? { destination: input.DestinationArn } : {}),
        ...(perSecond === undefined ? {} : { perSecond }),
        status: "RUNNING",
        moved: 0,
        toMove: visible,
        started: ctx.now(),
      };
      await start(ctx, source, task);
      return { TaskHandle: handleOf(task) };
    },
  },
  CancelMessageMoveTask: {
    // A handle that is none names no queue: the caller must be allowed to cancel any.
    permissions: async (input, ctx) => [
      await onArn("CancelMessageMoveTask")(handleParts(input.TaskHandle)?.sourceArn ?? queueArn(ctx, "*"), ctx),
    ],
    async run(ctx, input) {
      const parts = handleParts(input.TaskHandle);
      if (!parts) throw invalidValue("Value for parameter TaskHandle is invalid.");
      const { taskId, sourceArn } = parts;
      const source = await named(ctx, sourceArn, "SourceArn");
      const task = (await tasksOf(ctx, source.name)).find(({ id }) => id === taskId);
      if (!task) throw resourceNotFound("Task does not exist.");
      const after = await ctx.records.update<MoveTask>(MOVE_TASK, recordId(task), (now) => {
        if (now.status !== "RUNNING")
          throw invalidValue(`Only active tasks can be cancelled: the status of the task is ${now.status}.`);
        return { ...now, status: "CANCELLING" };
      });
      return { ApproximateNumberOfMessagesMoved: after?.moved ?? task.moved };
    },
  },
  ListMessageMoveTasks: {
    permissions: async (input, ctx) => [await onArn("ListMessageMoveTasks")(input.SourceArn, ctx)],
    async run(ctx, input) {
      const source = await named(ctx, input.SourceArn, "SourceArn");
      const max = input.MaxResults ?? 1;
      if (max < 1 || max > MAX_MOVE_TASKS)
        throw invalidParameter(
          "MaxResults",
          max,
          `Value for parameter MaxResults must be between 1 and ${MAX_MOVE_TASKS}.`,
        );
      const Results = (await tasksOf(ctx, source.name)).slice(0, max).map((task) => ({
        ...(task.status === "RUNNING" || task.status === "CANCELLING" ? { TaskHandle: handleOf(task) } : {}),
        Status: task.status,
        SourceArn: task.source,
        ...(task.destination ? { DestinationArn: task.destination } : {}),
        ...(task.perSecond === undefined ? {} : { MaxNumberOfMessagesPerSecond: task.perSecond }),
        ApproximateNumberOfMessagesMoved: task.moved,
        ApproximateNumberOfMessagesToMove: task.toMove,
        ...(task.failure ? { FailureReason: task.failure } : {}),
        StartedTimestamp: task.started,
      }));
      return { Results };
    },
  },
});
