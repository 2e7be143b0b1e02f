import type * as V2 from "@aws-sdk/client-apigatewayv2";
import { operations } from "../../aws/service.ts";
import {
  apiOf,
  changeApi,
  checkedRoute,
  conflict,
  given,
  newId,
  notFound,
  notForHttp,
  on,
  type HttpApi,
  type HttpDeployment,
  type HttpIntegration,
  type HttpRoute,
  path,
} from "./model.ts";
import { checkedIntegration, integrationSaid } from "./integration-model.ts";
import { stageOf } from "./stages.ts";
import { page } from "./page.ts";

const routeView = (route: HttpRoute) => ({
  RouteId: route.id,
  RouteKey: route.key,
  ApiKeyRequired: false,
  ...(route.managed ? { ApiGatewayManaged: true } : {}),
  AuthorizationType: route.authorizationType as V2.AuthorizationType,
  ...(route.integrationId ? { Target: `integrations/${route.integrationId}` } : {}),
  ...(route.operationName ? { OperationName: route.operationName } : {}),
  ...(route.authorizerId ? { AuthorizerId: route.authorizerId } : {}),
  ...(route.authorizationScopes?.length ? { AuthorizationScopes: [...route.authorizationScopes] } : {}),
});

const integrationView = (i: HttpIntegration) => ({
  IntegrationId: i.id,
  ...(i.managed ? { ApiGatewayManaged: true } : {}),
  IntegrationType: i.type as V2.IntegrationType,
  ...(i.subtype === undefined
    ? { IntegrationUri: i.uri, IntegrationMethod: i.type === "HTTP_PROXY" ? i.method : "POST" }
    : { IntegrationSubtype: i.subtype }),
  ...(i.requestParameters ? { RequestParameters: { ...i.requestParameters } } : {}),
  ...(i.responseParameters
    ? { ResponseParameters: i.responseParameters as Record<string, Record<string, string>> }
    : {}),
  ConnectionType: "INTERNET" as const,
  PayloadFormatVersion: i.payloadFormatVersion,
  TimeoutInMillis: i.timeoutInMillis,
  ...(i.credentialsArn ? { CredentialsArn: i.credentialsArn } : {}),
  ...(i.description ? { Description: i.description } : {}),
});

const WEBSOCKET_MEMBERS = [
  "ApiKeyRequired",
  "ModelSelectionExpression",
  "RequestModels",
  "RequestParameters",
  "RouteResponseSelectionExpression",
] as const;

const integrationOfTarget = (target: string | undefined): string | undefined =>
  /^integrations\/(.+)$/.exec(target ?? "")?.[1];

function checkTarget(api: HttpApi, integrationId: string | undefined): void {
  if (integrationId && !api.integrations.some((i) => i.id === integrationId))
    throw notFound("Integration", integrationId);
}

export const routes = operations<typeof V2, any>()({
  CreateRoute: {
    permissions: on("POST", path("routes")),
    async run(ctx, input) {
      notForHttp(input, ...WEBSOCKET_MEMBERS);
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
    run: async (ctx, input) => page((await apiOf(ctx, input.ApiId)).routes.map(routeView), input),
  },
  UpdateRoute: {
    permissions: on("PATCH", path("routes", "RouteId")),
    async run(ctx, input) {
      notForHttp(input, ...WEBSOCKET_MEMBERS);
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
        uri: "",
        payloadFormatVersion: "1.0",
        timeoutInMillis: 30_000,
        ...integrationSaid(input),
        id: newId(ctx),
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
    run: async (ctx, input) => page((await apiOf(ctx, input.ApiId)).integrations.map(integrationView), input),
  },
  UpdateIntegration: {
    permissions: on("PATCH", path("integrations", "IntegrationId")),
    async run(ctx, input) {
      const api = await changeApi(ctx, input.ApiId, (a) => {
        if (!a.integrations.some((i) => i.id === input.IntegrationId))
          throw notFound("Integration", input.IntegrationId);
        return {
          ...a,
          integrations: a.integrations.map((i) =>
            i.id === input.IntegrationId ? checkedIntegration({ ...i, ...integrationSaid(input, i) }) : i,
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
});
