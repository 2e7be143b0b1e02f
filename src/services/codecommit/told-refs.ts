import type { Context } from "../../aws/context.ts";
import type { Repository } from "./model.ts";
import type { Refs } from "./refs.ts";

/** What was last told of a repository's refs. */
export interface Announced {
  readonly refs: Refs;
  /** How often the repository was changed. */
  readonly changes: number;
}

/** The detail of a "CodeCommit Repository State Change" event. */
export interface StateChange {
  readonly event: "referenceCreated" | "referenceUpdated" | "referenceDeleted";
  readonly repositoryName: string;
  readonly repositoryId: string;
  readonly referenceType: "branch" | "tag";
  readonly referenceName: string;
  readonly referenceFullName: string;
  readonly commitId?: string;
  readonly oldCommitId?: string;
  readonly callerUserArn: string;
}

/** The refs as they were last told: what is on disk of them, without asking git. */
export async function toldRefs(ctx: Context<any>, repository: Repository): Promise<Refs> {
  return (await ctx.records.get<Announced>("announced", repository.id))?.value.refs ?? {};
}
