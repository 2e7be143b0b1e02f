import type * as Gateway from "@aws-sdk/client-api-gateway";
import type { Context } from "../../../aws/context.ts";
import { operations } from "../../../aws/service.ts";
import { newApiId } from "../../../compute/edge/api-address.ts";
import { withPolicy } from "../api-policy.ts";
import {
  apiOf,
  badRequest,
  given,
  changeApi,
  newId,
  noApi,
  on,
  type Deployment,
  type Resource,
  type RestApi,
  type Stage,
} from "../model.ts";
import { endpointSettings, patchedEndpoint } from "../endpoint-settings.ts";
import { basePathMode } from "../openapi-base-path.ts";
import { importOpenApi, readDocument, type ImportedApi } from "../openapi.ts";
import { putParts } from "../documentation.ts";
import { patched } from "../patch.ts";

const DEFAULT_PAGE = 25;

export const apiView = (api: RestApi) => ({
  id: api.id,
  name: api.name,
  createdDate: new Date(api.created),
  apiKeySource: api.apiKeySource as Gateway.ApiKeySourceType,
  endpointConfiguration: {
    types: [...api.endpointTypes] as Gateway.EndpointType[],
    ipAddressType: (api.ipAddressType ?? "ipv4") as Gateway.IpAddressType,
  },
  disableExecuteApiEndpoint: api.disableExecuteApiEndpoint ?? false,
  rootResourceId: api.rootResourceId,
  ...(api.description === undefined ? {} : { description: api.description }),
  ...(api.version === undefined ? {} : { version: api.version }),
  ...(api.binaryMediaTypes.length ? { binaryMediaTypes: [...api.binaryMediaTypes] } : {}),
  ...(api.policy === undefined ? {} : { policy: api.policy }),
  ...(api.minimumCompressionSize === undefined ? {} : { minimumCompressionSize: api.minimumCompressionSize }),
  ...(api.tags ? { tags: { ...api.tags } } : {}),
});

function emptyApi(ctx: Context<any>, name: string): RestApi {
  const root: Resource = { id: newId(ctx, 10), path: "/", methods: {} };
  return {
    id: newApiId("rest", (length, alphabet) => ctx.ids.text(length, alphabet)),
    name,
    created: ctx.now(),
    rootResourceId: root.id,
    resources: { [root.id]: root },
    binaryMediaTypes: [],
    endpointTypes: ["EDGE"],
    apiKeySource: "HEADER",
  };
}

/** One page of a list by `position` and `limit`. */
export function page<T>(
  items: readonly T[],
  input: { position?: string | undefined; limit?: number | undefined },
): { items: T[]; position?: string } {
  const start = Number(input.position ?? 0);
  if (!Number.isInteger(start) || start < 0) throw badRequest("Invalid position parameter");
  // A limit that is none gives nothing, as AWS does.
  const end = start + Math.max(0, input.limit ?? DEFAULT_PAGE);
  return { items: items.slice(start, end), ...(start < end && end < items.length ? { position: String(end) } : {}) };
}

const MAX_COMPRESSION_SIZE = 10 * 1024 * 1024;

/** An API whose minimum compression size is a number that API Gateway takes; patches bring it as text. */
function withCompressionSize({ minimumCompressionSize: given, ...api }: RestApi): RestApi {
  const size: unknown = given;
  if (size === undefined || size === null || size === "") return api;
  const bytes = Number(size);
  if (!Number.isInteger(bytes) || bytes < 0 || bytes > MAX_COMPRESSION_SIZE)
    throw badRequest(`Invalid minimum compression size, must be between 0 and ${MAX_COMPRESSION_SIZE}`);
  return { ...api, minimumCompressionSize: bytes };
}

