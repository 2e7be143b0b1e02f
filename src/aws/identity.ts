import type { Principal } from "./principal.ts";

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  /** Milliseconds since the epoch. */
  readonly expiration: number;
  readonly principal: Principal;
}

/** The policies that bound what a principal may do, as JSON documents. */
export interface PrincipalPolicies {
  readonly identity: readonly string[];
  readonly boundary?: string;
  readonly session?: readonly string[];
  /** `aws:PrincipalTag/...` and other facts for conditions and variables. */
  readonly context: Readonly<Record<string, string | readonly string[]>>;
  /** Changes whenever one of the documents does; compiled forms are kept by it. */
  readonly revision: string;
}

/** What must be known of a role to assume it. */
export interface TrustedRole {
  readonly name: string;
  /** `AROA...`. */
  readonly id: string;
  readonly path: string;
  /** The trust policy. */
  readonly trust: string;
  /** Seconds. */
  readonly maxSessionDuration: number;
}

/** When and for what an access key was used last. */
export interface KeyUse {
  readonly at: number;
  readonly service: string;
  readonly region: string;
}

/** Who is who: implemented by the service `iam`, asked by the front door and by the authorization of every call. */
export interface Identity {
  /** The secret and the principal of an access key; `undefined` where the key is unknown, inactive or expired, or the token is not its own. */
  credentials(
    accessKeyId: string,
    sessionToken: string | undefined,
  ): Promise<{ secret: string; principal: Principal } | undefined>;
  /** Notes that a call was signed with a long-term key; cheap, and remembered within a minute. */
  noteUse(accessKeyId: string, service: string, region: string): void;
  /** What was noted since the last time that this was asked. */
  takeUses(): [accessKeyId: string, use: KeyUse][];
  /** What bounds the principal; throws `InvalidClientTokenId` where it no longer exists. */
  policies(principal: Principal): Promise<PrincipalPolicies>;
  /**
   * A session of the role for an AWS service, by the role's trust policy. Throws AccessDenied where the policy does not
   * let the service assume it, NoSuchEntity where the role does not exist.
   */
  assumeRoleFor(
    service: string,
    roleArn: string,
    options: { sessionName: string; durationSeconds?: number; sourceArn?: string },
  ): Promise<Credentials>;
  /** The role of an ARN; throws NoSuchEntity. */
  role(roleArn: string): Promise<TrustedRole>;
  /** New temporary credentials of a role. The caller has checked who may have them. */
  issueForRole(
    role: TrustedRole,
    options: {
      sessionName: string;
      durationSeconds?: number;
      sessionPolicies?: readonly string[];
      tags?: Record<string, string>;
      service?: string;
    },
  ): Credentials;
  /** New temporary credentials of the caller itself (GetSessionToken). */
  issueForSelf(principal: Principal, durationSeconds: number): Credentials;
  /** The document of a managed policy; throws NoSuchEntity. */
  policyDocument(policyArn: string): Promise<string>;
  /** The user whose git user name and password these are. */
  gitUser(userName: string, password: string): Promise<Principal | undefined>;
}
