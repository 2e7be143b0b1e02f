import type { Context } from "../../aws/context.ts";
import type { QueueWorker } from "../../aws/service.ts";
import { AwsError, codeOf, messageOf } from "../../kernel/aws-error.ts";
import { PROJECT_TAG } from "../../kernel/project-tag.ts";
import { removeResources } from "./deletion.ts";
import { MAX_SOURCE_BYTES } from "./limits.ts";
import { projectArn, toolchainStack, type Creation, type Member, type Project } from "./model.ts";
import { readObject, seedRepository } from "./seed.ts";
import { asServiceRole } from "./service-role.ts";
import { findStack, reasonOf, settled } from "./stacks.ts";
import { addMember } from "./team.ts";
import { makeTeamPolicies } from "./team-policies.ts";

export const CREATIONS = "codestar-create";
const CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"];

/** Starts the toolchain's stack, or finds the one that an earlier try started. */
export async function startToolchain(
  role: Context<any>,
  project: Project,
  creation: Creation,
): Promise<string | undefined> {
  const { template, parameters, roleArn } = creation;
  if (!template) return undefined;
  const StackName = toolchainStack(project.id);
  const tags = { [PROJECT_TAG]: projectArn(role, project.id), ...project.tags };
  try {
    const { StackId } = await role.call("cloudformation", "CreateStack", {
      StackName,
      ...("body" in template ? { TemplateBody: template.body } : { TemplateURL: template.url }),
      Parameters: Object.entries(parameters).map(([ParameterKey, ParameterValue]) => ({
        ParameterKey,
        ParameterValue,
      })),
      Capabilities: CAPABILITIES,
      Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
      ClientRequestToken: `codestar-${project.id}-${project.created}`,
      ...(roleArn ? { RoleARN: roleArn } : {}),
    });
    return StackId;
  } catch (error) {
    if (codeOf(error) !== "AlreadyExistsException") throw error;
    const stack = await findStack(role, StackName);
    if (!stack || Number(stack.CreationTime?.getTime()) < project.created) throw error; // somebody else's
    return stack.StackId;
  }
}

/** Sees a creation through: the stack, the first commit, the team's policies. May run again from the start at any point. */
export const creationWorker: QueueWorker<any> = {
  topic: CREATIONS,
  concurrency: 8,
  leaseMs: 30_000,
  maxAttempts: 20,
  async run(ctx, body, attempt) {
    const { id, rescue } = body as { id: string; rescue?: boolean };
    const project = (await ctx.records.get<Project>("project", id))?.value;
    const creation = (await ctx.records.get<Creation>("creation", id))?.value;
    if (project?.state !== "CreateInProgress" || !creation) return;
    // With the stack's id a message of its own was written: the rescue is for a process that was killed before.
    if (rescue && project.stackId) return;
    try {
      await finish(ctx, project, creation);
      await conclude(ctx, id, { state: "CreateComplete" });
    } catch (error) {
      if (ctx.signal.aborted) throw error;
      // What is not a refusal (a full disk, a fault of ours) is tried again; a refusal ends the creation.
      if (!(error instanceof AwsError) && attempt < 5) throw error;
      await removeResources(ctx, project, { stacks: true });
      await conclude(ctx, id, { state: "CreateFailed", reason: messageOf(error).slice(0, 1024) });
    }
  },
};

async function finish(ctx: Context<any>, project: Project, creation: Creation): Promise<void> {
  const role = await asServiceRole(ctx, project.id);
  const stackId = project.stackId ?? (await startToolchain(role, project, creation));
  if (stackId) {
    if (!project.stackId) await ctx.records.update<Project>("project", project.id, (p) => ({ ...p, stackId }));
    const stack = await settled(role, stackId);
    if (stack?.StackStatus !== "CREATE_COMPLETE")
      throw new AwsError("ProjectCreationFailedException", await reasonOf(role, stackId), 400);
  }
  const { source, caller } = creation;
  if (source)
    await seedRepository(role, source.repository, await readObject(ctx.as(caller), source.from, MAX_SOURCE_BYTES));
  await makeTeamPolicies(role, project.id);
  if (caller.kind === "user") await addCreator(ctx, role, project, caller.arn);
}

/** Whoever makes a project owns it. An administrator may do all of it anyway, and policies of a user are few. */
async function addCreator(ctx: Context<any>, role: Context<any>, project: Project, userArn: string): Promise<void> {
  const member: Member = { userArn, role: "Owner", remoteAccess: false };
  try {
    const UserName = userArn.slice(userArn.lastIndexOf("/") + 1);
    const { AttachedPolicies = [] } = await role.call("iam", "ListAttachedUserPolicies", { UserName });
    if (!AttachedPolicies.some((p) => p.PolicyName === "AdministratorAccess"))
      await addMember(ctx, role, project.id, member);
  } catch (error) {
    const isBearable = [
      "LimitExceededException",
      "LimitExceeded",
      "NoSuchEntity",
      "TeamMemberAlreadyAssociatedException",
    ].includes(String(codeOf(error)));
    if (!isBearable) throw error;
  }
}

async function conclude(ctx: Context<any>, id: string, change: Partial<Project>): Promise<void> {
  await ctx.records.update<Project>(
    "project",
    id,
    (project) => ({ ...project, ...change }),
    ctx.records.remove("creation", id),
  );
}
