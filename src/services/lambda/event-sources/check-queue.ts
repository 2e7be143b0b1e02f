import { isAllowed } from "../../../aws/authorize.ts";
import { AwsError, codeOf, messageOf } from "../../../kernel/aws-error.ts";
import { queueUrlOf } from "../dead-letter.ts";
import { invalidParameter, type FunctionRecord } from "../model.ts";
import type { Ctx, Mapping } from "./mapping.ts";

const LARGEST_WITHOUT_WINDOW = 10;
const NEEDED = ["ReceiveMessage", "DeleteMessage", "GetQueueAttributes"];

/** What Lambda refuses of a mapping of a queue. */
export async function checkQueue(ctx: Ctx, mapping: Mapping, record: FunctionRecord): Promise<void> {
  const isFifo = mapping.source.endsWith(".fifo");
  if (isFifo && mapping.windowSeconds > 0) throw invalidParameter("Batching window is not supported for FIFO queues");
  if (mapping.batchSize > LARGEST_WITHOUT_WINDOW) {
    if (isFifo) throw invalidParameter(`Batch size must be at most ${LARGEST_WITHOUT_WINDOW} for FIFO queues`);
    if (mapping.windowSeconds === 0)
      throw invalidParameter(
        `Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than ${LARGEST_WITHOUT_WINDOW}`,
      );
  }
  await checkRole(ctx, mapping, record);
}

/** The function's role must be able to read the queue, and the queue must hide a message as long as the function runs. */
async function checkRole(ctx: Ctx, mapping: Mapping, record: FunctionRecord): Promise<void> {
  const [, , , region = "", account = ""] = mapping.source.split(":");
  if (region !== ctx.region || account !== ctx.account)
    throw invalidParameter("The event source must be in the same account and region as the function.");
  const AttributeNames = ["Policy", "VisibilityTimeout"];
  // As Lambda itself, so that a queue that is missing is told apart from a role that may not look at it.
  const owner = await ctx
    .asService(record.role)
    .call("sqs", "GetQueueAttributes", { QueueUrl: queueUrlOf(ctx, mapping.source), AttributeNames })
    .catch(missingQueue);
  const role = await ctx.asRole(record.role, record.name).catch((error: unknown) => {
    if (!(error instanceof AwsError)) throw error;
    throw invalidParameter("The role defined for the function cannot be assumed by Lambda.");
  });
  const policy = owner?.Attributes?.["Policy"];
  for (const action of NEEDED) {
    const permission = {
      action: `sqs:${action}`,
      resource: mapping.source,
      ...(policy ? { resourcePolicy: policy } : {}),
    };
    if (!(await isAllowed(role, permission)))
      throw invalidParameter(`The provided execution role does not have permissions to call ${action} on SQS`);
  }
  const hidden = Number(owner?.Attributes?.["VisibilityTimeout"] ?? 30);
  if (hidden < record.timeoutSeconds)
    throw invalidParameter(
      `Queue visibility timeout: ${hidden} seconds is less than Function timeout: ${record.timeoutSeconds} seconds`,
    );
}

function missingQueue(error: unknown): never {
  if (codeOf(error) === "QueueDoesNotExist")
    throw invalidParameter(
      `Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: ${messageOf(error)}`,
    );
  throw error;
}
