/** CodeStar's quotas: 333 projects in an account, 100 members in a project. */
export const MAX_PROJECTS = 333;
export const MAX_MEMBERS = 100;
export const MAX_TAGS = 50;
export const DEFAULT_PAGE = 100;
/** What a template may have inline; a longer one is handed on by its address. */
export const TEMPLATE_BODY_BYTES = 51_200;
export const MAX_TEMPLATE_BYTES = 1_000_000;
/** The source bundle of a project: what a first commit may hold. */
export const MAX_SOURCE_BYTES = 64 * 1024 * 1024;
export const MAX_SOURCE_FILES = 10_000;
/** How long a stack may take before its project counts as failed. */
export const STACK_LIMIT_MS = 30 * 60_000;
export const POLL_MS = 100;
