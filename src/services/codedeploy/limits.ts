/** https://docs.aws.amazon.com/codedeploy/latest/userguide/limits.html */
export const MAX_APPLICATIONS = 1_000;
export const MAX_GROUPS = 1_000;
export const MAX_CONFIGS = 50;
/** How long a hook may take until it says how it went. */
export const HOOK_MS = 60 * 60_000;
export const MAX_APPSPEC = 128 * 1024;
export const PAGE = 100;
