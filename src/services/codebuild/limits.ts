export const DEFAULT_TIMEOUT_MINUTES = 60;
export const DEFAULT_QUEUED_MINUTES = 480;
export const MAX_SOURCE_BYTES = 2 * 1024 ** 3;
export const MAX_SOURCE_ENTRIES = 200_000;
export const MAX_BUILDSPEC_BYTES = 1024 * 1024;
export const MAX_CACHE_BYTES = 2 * 1024 ** 3;
export const MAX_PROJECTS = 5_000;
