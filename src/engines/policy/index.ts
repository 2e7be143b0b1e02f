/** IAM's policy language: check documents, compile them once, and decide requests in microseconds. */
export { compilePolicy } from "./compile.ts";
export type { CompiledPolicy } from "./compile.ts";
export { parsePolicy } from "./document.ts";
export type { PolicyCondition, PolicyDocument, PolicyKind, PolicyPrincipal, PolicyStatement } from "./document.ts";
export { evaluate, explainDenial } from "./evaluate.ts";
export type {
  AccessDecision,
  AccessRequest,
  ContextValue,
  DecidedBy,
  PolicySource,
  RequestContext,
} from "./evaluate.ts";
export { statementPlaces, type StatementPlace } from "./statement-places.ts";
export type { Principal } from "./principal.ts";
