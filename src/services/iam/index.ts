import type * as Iam from "@aws-sdk/client-iam";
import { defineService } from "../../aws/service.ts";
import { accountDetails } from "./api/account-details.ts";
import { accessKeys, rememberUses } from "./api/access-keys.ts";
import { account } from "./api/account.ts";
import { credentialReport } from "./api/credential-report.ts";
import { groups, roles } from "./api/entities.ts";
import { holdings } from "./api/holdings.ts";
import { instanceProfiles } from "./api/instance-profiles.ts";
import { loginProfiles } from "./api/login-profiles.ts";
import { mfaDevices } from "./api/mfa-devices.ts";
import { oidcProviders } from "./api/oidc-providers.ts";
import { samlProviders } from "./api/saml-providers.ts";
import { serverCertificates } from "./api/server-certificates.ts";
import { serviceCredentials } from "./api/service-credentials.ts";
import { serviceLinkedRoles } from "./api/service-linked-roles.ts";
import { signingCertificates } from "./api/signing-certificates.ts";
import { simulations } from "./api/simulation.ts";
import { sshPublicKeys } from "./api/ssh-public-keys.ts";
import { tagsAndBoundaries } from "./api/tags-and-boundaries.ts";
import { users } from "./api/users.ts";
import { managedPolicies } from "./api/policies.ts";
import { iamGroup, iamUser, iamAccessKey } from "./resources/user.ts";
import { iamSamlProvider, iamServerCertificate } from "./resources/certificates.ts";
import { iamGroupPolicy, iamRolePolicy, iamUserPolicy, iamUserToGroupAddition } from "./resources/inline-policies.ts";
import { iamInstanceProfile, iamOidcProvider } from "./resources/providers.ts";
import { iamManagedPolicy } from "./resources/managed-policy.ts";
import { iamPolicy } from "./resources/policy.ts";
import { iamRole } from "./resources/role.ts";
import { iamServiceLinkedRole } from "./resources/service-linked-role.ts";
import { refused } from "./refused-members.ts";

/** Identity and Access Management. */
export const iam = defineService<typeof Iam>({
  name: "iam",
  refuses: refused,
  operations: {
    ...users,
    ...groups,
    ...roles,
    ...tagsAndBoundaries,
    ...holdings,
    ...managedPolicies,
    ...accessKeys,
    ...serviceCredentials,
    ...account,
    ...credentialReport,
    ...loginProfiles,
    ...mfaDevices,
    ...samlProviders,
    ...serverCertificates,
    ...signingCertificates,
    ...sshPublicKeys,
    ...instanceProfiles,
    ...oidcProviders,
    ...simulations,
    ...accountDetails,
    ...serviceLinkedRoles,
  },
  periodic: [{ name: "last uses of access keys", everyMs: 60_000, run: rememberUses }],
  resources: [
    iamRole,
    iamPolicy,
    iamManagedPolicy,
    iamUser,
    iamGroup,
    iamAccessKey,
    iamInstanceProfile,
    iamOidcProvider,
    iamServiceLinkedRole,
    iamRolePolicy,
    iamUserPolicy,
    iamGroupPolicy,
    iamUserToGroupAddition,
    iamServerCertificate,
    iamSamlProvider,
  ],
});
