/** EventBridge's event patterns (also the filters of event sources) and input transformers. */
export { checkInputTransformer, readPath, transformInput } from "./input-transformer.ts";
export type { EventVariables, InputTransformer } from "./input-transformer.ts";
export { matchEventPattern } from "./match.ts";
export { compileEventPattern } from "./parse.ts";
export type { CompiledPattern } from "./parse.ts";
