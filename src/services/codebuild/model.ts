import type { Build, BuildPhase, Project } from "@aws-sdk/client-codebuild";
import type { Context } from "../../aws/context.ts";
import type { Permission } from "../../aws/service.ts";
import { arn } from "../../kernel/arn.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import type { Settings } from "./project-settings.ts";
import type { CodeBuildState } from "./state.ts";

export type Ctx = Context<CodeBuildState>;

/** JSON of an API shape: its dates are milliseconds since the epoch. */
export type Json<T> = T extends Date
  ? number
  : T extends readonly (infer E)[]
    ? Json<E>[]
    : T extends object
      ? { [K in keyof T]: Json<T[K]> }
      : T;

export type StoredProject = Json<Project> & { readonly name: string };

/** A build as the API shows it, and what only its worker needs. */
export interface StoredBuild {
  readonly build: BuildView;
  /** What it was started with: the project's settings with the overrides of the call. */
  readonly settings: Settings;
  readonly stopRequested?: boolean;
  /** The batch that started it, and what it is called there. */
  readonly batch?: { readonly id: string; readonly identifier: string };
  /** Times that a worker began; more than one where the platform stopped in between. */
  readonly runs: number;
}

export type BuildView = Json<Build> & {
  readonly id: string;
  readonly projectName: string;
  readonly startTime: number;
  readonly phases: readonly Phase[];
};
export type Phase = Json<BuildPhase>;

export const projectArn = (ctx: { region: string; account: string }, name: string): string =>
  arn("codebuild", ctx.region, ctx.account, `project/${name}`);
export const buildArn = (ctx: { region: string; account: string }, id: string): string =>
  arn("codebuild", ctx.region, ctx.account, `build/${id}`);

export const batchArn = (ctx: { region: string; account: string }, id: string): string =>
  arn("codebuild", ctx.region, ctx.account, `build-batch/${id}`);

export const invalidInput = (message: string): AwsError => new AwsError("InvalidInputException", message, 400);
export const noResource = (message: string): AwsError => new AwsError("ResourceNotFoundException", message, 400);

/** A project's name, given as such or as its ARN. */
export const projectName = (text: string | undefined): string =>
  /^arn:[^:]*:codebuild:[^:]*:\d*:project\/(.+)$/.exec(text ?? "")?.[1] ?? String(text ?? "");

/** A build's id, given as such or as its ARN. */
export const buildId = (text: string | undefined): string =>
  /^arn:[^:]*:codebuild:[^:]*:\d*:build\/(.+)$/.exec(text ?? "")?.[1] ?? String(text ?? "");

/** A build's id that has the form of one: project and unique part. */
export function checkedBuildId(text: string | undefined): string {
  const id = buildId(text);
  if (!/^[^:]+:[^:]+$/.test(id)) throw invalidInput(`Invalid build ID: ${id}`);
  return id;
}

export const projectOfBuild = (id: string): string => id.slice(0, Math.max(0, id.lastIndexOf(":")));

/** The permission for an action on projects. */
export const onProjects = (action: string, ctx: Ctx, names: readonly string[]): Permission[] =>
  [...new Set(names)].map((name) => ({ action: `codebuild:${action}`, resource: projectArn(ctx, name) }));

export const onAll = (action: string) => (): Permission[] => [{ action: `codebuild:${action}`, resource: "*" }];

export async function existingProject(ctx: Ctx, name: string): Promise<StoredProject> {
  const stored = await ctx.records.get<StoredProject>("project", name);
  if (!stored) throw noResource(`Project cannot be found: ${projectArn(ctx, name)}`);
  return stored.value;
}

export async function existingBuild(ctx: Ctx, id: string): Promise<StoredBuild> {
  const stored = await ctx.records.get<StoredBuild>("build", id);
  if (!stored) throw noResource(`Build ${id} could not be found`);
  return stored.value;
}

const DATES = new Set(["created", "lastModified", "startTime", "endTime", "requestedOn"]);

/** A stored shape with its dates again. */
export function view<T extends object>(value: object): T {
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => {
      if (typeof member === "number" && DATES.has(key)) return [key, new Date(member)];
      if (Array.isArray(member))
        return [key, member.map((one) => (typeof one === "object" && one ? view(one as object) : one))];
      return [key, typeof member === "object" && member ? view(member as object) : member];
    }),
  ) as T;
}
