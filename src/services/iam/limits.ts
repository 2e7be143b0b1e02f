/** IAM's quotas: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html */
export const ACCESS_KEYS_PER_USER = 2;
export const GROUPS_PER_USER = 10;
export const ATTACHED_POLICIES = 10;
export const VERSIONS_PER_POLICY = 5;
/** Characters without white space. */
export const MANAGED_POLICY_SIZE = 6_144;
export const INLINE_SIZE = { user: 2_048, group: 5_120, role: 10_240 } as const;
export const TRUST_POLICY_SIZE = 4_096;
export const SERVICE_CREDENTIALS_PER_USER = 2;
export const MAX_TAGS = 50;
export const DEFAULT_PAGE = 100;
export const MFA_DEVICES_PER_USER = 8;
export const SSH_KEYS_PER_USER = 5;
export const SIGNING_CERTIFICATES_PER_USER = 2;
export const SERVER_CERTIFICATES = 20;
export const SAML_PROVIDERS = 100;
export const USERS = 5_000;
export const GROUPS = 300;
export const ROLES = 1_000;
export const POLICIES = 1_500;
export const INSTANCE_PROFILES = 1_000;
export const POLICY_VERSIONS_IN_USE = 10_000;
