import type * as CodeBuild from "@aws-sdk/client-codebuild";
import type { Project } from "@aws-sdk/client-codebuild";
import { operations, passRole, type Permission } from "../../../aws/service.ts";
import { AwsError, messageOf } from "../../../kernel/aws-error.ts";
import { removeCache, resetCache } from "../cache.ts";
import { CURATED_IMAGES } from "../images.ts";
import { MAX_PROJECTS } from "../limits.ts";
import {
  existingProject,
  invalidInput,
  onAll,
  onProjects,
  projectArn,
  projectName,
  view,
  type Ctx,
  type Json,
  type StoredProject,
} from "../model.ts";
import { checkedSettings, type Settings } from "../project-settings.ts";
import type { CodeBuildState } from "../state.ts";

const PAGE = 100;
const SETTINGS = [
  "description",
  "source",
  "secondarySources",
  "sourceVersion",
  "secondarySourceVersions",
  "artifacts",
  "secondaryArtifacts",
  "cache",
  "environment",
  "serviceRole",
  "timeoutInMinutes",
  "queuedTimeoutInMinutes",
  "encryptionKey",
  "vpcConfig",
  "logsConfig",
  "fileSystemLocations",
  "buildBatchConfig",
  "concurrentBuildLimit",
  "autoRetryLimit",
] as const;

/** The members of an input that are settings. */
const settingsIn = (input: object): Partial<Settings> =>
  Object.fromEntries(
    SETTINGS.flatMap((name) => ((input as any)[name] === undefined ? [] : [[name, (input as any)[name]]])),
  );

async function checkRole(ctx: Ctx, role: string | undefined, name: string): Promise<void> {
  try {
    await ctx.platform.identity.assumeRoleFor("codebuild.amazonaws.com", String(role), {
      sessionName: "check",
      sourceArn: projectArn(ctx, name),
    });
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    throw invalidInput(
      `CodeBuild is not authorized to perform: sts:AssumeRole on service role. Please verify that: 1) The provided service role exists, 2) The role name is case-sensitive and matches exactly, and 3) The role has the necessary trust policy configured. (${messageOf(error)})`,
    );
  }
}

const shown = (project: StoredProject): Project => view<Project>(project);

const tagsOf = (tags: readonly { key?: string; value?: string }[] | undefined) =>
  (tags ?? []) as Json<NonNullable<Project["tags"]>>;

/** The roles that a project gives to its builds and to its batches of builds. */
export const passingRoles = (
  input: {
    readonly serviceRole?: string | undefined;
    readonly buildBatchConfig?: { readonly serviceRole?: string | undefined } | undefined;
  },
  project: string,
): Permission[] =>
  [input.serviceRole, input.buildBatchConfig?.serviceRole].flatMap((role) =>
    passRole(role, "codebuild.amazonaws.com", project),
  );