export const apis = operations<typeof Gateway, any>()({
  CreateRestApi: {
    permissions: on("POST", () => "/restapis"),
    async run(ctx, input) {
      if (input.description === "") throw badRequest("Description cannot be an empty string");
      const api = withCompressionSize(
        withPolicy(ctx, {
          ...emptyApi(ctx, String(input.name)),
          binaryMediaTypes: input.binaryMediaTypes ?? [],
          ...endpointSettings(input),
          apiKeySource: input.apiKeySource ?? "HEADER",
          ...(input.description === undefined ? {} : { description: input.description }),
          ...(input.version === undefined ? {} : { version: input.version }),
          ...(input.policy === undefined ? {} : { policy: input.policy }),
          ...(input.minimumCompressionSize === undefined
            ? {}
            : { minimumCompressionSize: input.minimumCompressionSize }),
          ...(input.tags ? { tags: input.tags } : {}),
        }),
      );
      const made = ctx.once ? await ctx.records.get<RestApi>("api", api.id) : undefined;
      if (!made) await ctx.records.create("api", api.id, api);
      return apiView(made?.value ?? api);
    },
  },
  ImportRestApi: {
    permissions: on("POST", () => "/restapis"),
    async run(ctx, input) {
      const imported = importOpenApi(
        ctx,
        input.body ?? Buffer.alloc(0),
        {},
        basePathMode(input.parameters?.["basepath"]),
      );
      const name = imported.name ?? "API";
      const { definitions, documentation, warnings, ...rest } = imported;
      failOn(input.failOnWarnings ? warnings : []);
      const api = withPolicy(ctx, { ...emptyApi(ctx, name), ...rest, ...definitions, name });
      await ctx.records.create("api", api.id, api);
      await putParts(ctx, api.id, documentation, false);
      return { ...apiView(api), ...(warnings.length ? { warnings: [...warnings] } : {}) };
    },
  },
  PutRestApi: {
    permissions: on("PUT", (i) => `/restapis/${i.restApiId}`),
    async run(ctx, input) {
      const body = input.body ?? Buffer.alloc(0);
      readDocument(body); // is looked at before the API is
      const mode = basePathMode(input.parameters?.["basepath"]);
      let documentation: ImportedApi["documentation"] = [];
      let warnings: ImportedApi["warnings"] = [];
      const api = await changeApi(ctx, input.restApiId, (before) => {
        const imported = importOpenApi(ctx, body, before, mode);
        ({ documentation, warnings } = imported);
        failOn(input.failOnWarnings ? warnings : []);
        const next = input.mode === "overwrite" ? overwritten(before, imported) : merged(before, imported);
        return withPolicy(ctx, next);
      });
      if (documentation.length) await putParts(ctx, api.id, documentation, input.mode === "overwrite");
      return { tags: {}, ...apiView(api), ...(warnings.length ? { warnings: [...warnings] } : {}) };
    },
  },
  GetRestApi: {
    permissions: on("GET", (i) => `/restapis/${i.restApiId}`),
    callers: ["apigateway.amazonaws.com"],
    run: async (ctx, input) => ({ tags: {}, ...apiView(await apiOf(ctx, input.restApiId)) }),
  },
  GetRestApis: {
    permissions: on("GET", () => "/restapis"),
    async run(ctx, input) {
      const all = (await ctx.records.list<RestApi>("api")).map((s) => s.value).sort((a, b) => a.created - b.created);
      const { items, ...rest } = page(all, input);
      return { items: items.map(apiView), ...rest };
    },
  },
  UpdateRestApi: {
    permissions: on("PATCH", (i) => `/restapis/${i.restApiId}`),
    async run(ctx, input) {
      const fields = ["name", "description", "policy", "apiKeySource", "version", "minimumCompressionSize"] as const;
      const changed = await changeApi(ctx, input.restApiId, (before) => {
        const { api, others } = patchedEndpoint(before, input.patchOperations);
        const { types = [], plain = [] } = Object.groupBy(others, (p) =>
          MEDIA_TYPE.test(p.path ?? "") ? "types" : "plain",
        );
        return withPolicy(ctx, patchedMediaTypes(withCompressionSize(patched(api, plain, fields)), types));
      });
      return { tags: {}, ...apiView(changed) };
    },
  },
  DeleteRestApi: {
    permissions: on("DELETE", (i) => `/restapis/${i.restApiId}`),
    async run(ctx, input) {
      const id = String(input.restApiId);
      if (!(await ctx.records.get("api", id))) throw noApi(ctx, id);
      const stages = await ctx.records.list<Stage>("stage", { prefix: `${id}:` });
      const deployments = await ctx.records.list<Deployment>("deployment", { prefix: `${id}:` });
      const parts = await ctx.records.list("documentation-part", { prefix: `${id}/` });
      const versions = await ctx.records.list("documentation-version", { prefix: `${id}/` });
      await ctx.records.write(
        ctx.records.remove("api", id),
        stages.map((s) => ctx.records.remove("stage", s.id)),
        deployments.map((d) => ctx.records.remove("deployment", d.id)),
        parts.map((p) => ctx.records.remove("documentation-part", p.id)),
        versions.map((v) => ctx.records.remove("documentation-version", v.id)),
      );
      return {};
    },
  },
  GetAccount: {
    permissions: on("GET", () => "/account"),
    async run(ctx) {
      const stored = await ctx.records.get<{ cloudwatchRoleArn?: string }>("account", "account");
      return {
        throttleSettings: { burstLimit: 5000, rateLimit: 10_000 },
        apiKeyVersion: "4",
        features: ["UsagePlans"],
        ...stored?.value,
      };
    },
  },
  UpdateAccount: {
    permissions: on("PATCH", () => "/account"),
    async run(ctx, input) {
      const strange = input.patchOperations?.find((p) => p.path !== "/cloudwatchRoleArn" && p.path !== "/features");
      if (strange) throw badRequest(`Invalid patch path ${strange.path}`);
      const features = (input.patchOperations ?? []).filter((p) => p.path === "/features");
      if (features.some((p) => p.op !== "add" || p.value !== "UsagePlans"))
        throw badRequest("Usage Plans cannot be disabled once enabled");
      const role = input.patchOperations?.find((p) => p.path === "/cloudwatchRoleArn")?.value;
      await ctx.records.write(ctx.records.put("account", "account", role ? { cloudwatchRoleArn: role } : {}));
      return {
        throttleSettings: { burstLimit: 5000, rateLimit: 10_000 },
        apiKeyVersion: "4",
        features: ["UsagePlans"],
        ...(role ? { cloudwatchRoleArn: role } : {}),
      };
    },
  },
});

