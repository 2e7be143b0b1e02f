import type * as Sqs from "@aws-sdk/client-sqs";
import { defineService } from "../../aws/service.ts";
import { moveTasks } from "./api/move-tasks.ts";
import { permissions } from "./api/permissions.ts";
import { queues } from "./api/queues.ts";
import { receive } from "./api/receive.ts";
import { send } from "./api/send.ts";
import { tags } from "./api/tags.ts";
import { UPKEEP_EVERY_MS } from "./limits.ts";
import { moveWorker } from "./move-tasks.ts";
import { sqsQueueInlinePolicy, sqsQueuePolicy } from "./resources/queue-policy.ts";
import { sqsQueue } from "./resources/queue.ts";
import { startSqs, type SqsState } from "./state.ts";
import { lookAfterQueues } from "./upkeep.ts";

/** Simple Queue Service: standard and FIFO queues. */
export const sqs = defineService<typeof Sqs, SqsState>({
  name: "sqs",
  operations: { ...queues, ...send, ...receive, ...permissions, ...tags, ...moveTasks },
  resources: [sqsQueue, sqsQueuePolicy, sqsQueueInlinePolicy],
  workers: [moveWorker],
  periodic: [{ name: "queues", everyMs: UPKEEP_EVERY_MS, run: lookAfterQueues }],
  start: ({ database, clock }) => startSqs(database, clock),
});
