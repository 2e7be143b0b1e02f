import type * as Iam from "@aws-sdk/client-iam";
import type { Context } from "../../../aws/context.ts";
import { operations, type Permission } from "../../../aws/service.ts";
import { awsManagedPolicies, awsManagedPolicy } from "../aws-managed/index.ts";
import { alreadyExists, deleteConflict, invalidInput, limitExceeded, noSuchEntity, validation } from "../errors.ts";
import { MANAGED_POLICY_SIZE, VERSIONS_PER_POLICY } from "../limits.ts";
import { entityArn, tagList, tagRecord, type Entity, type EntityKind, type ManagedPolicy } from "../model.ts";
import {
  byPath,
  changed,
  checkedDocument,
  checkQuota,
  onAll,
  page,
  tagPage,
  tagsWith,
  tagsWithout,
  uniqueId,
} from "../store.ts";

/** A customer's or AWS's managed policy, or undefined. */
export async function managedPolicy(ctx: Context<any>, policyArn: string): Promise<ManagedPolicy | undefined> {
  return awsManagedPolicy(policyArn) ?? (await ctx.globalRecords.get<ManagedPolicy>("policy", policyArn))?.value;
}

/** Refuses what is no ARN at all. */
export function mustBeArn(policyArn: string | undefined): string {
  if (!/^arn:[\w-]+:iam::(\d{12}|aws):policy\/.+/.test(String(policyArn)))
    throw validation("Invalid ARN:  Could not be parsed!");
  return String(policyArn);
}

async function existing(ctx: Context<any>, policyArn: string | undefined): Promise<ManagedPolicy> {
  const policy = await managedPolicy(ctx, String(policyArn));
  if (!policy) throw noSuchEntity(`Policy ${policyArn} was not found.`);
  return policy;
}

const onPolicy =
  (action: string) =>
  (input: { PolicyArn?: string | undefined }): Permission[] => [
    { action: `iam:${action}`, resource: String(input.PolicyArn) },
  ];

interface Holder {
  readonly kind: EntityKind;
  readonly entity: Entity;
}

const KINDS: readonly EntityKind[] = ["user", "group", "role"];

/** All that may hold a policy. */
async function holders(ctx: Context<any>): Promise<Holder[]> {
  const lists = await Promise.all(
    KINDS.map(async (kind) =>
      (await ctx.globalRecords.list<Entity>(kind)).map((stored) => ({ kind, entity: stored.value })),
    ),
  );
  return lists.flat();
}

/** Who has the policy: attached, or as its boundary. */
const uses = <T extends Pick<Holder, "entity">>(
  all: readonly T[],
  policyArn: string,
  as: "attached" | "boundary",
): T[] =>
  all.filter(({ entity }) => (as === "attached" ? entity.attached.includes(policyArn) : entity.boundary === policyArn));

/** A policy as lists have it; `all` may hold it. */
export const policyView = (policy: ManagedPolicy, all: readonly Pick<Holder, "entity">[]) => ({
  PolicyName: policy.name,
  PolicyId: policy.id,
  Arn: policy.arn,
  Path: policy.path,
  DefaultVersionId: policy.defaultVersion,
  IsAttachable: true,
  CreateDate: new Date(policy.created),
  UpdateDate: new Date(policy.updated),
  AttachmentCount: uses(all, policy.arn, "attached").length,
  PermissionsBoundaryUsageCount: uses(all, policy.arn, "boundary").length,
});

/** With what lists leave out. */
const fullView = (policy: ManagedPolicy, all: readonly Holder[]) => ({
  ...policyView(policy, all),
  ...(policy.description ? { Description: policy.description } : {}),
  Tags: tagList(policy.tags),
});

export const versionView = (
  policy: ManagedPolicy,
  version: ManagedPolicy["versions"][number],
  withDocument: boolean,
) => ({
  VersionId: version.id,
  IsDefaultVersion: version.id === policy.defaultVersion,
  CreateDate: new Date(version.created),
  ...(withDocument ? { Document: encodeURIComponent(version.document) } : {}),
});

