/** Bounded reading of YAML and JSON texts, with the lines of what was read. */
export { readJson } from "./read-json.ts";
export { DEFAULT_LIMITS, isObject, readYaml } from "./read-yaml.ts";
export type { JsonObject, JsonValue, ReadLimits, ReadText, TagReader, TextFault } from "./read-yaml.ts";
