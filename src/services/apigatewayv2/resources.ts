import { tagList, tagMap } from "../../aws/resource-tags.ts";
import type { Properties, ResourceContext, ResourceType } from "../../aws/service.ts";
import { apiDefinition } from "../../compute/edge/api-definition.ts";
import { codeOf, ignoring } from "../../kernel/aws-error.ts";
import { retag } from "./retag.ts";

const ignoreGone = ignoring("NotFoundException");

const corsOf = (properties: Properties) => properties["CorsConfiguration"] as object | undefined;

/** The defaults of what a template said before and no longer says: updates leave what they do not name as it is. */
const reset = (defaults: Properties, next: Properties, previous: Properties): Properties =>
  Object.fromEntries(
    Object.entries(defaults).filter(([name]) => previous[name] !== undefined && next[name] === undefined),
  );

async function importBody(ctx: ResourceContext, ApiId: string, properties: Properties): Promise<void> {
  const body = await apiDefinition(ctx, properties);
  if (body) await ctx.call("apigatewayv2", "ReimportApi", { ApiId, Body: body.toString("utf8") });
}

async function applySettings(ctx: ResourceContext, ApiId: string, properties: Properties): Promise<void> {
  const { Name, Description, Version } = properties;
  const cors = corsOf(properties);
  const said = properties["DisableExecuteApiEndpoint"];
  const closed = said === undefined ? {} : { DisableExecuteApiEndpoint: String(said) === "true" };
  if (Name !== undefined || Description !== undefined || cors || said !== undefined)
    await ctx.call("apigatewayv2", "UpdateApi", {
      ApiId,
      Name,
      Description,
      Version,
      CorsConfiguration: cors,
      ...closed,
    });
}

/** AWS::ApiGatewayV2::Api. */
export const httpApi: ResourceType = {
  type: "AWS::ApiGatewayV2::Api",
  async create(ctx, properties) {
    const { Name, Description, ProtocolType, Target, RouteKey, CredentialsArn, Tags } = properties;
    const input = {
      Name: Name ?? ctx.logicalId,
      Description,
      ProtocolType: ProtocolType ?? "HTTP",
      Target,
      RouteKey,
      CredentialsArn,
      CorsConfiguration: corsOf(properties),
    };
    const made = await ctx.withStackTags(tagList(Tags), (tags) =>
      ctx.call("apigatewayv2", "CreateApi", { ...input, ...(tags.length ? { Tags: tagMap(tags) } : {}) }),
    );
    const id = String(made.ApiId);
    try {
      await importBody(ctx, id, properties);
      await applySettings(ctx, id, properties);
    } catch (error) {
      await ctx.call("apigatewayv2", "DeleteApi", { ApiId: id }).catch(ignoreGone);
      throw error;
    }
    return id;
  },
  async update(ctx, id, next, previous) {
    await importBody(ctx, id, next);
    await applySettings(ctx, id, next);
    const dropped = reset({ Description: "", DisableExecuteApiEndpoint: false, Version: "" }, next, previous);
    if (Object.keys(dropped).length) await ctx.call("apigatewayv2", "UpdateApi", { ApiId: id, ...dropped });
    if (corsOf(previous) && !corsOf(next)) await ctx.call("apigatewayv2", "DeleteCorsConfiguration", { ApiId: id });
    await retag(ctx, `apis/${id}`, next, previous);
  },
  async remove(ctx, id) {
    await ctx.call("apigatewayv2", "DeleteApi", { ApiId: id }).catch(ignoreGone);
  },
  async attributes(ctx, id) {
    return { ApiId: id, ApiEndpoint: (await ctx.call("apigatewayv2", "GetApi", { ApiId: id })).ApiEndpoint };
  },
};

