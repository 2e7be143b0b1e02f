import type { PolicyPrincipal } from "./document.ts";

/** Who makes a request. */
export interface Principal {
  readonly type: "root" | "user" | "role" | "assumed-role" | "federated-user" | "service" | "federated" | "anonymous";
  /** The account that the principal belongs to; empty for services and anonymous callers. */
  readonly account: string;
  /** `arn:aws:iam::1:user/x`, `arn:aws:sts::1:assumed-role/Role/session`, `arn:aws:iam::1:root`. */
  readonly arn: string;
  /** Of an assumed role: the role's own ARN, path included. */
  readonly roleArn?: string;
  /** Unique ids: `AIDA...`, `AROA...:session`. */
  readonly userId?: string;
  /** `lambda.amazonaws.com` and the like. */
  readonly service?: string;
  /** The identity provider of a web identity or SAML caller. */
  readonly federated?: string;
  readonly canonicalUser?: string;
}

/** By what a statement named the caller: itself (user, session, service, `*`), its role, or its whole account. */
export type PrincipalMatch = "direct" | "role" | "account";

export type CompiledPrincipal = (principal: Principal) => PrincipalMatch | undefined;

/** Compiles a Principal element into a function that says how it names a caller. */
export function compilePrincipal(element: PolicyPrincipal): CompiledPrincipal {
  if (element === "*") return () => "direct";
  const aws = new Set(element.AWS ?? []);
  const services = new Set((element.Service ?? []).map(globalService));
  const federated = new Set(element.Federated ?? []);
  const canonical = new Set(element.CanonicalUser ?? []);
  const everyone = aws.has("*");
  return (p) => {
    if (p.type === "service") return p.service && services.has(p.service.toLowerCase()) ? "direct" : undefined;
    if (p.type === "federated") return namesFederated(federated, p) || everyone ? "direct" : undefined;
    if (everyone) return "direct";
    if (p.type === "anonymous") return undefined;
    if (p.canonicalUser && canonical.has(p.canonicalUser)) return "account";
    if (aws.has(p.arn) || (p.userId && aws.has(p.userId))) return "direct";
    if (p.roleArn && namesRole(aws, p)) return "role";
    return aws.has(p.account) || aws.has(`arn:${partitionOf(p)}:iam::${p.account}:root`) ? "account" : undefined;
  };
}

const REGIONAL = /^([a-z0-9-]+)\.[a-z]{2}(?:-[a-z]+)+-\d(\.amazonaws\.com(?:\.cn)?)$/;

/** A service by its global name: `logs.us-east-1.amazonaws.com` names the same service. */
const globalService = (name: string): string => name.toLowerCase().replace(REGIONAL, "$1$2");

function namesFederated(federated: ReadonlySet<string>, p: Principal): boolean {
  return p.federated !== undefined && (federated.has(p.federated) || federated.has("*"));
}

function namesRole(aws: ReadonlySet<string>, p: Principal): boolean {
  const roleId = p.userId?.split(":")[0];
  return aws.has(p.roleArn ?? "") || (roleId !== undefined && aws.has(roleId));
}

function partitionOf(p: Principal): string {
  return p.arn.split(":")[1] ?? "aws";
}
