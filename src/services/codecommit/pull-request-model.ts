import type * as CodeCommit from "@aws-sdk/client-codecommit";
import type { Context } from "../../aws/context.ts";
import type { Permission } from "../../aws/service.ts";
import { bad, existingRepository, repositoryArn, type Repository } from "./model.ts";

/** A pull request with its rules and approvals: one record. */
export interface PullRequest {
  readonly id: string;
  readonly repository: string;
  readonly repositoryId: string;
  readonly title: string;
  readonly description?: string;
  /** Full names of branches. */
  readonly source: string;
  readonly destination: string;
  readonly author: string;
  readonly status: CodeCommit.PullRequestStatusEnum;
  readonly created: number;
  readonly active: number;
  /** Changes with every push to the source: approvals are of one revision. */
  readonly revision: string;
  readonly commits: { readonly source: string; readonly destination: string; readonly base?: string };
  readonly merged?: {
    readonly by: string;
    readonly commit: string;
    readonly option: CodeCommit.MergeOptionTypeEnum;
  };
  readonly rules: readonly ApprovalRule[];
  /** The caller's ARN to the revision that it approves. */
  readonly approvals: Readonly<Record<string, string>>;
  /** Who has set the rules aside, and of which revision. */
  readonly override?: { readonly by: string; readonly revision: string };
  readonly token?: string;
}

export interface ApprovalRule {
  readonly id: string;
  readonly name: string;
  /** JSON. */
  readonly content: string;
  readonly created: number;
  readonly modified: number;
  readonly modifiedBy: string;
  /** The template that it comes from. */
  readonly origin?: { readonly id: string; readonly name: string };
}

/** Something that happened to a pull request. Ids are `<pull request>:<time>:<random>`. */
export interface PullRequestEventRecord {
  readonly type: CodeCommit.PullRequestEventType;
  readonly at: number;
  readonly actor: string;
  /** The member of the event that its type has. */
  readonly facts: Record<string, unknown>;
}

export const noPullRequest = (id: string) =>
  bad("PullRequestDoesNotExistException", `Could not find a pull request with ID '${id}'.`);

/** Ids are numbers; records are in their order. */
export const pullRequestKey = (id: string): string => id.padStart(12, "0");

export async function findPullRequest(
  ctx: Context<any>,
  id: string | undefined,
): Promise<{ pull: PullRequest; repository: Repository } | undefined> {
  if (!id || !/^\d{1,12}$/.test(id)) return undefined;
  const stored = await ctx.records.get<PullRequest>("pull-request", pullRequestKey(id));
  // A repository that was deleted took its pull requests along, even where another has its name now.
  const repository = stored && (await repositoryOf(ctx, stored.value.repository, stored.value.repositoryId));
  return repository && { pull: { ...stored.value, repository: repository.name }, repository };
}

/** The repository with the id, by the name that it had or by that which it has now. */
export async function repositoryOf(ctx: Context<any>, name: string, id: string): Promise<Repository | undefined> {
  const named = (await ctx.records.get<Repository>("repository", name))?.value;
  if (named?.id === id) return named;
  return (await ctx.records.list<Repository>("repository")).find((r) => r.value.id === id)?.value;
}

export async function existingPullRequest(
  ctx: Context<any>,
  id: string | undefined,
): Promise<{ pull: PullRequest; repository: Repository }> {
  if (!id) throw bad("PullRequestIdRequiredException", "A pull request ID is required.");
  if (!/^\d{1,12}$/.test(id)) throw bad("InvalidPullRequestIdException", "The pull request ID is not valid.");
  const found = await findPullRequest(ctx, id);
  if (!found) throw noPullRequest(id);
  return found;
}

/** The permission for an action on the repository of the pull request that the input names. */
export const onPullRequest =
  (action: string, options: { refs?: true } = {}) =>
  async (input: any, ctx: Context<any>): Promise<Permission[]> => {
    const found = await findPullRequest(ctx, input.pullRequestId as string | undefined);
    const resource = repositoryArn(ctx, found?.pull.repository ?? "*");
    const conditions = options.refs && found ? { "codecommit:References": [found.pull.destination] } : undefined;
    return [{ action: `codecommit:${action}`, resource, ...(conditions ? { conditions } : {}) }];
  };

/** The repository that an input names beside a pull request must be that of the pull request. */
export async function checkRepository(ctx: Context<any>, pull: PullRequest, name: string | undefined): Promise<void> {
  if (name === undefined) return;
  await existingRepository(ctx, name);
  if (name !== pull.repository)
    throw bad(
      "RepositoryNotAssociatedWithPullRequestException",
      `The repository ${name} does not contain any pull requests with that pull request ID.`,
    );
}

export function mustBeOpen(pull: PullRequest): void {
  if (pull.status !== "OPEN")
    throw bad(
      "PullRequestAlreadyClosedException",
      "The pull request status cannot be updated because it is already closed.",
    );
}
