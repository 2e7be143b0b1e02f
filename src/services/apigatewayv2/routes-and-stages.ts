import type * as V2 from "@aws-sdk/client-apigatewayv2";
import type { Context } from "../../aws/context.ts";
import { operations } from "../../aws/service.ts";
import {
  apiOf,
  badRequest,
  changeApi,
  checkedIntegration,
  checkedRoute,
  conflict,
  given,
  newId,
  notFound,
  on,
  type HttpApi,
  type HttpDeployment,
  type HttpIntegration,
  type HttpRoute,
  type HttpStage,
} from "./model.ts";

const routeView = (route: HttpRoute) => ({
  RouteId: route.id,
  RouteKey: route.key,
  ApiKeyRequired: false,
  AuthorizationType: route.authorizationType as V2.AuthorizationType,
  ...(route.integrationId ? { Target: `integrations/${route.integrationId}` } : {}),
  ...(route.operationName ? { OperationName: route.operationName } : {}),
  ...(route.authorizerId ? { AuthorizerId: route.authorizerId } : {}),
  ...(route.authorizationScopes?.length ? { AuthorizationScopes: [...route.authorizationScopes] } : {}),
});

const integrationView = (i: HttpIntegration) => ({
  IntegrationId: i.id,
  IntegrationType: i.type as V2.IntegrationType,
  IntegrationUri: i.uri,
  IntegrationMethod: "POST",
  ConnectionType: "INTERNET" as const,
  PayloadFormatVersion: i.payloadFormatVersion,
  TimeoutInMillis: i.timeoutInMillis,
  ...(i.credentialsArn ? { CredentialsArn: i.credentialsArn } : {}),
  ...(i.description ? { Description: i.description } : {}),
});

const stageView = (stage: HttpStage) => ({
  StageName: stage.name,
  AutoDeploy: stage.autoDeploy,
  CreatedDate: new Date(stage.created),
  LastUpdatedDate: new Date(stage.updated),
  StageVariables: { ...stage.variables },
  DefaultRouteSettings: { DetailedMetricsEnabled: false },
  RouteSettings: {},
  Tags: { ...stage.tags },
  ...(stage.deploymentId ? { DeploymentId: stage.deploymentId } : {}),
  ...(stage.description ? { Description: stage.description } : {}),
});

const integrationOfTarget = (target: string | undefined): string | undefined =>
  /^integrations\/(.+)$/.exec(target ?? "")?.[1];

function checkTarget(api: HttpApi, integrationId: string | undefined): void {
  if (integrationId && !api.integrations.some((i) => i.id === integrationId))
    throw notFound("Integration", integrationId);
}

async function stageOf(ctx: Context<any>, api: string | undefined, name: string | undefined): Promise<HttpStage> {
  const stored = await ctx.records.get<HttpStage>("stage", `${api}:${name}`);
  if (!stored) throw notFound("stage", name);
  return stored.value;
}

const path = (kind: string, id?: string) => (i: any) => `/apis/${i.ApiId}/${kind}${id ? `/${i[id]}` : ""}`;

