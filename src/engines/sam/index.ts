/** The transforms that turn serverless templates into plain ones. */
export { transformCodeStar } from "./codestar-transform.ts";
export type { SamOptions } from "./context.ts";
export { transformSam } from "./transform.ts";
export type { SamResult } from "./transform.ts";
