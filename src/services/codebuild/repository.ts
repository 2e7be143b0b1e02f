import type { Context } from "../../aws/context.ts";
import { notImplemented } from "../../kernel/aws-error.ts";
import type { FetchedSource } from "./sources.ts";

/** Brings a commit of a CodeCommit repository into `folder`. */
export async function fetchRepository(_role: Context<any>, location: string, _version: string | undefined, _folder: string): Promise<FetchedSource> {
  throw notImplemented(`builds that read the repository ${location} themselves`);
}
