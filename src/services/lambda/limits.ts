/** https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
export const MAX_ZIP_BYTES = 50 * 1024 * 1024;
/** Characters of a function's name. */
export const MAX_NAME = 64;
export const MAX_ENVIRONMENT_BYTES = 4096;
export const DEFAULT_MEMORY_MB = 128;
export const DEFAULT_TIMEOUT_SECONDS = 3;
export const DEFAULT_TMP_MB = 512;
export const MAX_LAYERS = 5;
export const MAX_SYNC_PAYLOAD = 6 * 1024 * 1024;
/** Asynchronous events: raised from 256 KB to 1 MB in October 2025. */
export const MAX_ASYNC_PAYLOAD = 1024 * 1024;
export const MAX_POLICY_BYTES = 20_480;
/** Of one resource. */
export const MAX_TAGS = 50;
/** Of 1,000, so many must stay unreserved. */
export const MIN_UNRESERVED = 100;
export const ASYNC_RETRIES = 2;
export const ASYNC_MAX_AGE_SECONDS = 6 * 3600;
/** Of one event source mapping. */
export const MAX_FILTERS = 10;
/** Batches of one queue that are at work at once, where the mapping says nothing of it. */
export const MAX_QUEUE_BATCHES = 100;
/** As Lambda's recursive loop detection: about sixteen calls of one chain. */
export const MAX_DESTINATION_HOPS = 16;
/** Calls of one function in one chain: https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html */
export const MAX_CHAIN = 16;

/** Names that no function may set: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html */
export const RESERVED_VARIABLES = new Set(
  (
    "_HANDLER _X_AMZN_TRACE_ID AWS_DEFAULT_REGION AWS_REGION AWS_EXECUTION_ENV AWS_LAMBDA_FUNCTION_NAME AWS_LAMBDA_FUNCTION_MEMORY_SIZE " +
    "AWS_LAMBDA_FUNCTION_VERSION AWS_LAMBDA_INITIALIZATION_TYPE AWS_LAMBDA_LOG_GROUP_NAME AWS_LAMBDA_LOG_STREAM_NAME AWS_ACCESS_KEY AWS_ACCESS_KEY_ID " +
    "AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_LAMBDA_RUNTIME_API LAMBDA_TASK_ROOT LAMBDA_RUNTIME_DIR AWS_LAMBDA_MAX_CONCURRENCY"
  ).split(" "),
);
