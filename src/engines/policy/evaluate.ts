import type { CompiledPolicy, CompiledStatement, StatementRequest } from "./compile.ts";
import { matchStatement } from "./compile.ts";
import type { LowerContext } from "./pattern.ts";
import type { Principal, PrincipalMatch } from "./principal.ts";

export type ContextValue = string | number | boolean | Date | readonly (string | number | boolean)[] | undefined;
/** Condition keys (`aws:SourceIp`, `s3:prefix`, `aws:PrincipalTag/team`) and what the request has for them. */
export type RequestContext = Readonly<Record<string, ContextValue>>;

/** Everything that decides one request. */
export interface AccessRequest {
  readonly principal: Principal;
  /** `service:Operation`. */
  readonly action: string;
  /** The ARN acted upon, or `*`. */
  readonly resource: string;
  /** The account that owns the resource; without it, the principal's. */
  readonly resourceAccount?: string;
  readonly context?: RequestContext;
  readonly identityPolicies: readonly CompiledPolicy[];
  readonly resourcePolicy?: CompiledPolicy;
  readonly boundary?: CompiledPolicy;
  /** Policies passed when the session was made; they can only narrow. */
  readonly sessionPolicies?: readonly CompiledPolicy[];
}

export type PolicySource = "identity" | "resource" | "boundary" | "session";

/** What decided: the policy's kind, name and statement. On an implicit deny, the kind that failed to allow. */
export interface DecidedBy {
  readonly source: PolicySource;
  readonly policy?: string;
  readonly sid?: string;
}

export interface AccessDecision {
  readonly decision: "allow" | "explicitDeny" | "implicitDeny";
  readonly by?: DecidedBy;
}

/** Decides a request with AWS's logic: explicit deny first, then what each kind of policy must allow. */
export function evaluate(request: AccessRequest): AccessDecision {
  const seen: StatementRequest = {
    principal: request.principal,
    action: request.action.toLowerCase(),
    resource: request.resource,
    context: lazyContext(request.context ?? {}),
  };
  const identity = judge(request.identityPolicies, seen, "identity");
  if (identity.denied) return explicit(identity.denied);
  const resource = judge(request.resourcePolicy ? [request.resourcePolicy] : [], seen, "resource");
  if (resource.denied) return explicit(resource.denied);
  const boundary = request.boundary && judge([request.boundary], seen, "boundary");
  if (boundary?.denied) return explicit(boundary.denied);
  const session = request.sessionPolicies?.length ? judge(request.sessionPolicies, seen, "session") : undefined;
  if (session?.denied) return explicit(session.denied);
  return combine(request, { identity, resource, boundary, session });
}

interface Verdict {
  readonly allowed?: DecidedBy;
  readonly how?: PrincipalMatch;
  readonly denied?: DecidedBy;
}

interface Verdicts {
  readonly identity: Verdict;
  readonly resource: Verdict;
  readonly boundary: Verdict | undefined;
  readonly session: Verdict | undefined;
}

const STRENGTH: Readonly<Record<PrincipalMatch, number>> = { direct: 3, role: 2, account: 1 };

function judge(policies: readonly CompiledPolicy[], request: StatementRequest, source: PolicySource): Verdict {
  let best: { policy: CompiledPolicy; statement: CompiledStatement; how: PrincipalMatch } | undefined;
  for (const policy of policies) {
    for (const statement of policy.statements) {
      // Nothing is stronger than a direct allow; only a deny can still change the verdict.
      if (best?.how === "direct" && !statement.deny) continue;
      const how = matchStatement(statement, request);
      if (!how) continue;
      if (statement.deny) return { denied: decidedBy(source, policy, statement) };
      if (!best || STRENGTH[how] > STRENGTH[best.how]) best = { policy, statement, how };
    }
  }
  return best ? { allowed: decidedBy(source, best.policy, best.statement), how: best.how } : {};
}

function decidedBy(source: PolicySource, policy: CompiledPolicy, statement: CompiledStatement): DecidedBy {
  return { source, ...(policy.name && { policy: policy.name }), ...(statement.sid && { sid: statement.sid }) };
}

function combine(request: AccessRequest, { identity, resource, boundary, session }: Verdicts): AccessDecision {
  const { principal } = request;
  // Services, web identities and anonymous callers have no policies of their own: only the resource can let them in.
  if (principal.type === "service" || principal.type === "federated" || principal.type === "anonymous") {
    return resource.allowed ? { decision: "allow", by: resource.allowed } : implicit("resource");
  }
  const narrowed = (): PolicySource | undefined =>
    boundary && !boundary.allowed ? "boundary" : session && !session.allowed ? "session" : undefined;
  const own: DecidedBy | undefined =
    principal.type === "root" ? { source: "identity", policy: "root" } : identity.allowed;
  const sameAccount = request.resourceAccount === undefined || request.resourceAccount === principal.account;
  if (sameAccount && resource.allowed) {
    // Naming the user or the session grants past the implicit denies of boundary and session policies; naming the
    // role does not. Naming the account only delegates to the account's identity policies.
    if (resource.how === "direct") return { decision: "allow", by: resource.allowed };
    if (resource.how === "role") {
      const missing = narrowed();
      return missing ? implicit(missing) : { decision: "allow", by: resource.allowed };
    }
  }
  if (!own) return implicit("identity");
  const missing = narrowed();
  if (missing) return implicit(missing);
  if (!sameAccount && !resource.allowed) return implicit("resource");
  return { decision: "allow", by: own };
}

function explicit(by: DecidedBy): AccessDecision {
  return { decision: "explicitDeny", by };
}

function implicit(source: PolicySource): AccessDecision {
  return { decision: "implicitDeny", by: { source } };
}

function lazyContext(context: RequestContext): () => LowerContext {
  let map: Map<string, readonly string[]> | undefined;
  return () => {
    if (map) return map;
    map = new Map();
    for (const [key, value] of Object.entries(context)) {
      if (value !== undefined) map.set(key.toLowerCase(), texts(value));
    }
    return map;
  };
}

function texts(value: Exclude<ContextValue, undefined>): readonly string[] {
  if (typeof value === "string") return [value];
  if (value instanceof Date) return [value.toISOString()];
  if (typeof value === "object") return value.map(String);
  return [String(value)];
}

const KIND_WORDS: Readonly<Record<PolicySource, string>> = {
  identity: "identity-based policy",
  resource: "resource-based policy",
  boundary: "permissions boundary",
  session: "session policy",
};

/** AWS's text for a refusal: who may not do what on which resource, and because of which kind of policy. */
export function explainDenial(request: AccessRequest, decision: AccessDecision): string {
  const { principal, action, resource } = request;
  const who = principal.type === "service" ? principal.service : principal.arn || "anonymous";
  const source = KIND_WORDS[decision.by?.source ?? "identity"];
  const because =
    decision.decision === "explicitDeny"
      ? `with an explicit deny in ${/^[aeiou]/.test(source) ? "an" : "a"} ${source}`
      : `because no ${source} allows the ${action} action`;
  return `User: ${who} is not authorized to perform: ${action} on resource: ${resource} ${because}`;
}
