import type * as V2 from "@aws-sdk/client-apigatewayv2";
import type { Context } from "../../aws/context.ts";
import type { Cors } from "../../compute/edge/cors.ts";
import { operations } from "../../aws/service.ts";
import { newApiId } from "../../compute/edge/api-address.ts";
import {
  apiOf,
  badRequest,
  changeApi,
  checkedRoute,
  conflict,
  given,
  newId,
  on,
  type HttpApi,
  type HttpDeployment,
  type HttpIntegration,
  type HttpStage,
} from "./model.ts";
import { notImplemented } from "../../kernel/aws-error.ts";
import { checkedIntegration } from "./integration-model.ts";
import { importOpenApi } from "./openapi.ts";
import { pageSize } from "./page.ts";

/** The endpoint of an API; programs whose resolver lacks `*.localhost` use the path form. */
export function endpointOf(ctx: Context<any>, id: string): string {
  const url = new URL(ctx.platform.settings.publicUrl);
  return `${url.protocol}//${id}.execute-api.${url.host}`;
}

const apiView = (ctx: Context<any>, api: HttpApi) => ({
  ApiId: api.id,
  ApiEndpoint: endpointOf(ctx, api.id),
  Name: api.name,
  ProtocolType: "HTTP" as const,
  RouteSelectionExpression: "$request.method $request.path",
  ApiKeySelectionExpression: "$request.header.x-api-key",
  DisableExecuteApiEndpoint: api.disableExecuteApiEndpoint ?? false,
  IpAddressType: "ipv4" as const,
  CreatedDate: new Date(api.created),
  ...(api.description === undefined ? {} : { Description: api.description }),
  ...(api.version === undefined ? {} : { Version: api.version }),
  ...(api.cors ? { CorsConfiguration: api.cors as V2.Cors } : {}),
  Tags: { ...api.tags },
});

function emptyApi(ctx: Context<any>, name: string): HttpApi {
  return {
    id: newApiId("http", (length, alphabet) => ctx.ids.text(length, alphabet)),
    name,
    created: ctx.now(),
    routes: [],
    integrations: [],
  };
}

/** What "quick create" makes of a target: a function's ARN or the URL of an endpoint. */
const targetOf = (target: string): Pick<HttpIntegration, "type" | "uri" | "payloadFormatVersion" | "method"> =>
  /^https?:/.test(target)
    ? { type: "HTTP_PROXY", uri: target, payloadFormatVersion: "1.0", method: "ANY" }
    : { type: "AWS_PROXY", uri: target, payloadFormatVersion: "2.0" };

/** The route and integration of "quick create": one function for everything, and a stage that deploys by itself. */
async function quickCreate(
  ctx: Context<any>,
  api: HttpApi,
  target: string,
  routeKey: string | undefined,
  credentialsArn: string | undefined,
): Promise<HttpApi> {
  const managed = true as const;
  const integration = checkedIntegration({
    id: newId(ctx),
    managed,
    ...targetOf(target),
    timeoutInMillis: 30_000,
    ...(credentialsArn ? { credentialsArn } : {}),
  });
  const route = checkedRoute({
    id: newId(ctx),
    managed,
    key: routeKey ?? "$default",
    authorizationType: "NONE",
    integrationId: integration.id,
  });
  const now = ctx.now();
  const stage: HttpStage = { name: "$default", managed, autoDeploy: true, variables: {}, created: now, updated: now };
  await ctx.records.write(ctx.records.put("stage", `${api.id}:$default`, stage));
  return { ...api, integrations: [integration], routes: [route] };
}

/** Changes what quick create has made. */
function quickUpdate(
  api: HttpApi,
  { Target, RouteKey, CredentialsArn }: Pick<V2.UpdateApiRequest, "Target" | "RouteKey" | "CredentialsArn">,
): HttpApi {
  if (Target === undefined && RouteKey === undefined && CredentialsArn === undefined) return api;
  const integration = api.integrations.find((i) => i.managed);
  const route = api.routes.find((r) => r.managed);
  if (!integration || (RouteKey !== undefined && !route))
    throw badRequest(
      `Target, RouteKey and CredentialsArn are of APIs that quick create has made, which ${api.id} is not`,
    );
  const { method: _method, ...kept } = integration;
  const next = checkedIntegration({
    ...(Target === undefined ? integration : { ...kept, ...targetOf(Target) }),
    ...(CredentialsArn === undefined ? {} : { credentialsArn: CredentialsArn }),
  });
  if (RouteKey !== undefined && api.routes.some((r) => r !== route && r.key === RouteKey))
    throw conflict(`Route with key ${RouteKey} already exists for this API`);
  return {
    ...api,
    integrations: api.integrations.map((i) => (i === integration ? next : i)),
    routes: api.routes.map((r) => (r === route && RouteKey !== undefined ? checkedRoute({ ...r, key: RouteKey }) : r)),
  };
}

