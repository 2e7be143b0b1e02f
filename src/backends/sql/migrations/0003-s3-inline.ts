import type { Migration } from "./migration.ts";

/** Small contents live in the database: they ride on the commit of their row, where a file costs two more. */
export const s3Inline: Migration = {
  version: 3,
  name: "s3-inline",
  statements: ["alter table s3_blob add column data blob"],
};
