import type * as Gateway from "@aws-sdk/client-api-gateway";
import type { Context } from "../../../aws/context.ts";
import { operations } from "../../../aws/service.ts";
import {
  checkedGatewayResponse,
  RESPONSE_TYPES,
  responseFor,
  DEFAULT_TEMPLATES,
  type ResponseType,
} from "../gateway-responses.ts";
import {
  apiOf,
  badRequest,
  changeApi,
  conflict,
  given,
  newId,
  notFound,
  on,
  type GatewayResponse,
  type Model,
  type RequestValidator,
  type RestApi,
} from "../model.ts";
import { allModels, checkedModel } from "../models.ts";
import { patched } from "../patch.ts";
import { page } from "./apis.ts";

function modelOf(api: RestApi, name: string | undefined): Model {
  const found = allModels(api)[String(name)];
  if (!found) throw noModel(name);
  return found;
}

const noModel = (name: string | undefined) => notFound(`Invalid model name specified: ${name}`);
const noValidator = () => notFound("Invalid Request Validator identifier specified");

/** The API of something below it: where it is not there, neither is the thing. */
async function holder(ctx: Context<any>, id: string | undefined, missing: () => Error): Promise<RestApi> {
  const stored = await ctx.records.get<RestApi>("api", String(id));
  if (!stored) throw missing();
  return stored.value;
}

function checkUnused(api: RestApi, name: string): void {
  for (const resource of Object.values(api.resources))
    for (const method of Object.values(resource.methods))
      if (Object.values(method.requestModels ?? {}).includes(name))
        throw conflict(
          `Cannot delete model '${name}', is referenced in method request: ${resource.path}/${method.httpMethod}`,
        );
}

const models = (i: any): string => `/restapis/${i.restApiId}/models`;
const model = (i: any): string => `${models(i)}/${i.modelName}`;
const validators = (i: any): string => `/restapis/${i.restApiId}/requestvalidators`;
const validator = (i: any): string => `${validators(i)}/${i.requestValidatorId}`;
const responses = (i: any): string => `/restapis/${i.restApiId}/gatewayresponses`;
const response = (i: any): string => `${responses(i)}/${i.responseType}`;

function responseView(api: RestApi, type: ResponseType): Gateway.GatewayResponse {
  const kind = RESPONSE_TYPES[type];
  const status = "status" in kind ? kind.status : undefined;
  const own = api.gatewayResponses?.[type];
  const found = own ?? (status === undefined ? undefined : responseFor(api.gatewayResponses, type, status));
  const statusCode = found?.statusCode ?? (status === undefined ? undefined : String(status));
  const templates = found?.responseTemplates;
  return {
    responseType: type,
    ...(statusCode === undefined ? {} : { statusCode }),
    responseParameters: { ...found?.responseParameters },
    responseTemplates: { ...(templates && Object.keys(templates).length ? templates : DEFAULT_TEMPLATES) },
    defaultResponse: own === undefined,
  };
}

const typeOf = (type: string | undefined): ResponseType => {
  if (type === undefined || !Object.hasOwn(RESPONSE_TYPES, type))
    throw badRequest(`Invalid response type specified: ${type}`);
  return type as ResponseType;
};

const decoded = (part: string): string => part.replaceAll("~1", "/").replaceAll("~0", "~");

/** Applies UpdateGatewayResponse's operations. */
function patchedResponse(before: GatewayResponse, patches: readonly Gateway.PatchOperation[] = []): GatewayResponse {
  let next = before;
  for (const { op, path = "null", value = "" } of patches) {
    const [, field = "", ...rest] = path.split("/");
    if (field === "statusCode" && op === "replace") next = { ...next, statusCode: value };
    else if ((field === "responseParameters" || field === "responseTemplates") && rest.length) {
      const key = decoded(rest.join("/"));
      const { [key]: known, ...others } = next[field] ?? {};
      if (op !== "add" && known === undefined) throw notFound("Invalid parameter name specified");
      if (op !== "remove" && !value) throw badRequest(`Invalid null or empty value in ${field}`);
      next = { ...next, [field]: op === "remove" ? others : { ...others, [key]: value } };
    } else throw badRequest(`Invalid patch path ${path}`);
  }
  return next;
}

