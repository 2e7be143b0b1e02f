import type { CompiledCondition } from "./condition.ts";
import { compileCondition, testCondition } from "./condition.ts";
import type { PolicyDocument, PolicyKind, PolicyPrincipal, PolicyStatement } from "./document.ts";
import { parsePolicy } from "./document.ts";
import type { LowerContext, Pattern } from "./pattern.ts";
import { compilePattern, matchPattern, resolvePattern, variablesOf } from "./pattern.ts";
import type { Principal } from "./principal.ts";
import { compilePrincipal, type PrincipalMatch, type CompiledPrincipal } from "./principal.ts";

/** A policy made ready for evaluation; make it once and keep it with the policy. */
export interface CompiledPolicy {
  /** The policy's name or ARN, for messages. */
  readonly name: string;
  readonly statements: readonly CompiledStatement[];
  /** The condition keys that its conditions and variables read, in lower case: no others change what it decides. */
  readonly contextKeys: ReadonlySet<string>;
}

export interface CompiledStatement {
  readonly sid?: string;
  readonly deny: boolean;
  readonly action: ActionTest;
  readonly notAction: boolean;
  readonly resources?: readonly Pattern[];
  readonly notResource: boolean;
  readonly principal?: CompiledPrincipal;
  readonly notPrincipal: boolean;
  readonly conditions: readonly CompiledCondition[];
}

interface ActionTest {
  readonly exact: ReadonlySet<string>;
  readonly patterns: readonly Pattern[];
}

/** One request as statements see it. */
export interface StatementRequest {
  readonly principal: Principal;
  /** In lower case. */
  readonly action: string;
  readonly resource: string;
  readonly context: () => LowerContext;
}

/** Checks and compiles a policy. `kind` as in {@link parsePolicy}; a parsed document is taken as it is. */
export function compilePolicy(
  policy: string | object | PolicyDocument,
  kind: PolicyKind = "identity",
  name = "",
): CompiledPolicy {
  const document = isDocument(policy) ? policy : parsePolicy(policy, kind);
  const variables = document.version === "2012-10-17";
  const statements = document.statements.map((statement) => compileStatement(statement, variables));
  return { name, statements, contextKeys: new Set(statements.flatMap(keysOf)) };
}

function keysOf({ resources = [], conditions }: CompiledStatement): string[] {
  const patterns = [...resources, ...conditions.flatMap((condition) => condition.expected)];
  return [...conditions.map((condition) => condition.key), ...patterns.flatMap(variablesOf)];
}

function isDocument(policy: string | object): policy is PolicyDocument {
  return typeof policy === "object" && "statements" in policy && "version" in policy;
}

function compileStatement(s: PolicyStatement, variables: boolean): CompiledStatement {
  const resources = s.resources ?? s.notResources;
  const principal: PolicyPrincipal | undefined = s.principal ?? s.notPrincipal;
  return {
    ...(s.sid !== undefined && { sid: s.sid }),
    deny: s.effect === "Deny",
    action: compileActions(s.actions ?? s.notActions ?? []),
    notAction: s.actions === undefined,
    ...(resources && { resources: resources.map((resource) => compilePattern(resource, variables)) }),
    notResource: s.notResources !== undefined,
    ...(principal !== undefined && { principal: compilePrincipal(principal) }),
    notPrincipal: s.notPrincipal !== undefined,
    conditions: s.condition ? compileCondition(s.condition, variables) : [],
  };
}

function compileActions(actions: readonly string[]): ActionTest {
  const lower = actions.map((action) => action.toLowerCase());
  return {
    exact: new Set(lower.filter((action) => !/[*?]/.test(action))),
    patterns: lower.filter((action) => /[*?]/.test(action)).map((action) => compilePattern(action, false)),
  };
}

/** How a statement applies to a request: not at all, or by which kind of principal it names. */
export function matchStatement(s: CompiledStatement, request: StatementRequest): PrincipalMatch | undefined {
  if (matchesAction(s.action, request.action) === s.notAction) return undefined;
  const who = matchPrincipal(s, request.principal);
  if (!who || !matchesResource(s, request)) return undefined;
  for (const condition of s.conditions) if (!testCondition(condition, request.context, s.deny)) return undefined;
  return who;
}

function matchPrincipal(s: CompiledStatement, principal: Principal): PrincipalMatch | undefined {
  if (!s.principal) return "direct";
  const match = s.principal(principal);
  if (!s.notPrincipal) return match;
  return match ? undefined : "direct";
}

function matchesAction(test: ActionTest, action: string): boolean {
  if (test.exact.has(action)) return true;
  for (const pattern of test.patterns) if (matchPattern(pattern, action)) return true;
  return false;
}

function matchesResource(s: CompiledStatement, request: StatementRequest): boolean {
  if (!s.resources) return true;
  for (const pattern of s.resources) {
    const resolved = resolvePattern(pattern, request.context);
    if (!resolved) {
      if (s.notResource) return s.deny;
      continue;
    }
    if (matchPattern(resolved, request.resource)) return !s.notResource;
  }
  return s.notResource;
}
