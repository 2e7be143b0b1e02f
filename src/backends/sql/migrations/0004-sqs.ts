import type { Migration } from "./migration.ts";

/** Messages of SQS queues, and which of them FIFO queues have seen. */
export const sqs: Migration = {
  version: 4,
  name: "sqs",
  statements: [
    // The id orders the messages of a queue; a queue is named by an id of its own, so that one made anew is empty.
    `create table sqs_message (
      id integer not null primary key,
      queue text not null,
      message text not null,
      grp text,
      body text not null,
      facts text not null,
      sent_at integer not null,
      visible_at integer not null,
      receives integer not null default 0,
      first_received_at integer,
      received_at integer,
      receipt text,
      source text
    ) strict`,
    `create index sqs_message_ready on sqs_message (queue, visible_at, id)`,
    `create index sqs_message_order on sqs_message (queue, id)`,
    `create index sqs_message_age on sqs_message (queue, sent_at)`,
    `create index sqs_message_receipt on sqs_message (receipt) where receipt is not null`,
    `create table sqs_seen (
      queue text not null,
      key text not null,
      id integer not null,
      message text not null,
      expires_at integer not null,
      primary key (queue, key)
    ) strict, without rowid`,
    `create index sqs_seen_expiry on sqs_seen (expires_at)`,
  ],
};
