import type { Context } from "../../aws/context.ts";
import type { Permission } from "../../aws/service.ts";
import { repositoryFolder } from "../../compute/source/index.ts";
import { arn } from "../../kernel/arn.ts";
import { AwsError } from "../../kernel/aws-error.ts";

export interface Repository {
  readonly id: string;
  readonly name: string;
  readonly description?: string;
  /** Short name of the branch that HEAD names; absent while the repository is empty. */
  readonly defaultBranch?: string;
  readonly created: number;
  readonly modified: number;
  readonly tags?: Readonly<Record<string, string>>;
}

type Place = Pick<Context<any>, "account" | "region">;

export const repositoryArn = (place: Place, name: string): string =>
  arn("codecommit", place.region, place.account, name);
export const folderOf = (ctx: Context<any>, repository: Repository): string =>
  repositoryFolder(ctx.platform.settings.data, ctx, repository.id);

export const bad = (code: string, message: string): AwsError => new AwsError(code, message, 400);
export const noRepository = (name: string): AwsError =>
  bad("RepositoryDoesNotExistException", `${name} does not exist`);
export const noBranch = (name: string): AwsError =>
  bad("BranchDoesNotExistException", `Could not find branch named '${name}'.`);
export const noCommit = (name: string): AwsError =>
  bad("CommitDoesNotExistException", `Could not find commit with the specifier '${name}'.`);

/** The permission for an action on the repository that the input names. */
export const onRepository =
  (action: string) =>
  (input: any, ctx: Context<any>): Permission[] => [
    { action: `codecommit:${action}`, resource: repositoryArn(ctx, String(input.repositoryName)) },
  ];

/** The permission for a change of a branch; policies may bind it by `codecommit:References`. */
export const onBranch =
  (action: string) =>
  (input: any, ctx: Context<any>): Permission[] => [
    {
      ...onRepository(action)(input, ctx)[0]!,
      conditions: { "codecommit:References": [`refs/heads/${input.branchName}`] },
    },
  ];

export async function existingRepository(ctx: Context<any>, name: string | undefined): Promise<Repository> {
  checkRepositoryName(name);
  const stored = await ctx.records.get<Repository>("repository", name!);
  if (!stored) throw noRepository(name!);
  return stored.value;
}

export function checkRepositoryName(name: string | undefined): void {
  if (!name) throw bad("RepositoryNameRequiredException", "A repository name is required.");
  if (!/^[\w.-]{1,100}$/.test(name) || name.endsWith(".git") || name === "." || name === "..") {
    throw bad(
      "InvalidRepositoryNameException",
      "The repository name is not valid. Repository names can be any valid combination of letters, numbers, periods, underscores, and dashes between 1 and 100 characters in length. Names are case sensitive. For more information, see Limits in the AWS CodeCommit User Guide. ",
    );
  }
}

/** Git's own rules for the name of a ref below `refs/heads/` or `refs/tags/`. */
export function isRefName(name: string): boolean {
  if (name.length === 0 || name.length > 256 || name === "@" || name.startsWith("-")) return false;
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{|\/\/|\.$|^\/|\/$/.test(name)) return false;
  return name.split("/").every((part) => !part.startsWith(".") && !part.endsWith(".lock"));
}

export function checkBranchName(name: string | undefined): string {
  if (!name) throw bad("BranchNameRequiredException", "A branch name is required.");
  if (!isRefName(name))
    throw bad("InvalidBranchNameException", `The branch name '${name.slice(0, 256)}' is not valid.`);
  return name;
}

/** A repository-relative path without a leading slash; throws where it leads anywhere else or into git's own files. */
export function checkPath(path: string | undefined, required = true): string {
  const clean = (path ?? "").replace(/^\/+|\/+$/g, "");
  if (!clean) {
    if (required) throw bad("PathRequiredException", "The path is required.");
    return "";
  }
  const parts = clean.split("/");
  if (
    clean.length > 4096 ||
    clean.includes("\0") ||
    parts.some((p) => p === "" || p === "." || p === ".." || p.toLowerCase() === ".git")
  ) {
    throw bad("InvalidPathException", `The specified path '${clean.slice(0, 200)}' is not valid.`);
  }
  return clean;
}