/** AWS::ApiGatewayV2::Authorizer. */
export const httpAuthorizer: ResourceType = {
  type: "AWS::ApiGatewayV2::Authorizer",
  create: async (ctx, properties) =>
    String((await ctx.call("apigatewayv2", "CreateAuthorizer", authorizerInput(properties))).AuthorizerId),
  async update(ctx, id, next, previous) {
    const defaults = { AuthorizerCredentialsArn: "", AuthorizerResultTtlInSeconds: 0, EnableSimpleResponses: false };
    const input = { ...reset(defaults, next, previous), ...authorizerInput(next), AuthorizerId: id };
    await ctx.call("apigatewayv2", "UpdateAuthorizer", input);
  },
  async remove(ctx, id, { ApiId }) {
    await ctx.call("apigatewayv2", "DeleteAuthorizer", { ApiId, AuthorizerId: id }).catch(ignoreGone);
  },
  attributes: async (_ctx, id) => ({ AuthorizerId: id }),
};

/** Templates may write numbers and flags as text. */
function authorizerInput(properties: Properties): Properties {
  const { AuthorizerResultTtlInSeconds: ttl, EnableSimpleResponses: simple, ...rest } = properties;
  return {
    IdentitySource: [], // which the operations ask for, and a template need not say
    ...rest,
    ...(ttl === undefined ? {} : { AuthorizerResultTtlInSeconds: Number(ttl) }),
    ...(simple === undefined ? {} : { EnableSimpleResponses: String(simple) === "true" }),
  };
}

/** AWS::ApiGatewayV2::Integration. */
export const httpIntegration: ResourceType = {
  type: "AWS::ApiGatewayV2::Integration",
  create: async (ctx, properties) =>
    String((await ctx.call("apigatewayv2", "CreateIntegration", integrationInput(properties) as any)).IntegrationId),
  async update(ctx, id, next, previous) {
    const [input, before] = [integrationInput(next), integrationInput(previous)];
    const changes = {
      ...reset({ Description: "", TimeoutInMillis: 30_000 }, next, previous),
      RequestParameters: without(before["RequestParameters"], input["RequestParameters"], ""),
      ResponseParameters: without(before["ResponseParameters"], input["ResponseParameters"], {}),
    };
    await ctx.call("apigatewayv2", "UpdateIntegration", { ...input, ...changes, IntegrationId: id } as any);
  },
  async remove(ctx, id, { ApiId }) {
    await ctx.call("apigatewayv2", "DeleteIntegration", { ApiId, IntegrationId: id }).catch(ignoreGone);
  },
  attributes: async (_ctx, id) => ({ IntegrationId: id }),
};

/** Templates have response parameters as lists of what comes from where. */
function integrationInput(properties: Properties): Properties {
  const { ResponseParameters: given, ...rest } = properties;
  if (typeof given !== "object" || given === null) return properties;
  const listed = (said: Properties): unknown => {
    const list = said["ResponseParameters"];
    if (!Array.isArray(list)) return said;
    return Object.fromEntries((list as Properties[]).map((one) => [one["Destination"], one["Source"]]));
  };
  const byStatus = Object.entries(given as Properties).map(([status, said]) => [status, listed(said as Properties)]);
  return { ...rest, ResponseParameters: Object.fromEntries(byStatus) };
}

/** What is there now, and `none` for what was there before: updates change only what they name. */
function without(before: unknown, now: unknown, none: unknown): object | undefined {
  const gone = Object.keys((before ?? {}) as object).map((name) => [name, none]);
  return before === undefined && now === undefined ? undefined : { ...Object.fromEntries(gone), ...(now as object) };
}

/** AWS::ApiGatewayV2::Route. */
export const httpRoute: ResourceType = {
  type: "AWS::ApiGatewayV2::Route",
  async create(ctx, properties) {
    try {
      return String((await ctx.call("apigatewayv2", "CreateRoute", properties as any)).RouteId);
    } catch (error) {
      if (codeOf(error) !== "ConflictException" || !ctx.retried) throw error;
      const { Items = [] } = await ctx.call("apigatewayv2", "GetRoutes", { ApiId: properties["ApiId"] });
      return String(Items.find((r) => r.RouteKey === properties["RouteKey"])?.RouteId);
    }
  },
  async update(ctx, id, next, previous) {
    const defaults = {
      AuthorizationScopes: [],
      AuthorizationType: "NONE",
      AuthorizerId: "",
      OperationName: "",
    };
    const input = { ...reset(defaults, next, previous), ...next, RouteId: id };
    await ctx.call("apigatewayv2", "UpdateRoute", input as any);
  },
  async remove(ctx, id, { ApiId }) {
    await ctx.call("apigatewayv2", "DeleteRoute", { ApiId, RouteId: id }).catch(ignoreGone);
  },
  attributes: async (_ctx, id) => ({ RouteId: id }),
};

