import type { JsonObject, JsonValue } from "../yaml/index.ts";
import { isObject } from "../yaml/index.ts";
import { buildPaths, implicitCondition } from "./api-routes.ts";
import type { ApiRoute } from "./api-routes.ts";
import { parseS3 } from "./code-uri.ts";
import type { SamContext, SamResource } from "./context.ts";
import {
  addResource,
  canonicalJson,
  clone,
  compact,
  isIntrinsic,
  pick,
  ref,
  resolveParameters,
  SamFault,
  sha1,
  sharedAttributes,
  tagList,
} from "./context.ts";
import { addCustomDomain } from "./custom-domain.ts";
import { checkRestApi } from "./rest-api-checks.ts";
import { applyAuth, authorizerPermissions, routeSecurity } from "./rest-api-auth.ts";
import { applyCors } from "./rest-api-cors.ts";
import { applyResourcePolicy } from "./rest-api-policy.ts";
import { noteUsagePlan } from "./usage-plan.ts";

/** Translates AWS::Serverless::Api: the API, its deployment (named after its content) and its stage. */
export function translateRestApi(context: SamContext, resource: SamResource): void {
  const { id, properties: p } = resource;
  if (p.StageName === undefined) throw new SamFault(id, "Missing required property 'StageName'.");
  if (p.DefinitionUri !== undefined && p.DefinitionBody !== undefined) {
    throw new SamFault(id, "Specify either 'DefinitionUri' or 'DefinitionBody' property and not both.");
  }
  checkRestApi(context, resource);
  const condition = implicitCondition(context, id);
  const attributes = condition ? { ...resource.attributes, Condition: condition } : resource.attributes;
  const shared = { ...sharedAttributes(resource), ...(condition && { Condition: condition }) };
  const tags = p.Tags && p.PropagateTags === true ? tagList(p.Tags) : undefined;
  const body = p.DefinitionUri === undefined ? definition(context, resource) : undefined;
  const api = compact({
    Body: body,
    BodyS3Location: p.DefinitionUri === undefined ? undefined : location(id, p.DefinitionUri),
    Name: p.Name,
    Description: p.Description,
    FailOnWarnings: p.FailOnWarnings,
    MinimumCompressionSize: p.MinimumCompressionSize,
    BinaryMediaTypes: body ? undefined : p.BinaryMediaTypes,
    Mode: p.Mode,
    ApiKeySourceType: p.ApiKeySourceType,
    SecurityPolicy: p.SecurityPolicy,
    EndpointAccessMode: p.EndpointAccessMode,
    Policy: p.Policy,
    Tags: tags,
    ...endpoint(p.EndpointConfiguration),
  });
  addResource(context, id, "AWS::ApiGateway::RestApi", api, attributes);
  const deploymentId = addDeployment(context, resource, api, shared);
  addStage(context, resource, deploymentId, shared);
  addCustomDomain(context, resource, { http: false, tags, shared });
  noteUsagePlan(context, resource);
  authorizerPermissions(context, resource, shared);
}

function location(id: string, value: JsonValue): JsonValue {
  const place = parseS3(id, "DefinitionUri", value);
  return compact({ Bucket: place.bucket, Key: place.key, Version: place.version });
}

function endpoint(value: JsonValue | undefined): JsonObject {
  if (value === undefined) return {};
  if (typeof value === "string" || isIntrinsic(value)) {
    return { EndpointConfiguration: { Types: [value] }, Parameters: { endpointConfigurationTypes: value } };
  }
  if (!isObject(value)) return {};
  const configuration = compact({
    Types: value.Type === undefined ? undefined : [value.Type],
    VpcEndpointIds: value.VPCEndpointIds ?? value.VpcEndpointIds,
    IpAddressType: value.IpAddressType,
  });
  return compact({
    EndpointConfiguration: configuration,
    Parameters: value.Type === undefined ? undefined : { endpointConfigurationTypes: value.Type },
  });
}

