/** Largest part or single upload. */
export const MAX_SINGLE_UPLOAD_BYTES = 5 * 1024 ** 3;
/** Every part but the last has at least this size. */
export const MIN_PART_BYTES = 5 * 1024 ** 2;
export const MAX_PARTS = 10_000;
export const MAX_KEY_BYTES = 1024;
export const MAX_METADATA_BYTES = 2048;
export const MAX_BUCKETS = 10_000;
export const MAX_POLICY_BYTES = 20 * 1024;
export const MAX_LIST = 1000;
export const MAX_OBJECT_TAGS = 10;
export const MAX_BUCKET_TAGS = 50;
export const MAX_GRANTS = 100;
export const MAX_CORS_RULES = 100;
export const MAX_NOTIFICATIONS = 100;
export const MAX_FILTER_VALUE_BYTES = 1024;
/** A blob that nothing refers to is kept so long: readers and copies under way still use it. */
export const GARBAGE_GRACE_MS = 3_600_000;
export const GARBAGE_EVERY_MS = 600_000;
export const LIFECYCLE_EVERY_MS = 3_600_000;
/** Contents up to this size are stored in the database. */
export const MAX_INLINE_BYTES = 16 * 1024;
/** A default retention is at most a hundred years. */
export const MAX_RETENTION_DAYS = 36_500;
/** Access logs are delivered so often; so many lines wait at most, more are lost. */
export const LOG_DELIVERY_EVERY_MS = 300_000;
export const MAX_LOG_LINES = 50_000;
