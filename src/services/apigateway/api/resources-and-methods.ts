import type * as Gateway from "@aws-sdk/client-api-gateway";
import { operations } from "../../../aws/service.ts";
import {
  apiOf,
  badRequest,
  changeApi,
  changeResources,
  resourcesOf,
  checkedIntegration,
  checkedMethod,
  conflict,
  given,
  methodOf,
  newId,
  notFound,
  on,
  resourceOf,
  withMethod,
  type Integration,
  type Method,
  type Resource,
  type RestApi,
} from "../model.ts";
import { integrationView, methodView } from "../method-views.ts";
import { page } from "./apis.ts";

const resourceView = (resource: Resource, withMethods: boolean) => ({
  id: resource.id,
  path: resource.path,
  ...(resource.parentId === undefined ? {} : { parentId: resource.parentId, pathPart: resource.pathPart }),
  ...(Object.keys(resource.methods).length
    ? {
        resourceMethods: Object.fromEntries(
          Object.entries(resource.methods).map(([name, method]) => [name, withMethods ? methodView(method) : {}]),
        ),
      }
    : {}),
});

/** A resource has one child with a variable, and nothing lies below a greedy one. */
function checkVariables(api: RestApi, parent: Resource, part: string): void {
  if (parent.pathPart?.endsWith("+}"))
    throw badRequest(`Cannot create a child of a resource with a greedy path variable: ${parent.pathPart}`);
  const known = Object.values(api.resources).find((r) => r.parentId === parent.id && r.pathPart?.startsWith("{"));
  if (part.startsWith("{") && known && known.pathPart !== part)
    throw badRequest(
      `A sibling (${known.pathPart}) of this resource already has a variable path part -- only one is allowed`,
    );
}

