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

/** What a session of a role is made of. */
export interface RoleSessionOptions {
  readonly sessionName: string;
  readonly durationSeconds?: number;
  readonly sessionPolicies?: readonly string[];
  readonly tags?: Readonly<Record<string, string>>;
  readonly transitive?: readonly string[];
  readonly sourceIdentity?: string;
  readonly mfa?: boolean;
  /** The AWS service that holds the session. */
  readonly service?: string;
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

/** When and for what an access key or a role was used last. */
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
  /** Notes that a call was signed with a long-term key or as a session of a role; cheap, and remembered within a minute. */
  noteUse(accessKeyId: string, service: string, region: string, principal: Principal): void;
  /** What was noted since the last time that this was asked, by access key id or the role's id. */
  takeUses(): [id: string, use: KeyUse][];
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
  issueForRole(role: TrustedRole, options: RoleSessionOptions): Credentials;
  /** New temporary credentials of a principal as it is given (GetSessionToken, GetFederationToken). */
  issueFor(principal: Principal, durationSeconds: number): Credentials;
  /** Takes a code of a device that the principal has enabled; answers false where it is another's, or the code is wrong or was used. */
  takeMfaCode(principal: Principal, serialNumber: string, code: string): Promise<boolean>;
  /** Whether an access key of the account's own users has this id. */
  hasAccessKey(accessKeyId: string): Promise<boolean>;
  /** The document of a managed policy; throws NoSuchEntity. */
  policyDocument(policyArn: string): Promise<string>;
  /** The user whose git user name and password these are. */
  gitUser(userName: string, password: string): Promise<Principal | undefined>;
}
