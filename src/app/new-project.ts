import { codeOf } from "../kernel/aws-error.ts";
import type { Generation } from "../services/codestar/generation.ts";
import { toolchainTemplate } from "../services/codestar/toolchain-template.ts";
import type { Caller } from "./caller.ts";
import { packTemplate } from "./templates.ts";

/** Where projects are made. */
export interface Place {
  readonly account: string;
  readonly region: string;
  /** Origin of every URL that is handed out. */
  readonly publicUrl: string;
  /** The project's own code (`templates/`). */
  readonly code: string;
}

export interface NewProject {
  readonly id: string;
  readonly name?: string;
  readonly description?: string;
  /** What it starts with: a template, or a repository that is pushed when the project is there. */
  readonly from: { readonly template: string } | { readonly generation: Generation };
}

/** The bucket that new projects' toolchains and first commits are handed over in. */
const bucketOf = ({ region, account }: Place): string => `aws-codestar-${region}-${account}`;

/**
 * Creates a project by CodeStar's public API: puts its toolchain's template, and the first commit of a template, into a
 * bucket, and asks for the project. Answers when the creation has begun.
 */
export async function createProject(call: Caller, place: Place, project: NewProject): Promise<void> {
  const { id } = project;
  const Bucket = bucketOf(place);
  const packed = "template" in project.from ? await packTemplate(place.code, project.from.template) : undefined;
  const generation = packed ? packed.generation : (project.from as { generation: Generation }).generation;
  const sourceKey = `${id}/source.zip`;
  const toolchainKey = `${id}/toolchain.json`;
  const toolchain = toolchainTemplate({
    id,
    generation,
    origin: place.publicUrl,
    ...(project.description ? { description: project.description } : {}),
    ...(packed ? { code: { bucket: Bucket, key: sourceKey } } : {}),
  });
  await refuseTaken(call, id);
  await ensureBucket(call, Bucket);
  if (packed) await call("s3", "PutObject", { Bucket, Key: sourceKey, Body: packed.zip });
  await call("s3", "PutObject", {
    Bucket,
    Key: toolchainKey,
    Body: Buffer.from(JSON.stringify(toolchain, undefined, 2)),
  });
  await call("codestar", "CreateProject", {
    id,
    name: project.name ?? id,
    ...(project.description ? { description: project.description } : {}),
    ...(packed
      ? {
          sourceCode: [
            { source: { s3: { bucketName: Bucket, bucketKey: sourceKey } }, destination: { codeCommit: { name: id } } },
          ],
        }
      : {}),
    toolchain: { source: { s3: { bucketName: Bucket, bucketKey: toolchainKey } } },
  });
}

/** A taken id is refused before its source and toolchain are overwritten. */
async function refuseTaken(call: Caller, id: string): Promise<void> {
  const found = await call("codestar", "DescribeProject", { id }).catch((error: unknown) => {
    if (codeOf(error) !== "ProjectNotFoundException") throw error;
    return undefined;
  });
  if (found && found.status?.state !== "CreateFailed")
    throw new Error(`the name ${id} is taken: there is a project of this name (${found.status?.state})`);
  if (!found && (await hasKeptStacks(call, id)))
    throw new Error(
      `the name ${id} is taken: a project of this name is gone, but its stacks are still there. Choose another name, or remove them: starling destroy ${id}`,
    );
}

/** Whether a project that was removed, but for its resources, has left its stacks. */
export async function hasKeptStacks(call: Caller, id: string): Promise<boolean> {
  for (const StackName of [`awscodestar-${id}`, `awscodestar-${id}-lambda`]) {
    const answer = await call("cloudformation", "DescribeStacks", { StackName }).catch((error: unknown) => {
      if (codeOf(error) !== "ValidationError") throw error;
      return undefined;
    });
    if (answer) return true;
  }
  return false;
}

async function ensureBucket(call: Caller, Bucket: string): Promise<void> {
  await call("s3", "CreateBucket", { Bucket }).catch((error: unknown) => {
    if (codeOf(error) !== "BucketAlreadyOwnedByYou") throw error;
  });
}