function definition(context: SamContext, resource: SamResource): JsonObject {
  const { id, properties: p } = resource;
  const own = p.DefinitionBody;
  if (own !== undefined && !isObject(own)) throw new SamFault(id, "'DefinitionBody' must be a dictionary.");
  const managed = own === undefined || p.MergeDefinitions === true;
  const given = resolveParameters(context, p.OpenApiVersion ?? "");
  // YAML reads 3.0 as a number.
  const version = typeof given === "number" && Number.isInteger(given) ? `${given}.0` : given;
  const three = String(version).startsWith("3");
  const body: JsonObject = own === undefined ? emptyDefinition(three ? String(version) : undefined) : clone(own);
  if (managed) {
    const paths = isObject(body.paths) ? body.paths : {};
    body.paths = buildPaths(context, id, paths, (route) => method(context, resource, route, body));
  }
  if (isIntrinsic(body)) return body;
  const modern = three || (typeof body.openapi === "string" && body.openapi.startsWith("3"));
  if (isObject(body.paths)) {
    applyCors(resource, body, modern);
    const schemes3 = three || (modern && body.swagger === undefined);
    applyAuth(context, resource, body, schemes3);
    if (schemes3 && isObject(body.securityDefinitions)) {
      const components = isObject(body.components) ? body.components : {};
      const schemes = isObject(components.securitySchemes) ? components.securitySchemes : {};
      body.components = { ...components, securitySchemes: { ...schemes, ...body.securityDefinitions } };
      delete body.securityDefinitions;
    }
    applyResourcePolicy(context, resource, body);
  }
  if (p.DisableExecuteApiEndpoint !== undefined) {
    const setting = { disableExecuteApiEndpoint: p.DisableExecuteApiEndpoint };
    if (modern) body.servers = [{ "x-amazon-apigateway-endpoint-configuration": setting }];
    else body["x-amazon-apigateway-endpoint-configuration"] = setting;
  }
  if (Array.isArray(p.BinaryMediaTypes)) {
    body["x-amazon-apigateway-binary-media-types"] = p.BinaryMediaTypes.map((type) => slashes(context, type));
  }
  if (isObject(p.GatewayResponses))
    body["x-amazon-apigateway-gateway-responses"] = gatewayResponses(p.GatewayResponses);
  if (isObject(p.Models)) addModels(body, p.Models, modern);
  if (own !== undefined && three && body.swagger !== undefined) {
    delete body.swagger;
    body.openapi = version;
  }
  return body;
}

/** A media type with the slash that SAM writes as `~1`, in the parts of a function too. */
function slashes(context: SamContext, type: JsonValue): JsonValue {
  const value = resolveParameters(context, type);
  return JSON.parse(JSON.stringify(value).replaceAll("~1", "/")) as JsonValue;
}

function emptyDefinition(openapi: string | undefined): JsonObject {
  const info = { version: "1.0", title: ref("AWS::StackName") };
  return openapi ? { openapi, info, paths: {} } : { swagger: "2.0", info, paths: {} };
}

function method(context: SamContext, resource: SamResource, route: ApiRoute, body: JsonObject): JsonObject {
  const result: JsonObject = {
    "x-amazon-apigateway-integration": clone(route.integration),
    responses: { ...route.responses },
  };
  const settings = route.event.settings;
  if (settings.TimeoutInMillis !== undefined) {
    (result["x-amazon-apigateway-integration"] as JsonObject).timeoutInMillis = settings.TimeoutInMillis;
  }
  routeSecurity(context, resource, route, result);
  const parameters = [...modelParameters(route, resource, result), ...requestParameters(route, result)];
  if (parameters.length > 0) result.parameters = parameters;
  addValidator(route, result, body);
  return result;
}

/** The validator that RequestModel asks for by ValidateBody and ValidateParameters. */
function addValidator(route: ApiRoute, method: JsonObject, body: JsonObject): void {
  const wanted = route.event.settings.RequestModel;
  if (!isObject(wanted)) return;
  const { ValidateBody: content, ValidateParameters: parameters } = wanted;
  if (content === undefined && parameters === undefined) return;
  if ([content, parameters].some((value) => value !== undefined && typeof value !== "boolean")) {
    throw route.event.fault(
      `Unable to set Validator to RequestModel [${String(wanted.Model)}] on API method [${route.method}] for path [${route.path}] ValidateBody and ValidateParameters must be a boolean type, strings or intrinsics are not supported.`,
    );
  }
  const [validateRequestBody, validateRequestParameters] = [content === true, parameters === true];
  const one = validateRequestBody ? "body-only" : validateRequestParameters ? "params-only" : "no-validation";
  const name = validateRequestBody && validateRequestParameters ? "body-and-params" : one;
  const validators = (body["x-amazon-apigateway-request-validators"] ??= {}) as JsonObject;
  validators[name] = { validateRequestBody, validateRequestParameters };
  method["x-amazon-apigateway-request-validator"] = name;
}

/** The body that RequestModel asks for: a parameter in swagger, a request body in OpenAPI 3. */
function modelParameters(route: ApiRoute, resource: SamResource, method: JsonObject): JsonObject[] {
  const wanted = route.event.settings.RequestModel;
  if (!isObject(wanted) || typeof wanted.Model !== "string") return [];
  const models = resource.properties.Models;
  if (!isObject(models) || models[wanted.Model] === undefined) {
    throw route.event.fault(
      `Unable to set RequestModel [${wanted.Model}] on API method [${route.method}] for path [${route.path}] because it wasn't defined in the API's Models.`,
    );
  }
  const name = wanted.Model.toLowerCase();
  const required: JsonObject = wanted.Required === undefined ? {} : { required: wanted.Required };
  if (String(resource.properties.OpenApiVersion ?? "").startsWith("3")) {
    const schema = { $ref: `#/components/schemas/${name}` };
    method.requestBody = { content: { "application/json": { schema } }, ...required };
    return [];
  }
  return [{ in: "body", name, schema: { $ref: `#/definitions/${name}` }, ...required }];
}