/** AWS::ApiGatewayV2::Stage. */
export const httpStage: ResourceType = {
  type: "AWS::ApiGatewayV2::Stage",
  async create(ctx, properties) {
    try {
      await ctx.withStackTags(tagList(properties["Tags"]), (tags) =>
        ctx.call("apigatewayv2", "CreateStage", {
          ...stageInput(properties),
          ...(tags.length ? { Tags: tagMap(tags) } : {}),
        }),
      );
    } catch (error) {
      if (codeOf(error) !== "ConflictException" || !ctx.retried) throw error;
    }
    return String(properties["StageName"]);
  },
  async update(ctx, id, next, previous) {
    const { ApiId, AccessLogSettings, RouteSettings = {} } = next;
    const where = { ApiId, StageName: id };
    if (!AccessLogSettings && previous["AccessLogSettings"])
      await ctx.call("apigatewayv2", "DeleteAccessLogSettings", where);
    const stage = await ctx.call("apigatewayv2", "GetStage", where);
    for (const RouteKey of Object.keys(stage.RouteSettings ?? {}))
      if (!Object.hasOwn(RouteSettings as object, RouteKey))
        await ctx.call("apigatewayv2", "DeleteRouteSettings", { ...where, RouteKey });
    const StageVariables = without(previous["StageVariables"], next["StageVariables"], "");
    const dropped = reset({ AutoDeploy: false, Description: "" }, next, previous);
    const input = { ...stageInput(next), ...dropped, StageVariables, StageName: id };
    await ctx.call("apigatewayv2", "UpdateStage", input as any);
    await retag(ctx, `apis/${ApiId}/stages/${id}`, next, previous);
  },
  async remove(ctx, id, { ApiId }) {
    await ctx.call("apigatewayv2", "DeleteStage", { ApiId, StageName: id }).catch(ignoreGone);
  },
};

function stageInput(properties: Properties): Properties {
  const { ApiId, StageName, AutoDeploy, DeploymentId, Description, StageVariables } = properties;
  const { AccessLogSettings, DefaultRouteSettings, RouteSettings } = properties;
  const routes = Object.entries((RouteSettings ?? {}) as Properties).map(([key, one]) => [key, routeInput(one)]);
  return {
    ApiId,
    StageName,
    AutoDeploy,
    DeploymentId,
    Description,
    StageVariables,
    AccessLogSettings,
    DefaultRouteSettings: DefaultRouteSettings && routeInput(DefaultRouteSettings),
    RouteSettings: RouteSettings && Object.fromEntries(routes),
  };
}

/** Templates may write numbers and flags as text. */
function routeInput(settings: Properties): Properties {
  const typed = Object.entries(settings).map(([name, value]) => [
    name,
    name.endsWith("Limit") ? Number(value) : name.endsWith("Enabled") ? String(value) === "true" : value,
  ]);
  return Object.fromEntries(typed);
}

/** AWS::ApiGatewayV2::Deployment. */
export const httpDeployment: ResourceType = {
  type: "AWS::ApiGatewayV2::Deployment",
  create: async (ctx, { ApiId, Description, StageName }) =>
    String((await ctx.call("apigatewayv2", "CreateDeployment", { ApiId, Description, StageName })).DeploymentId),
  async remove(ctx, id, { ApiId }) {
    await ctx.call("apigatewayv2", "DeleteDeployment", { ApiId, DeploymentId: id }).catch(ignoreGone);
  },
  attributes: async (_ctx, id) => ({ DeploymentId: id }),
};
