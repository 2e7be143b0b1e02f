import type * as Gateway from "@aws-sdk/client-api-gateway";
import type { Context } from "../../../aws/context.ts";
import { operations } from "../../../aws/service.ts";
import type { Statement } from "../../../ports/database.ts";
import {
  apiOf,
  badRequest,
  conflict,
  definitionsOf,
  newId,
  noApi,
  notFound,
  on,
  type Deployment,
  type RestApi,
  type Stage,
} from "../model.ts";
import { patched, patchedMap } from "../patch.ts";
import { page } from "./apis.ts";

const stageId = (api: string | undefined, stage: string | undefined): string => `${api}:${stage}`;

const stageView = (stage: Stage) => ({
  deploymentId: stage.deploymentId,
  stageName: stage.name,
  cacheClusterEnabled: false,
  cacheClusterStatus: "NOT_AVAILABLE" as const,
  methodSettings: { ...stage.methodSettings } as Record<string, Gateway.MethodSetting>,
  tracingEnabled: stage.tracingEnabled,
  createdDate: new Date(stage.created),
  lastUpdatedDate: new Date(stage.updated),
  ...(Object.keys(stage.variables).length ? { variables: { ...stage.variables } } : {}),
  ...(stage.description === undefined ? {} : { description: stage.description }),
  ...(stage.tags ? { tags: { ...stage.tags } } : {}),
});

const deploymentView = (d: Deployment) => ({
  id: d.id,
  createdDate: new Date(d.created),
  ...(d.description === undefined ? {} : { description: d.description }),
});

/** A snapshot of the API as it is now; every method must have an integration. */
function snapshot(ctx: Context<any>, api: RestApi, description: string | undefined): Deployment {
  const resources = Object.values(api.resources);
  const methods = resources.flatMap((r) => Object.values(r.methods));
  if (methods.length === 0) throw badRequest("The REST API doesn't contain any methods");
  if (methods.some((m) => !m.methodIntegration)) throw badRequest("No integration defined for method");
  return {
    id: newId(ctx),
    created: ctx.now(),
    resources,
    binaryMediaTypes: api.binaryMediaTypes,
    ...definitionsOf(api),
    ...(description === undefined ? {} : { description }),
  };
}

async function stageOf(ctx: Context<any>, api: string | undefined, name: string | undefined): Promise<Stage> {
  const stored = await ctx.records.get<Stage>("stage", stageId(api, name));
  if (!stored) throw notFound("Invalid stage identifier specified");
  return stored.value;
}

function newStage(
  ctx: Context<any>,
  name: string,
  deploymentId: string,
  input: {
    description?: string | undefined;
    variables?: Record<string, string> | undefined;
    tracingEnabled?: boolean | undefined;
    tags?: Record<string, string> | undefined;
  },
): Stage {
  if (!/^[\w-]{1,128}$/.test(name)) throw badRequest("Stage name only allows a-zA-Z0-9_-");
  const now = ctx.now();
  return {
    name,
    deploymentId,
    variables: input.variables ?? {},
    tracingEnabled: input.tracingEnabled ?? false,
    created: now,
    updated: now,
    ...(input.description === undefined ? {} : { description: input.description }),
    ...(input.tags ? { tags: input.tags } : {}),
  };
}

const onStage = (verb: "GET" | "PATCH" | "DELETE") => on(verb, (i) => `/restapis/${i.restApiId}/stages/${i.stageName}`);

