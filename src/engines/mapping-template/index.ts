/** Mapping templates of API Gateway: Velocity's language over JSON, within bounds. */
export { findPath } from "./json-path.ts";
export { plain, shown, templated } from "./methods.ts";
export { renderTemplate, TemplateObject } from "./render.ts";
export type { TemplateValues } from "./render.ts";
export { TemplateFault } from "./syntax.ts";
