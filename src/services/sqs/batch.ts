import type * as Sqs from "@aws-sdk/client-sqs";
import { AwsError } from "../../kernel/aws-error.ts";
import { MAX_BATCH } from "./limits.ts";

/** Refuses a batch as a whole, in SQS's words. */
export function checkBatch(entries: readonly { Id?: string | undefined }[] | undefined, entry: string): void {
  const all = entries ?? [];
  if (all.length === 0)
    throw new AwsError("EmptyBatchRequest", `There should be at least one ${entry} in the request.`, 400);
  if (all.length > MAX_BATCH)
    throw new AwsError(
      "TooManyEntriesInBatchRequest",
      `Maximum number of entries per request are ${MAX_BATCH}. You have sent ${all.length}.`,
      400,
    );
  if (!all.every(({ Id }) => /^[\w-]{1,80}$/.test(Id ?? "")))
    throw new AwsError(
      "InvalidBatchEntryId",
      "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.",
      400,
    );
  const ids = all.map(({ Id }) => Id);
  const twice = ids.find((id, i) => ids.indexOf(id) !== i);
  if (twice !== undefined) throw new AwsError("BatchEntryIdsNotDistinct", `Id ${twice} repeated.`, 400);
}

/** What became of an entry that was refused; what is no fault of the client's is thrown on. */
export function failedEntry(id: string | undefined, error: unknown): Sqs.BatchResultErrorEntry {
  if (!(error instanceof AwsError) || error.status >= 500) throw error;
  return {
    Id: id,
    SenderFault: true,
    Code: String(error.fields["QueryCode"] ?? error.code),
    Message: error.message,
  };
}
