/** CloudFormation's quotas, and bounds of our own where AWS publishes none. */
export const STACKS = 2_000;
/** Outputs of one template. */
export const STACK_OUTPUTS = 200;
export const EVENTS_PAGE = 100;
export const RESOURCES_PAGE = 100;
export const EXPORTS_PAGE = 100;
/** Resources of one stack that are worked on at once. */
export const PARALLEL_RESOURCES = 10;
/** Stacks of one depth that are worked on at once. */
export const PARALLEL_STACKS = 16;
/** Those and the ones that wait for functions, signals, deployments or stacks within them. */
export const OPEN_STACKS = 256;
/** Stacks inside stacks; each depth has workers of its own, so that a parent never takes the place its child needs. */
export const NESTING_DEPTH = 4;
/** Stacks of one operation of a stack set. */
export const STACK_INSTANCES = 2_000;
/** Operations of one stack set that are not over. */
export const OPEN_OPERATIONS = 100;
export const STACK_SETS = 1_000;
export const STACK_SETS_PAGE = 100;
/** Nested stacks that one change set covers. */
export const NESTED_CHANGE_SETS = 100;
/** Resources that one change set of type IMPORT takes in. */
export const IMPORTED_RESOURCES = 200;
/** A resource that is not ready by then has failed; a wait condition, with stacks around it, may take half a day. */
export const READY_MS = 13 * 60 * 60_000;
/** Tries to remove what a successful update left behind. */
export const CLEAN_UP_TRIES = 3;
/** How long deleted stacks are remembered. */
export const DELETED_STACK_DAYS = 90;
export const CUSTOM_RESOURCE_SECONDS = 3_600;
/** The longest Timeout of a wait condition. */
export const WAIT_SECONDS = 43_200;
/** Signals that one resource takes. */
export const RESOURCE_SIGNALS = 1_000;
export const WAIT_SIGNAL_BYTES = 4_096;
/** Signals that one handle takes. */
export const WAIT_SIGNALS = 100;
export const CUSTOM_RESPONSE_BYTES = 4_096 * 16;
