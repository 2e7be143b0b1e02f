import type * as Gateway from "@aws-sdk/client-api-gateway";
import type { Context } from "../../../aws/context.ts";
import { operations } from "../../../aws/service.ts";
import {
  apiOf,
  badRequest,
  definitionsOf,
  newId,
  notFound,
  on,
  type Deployment,
  type RestApi,
  type Stage,
} from "../model.ts";
import { patched } from "../patch.ts";
import { newCanary, newStage, stageId } from "../stage-model.ts";
import { page } from "./apis.ts";

const deploymentView = (d: Deployment) => ({
  id: d.id,
  createdDate: new Date(d.created),
  ...(d.description === undefined ? {} : { description: d.description }),
});

/** What a deployment serves, by path and method. */
const summaryOf = ({ resources }: Deployment): NonNullable<Gateway.Deployment["apiSummary"]> =>
  Object.fromEntries(
    resources
      .filter(({ methods }) => Object.keys(methods).length > 0)
      .map(({ path, methods }) => [
        path,
        Object.fromEntries(
          Object.entries(methods).map(([name, { authorizationType, apiKeyRequired }]) => [
            name,
            { authorizationType, apiKeyRequired },
          ]),
        ),
      ]),
  );

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

/** The stage that a new deployment goes to: its own from now on, or as a canary beside what it has. */
async function deployedStage(
  ctx: Context<any>,
  api: RestApi,
  deploymentId: string,
  input: Gateway.CreateDeploymentRequest,
): Promise<Stage | undefined> {
  const { stageName, canarySettings, variables, tracingEnabled, stageDescription: description } = input;
  if (canarySettings && !stageName)
    throw badRequest(
      `Invalid deployment content specified.Non null and non empty stageName must be provided for canary deployment. Provided value is ${stageName ?? "null"}`,
    );
  if (!stageName) return undefined;
  const known = (await ctx.records.get<Stage>("stage", stageId(api.id, stageName)))?.value;
  if (canarySettings) {
    if (!known)
      throw badRequest(
        `Invalid deployment content specified.Stage ${stageName} must already be created before making a canary release deployment`,
      );
    return { ...known, canary: newCanary(deploymentId, canarySettings), updated: ctx.now() };
  }
  if (known) return { ...known, deploymentId, updated: ctx.now(), ...(variables ? { variables } : {}) };
  const cacheClusterEnabled = input.cacheClusterEnabled ?? undefined;
  return newStage(ctx, stageName, deploymentId, { variables, tracingEnabled, description, cacheClusterEnabled });
}

export const deployments = operations<typeof Gateway, any>()({
  CreateDeployment: {
    permissions: on("POST", (i) => `/restapis/${i.restApiId}/deployments`),
    async run(ctx, input) {
      const api = await apiOf(ctx, input.restApiId);
      const deployment = snapshot(ctx, api, input.description);
      const stage = await deployedStage(ctx, api, deployment.id, input);
      const also = stage ? [ctx.records.put("stage", stageId(api.id, stage.name), stage)] : [];
      await ctx.records.write(ctx.records.put("deployment", `${api.id}:${deployment.id}`, deployment), also);
      return deploymentView(deployment);
    },
  },
  UpdateDeployment: {
    permissions: on("PATCH", (i) => `/restapis/${i.restApiId}/deployments/${i.deploymentId}`),
    async run(ctx, input) {
      const id = `${input.restApiId}:${input.deploymentId}`;
      const next = await ctx.records.update<Deployment>("deployment", id, (before) =>
        patched(before, input.patchOperations, ["description"]),
      );
      if (!next) throw notFound("Invalid Deployment identifier specified");
      return deploymentView(next);
    },
  },
  GetDeployment: {
    permissions: on("GET", (i) => `/restapis/${i.restApiId}/deployments/${i.deploymentId}`),
    async run(ctx, input) {
      const stored = await ctx.records.get<Deployment>("deployment", `${input.restApiId}:${input.deploymentId}`);
      if (!stored) throw notFound("Invalid Deployment identifier specified");
      const summary = input.embed?.includes("apisummary") ? { apiSummary: summaryOf(stored.value) } : {};
      return { ...deploymentView(stored.value), ...summary };
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
});
