import { isAllowed } from "../../aws/authorize.ts";
import type { Context } from "../../aws/context.ts";
import { rm } from "node:fs/promises";
import { unzipTo } from "../../compute/build/index.ts";
import { archiveCommit, repositoryFolder } from "../../compute/source/index.ts";
import { MAX_SOURCE_BYTES, MAX_SOURCE_ENTRIES } from "./limits.ts";
import type { FetchedSource } from "./sources.ts";

const COMMIT = /^[0-9a-f]{40}$/;

/** Brings a commit of a CodeCommit repository into `folder`, as the build's role, which must have `codecommit:GitPull`. */
export async function fetchRepository(
  role: Context<any>,
  location: string,
  version: string | undefined,
  folder: string,
): Promise<FetchedSource> {
  const repositoryName = /\/v1\/repos\/([\w.-]+?)(\.git)?\/?$/.exec(location)?.[1];
  if (!repositoryName) throw new Error(`${location} is not the clone URL of a CodeCommit repository`);
  const resource = `arn:aws:codecommit:${role.region}:${role.account}:${repositoryName}`;
  if (!(await isAllowed(role, { action: "codecommit:GitPull", resource })))
    throw new Error(`the service role may not do codecommit:GitPull on ${resource}`);
  // The permission to pull is what CodeBuild asks for; the look-ups below are part of the pull.
  const service = role.asService();
  const { repositoryMetadata } = await service.call("codecommit", "GetRepository", { repositoryName });
  const commitId = await commitOf(service, repositoryName, version || repositoryMetadata?.defaultBranch || "main");
  const place = repositoryFolder(role.platform.settings.data, role, String(repositoryMetadata?.repositoryId));
  const zip = `${folder}.zip`;
  await archiveCommit(role.platform, { folder: place, commitId, target: zip, maxBytes: MAX_SOURCE_BYTES });
  await unzipTo(zip, folder, { maxBytes: MAX_SOURCE_BYTES, maxEntries: MAX_SOURCE_ENTRIES });
  await rm(zip);
  return { folder, resolvedVersion: commitId };
}

/** A commit's id, or the head of a branch: `main`, `refs/heads/main`, `refs/heads/main^{<commit>}`. */
async function commitOf(service: Context<any>, repositoryName: string, version: string): Promise<string> {
  const [, name = version, exact] = /^(.*)\^\{([0-9a-f]{40})\}$/.exec(version) ?? [];
  if (exact ?? COMMIT.test(name)) return exact ?? name;
  const { branch } = await service.call("codecommit", "GetBranch", {
    repositoryName,
    branchName: name.replace(/^refs\/heads\//, ""),
  });
  return String(branch?.commitId);
}