function failOn(warnings: readonly string[]): void {
  if (warnings.length) throw badRequest(`Warnings found during import:\n\t${warnings.join("\n\t")}`);
}

/** Nothing stays of what the definition does not name. */
function overwritten(
  before: RestApi,
  { definitions, documentation: _d, warnings: _w, ...imported }: ImportedApi,
): RestApi {
  const { authorizers: _a, models: _m, validators: _v, gatewayResponses: _g, ...rest } = before;
  // The root stays the one that it was.
  const { rootResourceId } = before;
  const moved = (id: string): string => (id === imported.rootResourceId ? rootResourceId : id);
  const resources = Object.values(imported.resources).map((resource): [string, Resource] => {
    const parent = resource.parentId === undefined ? {} : { parentId: moved(resource.parentId) };
    return [moved(resource.id), { ...resource, ...parent, id: moved(resource.id) }];
  });
  const name = imported.name ?? before.name;
  return { ...rest, ...imported, ...definitions, rootResourceId, resources: Object.fromEntries(resources), name };
}

/** What is imported wins, method by method; what it does not name stays. */
function merged(before: RestApi, imported: ImportedApi): RestApi {
  const byPath = new Map(Object.values(before.resources).map((r) => [r.path, r]));
  const idOf = new Map<string, string>();
  const added = Object.values(imported.resources).sort((a, b) => a.path.length - b.path.length);
  for (const resource of added) {
    const known = byPath.get(resource.path);
    const parent =
      resource.parentId === undefined ? {} : { parentId: idOf.get(resource.parentId) ?? resource.parentId };
    const next = known ? { ...known, methods: { ...known.methods, ...resource.methods } } : { ...resource, ...parent };
    idOf.set(resource.id, next.id);
    byPath.set(resource.path, next);
  }
  const resources = Object.fromEntries([...byPath.values()].map((r) => [r.id, r]));
  const { definitions } = imported;
  const both = {
    authorizers: { ...before.authorizers, ...definitions.authorizers },
    models: { ...before.models, ...definitions.models },
    validators: { ...before.validators, ...definitions.validators },
    gatewayResponses: { ...before.gatewayResponses, ...definitions.gatewayResponses },
  };
  const { name = before.name, version, description, policy, apiKeySource } = imported;
  const binaryMediaTypes = [...new Set([...before.binaryMediaTypes, ...(imported.binaryMediaTypes ?? [])])];
  return {
    ...before,
    ...both,
    name,
    ...given({ version, description, policy, apiKeySource }),
    resources,
    binaryMediaTypes,
  } as RestApi;
}

const MEDIA_TYPE = /^\/binaryMediaTypes\/(.+)$/;

function patchedMediaTypes(api: RestApi, patches: readonly Gateway.PatchOperation[]): RestApi {
  let types = [...api.binaryMediaTypes];
  for (const { op, path = "", value } of patches) {
    const type = MEDIA_TYPE.exec(path)![1]!.replaceAll("~1", "/");
    types = types.filter((t) => t !== type);
    // A replacement puts its value in the place of the type that the path names.
    if (op !== "remove") types.push(op === "replace" && value ? value : type);
  }
  return { ...api, binaryMediaTypes: types };
}
