import type { Migration } from "./migration.ts";

/** Records of all services, the queue with its dead letters, and the step journal. */
export const initial: Migration = {
  version: 1,
  name: "initial",
  statements: [
    `create table record (
      service text not null,
      account text not null,
      region text not null,
      kind text not null,
      id text not null,
      rev integer not null,
      value text not null,
      created_at integer not null,
      updated_at integer not null,
      primary key (service, account, region, kind, id)
    ) strict, without rowid`,
    `create table queue_message (
      id integer primary key autoincrement,
      topic text not null,
      body text not null,
      grp text,
      token text,
      enqueued_at integer not null,
      visible_at integer not null,
      expires_at integer,
      attempts integer not null default 0,
      lease text
    ) strict`,
    `create index queue_message_ready on queue_message (topic, visible_at, id)`,
    `create index queue_message_group on queue_message (topic, grp, id) where grp is not null`,
    `create unique index queue_message_token on queue_message (topic, token) where token is not null`,
    `create index queue_message_lease on queue_message (lease) where lease is not null`,
    `create index queue_message_expiry on queue_message (topic, expires_at) where expires_at is not null`,
    `create table queue_dead (
      id integer primary key,
      topic text not null,
      body text not null,
      attempts integer not null,
      enqueued_at integer not null,
      died_at integer not null,
      reason text not null
    ) strict`,
    `create index queue_dead_topic on queue_dead (topic, id)`,
    `create table journal_step (
      run text not null,
      name text not null,
      token text not null,
      result text,
      started_at integer not null,
      ended_at integer,
      primary key (run, name)
    ) strict, without rowid`,
  ],
};
