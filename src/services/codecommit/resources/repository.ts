import type { Readable } from "node:stream";
import { createContext } from "../../../aws/context.ts";
import type { Properties, ResourceContext, ResourceType, Tag } from "../../../aws/service.ts";
import { codeOf } from "../../../kernel/aws-error.ts";
import { checkBranchName, existingRepository } from "../model.ts";
import { seedRepository, type Seed } from "../seed.ts";

const CODESTAR = {
  author: "AWS CodeStar",
  email: "codestar@amazon.com",
  message: "Initial commit made by AWS CodeStar during project creation.",
};
const CLOUDFORMATION = {
  author: "AWS CloudFormation",
  email: "cloudformation@amazon.com",
  message: "Initial commit by AWS CloudFormation",
};

interface Code {
  readonly S3: { readonly Bucket: string; readonly Key: string; readonly ObjectVersion?: string };
  readonly BranchName?: string;
}

const tagMap = (tags: readonly Tag[]): Record<string, string> => Object.fromEntries(tags.map((t) => [t.Key, t.Value]));

/** The first commit, of a zip in S3, which is read as the stack's role. */
async function seed(ctx: ResourceContext, name: string, code: Code): Promise<void> {
  const { Bucket, Key, ObjectVersion } = code.S3;
  // CodeStar's own stacks, whose repositories begin on master.
  const isCodeStar = ctx.stackName.startsWith("awscodestar-");
  const facts: Seed = {
    branch: checkBranchName(code.BranchName ?? (isCodeStar ? "master" : "main")),
    ...(isCodeStar ? CODESTAR : CLOUDFORMATION),
  };
  const { account, region, principal } = ctx;
  const here = createContext(ctx.platform, ctx.registry, { service: "codecommit", account, region, principal });
  const repository = await existingRepository(here, name);
  if (repository.defaultBranch) return; // made by the try before this one
  const { Body } = await ctx.call("s3", "GetObject", {
    Bucket,
    Key,
    ...(ObjectVersion ? { VersionId: ObjectVersion } : {}),
  });
  await seedRepository(here, repository, Body as Readable | Uint8Array, facts);
}

/** Makes the repository's triggers those of the template, where it says or said any. */
async function setTriggers(ctx: ResourceContext, name: string, next: Properties, previous: Properties): Promise<void> {
  if (JSON.stringify(next["Triggers"]) === JSON.stringify(previous["Triggers"])) return;
  const triggers = ((next["Triggers"] ?? []) as Properties[]).map((t) => ({
    name: t["Name"],
    destinationArn: t["DestinationArn"],
    events: t["Events"],
    ...(t["CustomData"] === undefined ? {} : { customData: t["CustomData"] }),
    ...(t["Branches"] === undefined ? {} : { branches: t["Branches"] }),
  }));
  await ctx.call("codecommit", "PutRepositoryTriggers", { repositoryName: name, triggers });
}

/** AWS::CodeCommit::Repository. Its physical id is the repository's id, as on AWS. */
export const codecommitRepository: ResourceType = {
  type: "AWS::CodeCommit::Repository",
  refuses: { KmsKeyId: [] },
  async create(ctx, properties) {
    const repositoryName = String(properties["RepositoryName"]);
    const description = properties["RepositoryDescription"] as string | undefined;
    try {
      await ctx.withStackTags(properties["Tags"], (tags) =>
        ctx.call("codecommit", "CreateRepository", {
          repositoryName,
          ...(description ? { repositoryDescription: description } : {}),
          ...(tags.length ? { tags: tagMap(tags) } : {}),
        }),
      );
    } catch (error) {
      if (codeOf(error) !== "RepositoryNameExistsException" || !ctx.retried) throw error;
    }
    try {
      if (properties["Code"]) await seed(ctx, repositoryName, properties["Code"] as Code);
      await setTriggers(ctx, repositoryName, properties, {});
    } catch (error) {
      await ctx.call("codecommit", "DeleteRepository", { repositoryName });
      throw error;
    }
    const { repositoryMetadata } = await ctx.call("codecommit", "GetRepository", { repositoryName });
    return String(repositoryMetadata!.repositoryId);
  },
  async update(ctx, _id, next, previous) {
    const [oldName, newName] = [String(previous["RepositoryName"]), String(next["RepositoryName"])];
    if (oldName !== newName) await ctx.call("codecommit", "UpdateRepositoryName", { oldName, newName });
    if (next["RepositoryDescription"] !== previous["RepositoryDescription"]) {
      await ctx.call("codecommit", "UpdateRepositoryDescription", {
        repositoryName: newName,
        repositoryDescription: next["RepositoryDescription"] ?? "",
      });
    }
    void next["Code"]; // for a new repository alone, on AWS, too
    await setTriggers(ctx, newName, next, previous);
    await setTags(ctx, newName, next, previous);
  },
  async remove(ctx, _id, properties) {
    await ctx.call("codecommit", "DeleteRepository", { repositoryName: String(properties["RepositoryName"]) });
  },
  async attributes(ctx, _id, properties) {
    const { repositoryMetadata: r } = await ctx.call("codecommit", "GetRepository", {
      repositoryName: String(properties["RepositoryName"]),
    });
    return { Arn: r!.Arn, CloneUrlHttp: r!.cloneUrlHttp, Name: r!.repositoryName, RepositoryId: r!.repositoryId };
  },
};

async function setTags(ctx: ResourceContext, name: string, next: Properties, previous: Properties): Promise<void> {
  if (JSON.stringify(next["Tags"]) === JSON.stringify(previous["Tags"])) return;
  const resourceArn = `arn:aws:codecommit:${ctx.region}:${ctx.account}:${name}`;
  const wanted = tagMap((next["Tags"] ?? []) as Tag[]);
  const gone = Object.keys(tagMap((previous["Tags"] ?? []) as Tag[])).filter((key) => !(key in wanted));
  if (gone.length) await ctx.call("codecommit", "UntagResource", { resourceArn, tagKeys: gone });
  if (Object.keys(wanted).length) await ctx.call("codecommit", "TagResource", { resourceArn, tags: wanted });
}
