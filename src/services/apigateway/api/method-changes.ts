import type * as Gateway from "@aws-sdk/client-api-gateway";
import { operations } from "../../../aws/service.ts";
import type { AwsError } from "../../../kernel/aws-error.ts";
import {
  badRequest,
  changeResources,
  checkedIntegration,
  checkedMethod,
  conflict,
  methodOf,
  notFound,
  on,
  resourceOf,
  resourcesOf,
  withMethod,
  type Integration,
  type IntegrationResponse,
  type Method,
  type Resource,
  type RestApi,
} from "../model.ts";
import { integrationView, methodView } from "../method-views.ts";
import { patched } from "../patch.ts";

const methodPath = (i: any): string => `/restapis/${i.restApiId}/resources/${i.resourceId}/methods/${i.httpMethod}`;
const decoded = (part: string): string => part.replaceAll("~1", "/").replaceAll("~0", "~");

interface Fields {
  /** Members that are replaced. */
  readonly plain: readonly string[];
  /** Members of which single entries are added, replaced and removed. */
  readonly maps: readonly string[];
  /** What becomes of a value. */
  readonly read?: (name: string, value: string) => unknown;
  /** Said of an entry that is to be replaced or removed, and is not there. */
  readonly missing?: (name: string) => AwsError;
}

/** Applies operations to members and to entries of maps. */
function changed<T extends object>(
  before: T,
  patches: readonly Gateway.PatchOperation[] | undefined,
  fields: Fields,
): T {
  const next = { ...before } as Record<string, any>;
  const read = fields.read ?? ((_name: string, value: string): unknown => value);
  for (const { op, path = "", value = "" } of patches ?? []) {
    const [, field = "", ...rest] = path.split("/");
    if (rest.length === 1 && fields.maps.includes(field)) {
      const { [decoded(rest.join("/"))]: known, ...others } = (next[field] ?? {}) as Record<string, unknown>;
      if (fields.missing && op !== "add" && known === undefined) throw fields.missing(field);
      if (op === "remove" && known === undefined) throw badRequest("Invalid parameter name specified");
      const all = op === "remove" ? others : { ...others, [decoded(rest.join("/"))]: read(field, value) };
      if (Object.keys(all).length) next[field] = all;
      else delete next[field];
    } else if (rest.length === 0 && fields.plain.includes(field)) {
      if (op === "remove") delete next[field];
      else if (op === "replace") next[field] = read(field, value);
      else throw badRequest("Invalid patch operation specified. Must be one of: [replace]");
    } else throw badRequest(`Invalid patch path ${path}`);
  }
  return next as T;
}

const METHOD: Fields = {
  plain: ["authorizationType", "authorizerId", "apiKeyRequired", "operationName", "requestValidatorId"],
  maps: ["requestParameters", "requestModels"],
  read: (name, value) => (name === "apiKeyRequired" || name === "requestParameters" ? value === "true" : value),
};
const INTEGRATION: Fields = {
  plain: [
    "uri",
    "httpMethod",
    "credentials",
    "timeoutInMillis",
    "passthroughBehavior",
    "contentHandling",
    "cacheNamespace",
  ],
  maps: ["requestTemplates", "requestParameters"],
  read: (name, value) => (name === "timeoutInMillis" ? Number(value) : value),
};
const INTEGRATION_RESPONSE: Fields = {
  read: (name, value) => (name === "responseTemplates" && value === "" ? null : value),
  plain: ["selectionPattern", "contentHandling"],
  maps: ["responseParameters", "responseTemplates"],
};
const METHOD_RESPONSE: Fields = {
  plain: [],
  maps: ["responseParameters", "responseModels"],
  read: (name, value) => (name === "responseParameters" ? value === "true" : value),
  missing: (name) =>
    notFound(name === "responseModels" ? "Content-Type specified was not found" : "Invalid parameter name specified"),
};

type Where = { resourceId?: string | undefined; httpMethod?: string | undefined };

function changeMethod(api: RestApi, { resourceId, httpMethod }: Where, change: (method: Method) => Method): RestApi {
  return withMethod(api, resourceId, httpMethod, change(methodOf(api, resourceId, httpMethod)));
}

function integrationOf(method: Method): Integration {
  if (!method.methodIntegration) throw notFound("Invalid Integration identifier specified");
  return method.methodIntegration;
}

function responseOf(integration: Integration, statusCode: string | undefined): IntegrationResponse {
  const found = integration.integrationResponses?.[String(statusCode)];
  if (!found) throw notFound("Invalid Response status code specified");
  return found;
}

function changeResponses(
  method: Method,
  change: (
    all: Readonly<Record<string, IntegrationResponse>>,
    integration: Integration,
  ) => Record<string, IntegrationResponse>,
): Method {
  const integration = integrationOf(method);
  const integrationResponses = change(integration.integrationResponses ?? {}, integration);
  return { ...method, methodIntegration: { ...integration, integrationResponses } };
}

const at = (kind: "responses" | "integration/responses") => (i: any) => `${methodPath(i)}/${kind}/${i.statusCode}`;

