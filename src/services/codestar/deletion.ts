import type { StackResource } from "@aws-sdk/client-cloudformation";
import type { Context } from "../../aws/context.ts";
import type { Principal } from "../../aws/principal.ts";
import type { QueueWorker } from "../../aws/service.ts";
import { AwsError, codeOf, messageOf } from "../../kernel/aws-error.ts";
import { toolchainStack, type Member, type Project } from "./model.ts";
import { asServiceRole } from "./service-role.ts";
import { applicationStacks, findStack, reasonOf, resourcesOf, settled } from "./stacks.ts";
import { removeTeamPolicies } from "./team-policies.ts";

export const DELETIONS = "codestar-delete";
const MAX_PAGES = 10_000;

export interface Deletion {
  readonly id: string;
  readonly deleteStack: boolean;
  /** Who asked for it: removes what CodeStar's own role may not. */
  readonly caller?: Principal;
}

/** Removes a project and, unless told otherwise, all that it is made of. May run again from the start at any point. */
export const deletionWorker: QueueWorker<any> = {
  topic: DELETIONS,
  concurrency: 4,
  leaseMs: 30_000,
  maxAttempts: 20,
  async run(ctx, body, attempt) {
    const { id, deleteStack, caller } = body as Deletion;
    const project = (await ctx.records.get<Project>("project", id))?.value;
    if (!project) return;
    try {
      await removeResources(ctx, project, { stacks: deleteStack, ...(caller ? { caller } : {}) });
      const members = await ctx.records.list<Member>("member", { prefix: `${id}:` });
      await ctx.records.write(
        ctx.records.remove("project", id),
        ctx.records.remove("creation", id),
        ...members.map((m) => ctx.records.remove("member", m.id)),
      );
    } catch (error) {
      if (ctx.signal.aborted || (!(error instanceof AwsError) && attempt < 5)) throw error;
      await ctx.records.update<Project>("project", id, (p) => ({
        ...p,
        state: "DeleteFailed",
        reason: messageOf(error).slice(0, 1024),
      }));
    }
  },
};

/**
 * Removes the team's policies and the stacks, the application's first, because its resources live by the toolchain's
 * roles; then what the stacks retain: buckets, roles, the boundary.
 */
export async function removeResources(
  ctx: Context<any>,
  project: Project,
  options: { stacks: boolean; caller?: Principal },
): Promise<void> {
  const role = await asServiceRole(ctx, project.id);
  const byCaller = options.caller ? ctx.as(options.caller) : undefined;
  await removeTeamPolicies(role, project.id);
  await removeHandedOver(role, project.id);
  if (!options.stacks) return;
  const toolchain = toolchainStack(project.id);
  const made = await resourcesOf(role, toolchain);
  await stopPipelines(role, made);
  const left: StackResource[] = [];
  for (const name of await applicationStacks(role, project.id)) {
    const resources = await resourcesOf(role, name);
    await emptyBuckets(role, byCaller, resources);
    await removeStack(role, name);
    left.push(...resources);
  }
  await emptyBuckets(role, byCaller, made);
  await removeStack(role, toolchain);
  await removeRetained(role, byCaller, [...left.filter(isBucket), ...made]);
  await removeLogs(role, project.id, left);
}

const isBucket = (resource: StackResource): boolean => resource.ResourceType === "AWS::S3::Bucket";

/** What `starling new` handed over: the first commit and the toolchain's template. */
async function removeHandedOver(role: Context<any>, id: string): Promise<void> {
  const Bucket = `aws-codestar-${role.region}-${role.account}`;
  try {
    const { Contents = [] } = await role.call("s3", "ListObjectsV2", { Bucket, Prefix: `${id}/` });
    for (const { Key } of Contents) await role.call("s3", "DeleteObject", { Bucket, Key });
    await role.call("s3", "DeleteBucket", { Bucket });
  } catch (error) {
    if (!["NoSuchBucket", "BucketNotEmpty", "AccessDenied"].includes(String(codeOf(error)))) throw error;
  }
}

/** A release under way would go on making things that are being removed. */
async function stopPipelines(role: Context<any>, resources: readonly StackResource[]): Promise<void> {
  for (const { ResourceType, PhysicalResourceId: pipelineName } of resources) {
    if (ResourceType !== "AWS::CodePipeline::Pipeline" || !pipelineName) continue;
    try {
      const { pipelineExecutionSummaries = [] } = await role.call("codepipeline", "ListPipelineExecutions", {
        pipelineName,
      });
      for (const { pipelineExecutionId, status } of pipelineExecutionSummaries) {
        if (status === "InProgress")
          await role.call("codepipeline", "StopPipelineExecution", {
            pipelineName,
            pipelineExecutionId,
            abandon: true,
          });
      }
    } catch (error) {
      if (!(error instanceof AwsError)) throw error; // gone already, or stopping already
    }
  }
}

