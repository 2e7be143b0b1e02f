import { rm } from "node:fs/promises";
import type * as CodeCommit from "@aws-sdk/client-codecommit";
import type { Context } from "../../../aws/context.ts";
import { operations } from "../../../aws/service.ts";
import { createBareRepository } from "../../../compute/source/index.ts";
import { GuardFailed } from "../../../ports/database.ts";
import { setHead } from "../announce.ts";
import {
  bad,
  checkBranchName,
  checkRepositoryName,
  existingRepository,
  folderOf,
  noBranch,
  noRepository,
  onRepository,
  repositoryArn,
  type Repository,
} from "../model.ts";
import { readRefs } from "../refs.ts";

const MAX_REPOSITORIES = 5_000;
const MAX_DESCRIPTION = 1_000;
const MAX_BATCH = 100;

export const repositories = operations<typeof CodeCommit, any>()({
  CreateRepository: {
    permissions: onRepository("CreateRepository"),
    async run(ctx, input) {
      const name = input.repositoryName!;
      checkRepositoryName(name);
      checkDescription(input.repositoryDescription);
      if ((await ctx.records.count("repository")) >= MAX_REPOSITORIES)
        throw bad("RepositoryLimitExceededException", "You have reached the limit of repositories.");
      const now = ctx.now();
      const repository: Repository = {
        id: ctx.platform.ids.uuid(),
        name,
        ...(input.repositoryDescription ? { description: input.repositoryDescription } : {}),
        ...(input.tags ? { tags: input.tags } : {}),
        created: now,
        modified: now,
      };
      const folder = folderOf(ctx, repository);
      await createBareRepository(folder);
      if (!(await ctx.records.create("repository", name, repository))) {
        await rm(folder, { recursive: true, force: true });
        throw bad("RepositoryNameExistsException", `Repository named ${name} already exists`);
      }
      return { repositoryMetadata: view(ctx, repository) };
    },
  },
  GetRepository: {
    permissions: onRepository("GetRepository"),
    // They ask for their own role's permission to the contents before.
    callers: ["codebuild.amazonaws.com", "codepipeline.amazonaws.com"],
    run: async (ctx, input) => ({ repositoryMetadata: view(ctx, await existingRepository(ctx, input.repositoryName)) }),
  },
  BatchGetRepositories: {
    permissions: (input, ctx) =>
      (input.repositoryNames ?? []).map((name) => ({
        action: "codecommit:BatchGetRepositories",
        resource: repositoryArn(ctx, String(name)),
      })),
    async run(ctx, input) {
      const names = (input.repositoryNames ?? []) as string[];
      if (names.length > MAX_BATCH)
        throw bad("MaximumRepositoryNamesExceededException", `At most ${MAX_BATCH} repository names can be given.`);
      const stored = await Promise.all(names.map((name) => ctx.records.get<Repository>("repository", name)));
      return {
        repositories: stored.flatMap((s) => (s ? [view(ctx, s.value)] : [])),
        repositoriesNotFound: names.filter((_name, i) => !stored[i]),
        errors: [],
      };
    },
  },
  ListRepositories: {
    permissions: () => [{ action: "codecommit:ListRepositories", resource: "*" }],
    async run(ctx, input) {
      const all = (await ctx.records.list<Repository>("repository")).map((r) => r.value);
      if (input.sortBy === "lastModifiedDate") all.sort((a, b) => a.modified - b.modified);
      if (input.order === "descending") all.reverse();
      return { repositories: all.map((r) => ({ repositoryName: r.name, repositoryId: r.id })) };
    },
  },
  UpdateRepositoryName: {
    permissions: (input, ctx) => [
      { action: "codecommit:UpdateRepositoryName", resource: repositoryArn(ctx, String(input.oldName)) },
      { action: "codecommit:UpdateRepositoryName", resource: repositoryArn(ctx, String(input.newName)) },
    ],
    async run(ctx, input) {
      checkRepositoryName(input.newName);
      checkRepositoryName(input.oldName);
      const stored = await ctx.records.get<Repository>("repository", input.oldName!);
      if (!stored) throw noRepository(input.oldName!);
      const renamed: Repository = { ...stored.value, name: input.newName!, modified: ctx.now() };
      try {
        await ctx.records.write(
          ctx.records.put("repository", renamed.name, renamed, 0),
          ctx.records.remove("repository", stored.id, stored.rev),
        );
      } catch (error) {
        if (error instanceof GuardFailed)
          throw bad("RepositoryNameExistsException", `Repository named ${input.newName} already exists`);
        throw error;
      }
      return {};
    },
  },
  UpdateRepositoryDescription: {
    permissions: onRepository("UpdateRepositoryDescription"),
    async run(ctx, input) {
      checkDescription(input.repositoryDescription);
      await change(ctx, input.repositoryName, ({ description: _old, ...r }) => ({
        ...r,
        ...(input.repositoryDescription ? { description: input.repositoryDescription } : {}),
      }));
      return {};
    },
  },
  UpdateDefaultBranch: {
    permissions: onRepository("UpdateDefaultBranch"),
    async run(ctx, input) {
      const repository = await existingRepository(ctx, input.repositoryName);
      const branch = checkBranchName(input.defaultBranchName);
      const refs = await readRefs(ctx, repository, [`refs/heads/${branch}`]);
      if (!refs[`refs/heads/${branch}`]) throw noBranch(branch);
      await setHead(ctx, repository, branch);
      await change(ctx, input.repositoryName, (r) => ({ ...r, defaultBranch: branch }));
      return {};
    },
  },
  DeleteRepository: {
    permissions: onRepository("DeleteRepository"),
    async run(ctx, input) {
      checkRepositoryName(input.repositoryName);
      const stored = await ctx.records.get<Repository>("repository", input.repositoryName!);
      if (!stored) return {};
      const open = await ctx.records.list("open-pull-request", { prefix: `${stored.value.id}:` });
      await ctx.records.write(
        ctx.records.remove("repository", stored.id),
        ctx.records.remove("triggers", stored.value.id),
        open.map((pull) => ctx.records.remove("open-pull-request", pull.id)),
        ctx.records.remove("announced", stored.value.id),
      );
      await rm(folderOf(ctx, stored.value), { recursive: true, force: true, maxRetries: 3 });
      return { repositoryId: stored.value.id };
    },
  },
});

