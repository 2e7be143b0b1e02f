import type { Context } from "../../../aws/context.ts";
import { operations, passRole } from "../../../aws/service.ts";
import { AwsError, codeOf, messageOf } from "../../../kernel/aws-error.ts";
import { CREATIONS, startToolchain } from "../creation.ts";
import { DELETIONS, type Deletion } from "../deletion.ts";
import { concurrentChange, configurationFault, invalid, limitExceeded, projectExists } from "../errors.ts";
import { MAX_PROJECTS, MAX_SOURCE_BYTES, MAX_TEMPLATE_BYTES, TEMPLATE_BODY_BYTES } from "../limits.ts";
import { checkId, existingProject, onAll, onProject, page, projectArn, type Creation, type Project } from "../model.ts";
import { readObject } from "../seed.ts";
import { asServiceRole, ensureServiceRole } from "../service-role.ts";
import type { CodeStarModule, CreateProjectInput, S3Location } from "../shapes.ts";
import { checkTags } from "./tags.ts";

/** Long after CreateProject has answered: only a creation whose process was killed is still open then. */
const RESCUE_MS = 20_000;

export const projects = operations<CodeStarModule, any>()({
  CreateProject: {
    permissions: (input, ctx) => [
      { action: "codestar:CreateProject", resource: "*" },
      ...passRole(input.toolchain?.roleArn, "cloudformation.amazonaws.com", projectArn(ctx, String(input.id))),
    ],
    async run(ctx, input) {
      const { id, project, creation } = await prepare(ctx, input);
      const answer = {
        id,
        arn: projectArn(ctx, id),
        ...(input.clientRequestToken ? { clientRequestToken: input.clientRequestToken } : {}),
      };
      if (!(await claim(ctx, project, creation))) {
        const existing = await existingProject(ctx, id);
        if (input.clientRequestToken && existing.clientRequestToken === input.clientRequestToken) return answer; // sent again
        throw projectExists(id);
      }
      try {
        await ensureServiceRole(ctx);
        const stackId = await startToolchain(await asServiceRole(ctx, id), project, creation);
        await ctx.records.update<Project>(
          "project",
          id,
          (p) => (stackId ? { ...p, stackId } : p),
          ...ctx.enqueue(CREATIONS, { id }, { group: id }),
        );
      } catch (error) {
        await ctx.records.write(ctx.records.remove("project", id), ctx.records.remove("creation", id));
        throw asFault(error);
      }
      return answer;
    },
  },
  DescribeProject: {
    permissions: onProject("DescribeProject"),
    async run(ctx, input) {
      const project = await existingProject(ctx, input.id);
      return {
        name: project.name,
        id: project.id,
        arn: projectArn(ctx, project.id),
        description: project.description,
        ...(project.clientRequestToken ? { clientRequestToken: project.clientRequestToken } : {}),
        createdTimeStamp: new Date(project.created),
        ...(project.stackId ? { stackId: project.stackId } : {}),
        status: { state: project.state, ...(project.reason ? { reason: project.reason } : {}) },
      };
    },
  },
  ListProjects: {
    permissions: onAll("ListProjects"),
    async run(ctx, input) {
      const { items, ...rest } = page(await ctx.records.list<Project>("project"), input);
      return { projects: items.map((p) => ({ projectId: p.id, projectArn: projectArn(ctx, p.id) })), ...rest };
    },
  },
  UpdateProject: {
    permissions: onProject("UpdateProject"),
    async run(ctx, input) {
      const { name, description } = input;
      await existingProject(ctx, input.id);
      await ctx.records.update<Project>("project", String(input.id), (p) => ({
        ...p,
        ...(name === undefined ? {} : { name }),
        ...(description === undefined ? {} : { description }),
      }));
      return {};
    },
  },
  DeleteProject: {
    permissions: onProject("DeleteProject"),
    async run(ctx, input) {
      const id = String(input.id);
      const stored = await ctx.records.get<Project>("project", id);
      if (!stored) return {}; // deleting what is gone is no error
      const project = stored.value;
      if (project.state === "CreateInProgress")
        throw concurrentChange(`The project ${id} is still being created. Delete it when that has ended.`);
      const work: Deletion = { id, deleteStack: input.deleteStack ?? true, caller: ctx.principal };
      const { reason: _reason, ...rest } = project;
      await ctx.records.write(
        ctx.records.put("project", id, { ...rest, state: "DeleteInProgress" } satisfies Project, stored.rev),
        ctx.enqueue(DELETIONS, work, { group: id }),
      );
      return { projectArn: projectArn(ctx, id), ...(project.stackId ? { stackId: project.stackId } : {}) };
    },
  },
});

