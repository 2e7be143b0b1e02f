import type * as S3 from "@aws-sdk/client-s3";
import { AwsError } from "../../kernel/aws-error.ts";
import { invalidArgument, malformedXml } from "./errors.ts";
import { MAX_GRANTS } from "./limits.ts";
import type { Bucket, Grant } from "./model.ts";

export const ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers";
export const AUTHENTICATED_USERS = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers";
const LOG_DELIVERY = "http://acs.amazonaws.com/groups/s3/LogDelivery";
/** The service that delivers access logs, as policies name it. */
export const LOG_SERVICE = "logging.s3.amazonaws.com";
const GROUPS: readonly string[] = [ALL_USERS, AUTHENTICATED_USERS, LOG_DELIVERY];
const PERMISSIONS: readonly string[] = ["FULL_CONTROL", "READ", "WRITE", "READ_ACP", "WRITE_ACP"];

/** The parts of an input that say who gets which right. */
export interface AclInput {
  readonly ACL?: string | undefined;
  readonly AccessControlPolicy?: S3.AccessControlPolicy | undefined;
  readonly GrantFullControl?: string | undefined;
  readonly GrantRead?: string | undefined;
  readonly GrantReadACP?: string | undefined;
  readonly GrantWrite?: string | undefined;
  readonly GrantWriteACP?: string | undefined;
}

const HEADERS = [
  ["GrantFullControl", "FULL_CONTROL"],
  ["GrantRead", "READ"],
  ["GrantReadACP", "READ_ACP"],
  ["GrantWrite", "WRITE"],
  ["GrantWriteACP", "WRITE_ACP"],
] as const;

export const hasAcl = (input: AclInput): boolean =>
  input.ACL !== undefined ||
  input.AccessControlPolicy !== undefined ||
  HEADERS.some(([member]) => input[member] !== undefined);

/** The grants that an input asks for, `undefined` where it says nothing about them. */
export function grantsOf(input: AclInput, owner: string): Grant[] | undefined {
  const fromHeaders = HEADERS.flatMap(([member, permission]) =>
    grantees(input[member], member).map((grantee) => ({ grantee, permission })),
  );
  const ways = [input.ACL !== undefined, fromHeaders.length > 0, input.AccessControlPolicy !== undefined].filter(
    Boolean,
  ).length;
  if (input.AccessControlPolicy && ways > 1)
    throw new AwsError("UnexpectedContent", "This request does not support content", 400);
  if (ways > 1)
    throw new AwsError("InvalidRequest", "Specifying both Canned ACLs and Header Grants is not allowed", 400);
  if (input.ACL !== undefined) return cannedGrants(input.ACL, owner);
  if (input.AccessControlPolicy) return policyGrants(input.AccessControlPolicy, owner);
  if (fromHeaders.length > MAX_GRANTS) throw malformedXml();
  return fromHeaders.length > 0 ? fromHeaders : undefined;
}

export function cannedGrants(acl: string, owner: string): Grant[] {
  const full: Grant = { grantee: { id: owner }, permission: "FULL_CONTROL" };
  const to = (uri: string, ...permissions: S3.Permission[]): Grant[] =>
    permissions.map((permission) => ({ grantee: { uri }, permission }));
  switch (acl) {
    case "private":
    case "bucket-owner-read":
    case "bucket-owner-full-control":
      return [full];
    case "public-read":
      return [full, ...to(ALL_USERS, "READ")];
    case "public-read-write":
      return [full, ...to(ALL_USERS, "READ", "WRITE")];
    case "authenticated-read":
      return [full, ...to(AUTHENTICATED_USERS, "READ")];
    case "log-delivery-write":
      return [full, ...to(LOG_DELIVERY, "WRITE", "READ_ACP")];
    case "aws-exec-read":
      return [full];
    default:
      throw invalidArgument("", "x-amz-acl", acl);
  }
}

/** `GrantReadACP` is `x-amz-grant-read-acp`. */
const headerOf = (member: string): string =>
  `x-amz-${member
    .replace("ACP", "Acp")
    .replace(/\B[A-Z]/g, (letter) => `-${letter}`)
    .toLowerCase()}`;

/** `uri="http://…", id="…"` as the headers write it. */
function grantees(header: string | undefined, name: string): Grant["grantee"][] {
  if (header === undefined) return [];
  return header.split(",").map((part) => {
    const match = /^\s*(uri|id|emailAddress)\s*=\s*"?([^"]*)"?\s*$/i.exec(part);
    const [, kind, value] = match ?? [];
    if (!kind || value === undefined)
      throw invalidArgument("Argument format not recognized", headerOf(name), header.slice(0, 200));
    return granteeOf(kind.toLowerCase(), value);
  });
}