const methodPath = (i: any): string => `/restapis/${i.restApiId}/resources/${i.resourceId}/methods/${i.httpMethod}`;
export const resourcesAndMethods = operations<typeof Gateway, any>()({
  CreateResource: {
    permissions: on("POST", (i) => `/restapis/${i.restApiId}/resources/${i.parentId}`),
    async run(ctx, input) {
      const part = String(input.pathPart);
      if (!/^(\{[\w.\-:]+\+?\}|[\w.\-:%~!$&'()*+,;=@]+)$/.test(part)) {
        throw badRequest(
          "Resource's path part only allow a-zA-Z0-9._-: or a valid greedy path variable and curly braces at the beginning and the end.",
        );
      }
      const id = newId(ctx);
      const api = await changeApi(ctx, input.restApiId, (a) => {
        const parent = resourceOf(a, input.parentId);
        checkVariables(a, parent, part);
        const path = `${parent.path === "/" ? "" : parent.path}/${part}`;
        if (Object.values(a.resources).some((r) => r.path === path))
          throw conflict(`Another resource with the same parent already has this name: ${part}`);
        return {
          ...a,
          resources: { ...a.resources, [id]: { id, parentId: parent.id, pathPart: part, path, methods: {} } },
        };
      });
      return resourceView(resourceOf(api, id), false);
    },
  },
  GetResource: {
    permissions: on("GET", (i) => `/restapis/${i.restApiId}/resources/${i.resourceId}`),
    run: async (ctx, input) =>
      resourceView(
        resourceOf(await apiOf(ctx, input.restApiId), input.resourceId),
        input.embed?.includes("methods") ?? false,
      ),
  },
  GetResources: {
    permissions: on("GET", (i) => `/restapis/${i.restApiId}/resources`),
    async run(ctx, input) {
      const api = await apiOf(ctx, input.restApiId);
      const { items, ...rest } = page(Object.values(api.resources), input);
      return { items: items.map((r) => resourceView(r, input.embed?.includes("methods") ?? false)), ...rest };
    },
  },
  DeleteResource: {
    permissions: on("DELETE", (i) => `/restapis/${i.restApiId}/resources/${i.resourceId}`),
    async run(ctx, input) {
      await changeApi(ctx, input.restApiId, (api) => {
        const { path, parentId } = resourceOf(api, input.resourceId);
        if (parentId === undefined)
          throw badRequest("Resource with id '" + input.resourceId + "' is the root resource and cannot be deleted");
        const kept = Object.values(api.resources).filter((r) => r.path !== path && !r.path.startsWith(`${path}/`));
        return { ...api, resources: Object.fromEntries(kept.map((r) => [r.id, r])) };
      });
      return {};
    },
  },
  PutMethod: {
    permissions: on("PUT", methodPath),
    async run(ctx, input) {
      const { httpMethod } = input;
      const method = given({
        httpMethod: String(httpMethod),
        authorizationType: String(input.authorizationType).toUpperCase(),
        authorizerId: input.authorizerId,
        authorizationScopes: input.authorizationScopes,
        requestValidatorId: input.requestValidatorId,
        apiKeyRequired: input.apiKeyRequired ?? false,
        operationName: input.operationName,
        requestParameters: input.requestParameters,
        requestModels: input.requestModels,
      }) as Method;
      await changeResources(ctx, input.restApiId, (api) => {
        const { methods } = resourceOf(api, input.resourceId);
        if (!/^(GET|PUT|POST|DELETE|PATCH|OPTIONS|HEAD|ANY)$/.test(method.httpMethod))
          throw badRequest(
            "Invalid HttpMethod specified. Valid options are GET,PUT,POST,DELETE,PATCH,OPTIONS,HEAD,ANY",
          );
        if (methods[method.httpMethod]) throw conflict("Method already exists for this resource");
        return withMethod(api, input.resourceId, method.httpMethod, checkedMethod(method, api));
      });
      return methodView(method);
    },
  },
  GetMethod: {
    permissions: on("GET", methodPath),
    run: async (ctx, input) =>
      methodView(methodOf(await resourcesOf(ctx, input.restApiId), input.resourceId, input.httpMethod)),
  },
  DeleteMethod: {
    permissions: on("DELETE", methodPath),
    async run(ctx, input) {
      await changeResources(ctx, input.restApiId, (api) => {
        methodOf(api, input.resourceId, input.httpMethod);
        return withMethod(api, input.resourceId, input.httpMethod, undefined);
      });
      return {};
    },
  },
  PutMethodResponse: {
    permissions: on("PUT", (i) => `${methodPath(i)}/responses/${i.statusCode}`),
    async run(ctx, input) {
      const response = given({
        statusCode: String(input.statusCode),
        responseParameters: input.responseParameters,
        responseModels: input.responseModels,
      });
      await changeResources(ctx, input.restApiId, (api) => {
        const method = methodOf(api, input.resourceId, input.httpMethod);
        const methodResponses = {
          ...method.methodResponses,
          [response.statusCode]: response,
        } as Method["methodResponses"];
        return withMethod(api, input.resourceId, input.httpMethod, { ...method, methodResponses: methodResponses! });
      });
      return response;
    },
  },
  GetMethodResponse: {
    permissions: on("GET", (i) => `${methodPath(i)}/responses/${i.statusCode}`),
    async run(ctx, input) {
      const method = methodOf(await resourcesOf(ctx, input.restApiId), input.resourceId, input.httpMethod);
      const found = method.methodResponses?.[String(input.statusCode)];
      if (!found) throw notFound("Invalid Response status code specified");
      return found;
    },
  },
  PutIntegration: {
    permissions: on("PUT", (i) => `${methodPath(i)}/integration`),
    async run(ctx, input) {
      const integration = checkedIntegration(
        given({
          type: String(input.type),
          httpMethod: input.integrationHttpMethod,
          uri: input.uri,
          credentials: input.credentials,
          timeoutInMillis: input.timeoutInMillis ?? 29_000,
          passthroughBehavior: input.passthroughBehavior ?? "WHEN_NO_MATCH",
          requestTemplates: input.requestTemplates,
          requestParameters: input.requestParameters,
          contentHandling: input.contentHandling,
          connectionType: input.connectionType ?? (input.type?.startsWith("HTTP") ? "INTERNET" : undefined),
          cacheNamespace: input.cacheNamespace ?? input.resourceId,
          cacheKeyParameters: input.cacheKeyParameters,
        }) as Integration,
      );
      await changeResources(ctx, input.restApiId, (api) => {
        const method = methodOf(api, input.resourceId, input.httpMethod);
        return withMethod(api, input.resourceId, input.httpMethod, {
          ...method,
          methodIntegration: {
            ...integration,
            integrationResponses: method.methodIntegration?.integrationResponses ?? {},
          },
        });
      });
      return integrationView(integration);
    },
  },
  GetIntegration: {
    permissions: on("GET", (i) => `${methodPath(i)}/integration`),
    async run(ctx, input) {
      const { methodIntegration } = methodOf(
        await resourcesOf(ctx, input.restApiId),
        input.resourceId,
        input.httpMethod,
      );
      if (!methodIntegration) throw notFound("Invalid Integration identifier specified");
      return integrationView(methodIntegration);
    },
  },
  DeleteIntegration: {
    permissions: on("DELETE", (i) => `${methodPath(i)}/integration`),
    async run(ctx, input) {
      await changeResources(ctx, input.restApiId, (api) => {
        const { methodIntegration: _gone, ...method } = methodOf(api, input.resourceId, input.httpMethod);
        return withMethod(api, input.resourceId, input.httpMethod, method);
      });
      return {};
    },
  },
  PutIntegrationResponse: {
    permissions: on("PUT", (i) => `${methodPath(i)}/integration/responses/${i.statusCode}`),
    async run(ctx, input) {
      const response = given({
        statusCode: String(input.statusCode),
        selectionPattern: input.selectionPattern,
        responseParameters: input.responseParameters,
        // An empty template is none, and stays named.
        responseTemplates:
          input.responseTemplates &&
          Object.fromEntries(Object.entries(input.responseTemplates).map(([type, text]) => [type, text || null])),
        contentHandling: input.contentHandling,
      });
      await changeResources(ctx, input.restApiId, (api) => {
        const method = methodOf(api, input.resourceId, input.httpMethod);
        if (!method.methodIntegration) throw notFound("Invalid Integration identifier specified");
        const integrationResponses = {
          ...method.methodIntegration.integrationResponses,
          [response.statusCode]: response,
        } as NonNullable<Integration["integrationResponses"]>;
        return withMethod(api, input.resourceId, input.httpMethod, {
          ...method,
          methodIntegration: { ...method.methodIntegration, integrationResponses },
        });
      });
      return response as Gateway.IntegrationResponse;
    },
  },
});