function requestParameters(route: ApiRoute, method: JsonObject): JsonObject[] {
  const list = route.event.settings.RequestParameters;
  const result: JsonObject[] = [];
  for (const item of Array.isArray(list) ? list : []) {
    const [text, options] =
      typeof item === "string" ? [item, {}] : isObject(item) ? (Object.entries(item)[0] ?? ["", {}]) : ["", {}];
    const [, , place = "", ...name] = String(text).split(".");
    const settings = isObject(options) ? options : {};
    const parameter: JsonObject = {
      in: place === "querystring" ? "query" : place,
      name: name.join("."),
      required: settings.Required ?? false,
      type: "string",
    };
    if (settings.Caching === true) {
      const integration = method["x-amazon-apigateway-integration"] as JsonObject;
      const cached = (integration.cacheKeyParameters ??= []) as JsonValue[];
      cached.push(String(text));
    }
    result.push(parameter);
  }
  return result;
}

function gatewayResponses(responses: JsonObject): JsonObject {
  const result: JsonObject = {};
  for (const [name, response] of Object.entries(responses)) {
    if (!isObject(response)) continue;
    const parameters: JsonObject = {};
    const given = isObject(response.ResponseParameters) ? response.ResponseParameters : {};
    const places: readonly [string, string][] = [
      ["Headers", "header"],
      ["Paths", "path"],
      ["QueryStrings", "querystring"],
    ];
    for (const [key, place] of places) {
      const values = given[key];
      if (!isObject(values)) continue;
      for (const [header, value] of Object.entries(values)) parameters[`gatewayresponse.${place}.${header}`] = value;
    }
    result[name] = compact({
      responseParameters: parameters,
      responseTemplates: response.ResponseTemplates ?? {},
      statusCode: typeof response.StatusCode === "number" ? String(response.StatusCode) : response.StatusCode,
    });
  }
  return result;
}

function addModels(body: JsonObject, models: JsonObject, three: boolean): void {
  const target = three ? (((body.components ??= {}) as JsonObject).schemas ??= {}) : (body.definitions ??= {});
  for (const [name, model] of Object.entries(models)) (target as JsonObject)[name.toLowerCase()] = model;
}

function addDeployment(context: SamContext, resource: SamResource, api: JsonObject, shared: JsonObject): string {
  const { id, properties: p } = resource;
  const content: JsonObject = { body: api.Body ?? api.BodyS3Location ?? {} };
  if (p.AlwaysDeploy === true) content.always = context.deploymentToken;
  const hash = sha1(canonicalJson(content));
  const deploymentId = `${id}Deployment${hash.slice(0, 10)}`;
  const managed = p.OpenApiVersion === undefined;
  addResource(
    context,
    deploymentId,
    "AWS::ApiGateway::Deployment",
    compact({
      Description: `RestApi deployment id: ${hash}`,
      RestApiId: ref(id),
      StageName: managed ? "Stage" : undefined,
    }),
    shared,
  );
  context.aliases.set(id, { ...context.aliases.get(id), Deployment: deploymentId });
  return deploymentId;
}

/** A stage's logical id: named after the stage, or after its hash where the name has other than letters and digits. */
function stageLogicalId(id: string, name: JsonValue | undefined): string {
  if (typeof name !== "string") return `${id}Stage`;
  return /^[A-Za-z0-9]+$/.test(name) ? `${id}${name}Stage` : `${id}Stage${sha1(name).slice(0, 10)}`;
}

const STAGE =
  "CacheClusterEnabled CacheClusterSize Variables MethodSettings AccessLogSetting CanarySetting TracingEnabled".split(
    " ",
  );

function addStage(context: SamContext, resource: SamResource, deploymentId: string, shared: JsonObject): void {
  const { id, properties: p } = resource;
  const name = p.StageName;
  const stageId = stageLogicalId(id, name);
  addResource(
    context,
    stageId,
    "AWS::ApiGateway::Stage",
    compact({
      DeploymentId: ref(deploymentId),
      RestApiId: ref(id),
      StageName: name,
      ...pick(p, STAGE),
      Tags: p.Tags === undefined ? undefined : tagList(p.Tags),
    }),
    shared,
  );
  context.aliases.set(id, { ...context.aliases.get(id), Stage: stageId });
}