function granteeOf(kind: string, value: string, name = kind): Grant["grantee"] {
  if (kind === "uri") {
    if (!GROUPS.includes(value)) throw invalidArgument("Invalid group uri", name, value);
    return { uri: value };
  }
  if (kind === "id") {
    if (!/^[0-9a-f]{64}$/.test(value)) throw invalidArgument("Invalid id", name, value);
    return { id: value };
  }
  throw new AwsError(
    "UnresolvableGrantByEmailAddress",
    "The email address you provided does not match any account on record.",
    400,
  );
}

const malformedAcl = (): AwsError => new AwsError("MalformedACLError", malformedXml().message, 400);

function policyGrants(policy: S3.AccessControlPolicy, owner: string): Grant[] {
  if (policy.Owner?.ID === undefined) throw malformedAcl();
  if (policy.Owner.ID !== owner) throw invalidArgument("Invalid id", "CanonicalUser/ID", policy.Owner.ID);
  const grants = policy.Grants ?? [];
  if (grants.length > MAX_GRANTS) throw malformedAcl();
  return grants.map(({ Grantee: grantee, Permission: permission }) => {
    if (!grantee || !permission || !PERMISSIONS.includes(permission)) throw malformedAcl();
    const { Type: type, URI: uri, ID: id } = grantee;
    if (type === "Group" && uri !== undefined) return { grantee: granteeOf("uri", uri, "Group/URI"), permission };
    if (type === "AmazonCustomerByEmail" && grantee.EmailAddress !== undefined)
      return { grantee: granteeOf("emailaddress", grantee.EmailAddress), permission };
    if (type === "CanonicalUser" && id !== undefined)
      return { grantee: granteeOf("id", id, "CanonicalUser/ID"), permission };
    throw malformedAcl();
  });
}

/** The answer of GetBucketAcl and GetObjectAcl. */
export function aclOutput(owner: string, grants: readonly Grant[]): { Owner: S3.Owner; Grants: S3.Grant[] } {
  return {
    Owner: { ID: owner },
    Grants: grants.map(({ grantee, permission }) => ({
      Grantee: "id" in grantee ? { Type: "CanonicalUser", ID: grantee.id } : { Type: "Group", URI: grantee.uri },
      Permission: permission,
    })),
  };
}

export const isPublicGrant = ({ grantee }: Grant): boolean =>
  "uri" in grantee && (grantee.uri === ALL_USERS || grantee.uri === AUTHENTICATED_USERS);

/**
 * The grants of a new object or a changed ACL, held against the bucket's rules: no ACLs where the bucket's owner owns
 * everything, no public ones where they are blocked.
 */
export function allowedGrants(bucket: Bucket, input: AclInput, owner: string): Grant[] | undefined {
  const grants = grantsOf(input, owner);
  if (!grants) return undefined;
  if (bucket.config.ownership === "BucketOwnerEnforced") {
    const onlyOwner =
      input.ACL === undefined
        ? grants.every(({ grantee }) => "id" in grantee && grantee.id === owner)
        : input.ACL === "bucket-owner-full-control";
    if (!onlyOwner) throw new AwsError("AccessControlListNotSupported", "The bucket does not allow ACLs", 400);
    return undefined;
  }
  if (bucket.config.publicAccessBlock?.BlockPublicAcls && grants.some(isPublicGrant))
    throw new AwsError("AccessDenied", "Access Denied", 403);
  return grants;
}

/** Whether anybody has a right by a list in this bucket. */
export const aclsCount = ({ config }: Bucket): boolean =>
  config.ownership !== "BucketOwnerEnforced" && !config.publicAccessBlock?.IgnorePublicAcls;

/** Whether ACLs let this kind of caller do what needs `permission`. */
export function aclAllows(
  bucket: Bucket,
  grants: readonly Grant[] | undefined,
  permission: S3.Permission,
  anonymous: boolean,
): boolean {
  if (!grants || !aclsCount(bucket)) return false;
  return grants.some(({ grantee, permission: given }) => {
    if (given !== permission && given !== "FULL_CONTROL") return false;
    return "uri" in grantee && (grantee.uri === ALL_USERS || (grantee.uri === AUTHENTICATED_USERS && !anonymous));
  });
}

/** Whether the service that delivers logs may write here by the bucket's list. */
export function aclTakesLogs({ config }: Bucket): boolean {
  if (config.ownership === "BucketOwnerEnforced") return false;
  return (config.grants ?? []).some(
    ({ grantee, permission }) =>
      "uri" in grantee && grantee.uri === LOG_DELIVERY && /^(WRITE|FULL_CONTROL)$/.test(permission),
  );
}
