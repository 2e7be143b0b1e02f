import type { Properties, ResourceContext, ResourceType } from "../../../aws/service.ts";
import { codeOf, ignoring } from "../../../kernel/aws-error.ts";

const ignoreGone = ignoring("NotFoundException");

/** AWS::ApiGateway::Resource. */
export const apiResource: ResourceType = {
  type: "AWS::ApiGateway::Resource",
  async create(ctx, { RestApiId, ParentId, PathPart }) {
    try {
      return String(
        (
          await ctx.call("apigateway", "CreateResource", {
            restApiId: RestApiId,
            parentId: ParentId,
            pathPart: PathPart,
          })
        ).id,
      );
    } catch (error) {
      if (codeOf(error) !== "ConflictException" || !ctx.retried) throw error;
      const { items = [] } = await ctx.call("apigateway", "GetResources", { restApiId: RestApiId, limit: 500 });
      return String(items.find((r) => r.parentId === ParentId && r.pathPart === PathPart)?.id);
    }
  },
  async remove(ctx, id, { RestApiId }) {
    await ctx.call("apigateway", "DeleteResource", { restApiId: RestApiId, resourceId: id }).catch(ignoreGone);
  },
  attributes: async (_ctx, id) => ({ ResourceId: id }),
};

/** AWS::ApiGateway::Method; a change puts the whole method anew. */
export const apiMethod: ResourceType = {
  type: "AWS::ApiGateway::Method",
  refuses: {
    "Integration.ConnectionId": [],
    "Integration.IntegrationTarget": [],
    "Integration.ResponseTransferMode": ["BUFFERED"],
  },
  async create(ctx, properties) {
    await put(ctx, properties);
    return `${properties["RestApiId"]}|${properties["ResourceId"]}|${properties["HttpMethod"]}`;
  },
  async update(ctx, _id, next) {
    await put(ctx, next);
  },
  async remove(ctx, _id, properties) {
    await drop(ctx, properties);
  },
};

async function drop(ctx: ResourceContext, { RestApiId, ResourceId, HttpMethod }: Properties): Promise<void> {
  await ctx
    .call("apigateway", "DeleteMethod", { restApiId: RestApiId, resourceId: ResourceId, httpMethod: HttpMethod })
    .catch(ignoreGone);
}

async function put(ctx: ResourceContext, properties: Properties): Promise<void> {
  const {
    RestApiId,
    ResourceId,
    HttpMethod,
    AuthorizationType,
    ApiKeyRequired,
    OperationName,
    RequestParameters,
    RequestModels,
    MethodResponses,
    Integration,
    AuthorizerId,
    AuthorizationScopes,
    RequestValidatorId,
  } = properties;
  const where = { restApiId: RestApiId, resourceId: ResourceId, httpMethod: HttpMethod };
  await drop(ctx, properties);
  await ctx.call("apigateway", "PutMethod", {
    ...where,
    authorizationType: AuthorizationType ?? "NONE",
    apiKeyRequired: ApiKeyRequired,
    operationName: OperationName,
    requestParameters: RequestParameters,
    requestModels: RequestModels,
    authorizerId: AuthorizerId,
    authorizationScopes: AuthorizationScopes,
    requestValidatorId: RequestValidatorId,
  });
  for (const r of MethodResponses ?? []) {
    await ctx.call("apigateway", "PutMethodResponse", {
      ...where,
      statusCode: String(r.StatusCode),
      responseParameters: r.ResponseParameters,
      responseModels: r.ResponseModels,
    });
  }
  if (!Integration) return;
  const i = Integration;
  await ctx.call("apigateway", "PutIntegration", {
    ...where,
    type: i.Type,
    integrationHttpMethod: i.IntegrationHttpMethod,
    uri: i.Uri,
    credentials: i.Credentials,
    timeoutInMillis: i.TimeoutInMillis,
    passthroughBehavior: i.PassthroughBehavior,
    requestTemplates: i.RequestTemplates,
    requestParameters: i.RequestParameters,
    contentHandling: i.ContentHandling,
    connectionType: i.ConnectionType,
    cacheNamespace: i.CacheNamespace,
    cacheKeyParameters: i.CacheKeyParameters,
  });
  for (const r of i.IntegrationResponses ?? []) {
    await ctx.call("apigateway", "PutIntegrationResponse", {
      ...where,
      statusCode: String(r.StatusCode),
      selectionPattern: r.SelectionPattern,
      responseParameters: r.ResponseParameters,
      responseTemplates: r.ResponseTemplates,
      contentHandling: r.ContentHandling,
    });
  }
}

/** AWS::ApiGateway::Account. */
export const apiAccount: ResourceType = {
  type: "AWS::ApiGateway::Account",
  async create(ctx, properties) {
    await setRole(ctx, properties["CloudWatchRoleArn"]);
    return ctx.physicalName({ maxLength: 64 });
  },
  update: (ctx, _id, next) => setRole(ctx, next["CloudWatchRoleArn"]),
  remove: async () => undefined, // the account is left as it is, as AWS leaves it
  attributes: async (_ctx, id) => ({ Id: id }),
};

async function setRole(ctx: ResourceContext, role: unknown): Promise<void> {
  await ctx.call("apigateway", "UpdateAccount", {
    patchOperations: [{ op: "replace", path: "/cloudwatchRoleArn", value: String(role ?? "") }],
  });
}
