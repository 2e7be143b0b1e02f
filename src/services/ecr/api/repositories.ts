import type * as Ecr from "@aws-sdk/client-ecr";
import { operations } from "../../../aws/service.ts";
import { AwsError, notImplemented } from "../../../kernel/aws-error.ts";
import {
  KIND,
  MAX_REPOSITORIES,
  newName,
  noRepository,
  onRepository,
  repositoryArn,
  repositoryExists,
  repositoryOf,
  repositoryView,
  type EcrContext,
  type Named,
  type Repository,
} from "../model.ts";
import { tagsFrom } from "./tags.ts";

const DEFAULT_PAGE = 100;

/** Refuses a way of changing tags that needs images to have an effect. */
function mutabilityOf(input: {
  imageTagMutability?: string | undefined;
  imageTagMutabilityExclusionFilters?: unknown;
}) {
  if (input.imageTagMutabilityExclusionFilters || input.imageTagMutability?.endsWith("_WITH_EXCLUSION"))
    throw notImplemented("exclusions from the mutability of image tags");
  return input.imageTagMutability ?? "MUTABLE";
}

export const repositories = operations<typeof Ecr, any>()({
  CreateRepository: {
    permissions: onRepository("CreateRepository"),
    async run(ctx, input) {
      const { encryptionType } = input.encryptionConfiguration ?? {};
      if (encryptionType && encryptionType !== "AES256") throw notImplemented("keys of KMS for repositories");
      if (input.registryId !== undefined && input.registryId !== ctx.account)
        throw new AwsError("InvalidParameterException", "A repository is made in the caller's own registry.", 400);
      const name = newName(String(input.repositoryName));
      if ((await ctx.records.count(KIND)) >= MAX_REPOSITORIES)
        throw new AwsError(
          "LimitExceededException",
          `The registry with id '${ctx.account}' already has the maximum of ${MAX_REPOSITORIES} repositories.`,
          400,
        );
      const repository: Repository = {
        name,
        created: ctx.now(),
        mutability: mutabilityOf(input),
        scanOnPush: input.imageScanningConfiguration?.scanOnPush ?? false,
        tags: tagsFrom(input.tags),
      };
      if (!(await ctx.records.create(KIND, name, repository))) throw repositoryExists(ctx, name);
      return { repository: repositoryView(ctx, repository) };
    },
  },
  DescribeRepositories: {
    permissions: (input, ctx) =>
      (input.repositoryNames?.length ? input.repositoryNames : ["*"]).map((name) => ({
        action: "ecr:DescribeRepositories",
        resource: repositoryArn(ctx, String(name)),
      })),
    async run(ctx, input) {
      if (input.repositoryNames?.length) {
        const found: Repository[] = [];
        for (const repositoryName of input.repositoryNames)
          found.push(await repositoryOf(ctx, { registryId: input.registryId, repositoryName }));
        return { repositories: found.map((r) => repositoryView(ctx, r)) };
      }
      if (input.registryId !== undefined && input.registryId !== ctx.account) return { repositories: [] };
      const limit = input.maxResults ?? DEFAULT_PAGE;
      const after = input.nextToken === undefined ? {} : { after: input.nextToken };
      const stored = await ctx.records.list<Repository>(KIND, { ...after, limit: limit + 1 });
      const page = stored.slice(0, limit);
      return {
        repositories: page.map((r) => repositoryView(ctx, r.value)),
        ...(stored.length > limit ? { nextToken: page.at(-1)!.id } : {}),
      };
    },
  },
  DeleteRepository: {
    permissions: onRepository("DeleteRepository"),
    async run(ctx, input) {
      const repository = await repositoryOf(ctx, input);
      await ctx.records.write(ctx.records.remove(KIND, repository.name));
      return { repository: repositoryView(ctx, repository) };
    },
  },
  PutImageTagMutability: {
    permissions: onRepository("PutImageTagMutability"),
    async run(ctx, input) {
      const mutability = mutabilityOf(input);
      const { name } = await changeRepository(ctx, input, (r) => ({ ...r, mutability }));
      return { registryId: ctx.account, repositoryName: name, imageTagMutability: mutability as "MUTABLE" };
    },
  },
  PutImageScanningConfiguration: {
    permissions: onRepository("PutImageScanningConfiguration"),
    async run(ctx, input) {
      const scanOnPush = input.imageScanningConfiguration?.scanOnPush ?? false;
      const { name } = await changeRepository(ctx, input, (r) => ({ ...r, scanOnPush }));
      return { registryId: ctx.account, repositoryName: name, imageScanningConfiguration: { scanOnPush } };
    },
  },
  ListImages: {
    permissions: onRepository("ListImages"),
    async run(ctx, input) {
      await repositoryOf(ctx, input);
      return { imageIds: [] }; // there is no way to push one
    },
  },
  DescribeImages: {
    permissions: onRepository("DescribeImages"),
    async run(ctx, input) {
      const { name } = await repositoryOf(ctx, input);
      const [asked] = input.imageIds ?? [];
      if (!asked) return { imageDetails: [] };
      const id = `{imageDigest:'${asked.imageDigest ?? "null"}', imageTag:'${asked.imageTag ?? "null"}'}`;
      throw new AwsError(
        "ImageNotFoundException",
        `The image with imageId ${id} does not exist within the repository with name '${name}' in the registry with id '${ctx.account}'`,
        400,
      );
    },
  },
});

/** Changes a repository; refuses where there is none. */
export async function changeRepository(
  ctx: EcrContext,
  named: Named,
  change: (repository: Repository) => Repository,
): Promise<Repository> {
  const { name } = await repositoryOf(ctx, named);
  const changed = await ctx.records.update<Repository>(KIND, name, change);
  if (!changed) throw noRepository(ctx, named);
  return changed;
}
