import type * as CodeBuild from "@aws-sdk/client-codebuild";
import type { Build } from "@aws-sdk/client-codebuild";
import { operations, passRole, type Permission } from "../../../aws/service.ts";
import {
  buildId,
  checkedBuildId,
  existingBuild,
  existingProject,
  invalidInput,
  onAll,
  onProjects,
  projectArn,
  projectName,
  projectOfBuild,
  view,
  type Ctx,
  type StoredBuild,
} from "../model.ts";
import { removeNumbered } from "../numbered.ts";
import { BUILD, startBuild, type StartInput } from "../start.ts";
import type { CodeBuildState } from "../state.ts";
import { requestStop } from "../stop.ts";

const PAGE = 100;

const onBuilds =
  (action: string) =>
  (input: any, ctx: Ctx): Permission[] =>
    onProjects(
      action,
      ctx,
      ((input.ids ?? [input.id]) as string[]).map((id) => projectOfBuild(buildId(id))),
    );

const shown = ({ build }: StoredBuild): Build => view<Build>(build);

export const builds = operations<typeof CodeBuild, CodeBuildState>()({
  StartBuild: {
    permissions: (input, ctx) => [
      ...onProjects("StartBuild", ctx, [projectName(input.projectName)]),
      ...passRole(
        input.serviceRoleOverride,
        "codebuild.amazonaws.com",
        projectArn(ctx, projectName(input.projectName)),
      ),
    ],
    run: async (ctx, input) => ({ build: shown(await startBuild(ctx, input as StartInput)) }),
  },
  RetryBuild: {
    permissions: onBuilds("RetryBuild"),
    async run(ctx, input) {
      const { build, settings } = await existingBuild(ctx, checkedBuildId(input.id));
      if (!build.buildComplete) throw invalidInput(`Build ${build.id} is still in progress`);
      if (settings.source?.type === "CODEPIPELINE")
        throw invalidInput("Builds that a pipeline started are retried in the pipeline");
      const { source, environment, artifacts, secondaryArtifacts, secondarySources, secondarySourceVersions } =
        settings;
      const overrides = {
        projectName: build.projectName,
        sourceVersion: settings.sourceVersion,
        sourceTypeOverride: source?.type,
        sourceLocationOverride: source?.location,
        buildspecOverride: source?.buildspec,
        artifactsOverride: artifacts,
        secondaryArtifactsOverride: secondaryArtifacts,
        secondarySourcesOverride: secondarySources,
        secondarySourcesVersionOverride: secondarySourceVersions,
        environmentVariablesOverride: environment?.environmentVariables,
        imageOverride: environment?.image,
        computeTypeOverride: environment?.computeType,
        timeoutInMinutesOverride: settings.timeoutInMinutes,
        idempotencyToken: input.idempotencyToken,
      };
      return { build: shown(await startBuild(ctx, overrides as StartInput)) };
    },
  },
  StopBuild: {
    permissions: onBuilds("StopBuild"),
    run: async (ctx, input) => ({ build: shown(await requestStop(ctx, checkedBuildId(input.id))) }),
  },
  BatchGetBuilds: {
    permissions: onBuilds("BatchGetBuilds"),
    async run(ctx, input) {
      const ids = (input.ids ?? []).map(String);
      const found = await Promise.all(ids.map(checkedBuildId).map((id) => ctx.records.get<StoredBuild>("build", id)));
      return {
        builds: found.flatMap((one) => (one ? [shown(one.value)] : [])),
        buildsNotFound: ids.filter((_, i) => !found[i]),
      };
    },
  },
  ListBuilds: {
    permissions: onAll("ListBuilds"),
    run: (ctx, input) => listIds(ctx, "order", undefined, input),
  },
  ListBuildsForProject: {
    permissions: (input, ctx) => onProjects("ListBuildsForProject", ctx, [projectName(input.projectName)]),
    async run(ctx, input) {
      const name = projectName(input.projectName);
      await existingProject(ctx, name);
      return await listIds(ctx, "project-order", `${name}/`, input);
    },
  },
  BatchDeleteBuilds: {
    permissions: onBuilds("BatchDeleteBuilds"),
    async run(ctx, input) {
      return await deleteBuilds(ctx, input.ids ?? []);
    },
  },
});

/** Deletes builds that have ended; those that cannot be deleted are told with the reason. */
export async function deleteBuilds(ctx: Ctx, ids: readonly string[]) {
  const buildsDeleted: string[] = [];
  const buildsNotDeleted: { id: string; statusCode: string }[] = [];
  for (const given of ids) {
    const stored = await ctx.records.get<StoredBuild>("build", buildId(given));
    if (!stored) buildsNotDeleted.push({ id: given, statusCode: "BUILD_NOT_FOUND" });
    else if (!stored.value.build.buildComplete) buildsNotDeleted.push({ id: given, statusCode: "BUILD_IN_PROGRESS" });
    else {
      const { build } = stored.value;
      await ctx.records.write(removeNumbered(ctx, BUILD, build, build.buildNumber));
      buildsDeleted.push(build.arn ?? stored.id);
    }
  }
  return { buildsDeleted, buildsNotDeleted };
}

/** A page of ids that are kept in an order. */
export async function listIds(
  ctx: Ctx,
  kind: string,
  prefix: string | undefined,
  input: { sortOrder?: string | undefined; nextToken?: string | undefined; maxResults?: number | undefined },
): Promise<{ ids: string[]; nextToken?: string }> {
  const limit = Math.min(input.maxResults ?? PAGE, PAGE);
  const found = await ctx.records.list<string>(kind, {
    limit: limit + 1,
    reverse: input.sortOrder !== "ASCENDING",
    ...(prefix ? { prefix } : {}),
    ...(input.nextToken ? { after: Buffer.from(input.nextToken, "base64url").toString() } : {}),
  });
  const page = found.slice(0, limit);
  return {
    ids: page.map(({ value }) => value),
    ...(found.length > limit ? { nextToken: Buffer.from(page.at(-1)!.id).toString("base64url") } : {}),
  };
}