export const methodChanges = operations<typeof Gateway, any>()({
  UpdateMethod: {
    permissions: on("PATCH", methodPath),
    async run(ctx, input) {
      const api = await changeResources(ctx, input.restApiId, (before) =>
        changeMethod(before, input, (method) => {
          const { authorizerId, ...next } = changed(method, input.patchOperations, METHOD);
          // An authorizer belongs to the types that have one.
          const named = next.authorizationType === "CUSTOM" || next.authorizationType === "COGNITO_USER_POOLS";
          return checkedMethod(named && authorizerId ? { ...next, authorizerId } : next, before);
        }),
      );
      return methodView(methodOf(api, input.resourceId, input.httpMethod));
    },
  },
  UpdateIntegration: {
    permissions: on("PATCH", (i) => `${methodPath(i)}/integration`),
    async run(ctx, input) {
      const api = await changeResources(ctx, input.restApiId, (before) =>
        changeMethod(before, input, (method) => {
          const next = changed(integrationOf(method), input.patchOperations, INTEGRATION);
          return { ...method, methodIntegration: checkedIntegration(next) };
        }),
      );
      return integrationView(integrationOf(methodOf(api, input.resourceId, input.httpMethod)));
    },
  },
  GetIntegrationResponse: {
    permissions: on("GET", at("integration/responses")),
    async run(ctx, input) {
      const method = methodOf(await resourcesOf(ctx, input.restApiId), input.resourceId, input.httpMethod);
      return responseOf(integrationOf(method), input.statusCode) as Gateway.IntegrationResponse;
    },
  },
  UpdateIntegrationResponse: {
    permissions: on("PATCH", at("integration/responses")),
    async run(ctx, input) {
      const code = String(input.statusCode);
      const api = await changeResources(ctx, input.restApiId, (before) =>
        changeMethod(before, input, (method) =>
          changeResponses(method, (all, integration) => ({
            ...all,
            [code]: changed(responseOf(integration, code), input.patchOperations, INTEGRATION_RESPONSE),
          })),
        ),
      );
      const method = methodOf(api, input.resourceId, input.httpMethod);
      return responseOf(integrationOf(method), code) as Gateway.IntegrationResponse;
    },
  },
  DeleteIntegrationResponse: {
    permissions: on("DELETE", at("integration/responses")),
    async run(ctx, input) {
      await changeResources(ctx, input.restApiId, (before) => {
        const known = resourceOf(before, input.resourceId).methods[String(input.httpMethod)];
        if (!known) throw notFound("Invalid Integration identifier specified");
        return changeMethod(before, input, (method) =>
          changeResponses(method, (all, integration) => {
            const { statusCode } = responseOf(integration, input.statusCode);
            return Object.fromEntries(Object.entries(all).filter(([code]) => code !== statusCode));
          }),
        );
      });
      return {};
    },
  },
  UpdateMethodResponse: {
    permissions: on("PATCH", at("responses")),
    async run(ctx, input) {
      const code = String(input.statusCode);
      const api = await changeResources(ctx, input.restApiId, (before) =>
        changeMethod(before, input, (method) => {
          const known = method.methodResponses?.[code];
          if (!known) throw notFound("Invalid Response status code specified");
          const next = changed(known, input.patchOperations, METHOD_RESPONSE);
          return { ...method, methodResponses: { ...method.methodResponses, [code]: next } };
        }),
      );
      return methodOf(api, input.resourceId, input.httpMethod).methodResponses![code]!;
    },
  },
  DeleteMethodResponse: {
    permissions: on("DELETE", at("responses")),
    async run(ctx, input) {
      await changeResources(ctx, input.restApiId, (before) =>
        changeMethod(before, input, (method) => {
          const { [String(input.statusCode)]: gone, ...kept } = method.methodResponses ?? {};
          if (!gone) throw notFound("Invalid Response status code specified");
          return { ...method, methodResponses: kept };
        }),
      );
      return {};
    },
  },
  UpdateResource: {
    permissions: on("PATCH", (i) => `/restapis/${i.restApiId}/resources/${i.resourceId}`),
    async run(ctx, input) {
      const api = await changeResources(ctx, input.restApiId, (before) => {
        const resource = resourceOf(before, input.resourceId);
        const [first] = input.patchOperations ?? [];
        if (resource.parentId === undefined && (first?.path === "/pathPart" || first?.path === "/parentId"))
          throw badRequest(`Root resource cannot update its ${first.path.slice(1)}.`);
        const moved = patched(resource, input.patchOperations, ["parentId", "pathPart"], ["replace"]);
        return { ...before, resources: movedResources(before, moved) };
      });
      const { methods: _methods, ...view } = resourceOf(api, input.resourceId);
      return view;
    },
  },
});

/** All resources, with the paths of those below the moved one. */
function movedResources(api: RestApi, moved: Resource): Record<string, Resource> {
  if (moved.parentId === undefined) throw badRequest("Root resource cannot be moved.");
  const before = resourceOf(api, moved.id);
  const parent = resourceOf(api, moved.parentId);
  if (parent.id === moved.id || parent.path.startsWith(`${before.path}/`))
    throw badRequest("Resources cannot be cyclical.");
  const path = `${parent.path === "/" ? "" : parent.path}/${moved.pathPart}`;
  const others = Object.values(api.resources).filter((r) => r.id !== moved.id);
  if (others.some((r) => r.path === path))
    throw conflict(`Another resource with the same parent already has this name: ${moved.pathPart}`);
  const below = (r: Resource): Resource =>
    r.path.startsWith(`${before.path}/`) ? { ...r, path: path + r.path.slice(before.path.length) } : r;
  return Object.fromEntries([{ ...moved, path }, ...others.map(below)].map((r) => [r.id, r]));
}
