import type { Migration } from "./migration.ts";

/** Buckets, every version of every object, multipart uploads, and the references to blobs. */
export const s3: Migration = {
  version: 2,
  name: "s3",
  statements: [
    `create table s3_bucket (
      name text not null primary key,
      account text not null,
      region text not null,
      created_at integer not null,
      rev integer not null,
      config text not null
    ) strict, without rowid`,
    // Keys are bytes. Of the versions of a key the one with the highest seq is the latest.
    `create table s3_object (
      bucket text not null,
      key blob not null,
      seq integer not null,
      version text not null,
      latest integer not null,
      marker integer not null,
      size integer not null,
      etag text not null,
      modified_at integer not null,
      facts text not null,
      primary key (bucket, key, seq desc)
    ) strict, without rowid`,
    `create unique index s3_object_version on s3_object (bucket, key, version)`,
    `create index s3_object_listed on s3_object (bucket, key) where latest = 1 and marker = 0`,
    `create table s3_upload (
      id text not null primary key,
      bucket text not null,
      key blob not null,
      started_at integer not null,
      facts text not null
    ) strict, without rowid`,
    `create index s3_upload_key on s3_upload (bucket, key, id)`,
    `create table s3_part (
      upload_id text not null,
      number integer not null,
      digest text not null,
      size integer not null,
      etag text not null,
      modified_at integer not null,
      checksums text not null,
      primary key (upload_id, number)
    ) strict, without rowid`,
    `create table s3_blob (
      digest text not null primary key,
      refs integer not null,
      released_at integer not null
    ) strict, without rowid`,
    `create index s3_blob_garbage on s3_blob (released_at) where refs = 0`,
  ],
};
