import type { Migration } from "./migration.ts";

/** What stands before a message in its group is found without a look at every hidden message of the queue. */
export const sqsGroups: Migration = {
  version: 5,
  name: "sqs-groups",
  statements: ["create index sqs_message_group on sqs_message (queue, grp, id, visible_at) where grp is not null"],
};