async function change(
  ctx: Context<any>,
  name: string | undefined,
  make: (repository: Repository) => Repository,
): Promise<void> {
  checkRepositoryName(name);
  const done = await ctx.records.update<Repository>("repository", name!, (r) => ({ ...make(r), modified: ctx.now() }));
  if (!done) throw noRepository(name!);
}

function checkDescription(text: string | undefined): void {
  if ((text?.length ?? 0) > MAX_DESCRIPTION)
    throw bad(
      "InvalidRepositoryDescriptionException",
      `The repository description is longer than ${MAX_DESCRIPTION} characters.`,
    );
}

function view(ctx: Context<any>, r: Repository) {
  return {
    accountId: ctx.account,
    repositoryId: r.id,
    repositoryName: r.name,
    ...(r.description ? { repositoryDescription: r.description } : {}),
    ...(r.defaultBranch ? { defaultBranch: r.defaultBranch } : {}),
    lastModifiedDate: new Date(r.modified),
    creationDate: new Date(r.created),
    cloneUrlHttp: cloneUrl(ctx, r.name),
    Arn: repositoryArn(ctx, r.name),
  };
}

/** Repositories of the platform's own region are at its plain address, others at that of their region. */
export function cloneUrl(ctx: Context<any>, name: string): string {
  const { publicUrl, region } = ctx.platform.settings;
  if (ctx.region === region) return `${publicUrl}/v1/repos/${name}`;
  const url = new URL(publicUrl);
  return `${url.protocol}//git-codecommit.${ctx.region}.${url.host}/v1/repos/${name}`;
}
