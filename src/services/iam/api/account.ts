import type * as Iam from "@aws-sdk/client-iam";
import { operations } from "../../../aws/service.ts";
import { alreadyExists, noSuchEntity } from "../errors.ts";
import {
  ACCESS_KEYS_PER_USER,
  ATTACHED_POLICIES,
  GROUPS,
  GROUPS_PER_USER,
  INLINE_SIZE,
  INSTANCE_PROFILES,
  MANAGED_POLICY_SIZE,
  POLICIES,
  POLICY_VERSIONS_IN_USE,
  ROLES,
  SERVER_CERTIFICATES,
  SIGNING_CERTIFICATES_PER_USER,
  TRUST_POLICY_SIZE,
  USERS,
  VERSIONS_PER_POLICY,
} from "../limits.ts";
import { MFA_DEVICE, type MfaDevice } from "../mfa.ts";
import { ROOT_USER, type AccessKey, type Entity } from "../model.ts";
import { onAll } from "../store.ts";

interface Alias {
  readonly alias: string;
}

const QUOTAS: Readonly<Record<string, number>> = {
  AccessKeysPerUserQuota: ACCESS_KEYS_PER_USER,
  AssumeRolePolicySizeQuota: TRUST_POLICY_SIZE,
  AttachedPoliciesPerGroupQuota: ATTACHED_POLICIES,
  AttachedPoliciesPerRoleQuota: ATTACHED_POLICIES,
  AttachedPoliciesPerUserQuota: ATTACHED_POLICIES,
  GlobalEndpointTokenVersion: 1,
  GroupPolicySizeQuota: INLINE_SIZE.group,
  GroupsPerUserQuota: GROUPS_PER_USER,
  GroupsQuota: GROUPS,
  InstanceProfilesQuota: INSTANCE_PROFILES,
  PoliciesQuota: POLICIES,
  PolicySizeQuota: MANAGED_POLICY_SIZE,
  PolicyVersionsInUseQuota: POLICY_VERSIONS_IN_USE,
  RolePolicySizeQuota: INLINE_SIZE.role,
  RolesQuota: ROLES,
  ServerCertificatesQuota: SERVER_CERTIFICATES,
  SigningCertificatesPerUserQuota: SIGNING_CERTIFICATES_PER_USER,
  UserPolicySizeQuota: INLINE_SIZE.user,
  UsersQuota: USERS,
  VersionsPerPolicyQuota: VERSIONS_PER_POLICY,
};

/** Facts of the account as a whole. */
export const account = operations<typeof Iam, any>()({
  CreateAccountAlias: {
    permissions: onAll("CreateAccountAlias"),
    async run(ctx, input) {
      const alias = String(input.AccountAlias);
      const stored = await ctx.globalRecords.get<Alias>("account", "alias");
      if (stored?.value.alias === alias) throw alreadyExists(`The account alias ${alias} already exists.`);
      // An account has one alias: another takes its place.
      await ctx.globalRecords.write(ctx.globalRecords.put("account", "alias", { alias }));
      return {};
    },
  },
  DeleteAccountAlias: {
    permissions: onAll("DeleteAccountAlias"),
    async run(ctx, input) {
      const stored = await ctx.globalRecords.get<Alias>("account", "alias");
      if (stored?.value.alias !== input.AccountAlias)
        throw noSuchEntity(`The account alias ${input.AccountAlias} cannot be found.`);
      await ctx.globalRecords.write(ctx.globalRecords.remove("account", "alias"));
      return {};
    },
  },
  ListAccountAliases: {
    permissions: onAll("ListAccountAliases"),
    async run(ctx) {
      const stored = await ctx.globalRecords.get<Alias>("account", "alias");
      return { AccountAliases: stored ? [stored.value.alias] : [], IsTruncated: false };
    },
  },
  GetAccountSummary: {
    permissions: onAll("GetAccountSummary"),
    async run(ctx) {
      const { globalRecords } = ctx;
      const [users, groups, roles, devices, keys] = await Promise.all([
        globalRecords.list<Entity>("user"),
        globalRecords.list<Entity>("group"),
        globalRecords.list<Entity>("role"),
        globalRecords.list<MfaDevice>(MFA_DEVICE),
        globalRecords.list<AccessKey>("access-key"),
      ]);
      // A policy's version is in use where somebody has the policy: its default version.
      const attached = new Set([...users, ...groups, ...roles].flatMap(({ value }) => value.attached));
      const SummaryMap: Record<string, number> = {
        ...QUOTAS,
        AccountAccessKeysPresent: Number(keys.some(({ value }) => value.user === ROOT_USER)),
        AccountMFAEnabled: 0,
        AccountPasswordPresent: 0,
        AccountSigningCertificatesPresent: 0,
        Groups: groups.length,
        InstanceProfiles: await globalRecords.count("instance-profile"),
        MFADevices: devices.length,
        MFADevicesInUse: devices.filter(({ value }) => value.owner !== undefined).length,
        Policies: await globalRecords.count("policy"),
        PolicyVersionsInUse: attached.size,
        Providers: (await globalRecords.count("oidc-provider")) + (await globalRecords.count("saml-provider")),
        Roles: roles.length,
        ServerCertificates: await globalRecords.count("server-certificate"),
        Users: users.length,
      };
      return { SummaryMap };
    },
  },
});
