/** Of temporary credentials: when they were issued, and whether by a code of a device. */
export interface TokenFacts {
  /** Milliseconds since the epoch. */
  readonly issued: number;
  readonly mfa: boolean;
}

/** Who makes a call. */
export type Principal =
  | {
      readonly kind: "root";
      readonly account: string;
      readonly arn: string;
      readonly id: string;
      readonly token?: TokenFacts;
    }
  | {
      readonly kind: "user";
      readonly account: string;
      readonly arn: string;
      readonly id: string;
      readonly name: string;
      readonly token?: TokenFacts;
    }
  | {
      /** Somebody to whom a user has given some of its permissions (GetFederationToken). */
      readonly kind: "federated";
      readonly account: string;
      /** `arn:aws:sts::<account>:federated-user/<name>`. */
      readonly arn: string;
      /** `<account>:<name>`. */
      readonly id: string;
      /** Whose permissions these are at most. */
      readonly giver: { readonly kind: "root" } | { readonly kind: "user"; readonly id: string; readonly name: string };
      readonly sessionPolicies: readonly string[];
      readonly tags?: Readonly<Record<string, string>>;
      readonly token?: TokenFacts;
    }
  | {
      readonly kind: "role";
      readonly account: string;
      /** `arn:aws:sts::<account>:assumed-role/<role>/<session>`. */
      readonly arn: string;
      /** `<role id>:<session>`. */
      readonly id: string;
      readonly roleArn: string;
      readonly roleName: string;
      readonly sessionName: string;
      /** Session policies handed to AssumeRole, as JSON. */
      readonly sessionPolicies?: readonly string[];
      readonly tags?: Readonly<Record<string, string>>;
      /** Keys of those tags that the next role of a chain gets too. */
      readonly transitive?: readonly string[];
      readonly sourceIdentity?: string;
      readonly token?: TokenFacts;
      /** The AWS service that holds the session, for `aws:ViaAWSService`-like keys. */
      readonly service?: string;
    }
  | {
      readonly kind: "service";
      readonly account: string;
      /** For example `events.amazonaws.com`. */
      readonly service: string;
      readonly sourceArn?: string;
    }
  | { readonly kind: "anonymous"; readonly account: string };

/** The ARN that messages name. */
export function principalName(principal: Principal): string {
  if (principal.kind === "service") return principal.service;
  return principal.kind === "anonymous" ? "anonymous" : principal.arn;
}

/** An AWS service that acts on behalf of a resource of `account`. */
export function servicePrincipal(service: string, account: string, sourceArn?: string): Principal {
  return { kind: "service", service, account, ...(sourceArn ? { sourceArn } : {}) };
}