export const routesAndStages = operations<typeof V2, any>()({
  CreateRoute: {
    permissions: on("POST", path("routes")),
    async run(ctx, input) {
      const integrationId = integrationOfTarget(input.Target);
      const said = given({
        integrationId,
        operationName: input.OperationName,
        authorizerId: input.AuthorizerId,
        authorizationScopes: input.AuthorizationScopes,
      });
      const authorizationType = input.AuthorizationType ?? "NONE";
      const route = { id: newId(ctx), key: String(input.RouteKey), authorizationType, ...said } as HttpRoute;
      await changeApi(ctx, input.ApiId, (api) => {
        checkedRoute(route, api.authorizers);
        checkTarget(api, integrationId);
        if (api.routes.some((r) => r.key === route.key))
          throw conflict(`Route with key ${route.key} already exists for this API`);
        return { ...api, routes: [...api.routes, route] };
      });
      return routeView(route);
    },
  },
  GetRoute: {
    permissions: on("GET", path("routes", "RouteId")),
    async run(ctx, input) {
      const route = (await apiOf(ctx, input.ApiId)).routes.find((r) => r.id === input.RouteId);
      if (!route) throw notFound("Route", input.RouteId);
      return routeView(route);
    },
  },
  GetRoutes: {
    permissions: on("GET", path("routes")),
    run: async (ctx, input) => ({ Items: (await apiOf(ctx, input.ApiId)).routes.map(routeView) }),
  },
  UpdateRoute: {
    permissions: on("PATCH", path("routes", "RouteId")),
    async run(ctx, input) {
      const changes = given({
        key: input.RouteKey,
        authorizationType: input.AuthorizationType,
        integrationId: integrationOfTarget(input.Target),
        operationName: input.OperationName,
        authorizerId: input.AuthorizerId,
        authorizationScopes: input.AuthorizationScopes,
      });
      const api = await changeApi(ctx, input.ApiId, (a) => {
        if (!a.routes.some((r) => r.id === input.RouteId)) throw notFound("Route", input.RouteId);
        checkTarget(a, changes.integrationId);
        return {
          ...a,
          routes: a.routes.map((r) =>
            r.id === input.RouteId ? checkedRoute({ ...r, ...changes } as HttpRoute, a.authorizers) : r,
          ),
        };
      });
      return routeView(api.routes.find((r) => r.id === input.RouteId)!);
    },
  },
  DeleteRoute: {
    permissions: on("DELETE", path("routes", "RouteId")),
    async run(ctx, input) {
      await changeApi(ctx, input.ApiId, (api) => ({
        ...api,
        routes: api.routes.filter((r) => r.id !== input.RouteId),
      }));
      return {};
    },
  },
  CreateIntegration: {
    permissions: on("POST", path("integrations")),
    async run(ctx, input) {
      const integration = checkedIntegration({
        id: newId(ctx),
        type: String(input.IntegrationType),
        uri: input.IntegrationUri ?? "",
        payloadFormatVersion: input.PayloadFormatVersion ?? "1.0",
        timeoutInMillis: input.TimeoutInMillis ?? 30_000,
        ...given({ credentialsArn: input.CredentialsArn, description: input.Description }),
      } as HttpIntegration);
      await changeApi(ctx, input.ApiId, (api) => ({
        ...api,
        // The one that an earlier try of the same step has made gives way.
        integrations: [...api.integrations.filter((i) => i.id !== integration.id), integration],
      }));
      return integrationView(integration);
    },
  },
  GetIntegration: {
    permissions: on("GET", path("integrations", "IntegrationId")),
    async run(ctx, input) {
      const found = (await apiOf(ctx, input.ApiId)).integrations.find((i) => i.id === input.IntegrationId);
      if (!found) throw notFound("Integration", input.IntegrationId);
      return integrationView(found);
    },
  },
  GetIntegrations: {
    permissions: on("GET", path("integrations")),
    run: async (ctx, input) => ({ Items: (await apiOf(ctx, input.ApiId)).integrations.map(integrationView) }),
  },
  UpdateIntegration: {
    permissions: on("PATCH", path("integrations", "IntegrationId")),
    async run(ctx, input) {
      const changes = given({
        uri: input.IntegrationUri,
        type: input.IntegrationType,
        payloadFormatVersion: input.PayloadFormatVersion,
        timeoutInMillis: input.TimeoutInMillis,
        credentialsArn: input.CredentialsArn,
        description: input.Description,
      });
      const api = await changeApi(ctx, input.ApiId, (a) => {
        if (!a.integrations.some((i) => i.id === input.IntegrationId))
          throw notFound("Integration", input.IntegrationId);
        return {
          ...a,
          integrations: a.integrations.map((i) =>
            i.id === input.IntegrationId ? checkedIntegration({ ...i, ...changes } as HttpIntegration) : i,
          ),
        };
      });
      return integrationView(api.integrations.find((i) => i.id === input.IntegrationId)!);
    },
  },
  DeleteIntegration: {
    permissions: on("DELETE", path("integrations", "IntegrationId")),
    async run(ctx, input) {
      await changeApi(ctx, input.ApiId, (api) => {
        if (api.routes.some((r) => r.integrationId === input.IntegrationId))
          throw conflict("Cannot delete Integration '" + input.IntegrationId + "' referenced by a Route");
        return { ...api, integrations: api.integrations.filter((i) => i.id !== input.IntegrationId) };
      });
      return {};
    },
  },
  CreateDeployment: {
    permissions: on("POST", path("deployments")),
    async run(ctx, input) {
      const { id, routes, integrations, authorizers } = await apiOf(ctx, input.ApiId);
      const deployment: HttpDeployment = {
        id: newId(ctx, 6),
        created: ctx.now(),
        routes,
        integrations,
        ...given({ description: input.Description, authorizers }),
      } as HttpDeployment;
      const stage = input.StageName ? await stageOf(ctx, id, input.StageName) : undefined;
      const moved = stage
        ? [
            ctx.records.put("stage", `${id}:${stage.name}`, {
              ...stage,
              deploymentId: deployment.id,
              updated: ctx.now(),
            }),
          ]
        : [];
      await ctx.records.write(ctx.records.put("deployment", `${id}:${deployment.id}`, deployment), moved);
      return {
        DeploymentId: deployment.id,
        CreatedDate: new Date(deployment.created),
        DeploymentStatus: "DEPLOYED",
        AutoDeployed: false,
      };
    },
  },
  DeleteDeployment: {
    permissions: on("DELETE", path("deployments", "DeploymentId")),
    async run(ctx, input) {
      await ctx.records.write(ctx.records.remove("deployment", `${input.ApiId}:${input.DeploymentId}`));
      return {};
    },
  },
  CreateStage: {
    permissions: on("POST", path("stages")),
    async run(ctx, input) {
      const { id } = await apiOf(ctx, input.ApiId);
      const name = String(input.StageName);
      if (!/^(\$default|[\w-]{1,128})$/.test(name)) throw badRequest("Stage name only allows a-zA-Z0-9_- or $default");
      const now = ctx.now();
      const stage = {
        name,
        autoDeploy: input.AutoDeploy ?? false,
        variables: input.StageVariables ?? {},
        created: now,
        updated: now,
        ...given({ deploymentId: input.DeploymentId, description: input.Description, tags: input.Tags }),
      } as HttpStage;
      if (!(await ctx.records.create("stage", `${id}:${name}`, stage))) throw conflict("Stage already exists");
      return stageView(stage);
    },
  },
  GetStage: {
    permissions: on("GET", path("stages", "StageName")),
    run: async (ctx, input) => stageView(await stageOf(ctx, input.ApiId, input.StageName)),
  },
  GetStages: {
    permissions: on("GET", path("stages")),
    async run(ctx, input) {
      const { id } = await apiOf(ctx, input.ApiId);
      return {
        Items: (await ctx.records.list<HttpStage>("stage", { prefix: `${id}:` })).map((s) => stageView(s.value)),
      };
    },
  },
  UpdateStage: {
    permissions: on("PATCH", path("stages", "StageName")),
    async run(ctx, input) {
      const changes = given({
        autoDeploy: input.AutoDeploy,
        variables: input.StageVariables,
        deploymentId: input.DeploymentId,
        description: input.Description,
      });
      const stage = await ctx.records.update<HttpStage>(
        "stage",
        `${input.ApiId}:${input.StageName}`,
        (s) => ({ ...s, ...changes, updated: ctx.now() }) as HttpStage,
      );
      if (!stage) throw notFound("stage", input.StageName);
      return stageView(stage);
    },
  },
  DeleteStage: {
    permissions: on("DELETE", path("stages", "StageName")),
    async run(ctx, input) {
      await stageOf(ctx, input.ApiId, input.StageName);
      await ctx.records.write(ctx.records.remove("stage", `${input.ApiId}:${input.StageName}`));
      return {};
    },
  },
});
