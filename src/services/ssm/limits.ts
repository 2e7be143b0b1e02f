/** https://docs.aws.amazon.com/general/latest/gr/ssm.html */
export const MAX_PARAMETERS = { Standard: 10_000, Advanced: 100_000 } as const;
export const MAX_VALUE = { Standard: 4096, Advanced: 8192 } as const;
export const MAX_VERSIONS = 100;
export const MAX_LABELS = 10;
export const MAX_LEVELS = 15;
export const MAX_TAGS = 50;
export const MAX_NAME = 1011;
/** How long a parameter's own pattern may be at work on a value. */
export const PATTERN_MS = 100;
