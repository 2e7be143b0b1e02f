import type { Properties, ResourceContext, ResourceType } from "../../../aws/service.ts";
import { ignoring } from "../../../kernel/aws-error.ts";

const ignoreGone = ignoring("NotFoundException");

const schemaText = (schema: unknown): string | undefined =>
  schema === undefined || typeof schema === "string" ? schema : JSON.stringify(schema);

/** AWS::ApiGateway::Model. */
export const apiModel: ResourceType = {
  type: "AWS::ApiGateway::Model",
  async create(ctx, { RestApiId, Name, ContentType, Description, Schema }) {
    const made = await ctx.call("apigateway", "CreateModel", {
      restApiId: RestApiId,
      name: Name ?? ctx.physicalName({ maxLength: 128 }).replaceAll(/[^a-zA-Z0-9]/g, ""),
      contentType: ContentType ?? "application/json",
      description: Description,
      schema: schemaText(Schema) ?? "{}",
    });
    return String(made.name);
  },
  async update(ctx, id, { RestApiId, Description, Schema }) {
    const patchOperations = [
      { op: "replace" as const, path: "/description", value: String(Description ?? "") },
      { op: "replace" as const, path: "/schema", value: schemaText(Schema) ?? "{}" },
    ];
    await ctx.call("apigateway", "UpdateModel", { restApiId: RestApiId, modelName: id, patchOperations });
  },
  async remove(ctx, id, { RestApiId }) {
    await ctx.call("apigateway", "DeleteModel", { restApiId: RestApiId, modelName: id }).catch(ignoreGone);
  },
};

const isTrue = (value: unknown): boolean => String(value) === "true";

/** AWS::ApiGateway::RequestValidator. */
export const requestValidator: ResourceType = {
  type: "AWS::ApiGateway::RequestValidator",
  async create(ctx, { RestApiId, Name, ValidateRequestBody, ValidateRequestParameters }) {
    const made = await ctx.call("apigateway", "CreateRequestValidator", {
      restApiId: RestApiId,
      name: Name ?? ctx.physicalName({ maxLength: 128 }),
      validateRequestBody: isTrue(ValidateRequestBody),
      validateRequestParameters: isTrue(ValidateRequestParameters),
    });
    return String(made.id);
  },
  async update(ctx, id, { RestApiId, ValidateRequestBody, ValidateRequestParameters }) {
    const replace = (path: string, value: unknown) => ({ op: "replace" as const, path, value: String(isTrue(value)) });
    const patchOperations = [
      replace("/validateRequestBody", ValidateRequestBody),
      replace("/validateRequestParameters", ValidateRequestParameters),
    ];
    const where = { restApiId: RestApiId, requestValidatorId: id };
    await ctx.call("apigateway", "UpdateRequestValidator", { ...where, patchOperations });
  },
  async remove(ctx, id, { RestApiId }) {
    const where = { restApiId: RestApiId, requestValidatorId: id };
    await ctx.call("apigateway", "DeleteRequestValidator", where).catch(ignoreGone);
  },
  attributes: async (_ctx, id) => ({ RequestValidatorId: id }),
};

async function putResponse(ctx: ResourceContext, properties: Properties): Promise<void> {
  const { RestApiId, ResponseType, StatusCode, ResponseParameters, ResponseTemplates } = properties;
  await ctx.call("apigateway", "PutGatewayResponse", {
    restApiId: RestApiId,
    responseType: ResponseType,
    statusCode: StatusCode === undefined ? undefined : String(StatusCode),
    responseParameters: ResponseParameters,
    responseTemplates: ResponseTemplates,
  });
}

/** AWS::ApiGateway::GatewayResponse. */
export const gatewayResponse: ResourceType = {
  type: "AWS::ApiGateway::GatewayResponse",
  async create(ctx, properties) {
    await putResponse(ctx, properties);
    return ctx.physicalName({ maxLength: 128 });
  },
  update: (ctx, _id, next) => putResponse(ctx, next),
  async remove(ctx, _id, { RestApiId, ResponseType }) {
    const where = { restApiId: RestApiId, responseType: ResponseType };
    await ctx.call("apigateway", "DeleteGatewayResponse", where).catch(ignoreGone);
  },
  attributes: async (_ctx, id) => ({ Id: id }),
};
