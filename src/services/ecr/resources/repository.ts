import { policyText } from "../../../aws/policy-text.ts";
import type { Properties, ResourceContext, ResourceType } from "../../../aws/service.ts";
import { codeOf } from "../../../kernel/aws-error.ts";

const absentIs = (code: string) => (error: unknown) => {
  if (codeOf(error) !== code) throw error;
};

async function setPolicies(ctx: ResourceContext, repositoryName: string, next: Properties, before: Properties) {
  const { RepositoryPolicyText: policy, LifecyclePolicy: lifecycle } = next;
  if (policy !== undefined)
    await ctx.call("ecr", "SetRepositoryPolicy", { repositoryName, policyText: policyText(policy) });
  else if (before["RepositoryPolicyText"] !== undefined)
    await ctx
      .call("ecr", "DeleteRepositoryPolicy", { repositoryName })
      .catch(absentIs("RepositoryPolicyNotFoundException"));
  if (lifecycle?.LifecyclePolicyText !== undefined)
    await ctx.call("ecr", "PutLifecyclePolicy", {
      repositoryName,
      lifecyclePolicyText: policyText(lifecycle.LifecyclePolicyText),
    });
  else if (before["LifecyclePolicy"] !== undefined)
    await ctx
      .call("ecr", "DeleteLifecyclePolicy", { repositoryName })
      .catch(absentIs("LifecyclePolicyNotFoundException"));
}

/** AWS::ECR::Repository. */
export const repository: ResourceType = {
  type: "AWS::ECR::Repository",
  refuses: { "LifecyclePolicy.RegistryId": [], ImageTagMutabilityExclusionFilters: [] },
  async create(ctx, properties) {
    const name = String(properties["RepositoryName"] ?? ctx.physicalName({ maxLength: 256, lowerCase: true }));
    const { EncryptionConfiguration: encryption, ImageScanningConfiguration: scanning } = properties;
    const input = {
      repositoryName: name,
      imageTagMutability: properties["ImageTagMutability"],
      imageScanningConfiguration: scanning && { scanOnPush: scanning.ScanOnPush },
      encryptionConfiguration: encryption && { encryptionType: encryption.EncryptionType, kmsKey: encryption.KmsKey },
    };
    try {
      await ctx.withStackTags(properties["Tags"], (tags) =>
        ctx.call("ecr", "CreateRepository", {
          ...Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined)),
          ...(tags.length ? { tags } : {}),
        }),
      );
    } catch (error) {
      if (codeOf(error) !== "RepositoryAlreadyExistsException" || !ctx.retried) throw error;
    }
    await setPolicies(ctx, name, properties, {});
    return name;
  },
  async update(ctx, id, next, previous) {
    await ctx.call("ecr", "PutImageTagMutability", {
      repositoryName: id,
      imageTagMutability: next["ImageTagMutability"] ?? "MUTABLE",
    });
    await ctx.call("ecr", "PutImageScanningConfiguration", {
      repositoryName: id,
      imageScanningConfiguration: { scanOnPush: next["ImageScanningConfiguration"]?.ScanOnPush ?? false },
    });
    await setPolicies(ctx, id, next, previous);
    await setTags(ctx, id, next["Tags"] ?? [], previous["Tags"] ?? []);
  },
  async remove(ctx, id, properties) {
    await ctx
      .call("ecr", "DeleteRepository", { repositoryName: id, force: properties["EmptyOnDelete"] === true })
      .catch(absentIs("RepositoryNotFoundException"));
  },
  attributes: async (ctx, id) => ({
    Arn: arnOf(ctx, id),
    RepositoryUri: `${ctx.account}.dkr.ecr.${ctx.region}.amazonaws.com/${id}`,
  }),
};

const arnOf = (ctx: ResourceContext, id: string): string => `arn:aws:ecr:${ctx.region}:${ctx.account}:repository/${id}`;

type Tags = readonly { Key: string; Value: string }[];

async function setTags(ctx: ResourceContext, id: string, wanted: Tags, before: Tags): Promise<void> {
  if (JSON.stringify(wanted) === JSON.stringify(before)) return;
  const gone = before.map((t) => t.Key).filter((key) => !wanted.some((t) => t.Key === key));
  if (gone.length) await ctx.call("ecr", "UntagResource", { resourceArn: arnOf(ctx, id), tagKeys: gone });
  if (wanted.length) await ctx.call("ecr", "TagResource", { resourceArn: arnOf(ctx, id), tags: wanted });
}
