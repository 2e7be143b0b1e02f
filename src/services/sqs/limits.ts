/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-quotas.html */
export const MAX_MESSAGE_BYTES = 1024 * 1024;
export const MAX_BATCH = 10;
export const MAX_RECEIVE = 10;
export const MAX_WAIT_SECONDS = 20;
export const MAX_VISIBILITY_SECONDS = 43_200;
export const MAX_DELAY_SECONDS = 900;
export const MAX_MESSAGE_ATTRIBUTES = 10;
export const MAX_ATTRIBUTE_NAME = 256;
export const MAX_RECEIVE_COUNT = 1000;
export const MAX_SOURCE_QUEUES = 10;
export const MAX_QUEUE_TAGS = 50;
export const MAX_LIST = 1000;
export const MAX_POLICY_LABELS = 20;
/** So long a FIFO queue knows what it has seen. */
export const DEDUPLICATION_MS = 5 * 60_000;
export const PURGE_PAUSE_MS = 60_000;
export const MAX_MOVES_PER_SECOND = 500;
/** ListMessageMoveTasks shows so many of one source. */
export const MAX_MOVE_TASKS = 10;
/** Receivers that wait at one queue; the next one is answered at once. */
export const MAX_WAITING = 1_000;
export const UPKEEP_EVERY_MS = 60_000;
