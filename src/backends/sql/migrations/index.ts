import { initial } from "./0001-initial.ts";
import { s3 } from "./0002-s3.ts";
import { s3Inline } from "./0003-s3-inline.ts";
import { sqs } from "./0004-sqs.ts";
import { sqsGroups } from "./0005-sqs-groups.ts";
import type { Migration } from "./migration.ts";

export { telemetryMigrations } from "./telemetry.ts";

/** The history of the state's schema, oldest first. */
export const stateMigrations: readonly Migration[] = [initial, s3, s3Inline, sqs, sqsGroups];
