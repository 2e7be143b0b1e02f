/** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html */
export const MAX_TARGETS_PER_RULE = 5;
export const MAX_RULES_PER_BUS = 300;
export const MAX_BUSES = 100;
export const MAX_ARCHIVES = 100;
export const MAX_ACTIVE_REPLAYS = 10;
export const MAX_REQUEST_BYTES = 256 * 1024;
export const MAX_BUS_POLICY = 10_240;
/** What a target's RetryPolicy is where it has none. */
export const MAX_RETRIES = 185;
export const MAX_EVENT_AGE_SECONDS = 86_400;
/** Buses that one event may pass: rules that send to each other's buses end here. */
export const MAX_HOPS = 5;
export const MAX_CONNECTIONS = 3_000;
export const MAX_API_DESTINATIONS = 3_000;
/** Requests a second, where a destination says nothing else. */
export const DESTINATION_RATE = 300;