export const projects = operations<typeof CodeBuild, CodeBuildState>()({
  CreateProject: {
    permissions: (input, ctx) => [
      ...onProjects("CreateProject", ctx, [String(input.name)]),
      ...passingRoles(input, projectArn(ctx, String(input.name))),
    ],
    async run(ctx, input) {
      const name = String(input.name);
      if (!/^[A-Za-z0-9][A-Za-z0-9\-_]{1,149}$/.test(name))
        throw invalidInput(
          `Project name ${name} is not valid: 2 to 150 letters, digits, - and _, beginning with a letter or a digit`,
        );
      if (input.badgeEnabled) throw invalidInput("Build badges are not supported for this source type");
      const settings = checkedSettings(settingsIn(input) as Settings);
      if (await ctx.records.get("project", name)) throw alreadyExists(ctx, name);
      if ((await ctx.records.count("project")) >= MAX_PROJECTS)
        throw new AwsError("AccountLimitExceededException", `Cannot have more than ${MAX_PROJECTS} projects`, 400);
      await checkRole(ctx, settings.serviceRole, name);
      const now = ctx.now();
      const project: StoredProject = {
        ...settings,
        name,
        arn: projectArn(ctx, name),
        encryptionKey: settings.encryptionKey ?? `arn:aws:kms:${ctx.region}:${ctx.account}:alias/aws/s3`,
        created: now,
        lastModified: now,
        tags: tagsOf(input.tags),
        badge: { badgeEnabled: false },
        projectVisibility: "PRIVATE",
      };
      if (!(await ctx.records.create("project", name, project))) throw alreadyExists(ctx, name);
      return { project: shown(project) };
    },
  },
  UpdateProject: {
    permissions: (input, ctx) => [
      ...onProjects("UpdateProject", ctx, [projectName(input.name)]),
      ...passingRoles(input, projectArn(ctx, projectName(input.name))),
    ],
    async run(ctx, input) {
      const name = projectName(input.name);
      const before = await existingProject(ctx, name);
      if (input.badgeEnabled) throw invalidInput("Build badges are not supported for this source type");
      const change = (project: StoredProject): StoredProject => {
        // What an update may take away comes back only where it is still wanted.
        const { buildBatchConfig: _batches, concurrentBuildLimit: _limit, logsConfig: _logs, ...kept } = project;
        return {
          ...kept,
          ...checkedSettings({ ...(settingsIn(project) as Settings), ...settingsIn(input) }),
          ...(input.tags ? { tags: tagsOf(input.tags) } : {}),
          lastModified: ctx.now(),
        };
      };
      const next = change(before);
      if (next.serviceRole !== before.serviceRole) await checkRole(ctx, next.serviceRole, name);
      const project = await ctx.records.update<StoredProject>("project", name, change);
      return { project: shown(project ?? (await existingProject(ctx, name))) };
    },
  },
  DeleteProject: {
    permissions: (input, ctx) => onProjects("DeleteProject", ctx, [projectName(input.name)]),
    async run(ctx, input) {
      const name = projectName(input.name);
      await ctx.records.write(ctx.records.remove("project", name));
      await removeCache(ctx, name);
      return {};
    },
  },
  BatchGetProjects: {
    permissions: (input, ctx) => onProjects("BatchGetProjects", ctx, (input.names ?? []).map(projectName)),
    async run(ctx, input) {
      const names = (input.names ?? []).map(String);
      const found = await Promise.all(
        names.map((name) => ctx.records.get<StoredProject>("project", projectName(name))),
      );
      return {
        projects: found.flatMap((one) => (one ? [shown(one.value)] : [])),
        projectsNotFound: names.filter((_, i) => !found[i]),
      };
    },
  },
  ListProjects: {
    permissions: onAll("ListProjects"),
    async run(ctx, input) {
      const all = (await ctx.records.list<StoredProject>("project")).map(({ value }) => value);
      const by = {
        CREATED_TIME: (p: StoredProject) => p.created ?? 0,
        LAST_MODIFIED_TIME: (p: StoredProject) => p.lastModified ?? 0,
        NAME: () => 0,
      }[input.sortBy ?? "NAME"];
      const names = all.sort((a, b) => by(a) - by(b) || (a.name < b.name ? -1 : 1)).map(({ name }) => name);
      if (input.sortOrder === "DESCENDING") names.reverse();
      const start = Number(input.nextToken ?? 0) || 0;
      return {
        projects: names.slice(start, start + PAGE),
        ...(names.length > start + PAGE ? { nextToken: String(start + PAGE) } : {}),
      };
    },
  },
  InvalidateProjectCache: {
    permissions: (input, ctx) => onProjects("InvalidateProjectCache", ctx, [projectName(input.projectName)]),
    async run(ctx, input) {
      await existingProject(ctx, projectName(input.projectName));
      await resetCache(ctx, projectName(input.projectName));
      return {};
    },
  },
  ListCuratedEnvironmentImages: {
    permissions: onAll("ListCuratedEnvironmentImages"),
    async run() {
      const images = CURATED_IMAGES.map(({ name, description, versions }) => ({
        name,
        description,
        versions: [...versions],
      }));
      const languages: CodeBuild.EnvironmentLanguage[] = [
        { language: "NODE_JS", images },
        { language: "PYTHON", images },
      ];
      return { platforms: [{ platform: "AMAZON_LINUX", languages }] };
    },
  },
});

const alreadyExists = (ctx: Ctx, name: string): AwsError =>
  new AwsError("ResourceAlreadyExistsException", `Project already exists: ${projectArn(ctx, name)}`, 400);