async function removeStack(role: Context<any>, name: string): Promise<void> {
  // A deployment under way ends first: a stack that is being changed cannot be deleted.
  const stack = await settled(role, name);
  if (!stack) return;
  await role.call("cloudformation", "DeleteStack", { StackName: stack.StackId });
  const after = await settled(role, String(stack.StackId));
  if (after && (await findStack(role, name)))
    throw new AwsError(
      "ProjectConfigurationException",
      `The stack ${name} could not be deleted. ${await reasonOf(role, String(stack.StackId))}`,
      400,
    );
}

/** As CodeStar's role, or where that may not, as whoever asked for the deletion. */
async function either<T>(
  role: Context<any>,
  caller: Context<any> | undefined,
  work: (ctx: Context<any>) => Promise<T>,
): Promise<T> {
  try {
    return await work(role);
  } catch (error) {
    if (!caller || !(error instanceof AwsError) || !error.code.startsWith("AccessDenied")) throw error;
    return work(caller);
  }
}

const ofType = (resources: readonly StackResource[], type: string): string[] =>
  resources.filter((r) => r.ResourceType === type && r.PhysicalResourceId).map((r) => String(r.PhysicalResourceId));

async function emptyBuckets(
  role: Context<any>,
  caller: Context<any> | undefined,
  resources: readonly StackResource[],
): Promise<void> {
  for (const Bucket of ofType(resources, "AWS::S3::Bucket"))
    await either(role, caller, (ctx) => emptyBucket(ctx, Bucket));
}

async function emptyBucket(ctx: Context<any>, Bucket: string): Promise<void> {
  try {
    for (let pages = 0; pages < MAX_PAGES; pages++) {
      const { Versions = [], DeleteMarkers = [], IsTruncated } = await ctx.call("s3", "ListObjectVersions", { Bucket });
      const Objects = [...Versions, ...DeleteMarkers].map(({ Key, VersionId }) => ({ Key, VersionId }));
      if (Objects.length > 0) await ctx.call("s3", "DeleteObjects", { Bucket, Delete: { Objects, Quiet: true } });
      if (!IsTruncated) return;
    }
  } catch (error) {
    if (codeOf(error) !== "NoSuchBucket") throw error;
  }
}

const ignoring =
  (...codes: string[]) =>
  (error: unknown): void => {
    if (!codes.includes(String(codeOf(error)))) throw error;
  };

async function removeRetained(
  role: Context<any>,
  caller: Context<any> | undefined,
  resources: readonly StackResource[],
): Promise<void> {
  for (const Bucket of ofType(resources, "AWS::S3::Bucket")) {
    await either(role, caller, async (ctx) => {
      await emptyBucket(ctx, Bucket);
      await ctx.call("s3", "DeleteBucket", { Bucket });
    }).catch(ignoring("NoSuchBucket"));
  }
  for (const name of ofType(resources, "AWS::IAM::Role"))
    await either(role, caller, (ctx) => removeRole(ctx, name)).catch(ignoring("NoSuchEntity"));
  for (const arn of ofType(resources, "AWS::IAM::ManagedPolicy"))
    await either(role, caller, (ctx) => removePolicy(ctx, arn)).catch(ignoring("NoSuchEntity"));
}

async function removeRole(ctx: Context<any>, RoleName: string): Promise<void> {
  const { AttachedPolicies = [] } = await ctx.call("iam", "ListAttachedRolePolicies", { RoleName });
  for (const { PolicyArn } of AttachedPolicies) await ctx.call("iam", "DetachRolePolicy", { RoleName, PolicyArn });
  const { PolicyNames = [] } = await ctx.call("iam", "ListRolePolicies", { RoleName });
  for (const PolicyName of PolicyNames) await ctx.call("iam", "DeleteRolePolicy", { RoleName, PolicyName });
  await ctx.call("iam", "DeleteRole", { RoleName });
}

async function removePolicy(ctx: Context<any>, PolicyArn: string): Promise<void> {
  const { Versions = [] } = await ctx.call("iam", "ListPolicyVersions", { PolicyArn });
  for (const { VersionId, IsDefaultVersion } of Versions)
    if (!IsDefaultVersion) await ctx.call("iam", "DeletePolicyVersion", { PolicyArn, VersionId });
  await ctx.call("iam", "DeletePolicy", { PolicyArn });
}

/** The logs of the project's builds and functions go with it. */
async function removeLogs(role: Context<any>, id: string, resources: readonly StackResource[]): Promise<void> {
  const functions = ofType(resources, "AWS::Lambda::Function").map((name) => `/aws/lambda/${name}`);
  for (const logGroupName of [`/aws/codebuild/${id}`, ...functions]) {
    await role.call("logs", "DeleteLogGroup", { logGroupName }).catch(ignoring("ResourceNotFoundException"));
  }
}