export const apis = operations<typeof V2, any>()({
  CreateApi: {
    permissions: on("POST", () => "/apis"),
    async run(ctx, input) {
      if (input.ProtocolType !== "HTTP") throw notImplemented("WebSocket APIs");
      const empty = emptyApi(ctx, String(input.Name));
      const made = ctx.once ? await ctx.records.get<HttpApi>("api", empty.id) : undefined;
      if (made) return apiView(ctx, made.value);
      let api: HttpApi = {
        ...empty,
        ...given({
          description: input.Description,
          version: input.Version,
          cors: input.CorsConfiguration as Cors | undefined,
          disableExecuteApiEndpoint: input.DisableExecuteApiEndpoint,
          tags: input.Tags,
        }),
      } as HttpApi;
      if (input.Target) api = await quickCreate(ctx, api, input.Target, input.RouteKey, input.CredentialsArn);
      await ctx.records.create("api", api.id, api);
      return apiView(ctx, api);
    },
  },
  ImportApi: {
    permissions: on("PUT", () => "/apis"),
    async run(ctx, input) {
      const imported = importOpenApi(ctx, String(input.Body));
      const api: HttpApi = { ...emptyApi(ctx, imported.name ?? "API"), ...imported, name: imported.name ?? "API" };
      await ctx.records.create("api", api.id, api);
      return apiView(ctx, api);
    },
  },
  ReimportApi: {
    permissions: on("PUT", (i) => `/apis/${i.ApiId}`),
    async run(ctx, input) {
      const api = await changeApi(ctx, input.ApiId, (before) => {
        const imported = importOpenApi(ctx, String(input.Body), before.authorizers);
        return { ...before, ...imported, name: imported.name ?? before.name };
      });
      return apiView(ctx, api);
    },
  },
  GetApi: {
    permissions: on("GET", (i) => `/apis/${i.ApiId}`),
    run: async (ctx, input) => apiView(ctx, await apiOf(ctx, input.ApiId)),
  },
  GetApis: {
    permissions: on("GET", () => "/apis"),
    async run(ctx, input) {
      const limit = pageSize(input.MaxResults);
      const stored = await ctx.records.list<HttpApi>("api", {
        ...(input.NextToken ? { after: input.NextToken } : {}),
        limit: limit + 1,
      });
      const apis = stored.slice(0, limit);
      return {
        Items: apis.map((s) => apiView(ctx, s.value)),
        ...(stored.length > limit ? { NextToken: apis.at(-1)!.id } : {}),
      };
    },
  },
  UpdateApi: {
    permissions: on("PATCH", (i) => `/apis/${i.ApiId}`),
    async run(ctx, input) {
      const changes = given({
        name: input.Name,
        description: input.Description,
        version: input.Version,
        cors: input.CorsConfiguration as Cors | undefined,
        disableExecuteApiEndpoint: input.DisableExecuteApiEndpoint,
      });
      return apiView(
        ctx,
        await changeApi(ctx, input.ApiId, (api) =>
          quickUpdate({ ...api, ...changes } as HttpApi, input as V2.UpdateApiRequest),
        ),
      );
    },
  },
  DeleteCorsConfiguration: {
    permissions: on("DELETE", (i) => `/apis/${i.ApiId}/cors`),
    async run(ctx, input) {
      await changeApi(ctx, input.ApiId, ({ cors: _gone, ...api }) => api);
      return {};
    },
  },
  DeleteApi: {
    permissions: on("DELETE", (i) => `/apis/${i.ApiId}`),
    async run(ctx, input) {
      const { id } = await apiOf(ctx, input.ApiId);
      const stages = await ctx.records.list<HttpStage>("stage", { prefix: `${id}:` });
      const deployments = await ctx.records.list<HttpDeployment>("deployment", { prefix: `${id}:` });
      const gone = (kind: string, all: readonly { id: string }[]) => all.map((s) => ctx.records.remove(kind, s.id));
      await ctx.records.write(ctx.records.remove("api", id), gone("stage", stages), gone("deployment", deployments));
      return {};
    },
  },
});