export const stages = operations<typeof Gateway, any>()({
  CreateDeployment: {
    permissions: on("POST", (i) => `/restapis/${i.restApiId}/deployments`),
    async run(ctx, input) {
      const api = await apiOf(ctx, input.restApiId);
      const deployment = snapshot(ctx, api, input.description);
      const also: Statement[] = [];
      if (input.stageName) {
        const id = stageId(api.id, input.stageName);
        const known = await ctx.records.get<Stage>("stage", id);
        const fresh = newStage(ctx, input.stageName, deployment.id, {
          variables: input.variables,
          tracingEnabled: input.tracingEnabled,
          description: input.stageDescription,
        });
        const next = known
          ? {
              ...known.value,
              deploymentId: deployment.id,
              updated: ctx.now(),
              ...(input.variables ? { variables: input.variables } : {}),
            }
          : fresh;
        also.push(ctx.records.put("stage", id, next));
      }
      await ctx.records.write(ctx.records.put("deployment", `${api.id}:${deployment.id}`, deployment), also);
      return deploymentView(deployment);
    },
  },
  GetDeployment: {
    permissions: on("GET", (i) => `/restapis/${i.restApiId}/deployments/${i.deploymentId}`),
    async run(ctx, input) {
      const stored = await ctx.records.get<Deployment>("deployment", `${input.restApiId}:${input.deploymentId}`);
      if (!stored) throw notFound("Invalid Deployment identifier specified");
      return deploymentView(stored.value);
    },
  },
  GetDeployments: {
    permissions: on("GET", (i) => `/restapis/${i.restApiId}/deployments`),
    async run(ctx, input) {
      await apiOf(ctx, input.restApiId);
      const all = (await ctx.records.list<Deployment>("deployment", { prefix: `${input.restApiId}:` }))
        .map((s) => s.value)
        .sort((a, b) => b.created - a.created);
      const { items, ...rest } = page(all, input);
      return { items: items.map(deploymentView), ...rest };
    },
  },
  DeleteDeployment: {
    permissions: on("DELETE", (i) => `/restapis/${i.restApiId}/deployments/${i.deploymentId}`),
    async run(ctx, input) {
      const used = (await ctx.records.list<Stage>("stage", { prefix: `${input.restApiId}:` })).some(
        (s) => s.value.deploymentId === input.deploymentId,
      );
      if (used) throw badRequest("Active stages pointing to this deployment must be moved or deleted");
      const id = `${input.restApiId}:${input.deploymentId}`;
      if (!(await ctx.records.get("deployment", id))) throw notFound("Invalid Deployment identifier specified");
      await ctx.records.write(ctx.records.remove("deployment", id));
      return {};
    },
  },
  CreateStage: {
    permissions: on("POST", (i) => `/restapis/${i.restApiId}/stages`),
    async run(ctx, input) {
      await apiOf(ctx, input.restApiId);
      if (!(await ctx.records.get("deployment", `${input.restApiId}:${input.deploymentId}`)))
        throw badRequest("Deployment id does not exist");
      const stage = newStage(ctx, String(input.stageName), String(input.deploymentId), input);
      if (!(await ctx.records.create("stage", stageId(input.restApiId, stage.name), stage)))
        throw conflict("Stage already exists");
      return stageView(stage);
    },
  },
  GetStage: {
    permissions: onStage("GET"),
    run: async (ctx, input) => stageView(await stageOf(ctx, input.restApiId, input.stageName)),
  },
  GetStages: {
    permissions: on("GET", (i) => `/restapis/${i.restApiId}/stages`),
    async run(ctx, input) {
      await apiOf(ctx, input.restApiId);
      const all = (await ctx.records.list<Stage>("stage", { prefix: `${input.restApiId}:` })).map((s) => s.value);
      return { item: all.filter((s) => !input.deploymentId || s.deploymentId === input.deploymentId).map(stageView) };
    },
  },
  UpdateStage: {
    permissions: onStage("PATCH"),
    async run(ctx, input) {
      const before = await stageOf(ctx, input.restApiId, input.stageName);
      const next = patched(before, input.patchOperations, ["deploymentId", "description", "tracingEnabled"]);
      if (
        next.deploymentId !== before.deploymentId &&
        !(await ctx.records.get("deployment", `${input.restApiId}:${next.deploymentId}`))
      )
        throw badRequest("Deployment id does not exist");
      const stage: Stage = {
        ...next,
        tracingEnabled: String(next.tracingEnabled) === "true",
        variables: patchedMap(before.variables, input.patchOperations, "variables"),
        updated: ctx.now(),
      };
      await ctx.records.write(ctx.records.put("stage", stageId(input.restApiId, input.stageName), stage));
      return stageView(stage);
    },
  },
  DeleteStage: {
    permissions: onStage("DELETE"),
    async run(ctx, input) {
      await stageOf(ctx, input.restApiId, input.stageName);
      await ctx.records.write(ctx.records.remove("stage", stageId(input.restApiId, input.stageName)));
      return {};
    },
  },
  GetTags: {
    permissions: on("GET", (i) => `/tags/${encodeURIComponent(String(i.resourceArn))}`),
    async run(ctx, input) {
      const { kind, id } = taggedRecord(input.resourceArn);
      const stored = await ctx.records.get<Tagged>(kind, id);
      if (!stored) throw missingResource(ctx, kind, id);
      return { tags: { ...stored.value.tags } };
    },
  },
  TagResource: {
    permissions: on("PUT", (i) => `/tags/${encodeURIComponent(String(i.resourceArn))}`),
    async run(ctx, input) {
      await changeTags(ctx, input.resourceArn, (tags) => ({ ...tags, ...input.tags }));
      return {};
    },
  },
  UntagResource: {
    permissions: on("DELETE", (i) => `/tags/${encodeURIComponent(String(i.resourceArn))}`),
    async run(ctx, input) {
      await changeTags(ctx, input.resourceArn, (tags) =>
        Object.fromEntries(Object.entries(tags).filter(([key]) => !input.tagKeys?.includes(key))),
      );
      return {};
    },
  },
});

const ARN = /\/(restapis|apikeys|usageplans)\/([a-z0-9]+)(?:\/stages\/([\w-]+))?$/;

/** Where the record that an ARN names is kept. */
function taggedRecord(resourceArn: string | undefined): { kind: string; id: string } {
  const [, kind, id, stage] = ARN.exec(resourceArn ?? "") ?? [];
  if (kind === undefined || id === undefined) throw badRequest("Invalid ARN specified in the request");
  if (kind === "restapis") return stage ? { kind: "stage", id: stageId(id, stage) } : { kind: "api", id };
  return { kind: kind === "apikeys" ? "key" : "plan", id };
}

interface Tagged {
  readonly tags?: Readonly<Record<string, string>>;
}

async function changeTags(
  ctx: Context<any>,
  resourceArn: string | undefined,
  change: (tags: Readonly<Record<string, string>>) => Record<string, string>,
): Promise<void> {
  const { kind, id } = taggedRecord(resourceArn);
  const changed = await ctx.records.update<Tagged>(kind, id, (of) => ({ ...of, tags: change(of.tags ?? {}) }));
  if (!changed) throw missingResource(ctx, kind, id);
}

const missingResource = (ctx: Context<any>, kind: string, id: string): Error =>
  kind === "api" ? noApi(ctx, id) : notFound("Invalid stage identifier specified");