/** Checks the input, reads what it names as the caller, and answers what will be stored. */
async function prepare(
  ctx: Context<any>,
  input: CreateProjectInput,
): Promise<{ id: string; project: Project; creation: Creation }> {
  const id = String(input.id);
  checkId(id);
  checkTags(input.tags ?? {});
  const source = sourceOf(input);
  if (source && !input.toolchain)
    throw invalid("A project with source code needs a toolchain, which makes the repository for it.");
  if ((await ctx.records.count("project")) >= MAX_PROJECTS)
    throw limitExceeded(`An account can have up to ${MAX_PROJECTS} projects in a region.`);
  const template = input.toolchain ? await readTemplate(ctx, input.toolchain.source?.s3 ?? {}) : undefined;
  if (source)
    await readObject(ctx, source.from, MAX_SOURCE_BYTES).catch((error: unknown) => Promise.reject(asFault(error)));
  const project: Project = {
    id,
    name: String(input.name),
    description: input.description ?? "",
    created: ctx.now(),
    state: "CreateInProgress",
    tags: input.tags ?? {},
    ...(input.clientRequestToken ? { clientRequestToken: input.clientRequestToken } : {}),
  };
  const creation: Creation = {
    ...(template ? { template } : {}),
    parameters: input.toolchain?.stackParameters ?? {},
    ...(input.toolchain?.roleArn ? { roleArn: input.toolchain.roleArn } : {}),
    ...(source ? { source } : {}),
    caller: ctx.principal,
  };
  return { id, project, creation };
}

function sourceOf({ sourceCode }: CreateProjectInput): Creation["source"] {
  if (!sourceCode?.length) return undefined;
  const [code, ...more] = sourceCode;
  if (more.length > 0) throw invalid("A project takes at most one source code.");
  if (code?.destination?.gitHub)
    throw invalid("GitHub repositories are not supported as a destination: use destination.codeCommit.");
  const repository = code?.destination?.codeCommit?.name;
  if (!repository) throw invalid("The source code needs a destination: destination.codeCommit.name.");
  return { from: location(code?.source?.s3, "sourceCode.source.s3"), repository };
}

function location(given: S3Location | undefined, what: string): S3Location {
  if (!given?.bucketName || !given.bucketKey) throw invalid(`${what} needs bucketName and bucketKey.`);
  return given;
}

async function readTemplate(ctx: Context<any>, given: S3Location): Promise<Creation["template"]> {
  const from = location(given, "toolchain.source.s3");
  const text = await readObject(ctx, from, MAX_TEMPLATE_BYTES).catch((error: unknown) =>
    Promise.reject(asFault(error)),
  );
  if (text.length <= TEMPLATE_BODY_BYTES) return { body: text.toString("utf8") };
  const key = String(from.bucketKey).split("/").map(encodeURIComponent).join("/");
  return { url: `https://${from.bucketName}.s3.${ctx.region}.amazonaws.com/${key}` };
}

/** Takes the id; a project whose creation failed, and of which nothing is left, makes room. */
async function claim(ctx: Context<any>, project: Project, creation: Creation): Promise<boolean> {
  const also = [
    ctx.records.put("creation", project.id, creation),
    ...ctx.enqueue(CREATIONS, { id: project.id, rescue: true }, { delayMs: RESCUE_MS }),
  ];
  if (await ctx.records.create("project", project.id, project, ...also)) return true;
  const existing = await ctx.records.get<Project>("project", project.id);
  if (existing?.value.state !== "CreateFailed") return false;
  await ctx.records.write(ctx.records.put("project", project.id, project, existing.rev), also);
  return true;
}

/** The caller's own missing permissions stay what they are; what the template or the role lacks is a fault of the configuration. */
function asFault(error: unknown): unknown {
  if (!(error instanceof AwsError) || error.status >= 500) return error;
  const own = [
    "ValidationException",
    "InvalidServiceRoleException",
    "ProjectConfigurationException",
    "ProjectAlreadyExistsException",
  ];
  return own.includes(String(codeOf(error))) ? error : configurationFault(messageOf(error));
}
