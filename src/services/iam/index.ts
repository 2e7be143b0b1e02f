import type * as Iam from "@aws-sdk/client-iam";
import { defineService } from "../../aws/service.ts";
import { accountDetails } from "./api/account-details.ts";
import { accessKeys, account, rememberUses, serviceCredentials } from "./api/access-keys.ts";
import { groups, roles, users } from "./api/entities.ts";
import { holdings } from "./api/holdings.ts";
import { instanceProfiles } from "./api/instance-profiles.ts";
import { oidcProviders } from "./api/oidc-providers.ts";
import { serviceLinkedRoles } from "./api/service-linked-roles.ts";
import { simulations } from "./api/simulation.ts";
import { tagsAndBoundaries } from "./api/tags-and-boundaries.ts";
import { managedPolicies } from "./api/policies.ts";
import { iamGroup, iamUser, iamAccessKey } from "./resources/user.ts";
import { iamInstanceProfile, iamOidcProvider } from "./resources/providers.ts";
import { iamManagedPolicy } from "./resources/managed-policy.ts";
import { iamPolicy } from "./resources/policy.ts";
import { iamRole } from "./resources/role.ts";
import { iamServiceLinkedRole } from "./resources/service-linked-role.ts";

/** Identity and Access Management. */
export const iam = defineService<typeof Iam>({
  name: "iam",
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
  ],
});