export const definitions = operations<typeof Gateway, any>()({
  CreateModel: {
    permissions: on("POST", models),
    async run(ctx, input) {
      const made = checkedModel(
        given({
          id: newId(ctx),
          name: String(input.name),
          contentType: String(input.contentType),
          description: input.description || undefined,
          schema: input.schema ?? "",
        }) as Model,
      );
      await changeApi(ctx, input.restApiId, (api) => {
        const known = allModels(api)[made.name];
        if (known && known.id !== made.id) throw conflict("Model name already exists for this REST API");
        return { ...api, models: { ...api.models, [made.name]: made } };
      });
      return made;
    },
  },
  GetModel: {
    permissions: on("GET", model),
    run: async (ctx, input) =>
      modelOf(await holder(ctx, input.restApiId, () => noModel(input.modelName)), input.modelName),
  },
  GetModels: {
    permissions: on("GET", models),
    async run(ctx, input) {
      const { items, ...rest } = page(Object.values(allModels(await apiOf(ctx, input.restApiId))), input);
      return { items, ...rest };
    },
  },
  UpdateModel: {
    permissions: on("PATCH", model),
    async run(ctx, input) {
      await holder(ctx, input.restApiId, () => noModel(input.modelName));
      const api = await changeApi(ctx, input.restApiId, (before) => {
        const known = modelOf(before, input.modelName);
        const { description, ...others } = patched(
          known,
          input.patchOperations,
          ["description", "schema"],
          ["replace"],
        );
        const next = checkedModel(description ? { ...others, description } : others);
        return { ...before, models: { ...before.models, [known.name]: next } };
      });
      return modelOf(api, input.modelName);
    },
  },
  DeleteModel: {
    permissions: on("DELETE", model),
    async run(ctx, input) {
      await holder(ctx, input.restApiId, () => noModel(input.modelName));
      await changeApi(ctx, input.restApiId, (api) => {
        const { name } = modelOf(api, input.modelName);
        checkUnused(api, name);
        const { [name]: _gone, ...kept } = allModels(api);
        return { ...api, models: kept };
      });
      return {};
    },
  },
  CreateRequestValidator: {
    permissions: on("POST", validators),
    async run(ctx, input) {
      const made: RequestValidator = {
        id: newId(ctx),
        name: input.name ?? "",
        validateRequestBody: input.validateRequestBody ?? false,
        validateRequestParameters: input.validateRequestParameters ?? false,
      };
      await holder(ctx, input.restApiId, () => badRequest("Invalid REST API identifier specified"));
      await changeApi(ctx, input.restApiId, (api) => ({
        ...api,
        validators: { ...api.validators, [made.id]: made },
      }));
      return made;
    },
  },
  GetRequestValidator: {
    permissions: on("GET", validator),
    async run(ctx, input) {
      const found = (await holder(ctx, input.restApiId, noValidator)).validators?.[String(input.requestValidatorId)];
      if (!found) throw noValidator();
      return found;
    },
  },
  GetRequestValidators: {
    permissions: on("GET", validators),
    async run(ctx, input) {
      const { items, ...rest } = page(Object.values((await apiOf(ctx, input.restApiId)).validators ?? {}), input);
      return { items, ...rest };
    },
  },
  UpdateRequestValidator: {
    permissions: on("PATCH", validator),
    async run(ctx, input) {
      const id = String(input.requestValidatorId);
      await holder(ctx, input.restApiId, noValidator);
      const api = await changeApi(ctx, input.restApiId, (before) => {
        const known = before.validators?.[id];
        if (!known) throw noValidator();
        const fields = ["name", "validateRequestParameters", "validateRequestBody"] as const;
        const next = patched(known, input.patchOperations, fields, ["replace"]);
        if (!next.name) throw badRequest("Request Validator name cannot be blank");
        const flags = {
          validateRequestBody: String(next.validateRequestBody) === "true",
          validateRequestParameters: String(next.validateRequestParameters) === "true",
        };
        return { ...before, validators: { ...before.validators, [id]: { ...next, ...flags } } };
      });
      return api.validators![id]!;
    },
  },
  DeleteRequestValidator: {
    permissions: on("DELETE", validator),
    async run(ctx, input) {
      const id = String(input.requestValidatorId);
      await holder(ctx, input.restApiId, noValidator);
      await changeApi(ctx, input.restApiId, (api) => {
        const { [id]: gone, ...kept } = api.validators ?? {};
        if (!gone) throw noValidator();
        return { ...api, validators: kept };
      });
      return {};
    },
  },
  PutGatewayResponse: {
    permissions: on("PUT", response),
    async run(ctx, input) {
      const type = typeOf(input.responseType);
      const { statusCode, responseParameters, responseTemplates } = input;
      const own = checkedGatewayResponse(
        type,
        given({ statusCode, responseParameters, responseTemplates }) as GatewayResponse,
      );
      const api = await changeApi(ctx, input.restApiId, (before) => ({
        ...before,
        gatewayResponses: { ...before.gatewayResponses, [type]: own },
      }));
      return responseView(api, type);
    },
  },
  GetGatewayResponse: {
    permissions: on("GET", response),
    run: async (ctx, input) => responseView(await apiOf(ctx, input.restApiId), typeOf(input.responseType)),
  },
  GetGatewayResponses: {
    permissions: on("GET", responses),
    async run(ctx, input) {
      const api = await apiOf(ctx, input.restApiId);
      const types = Object.keys(RESPONSE_TYPES) as ResponseType[];
      return { items: types.map((type) => responseView(api, type)) };
    },
  },
  UpdateGatewayResponse: {
    permissions: on("PATCH", response),
    async run(ctx, input) {
      const type = typeOf(input.responseType);
      const api = await changeApi(ctx, input.restApiId, (before) => {
        const next = patchedResponse(before.gatewayResponses?.[type] ?? {}, input.patchOperations);
        return {
          ...before,
          gatewayResponses: { ...before.gatewayResponses, [type]: checkedGatewayResponse(type, next) },
        };
      });
      return responseView(api, type);
    },
  },
  DeleteGatewayResponse: {
    permissions: on("DELETE", response),
    async run(ctx, input) {
      const type = typeOf(input.responseType);
      await changeApi(ctx, input.restApiId, (api) => {
        const { [type]: gone, ...kept } = api.gatewayResponses ?? {};
        if (!gone) throw notFound("Gateway response type not defined on api");
        return { ...api, gatewayResponses: kept };
      });
      return {};
    },
  },
});
