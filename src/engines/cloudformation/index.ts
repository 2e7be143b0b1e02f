/** CloudFormation's template language: read, check, resolve, compare. */
export { brokenConstraints } from "./check-constraints.ts";
export { checkProperties, checkResources, propertiesFailure } from "./check-properties.ts";
export type { CheckedProperties } from "./check-properties.ts";
export { checkTemplate, transformsOf } from "./check-template.ts";
export type { CheckedTemplate } from "./check-template.ts";
export { creationOrder, dependencyGraph, findCycle } from "./dependency-graph.ts";
export { TemplateError } from "./diagnostic.ts";
export type { Diagnostic } from "./diagnostic.ts";
export { activeResources, diffTemplates, replacedOf, scopeWithout } from "./diff.ts";
export type { ChangeDetail, ResourceChange, StackView } from "./diff.ts";
export { findDynamicReferences, substituteDynamicReferences } from "./dynamic-references.ts";
export type { DynamicReference } from "./dynamic-references.ts";
export { evaluateConditions, resolveProperties, resolveValue } from "./intrinsics.ts";
export { applyIncludes, expandLanguageExtensions, findIncludes } from "./language-extensions.ts";
export { resolveOutputs } from "./outputs.ts";
export type { ResolvedOutput } from "./outputs.ts";
export { resolveParameters } from "./parameters.ts";
export type { ParameterInput, ResolvedParameters } from "./parameters.ts";
export { MAX_INLINE_BYTES, MAX_TEMPLATE_BYTES, readTemplate } from "./read-template.ts";
export type { SourceTemplate } from "./read-template.ts";
export { findReferences } from "./references.ts";
export {
  getAttAttributes,
  isResourceType,
  propertySchema,
  resourceSchema,
  resourceTypes,
  takesSystemTags,
} from "./resource-schemas.ts";
export type { PropertySchema, ResourceSchema } from "./resource-schemas.ts";
export { KNOWN_AFTER_APPLY } from "./scope.ts";
export type { PseudoParameters, Scope } from "./scope.ts";
export { LIMITS, PSEUDO_PARAMETERS } from "./template.ts";
export type { OutputDeclaration, ParameterDeclaration, ResourceDeclaration, Template } from "./template.ts";
