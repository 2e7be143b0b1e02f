import type * as Iam from "@aws-sdk/client-iam";
import type { Context } from "../../../aws/context.ts";
import { operations } from "../../../aws/service.ts";
import { awsManagedPolicies } from "../aws-managed/index.ts";
import { type Entity, type Group, type ManagedPolicy, type Role, type User } from "../model.ts";
import { onAll, page } from "../store.ts";
import { groupView, roleView, userView } from "./entities.ts";
import { instanceProfilesOf } from "./instance-profiles.ts";
import { policyView, versionView } from "./policies.ts";
import { contextKeys, documentsOf, principalOf } from "./simulation.ts";

const nameOf = (policyArn: string): string => policyArn.slice(policyArn.lastIndexOf("/") + 1);
const attached = (entity: Entity): Iam.AttachedPolicy[] =>
  entity.attached.map((PolicyArn) => ({ PolicyArn, PolicyName: nameOf(PolicyArn) }));
const inline = (entity: Entity): Iam.PolicyDetail[] =>
  Object.entries(entity.inline).map(([PolicyName, document]) => ({
    PolicyName,
    PolicyDocument: encodeURIComponent(document),
  }));

const all = async <T>(ctx: Context<any>, kind: string): Promise<T[]> =>
  (await ctx.globalRecords.list<T>(kind)).map((stored) => stored.value);

/** One of the four lists of the answer, with what belongs to it. */
type Detail = readonly [list: "UserDetailList" | "GroupDetailList" | "RoleDetailList" | "Policies", detail: object];

const userDetail = (ctx: Context<any>, user: User): Detail => [
  "UserDetailList",
  {
    ...userView(ctx, user),
    UserPolicyList: inline(user),
    AttachedManagedPolicies: attached(user),
    GroupList: [...user.groups],
  },
];

const groupDetail = (ctx: Context<any>, group: Group): Detail => [
  "GroupDetailList",
  { ...groupView(ctx, group), GroupPolicyList: inline(group), AttachedManagedPolicies: attached(group) },
];

const roleDetail = async (ctx: Context<any>, role: Role): Promise<Detail> => [
  "RoleDetailList",
  {
    ...roleView(ctx, role),
    RolePolicyList: inline(role),
    AttachedManagedPolicies: attached(role),
    InstanceProfileList: await instanceProfilesOf(ctx, role.name),
  },
];

const policyDetail = (holders: readonly { entity: Entity }[], policy: ManagedPolicy): Detail => [
  "Policies",
  {
    ...policyView(policy, holders),
    ...(policy.description === undefined ? {} : { Description: policy.description }),
    PolicyVersionList: policy.versions.map((version) => versionView(policy, version, true)),
  },
];

export const accountDetails = operations<typeof Iam, any>()({
  GetAccountAuthorizationDetails: {
    permissions: onAll("GetAccountAuthorizationDetails"),
    async run(ctx, input) {
      const wanted = (kind: Iam.EntityType): boolean => !input.Filter?.length || input.Filter.includes(kind);
      const [users, groups, roles, own] = await Promise.all([
        all<User>(ctx, "user"),
        all<Group>(ctx, "group"),
        all<Role>(ctx, "role"),
        all<ManagedPolicy>(ctx, "policy"),
      ]);
      const holders = [...users, ...groups, ...roles].map((entity) => ({ entity }));
      // AWS's own policies are listed where they are in use, and all of them where they are asked for by name.
      const inUse = new Set(holders.flatMap(({ entity }) => entity.attached));
      const aws = awsManagedPolicies().filter(({ arn }) => Boolean(input.Filter?.length) || inUse.has(arn));
      const policies = [...(wanted("LocalManagedPolicy") ? own : []), ...(wanted("AWSManagedPolicy") ? aws : [])];
      // Made once it is known which the page has: a role's reads its instance profiles, a policy's counts its holders.
      const details: (() => Detail | Promise<Detail>)[] = [
        ...(wanted("User") ? users.map((user) => () => userDetail(ctx, user)) : []),
        ...(wanted("Group") ? groups.map((group) => () => groupDetail(ctx, group)) : []),
        ...(wanted("Role") ? roles.map((role) => () => roleDetail(ctx, role)) : []),
        ...policies.map((policy) => () => policyDetail(holders, policy)),
      ];
      const { items, ...rest } = page(details, input);
      const lists = { UserDetailList: [], GroupDetailList: [], RoleDetailList: [], Policies: [] } as Record<
        Detail[0],
        object[]
      >;
      for (const [list, detail] of await Promise.all(items.map((make) => make()))) lists[list].push(detail);
      return { ...lists, ...rest } as Iam.GetAccountAuthorizationDetailsResponse;
    },
  },
  GetContextKeysForCustomPolicy: {
    permissions: onAll("GetContextKeysForCustomPolicy"),
    run: async (_ctx, input) => ({ ContextKeyNames: contextKeys((input.PolicyInputList ?? []).map(String)) }),
  },
  GetContextKeysForPrincipalPolicy: {
    permissions: (input) => [
      { action: "iam:GetContextKeysForPrincipalPolicy", resource: String(input.PolicySourceArn) },
    ],
    async run(ctx, input) {
      const { holders } = await principalOf(ctx, String(input.PolicySourceArn));
      const own = (await Promise.all(holders.map((holder) => documentsOf(ctx, holder.kind, holder.value)))).flat();
      return {
        ContextKeyNames: contextKeys([...own.map((s) => s.document), ...(input.PolicyInputList ?? []).map(String)]),
      };
    },
  },
});