async function change(
  ctx: Context<any>,
  policyArn: string | undefined,
  how: (policy: ManagedPolicy) => ManagedPolicy,
): Promise<ManagedPolicy> {
  if (awsManagedPolicy(String(policyArn))) throw invalidInput("Cannot change an AWS managed policy.");
  const policy = await ctx.globalRecords.update<ManagedPolicy>("policy", String(policyArn), how);
  if (!policy) throw noSuchEntity(`Policy ${policyArn} was not found.`);
  changed(ctx);
  return policy;
}

export const managedPolicies = operations<typeof Iam, any>()({
  CreatePolicy: {
    permissions: (input, ctx) => [
      {
        action: "iam:CreatePolicy",
        resource: entityArn("policy", ctx.account, { path: input.Path ?? "/", name: String(input.PolicyName) }),
      },
    ],
    async run(ctx, input) {
      const name = String(input.PolicyName);
      const path = input.Path ?? "/";
      const now = ctx.now();
      const policy: ManagedPolicy = {
        name,
        path,
        id: uniqueId(ctx, "policy"),
        arn: entityArn("policy", ctx.account, { path, name }),
        created: now,
        updated: now,
        defaultVersion: "v1",
        nextVersion: 2,
        versions: [
          { id: "v1", document: checkedDocument(input.PolicyDocument, "identity", MANAGED_POLICY_SIZE), created: now },
        ],
        ...(input.Description ? { description: input.Description } : {}),
        ...(input.Tags?.length ? { tags: tagRecord(input.Tags) } : {}),
      };
      await checkQuota(ctx, "policy");
      if (!(await ctx.globalRecords.create("policy", policy.arn, policy)))
        throw alreadyExists(`A policy called ${name} already exists. Duplicate names are not allowed.`);
      return { Policy: { ...policyView(policy, []), ...(policy.tags ? { Tags: tagList(policy.tags) } : {}) } };
    },
  },
  GetPolicy: {
    permissions: onPolicy("GetPolicy"),
    async run(ctx, input) {
      const policy = await existing(ctx, input.PolicyArn);
      return { Policy: fullView(policy, await holders(ctx)) };
    },
  },
  ListPolicies: {
    permissions: onAll("ListPolicies"),
    async run(ctx, input) {
      const own =
        input.Scope === "AWS" ? [] : (await ctx.globalRecords.list<ManagedPolicy>("policy")).map((p) => p.value);
      const all = byPath([...own, ...(input.Scope === "Local" ? [] : awsManagedPolicies())], input);
      const known = await holders(ctx);
      const as = input.PolicyUsageFilter === "PermissionsBoundary" ? "boundary" : "attached";
      const isAsked = ({ arn }: ManagedPolicy): boolean =>
        !(input.OnlyAttached || input.PolicyUsageFilter === "PermissionsBoundary") || uses(known, arn, as).length > 0;
      const { items, ...rest } = page(all.filter(isAsked), input);
      return { Policies: items.map((policy) => policyView(policy, known)), ...rest };
    },
  },
  GetPolicyVersion: {
    permissions: onPolicy("GetPolicyVersion"),
    async run(ctx, input) {
      const policy = await existing(ctx, input.PolicyArn);
      const version = policy.versions.find((v) => v.id === input.VersionId);
      if (!version)
        throw noSuchEntity(`Policy ${policy.arn} version ${input.VersionId} does not exist or is not attachable.`);
      return { PolicyVersion: versionView(policy, version, true) };
    },
  },
  ListPolicyVersions: {
    permissions: onPolicy("ListPolicyVersions"),
    async run(ctx, input) {
      const policy = await existing(ctx, input.PolicyArn);
      const { items, ...rest } = page(policy.versions, input);
      return { Versions: items.map((v) => versionView(policy, v, false)), ...rest };
    },
  },
  CreatePolicyVersion: {
    permissions: onPolicy("CreatePolicyVersion"),
    async run(ctx, input) {
      const document = checkedDocument(input.PolicyDocument, "identity", MANAGED_POLICY_SIZE);
      const policy = await change(ctx, input.PolicyArn, (p) => {
        if (p.versions.length >= VERSIONS_PER_POLICY) {
          throw limitExceeded(
            `A managed policy can have up to ${VERSIONS_PER_POLICY} versions. Before you create a new version, you must delete an existing version.`,
          );
        }
        const id = `v${p.nextVersion}`;
        return {
          ...p,
          nextVersion: p.nextVersion + 1,
          updated: ctx.now(),
          versions: [{ id, document, created: ctx.now() }, ...p.versions],
          defaultVersion: input.SetAsDefault ? id : p.defaultVersion,
        };
      });
      return { PolicyVersion: versionView(policy, policy.versions[0]!, false) };
    },
  },
  DeletePolicyVersion: {
    permissions: onPolicy("DeletePolicyVersion"),
    async run(ctx, input) {
      await change(ctx, input.PolicyArn, (p) => {
        if (p.defaultVersion === input.VersionId)
          throw deleteConflict("Cannot delete the default version of a policy.");
        if (!p.versions.some((v) => v.id === input.VersionId))
          throw noSuchEntity(`Policy ${p.arn} version ${input.VersionId} does not exist.`);
        return { ...p, versions: p.versions.filter((v) => v.id !== input.VersionId) };
      });
      return {};
    },
  },
  SetDefaultPolicyVersion: {
    permissions: onPolicy("SetDefaultPolicyVersion"),
    async run(ctx, input) {
      await change(ctx, input.PolicyArn, (p) => {
        if (!p.versions.some((v) => v.id === input.VersionId))
          throw noSuchEntity(`Policy ${p.arn} version ${input.VersionId} does not exist.`);
        return { ...p, defaultVersion: String(input.VersionId), updated: ctx.now() };
      });
      return {};
    },
  },
  DeletePolicy: {
    permissions: onPolicy("DeletePolicy"),
    async run(ctx, input) {
      const policy = await existing(ctx, input.PolicyArn);
      if (awsManagedPolicy(policy.arn)) throw invalidInput("Cannot change an AWS managed policy.");
      const known = await holders(ctx);
      if ([...uses(known, policy.arn, "attached"), ...uses(known, policy.arn, "boundary")].length)
        throw deleteConflict("Cannot delete a policy attached to entities.");
      if (policy.versions.length > 1)
        throw deleteConflict(
          "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.",
        );
      await ctx.globalRecords.write(ctx.globalRecords.remove("policy", policy.arn));
      changed(ctx);
      return {};
    },
  },
  TagPolicy: {
    permissions: onPolicy("TagPolicy"),
    async run(ctx, input) {
      await change(ctx, input.PolicyArn, (policy) => {
        return { ...policy, ...tagsWith(policy.tags, input.Tags) };
      });
      return {};
    },
  },
  UntagPolicy: {
    permissions: onPolicy("UntagPolicy"),
    async run(ctx, input) {
      await change(ctx, input.PolicyArn, (policy) => ({
        ...policy,
        tags: tagsWithout(policy.tags, input.TagKeys),
      }));
      return {};
    },
  },
  ListPolicyTags: {
    permissions: onPolicy("ListPolicyTags"),
    run: async (ctx, input) => tagPage((await existing(ctx, input.PolicyArn)).tags, input),
  },
  ListEntitiesForPolicy: {
    permissions: onPolicy("ListEntitiesForPolicy"),
    async run(ctx, input) {
      const policy = await existing(ctx, input.PolicyArn);
      const known = await holders(ctx);
      const usage = input.PolicyUsageFilter;
      const using = [
        ...(usage === "PermissionsBoundary" ? [] : uses(known, policy.arn, "attached")),
        ...(usage === "PermissionsPolicy" ? [] : uses(known, policy.arn, "boundary")),
      ];
      // Other filters (`LocalManagedPolicy`) say nothing of entities.
      const filter = input.EntityFilter?.toLowerCase();
      const found = [...new Set(using)].filter(
        ({ kind, entity }) =>
          (!KINDS.some((one) => one === filter) || filter === kind) && entity.path.startsWith(input.PathPrefix ?? "/"),
      );
      const { items, ...rest } = page(found, input);
      const of = (kind: EntityKind) => items.filter((use) => use.kind === kind).map((use) => use.entity);
      return {
        PolicyUsers: of("user").map((e) => ({ UserName: e.name, UserId: e.id })),
        PolicyGroups: of("group").map((e) => ({ GroupName: e.name, GroupId: e.id })),
        PolicyRoles: of("role").map((e) => ({ RoleName: e.name, RoleId: e.id })),
        ...rest,
      };
    },
  },
});
