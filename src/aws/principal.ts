/** Who makes a call. */
export type Principal =
  | { readonly kind: "root"; readonly account: string; readonly arn: string; readonly id: string }
  | {
      readonly kind: "user";
      readonly account: string;
      readonly arn: string;
      readonly id: string;
      readonly name: string;
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
