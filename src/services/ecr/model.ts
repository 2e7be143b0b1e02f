import type { Context } from "../../aws/context.ts";
import type { Permission } from "../../aws/service.ts";
import { AwsError } from "../../kernel/aws-error.ts";

/** A repository as it is stored. It holds no images: nothing can be pushed yet. */
export interface Repository {
  readonly name: string;
  readonly created: number;
  readonly mutability: string;
  readonly scanOnPush: boolean;
  readonly policy?: string;
  readonly lifecycle?: string;
  readonly tags: Readonly<Record<string, string>>;
}

export type EcrContext = Context<any>;

/** How most operations name a repository. */
export interface Named {
  readonly registryId?: string | undefined;
  readonly repositoryName?: string | undefined;
}

export const MAX_REPOSITORIES = 100_000;
export const MAX_TAGS = 50;
export const KIND = "repository";
const NAME = /^(?:[a-z0-9]+(?:[._-][a-z0-9]+)*\/)*[a-z0-9]+(?:[._-][a-z0-9]+)*$/;

export const repositoryArn = (ctx: EcrContext, name: string): string =>
  `arn:aws:ecr:${ctx.region}:${ctx.account}:repository/${name}`;

export const invalid = (message: string): AwsError => new AwsError("InvalidParameterException", message, 400);

export function noRepository(ctx: EcrContext, { repositoryName, registryId }: Named): AwsError {
  return new AwsError(
    "RepositoryNotFoundException",
    `The repository with name '${repositoryName}' does not exist in the registry with id '${registryId ?? ctx.account}'`,
    400,
  );
}

export function repositoryExists(ctx: EcrContext, name: string): AwsError {
  return new AwsError(
    "RepositoryAlreadyExistsException",
    `The repository with name '${name}' already exists in the registry with id '${ctx.account}'`,
    400,
  );
}

export function noPolicy(ctx: EcrContext, which: "Repository" | "Lifecycle", name: string): AwsError {
  return new AwsError(
    `${which}PolicyNotFoundException`,
    `${which} policy does not exist for the repository with name '${name}' in the registry with id '${ctx.account}'`,
    400,
  );
}

/** The name of a new repository; refuses what is none. */
export function newName(name: string): string {
  if (name.length < 2 || name.length > 256 || !NAME.test(name))
    throw invalid(
      `Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must satisfy regular expression '${NAME.source.slice(1, -1)}''`,
    );
  return name;
}

/** The repository's name within the ARN that tags are asked for by. */
export function nameOfArn(ctx: EcrContext, arn: string): string {
  const start = repositoryArn(ctx, "");
  if (!arn.startsWith(start))
    throw invalid(
      `Invalid parameter at 'resourceArn' failed to satisfy constraint: 'Invalid ARN'. ${arn.slice(0, 200)} names no repository of this registry.`,
    );
  return arn.slice(start.length);
}

export async function repositoryOf(ctx: EcrContext, named: Named): Promise<Repository> {
  const own = named.registryId === undefined || named.registryId === ctx.account;
  const stored = own ? await ctx.records.get<Repository>(KIND, String(named.repositoryName)) : undefined;
  if (!stored) throw noRepository(ctx, named);
  return stored.value;
}

/** The permission for an operation on one repository, whose own policy has a say. */
export const onRepository =
  (action: string) =>
  async (input: Named & { resourceArn?: string | undefined }, ctx: EcrContext): Promise<Permission[]> => {
    const resource = input.resourceArn ?? repositoryArn(ctx, String(input.repositoryName));
    const stored = await ctx.records.get<Repository>(KIND, resource.slice(repositoryArn(ctx, "").length));
    return [{ action: `ecr:${action}`, resource, resourcePolicy: stored?.value.policy }];
  };

/** What clients see of a repository. */
export function repositoryView(ctx: EcrContext, repository: Repository) {
  return {
    repositoryArn: repositoryArn(ctx, repository.name),
    registryId: ctx.account,
    repositoryName: repository.name,
    repositoryUri: `${ctx.account}.dkr.ecr.${ctx.region}.amazonaws.com/${repository.name}`,
    createdAt: new Date(repository.created),
    imageTagMutability: repository.mutability as "MUTABLE",
    imageScanningConfiguration: { scanOnPush: repository.scanOnPush },
    encryptionConfiguration: { encryptionType: "AES256" as const },
  };
}
