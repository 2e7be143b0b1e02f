import type { Migration } from "./migration.ts";

/** The schema of the telemetry file: blocks of log events, metric points and usage by hour. It is apart from the state. */
export const telemetryMigrations: readonly Migration[] = [
  {
    version: 1,
    name: "logs and metrics",
    statements: [
      `create table log_group (id integer primary key, name text not null unique, floor integer not null default 0) strict`,
      `create table log_stream (
        id integer primary key,
        group_id integer not null,
        name text not null,
        bytes integer not null,
        first_event integer,
        last_event integer,
        last_ingestion integer,
        unique (group_id, name)
      ) strict`,
      `create table log_block (
        id integer primary key,
        group_id integer not null,
        stream_id integer not null,
        first_ts integer not null,
        last_ts integer not null,
        last_sequence integer not null,
        bytes integer not null,
        data blob not null
      ) strict`,
      `create index log_block_group_first on log_block (group_id, first_ts, id)`,
      `create index log_block_group_last on log_block (group_id, last_ts, id)`,
      `create index log_block_stream_first on log_block (stream_id, first_ts, id)`,
      `create index log_block_stream_last on log_block (stream_id, last_ts, id)`,
      `create index log_block_sequence on log_block (last_sequence)`,
      `create table metric (
        id integer primary key,
        account text not null,
        region text not null,
        namespace text not null,
        name text not null,
        dimensions text not null,
        unique (account, region, namespace, name, dimensions)
      ) strict`,
      `create table metric_point (
        metric_id integer not null,
        at integer not null,
        resolution integer not null,
        unit text not null,
        part integer not null,
        sum real not null,
        min real not null,
        max real not null,
        count real not null,
        sample_values text,
        primary key (metric_id, at, resolution, unit, part)
      ) strict, without rowid`,
      `create index metric_point_part on metric_point (part)`,
      `create index metric_point_age on metric_point (resolution, at)`,
    ],
  },
  {
    version: 2,
    name: "usage",
    statements: [
      `create table usage_record (
        account text not null,
        hour integer not null,
        region text not null,
        service text not null,
        usage_type text not null,
        operation text not null,
        resource text not null,
        version text not null,
        project text not null,
        amount real not null,
        primary key (account, hour, region, service, usage_type, operation, resource, version, project)
      ) strict, without rowid`,
    ],
  },
];
