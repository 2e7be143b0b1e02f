import type { DocumentationVersion } from "./documentation.ts";
import type { Definitions, Deployment, Integration, Method, RestApi } from "./model.ts";
import { allModels } from "./models.ts";

type Json = Record<string, unknown>;

/** What is exported: a stage's deployment, as one format or the other, with the extensions that were asked for. */
export interface Exported {
  readonly api: RestApi;
  readonly deployment: Deployment;
  readonly stage: string;
  /** Where the API is served, without the stage. */
  readonly endpoint: URL;
  readonly format: "swagger" | "oas30";
  readonly extensions: ReadonlySet<string>;
  /** What the stage's documentation version holds. */
  readonly documentation?: DocumentationVersion | undefined;
}

/** An API as an OpenAPI document: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-export-api.html */
export function exportOpenApi(exported: Exported): Json {
  const { api, deployment, stage, endpoint, format } = exported;
  const info = given({ title: api.name, description: api.description, version: versionOf(exported) });
  const paths = Object.fromEntries(
    deployment.resources
      .toSorted((a, b) => (a.path < b.path ? -1 : 1))
      .filter((resource) => Object.keys(resource.methods).length > 0)
      .map((resource) => [
        resource.path,
        Object.fromEntries(
          Object.values(resource.methods).map((method) => [verbOf(method), operation(exported, method)]),
        ),
      ]),
  );
  const schemas = schemasOf(exported);
  const security = securityOf(exported);
  const more = topExtensions(exported);
  if (format === "swagger")
    return {
      swagger: "2.0",
      info,
      host: endpoint.host,
      basePath: `/${stage}`,
      schemes: [endpoint.protocol.replace(":", "")],
      paths,
      ...security,
      ...(Object.keys(schemas).length ? { definitions: schemas } : {}),
      ...more,
    };
  const url = `${endpoint.protocol}//${endpoint.host}/{basePath}`;
  return {
    openapi: "3.0.1",
    info,
    servers: [{ url, variables: { basePath: { default: stage } } }],
    paths,
    components: { ...(Object.keys(schemas).length ? { schemas } : {}), ...security },
    ...more,
  };
}

/** The version that a document names; the day of an API that names none. */
export const versionOf = ({ api }: Pick<Exported, "api">): string =>
  api.version ?? new Date(api.created).toISOString().replace(/\.\d+Z$/, "Z");

const verbOf = ({ httpMethod }: Method): string =>
  httpMethod === "ANY" ? "x-amazon-apigateway-any-method" : httpMethod.toLowerCase();

const has = ({ extensions }: Exported, one: string): boolean => extensions.has(one) || extensions.has("apigateway");

const given = (value: Json): Json => Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined));

const entriesOf = <T>(value: Readonly<Record<string, T>> | undefined): [string, T][] => Object.entries(value ?? {});

function operation(exported: Exported, method: Method): Json {
  const swagger = exported.format === "swagger";
  const bodies = entriesOf(method.requestModels);
  const parameters = entriesOf(method.requestParameters).map(([key, required]) => parameterOf(exported, key, required));
  const [first] = bodies;
  if (swagger && first)
    parameters.push({ in: "body", name: first[1], required: true, schema: reference(exported, first[1]) });
  const content = Object.fromEntries(bodies.map(([type, name]) => [type, { schema: reference(exported, name) }]));
  const produces = [
    ...new Set(entriesOf(method.methodResponses).flatMap(([, r]) => entriesOf(r.responseModels).map(([type]) => type))),
  ];
  const security = needs(exported, method);
  return {
    ...given({
      operationId: method.operationName,
      consumes: swagger && bodies.length ? bodies.map(([type]) => type) : undefined,
      produces: swagger && produces.length ? produces : undefined,
      parameters: parameters.length ? parameters : undefined,
      requestBody: !swagger && bodies.length ? { content, required: true } : undefined,
    }),
    ...(Object.keys(method.methodResponses ?? {}).length ? { responses: responsesOf(exported, method) } : {}),
    ...(security.length ? { security } : {}),
    ...(has(exported, "integrations") ? integrationOf(exported, method) : {}),
  };
}

const PLACES: Readonly<Record<string, string>> = { querystring: "query", header: "header", path: "path" };

/** `method.request.<place>.<name>` as a parameter; the two formats leave `required: false` in or out. */
function parameterOf({ format }: Exported, key: string, required: boolean): Json {
  const [, , place = "", ...name] = key.split(".");
  const where = { name: name.join("."), in: PLACES[place] ?? place };
  if (format === "swagger") return { ...where, required, type: "string" };
  return { ...where, ...(required ? { required } : {}), schema: { type: "string" } };
}

const reference = ({ format }: Exported, model: string): Json => ({
  $ref: `#/${format === "swagger" ? "definitions" : "components/schemas"}/${model}`,
});

function responsesOf(exported: Exported, method: Method): Json {
  const swagger = exported.format === "swagger";
  return Object.fromEntries(
    entriesOf(method.methodResponses).map(([status, response]) => {
      const headers = entriesOf(response.responseParameters).map(([key]) => [
        key.split(".").slice(3).join("."),
        swagger ? { type: "string" } : { schema: { type: "string" } },
      ]);
      const models = entriesOf(response.responseModels);
      const content = Object.fromEntries(models.map(([type, name]) => [type, { schema: reference(exported, name) }]));
      const [first] = models;
      return [
        status,
        {
          description: `${status} response`,
          ...(swagger && first ? { schema: reference(exported, first[1]) } : {}),
          ...(headers.length ? { headers: Object.fromEntries(headers) } : {}),
          ...(swagger ? {} : { content }),
        },
      ];
    }),
  );
}

/** The security that a method names; the schemes are beside the paths. */
function needs({ deployment }: Exported, method: Method): Json[] {
  const authorizer = method.authorizerId === undefined ? undefined : deployment.authorizers?.[method.authorizerId];
  return [
    ...(method.authorizationType === "AWS_IAM" ? [{ sigv4: [] }] : []),
    ...(authorizer ? [{ [authorizer.name]: [...(method.authorizationScopes ?? [])] }] : []),
    ...(method.apiKeyRequired ? [{ api_key: [] }] : []),
  ];
}

function securityOf(exported: Exported): Json {
  const methods = exported.deployment.resources.flatMap((r) => Object.values(r.methods));
  const names = new Set(methods.flatMap((m) => needs(exported, m)).flatMap((one) => Object.keys(one)));
  const key = (name: string, more: Json = {}): Json => ({ type: "apiKey", name, in: "header", ...more });
  const schemes: Json = {};
  if (names.has("api_key")) schemes["api_key"] = key("x-api-key");
  if (names.has("sigv4")) schemes["sigv4"] = key("Authorization", { "x-amazon-apigateway-authtype": "awsSigv4" });
  for (const authorizer of Object.values(exported.deployment.authorizers ?? {})) {
    if (!names.has(authorizer.name)) continue;
    const { authorizerUri, authorizerCredentials, identityValidationExpression, identitySource } = authorizer;
    const header = /^method\.request\.header\.([^,]+)$/.exec(identitySource ?? "")?.[1] ?? "Authorization";
    const settings = given({
      type: authorizer.type.toLowerCase(),
      authorizerUri,
      authorizerCredentials,
      identityValidationExpression,
      identitySource: authorizer.type === "REQUEST" ? identitySource : undefined,
      authorizerResultTtlInSeconds: authorizer.authorizerResultTtlInSeconds,
    });
    const shown = has(exported, "authorizers")
      ? {
          "x-amazon-apigateway-authtype": authorizer.authType ?? "custom",
          "x-amazon-apigateway-authorizer": settings,
        }
      : {};
    schemes[authorizer.name] = key(header, shown);
  }
  if (Object.keys(schemes).length === 0) return {};
  return exported.format === "swagger" ? { securityDefinitions: schemes } : { securitySchemes: schemes };
}

function integrationOf({ deployment }: Exported, method: Method): Json {
  const validator = deployment.validators?.[method.requestValidatorId ?? ""]?.name;
  return given({
    "x-amazon-apigateway-request-validator": validator,
    "x-amazon-apigateway-integration": method.methodIntegration && integrationView(method.methodIntegration),
  });
}

function integrationView(integration: Integration): Json {
  const { type, integrationResponses, passthroughBehavior, contentHandling, ...others } = integration;
  const { cacheNamespace: _c, connectionType, timeoutInMillis, ...rest } = others;
  const responses = Object.values(integrationResponses ?? {}).map(({ selectionPattern, ...response }) => [
    selectionPattern || "default",
    response,
  ]);
  return given({
    type: type.toLowerCase(),
    ...rest,
    ...(connectionType === "INTERNET" ? {} : { connectionType }), // what is so by default is not said
    ...(timeoutInMillis === 29_000 ? {} : { timeoutInMillis }),
    ...(responses.length ? { responses: Object.fromEntries(responses) } : {}),
    passthroughBehavior: passthroughBehavior?.toLowerCase(),
    contentHandling,
  });
}

/** The models that methods name, and those that these name in turn. */
function schemasOf({ deployment, format }: Exported): Json {
  const models = allModels(deployment);
  const found: Json = {};
  const wanted = namedModels(deployment);
  for (const name of wanted) {
    const model = models[name];
    if (!model || found[name] !== undefined) continue;
    const { $schema: _s, title: _t, ...schema } = JSON.parse(model.schema) as Json;
    const text = JSON.stringify(schema).replaceAll(
      /"\$ref":"([^"]*\/)([a-zA-Z0-9]+)"/g,
      (_whole, _path: string, other: string) => {
        wanted.add(other);
        return `"$ref":"#/${format === "swagger" ? "definitions" : "components/schemas"}/${other}"`;
      },
    );
    found[name] = JSON.parse(text);
  }
  return found;
}

function namedModels({ resources, models }: Deployment): Set<string> {
  const methods = resources.flatMap((r) => Object.values(r.methods));
  const responses = methods.flatMap((m) => Object.values(m.methodResponses ?? {}));
  const named = [...methods.map((m) => m.requestModels), ...responses.map((r) => r.responseModels), undefined];
  return new Set([...named.flatMap((one) => Object.values(one ?? {})), ...Object.keys(models ?? {})]);
}

function topExtensions(exported: Exported): Json {
  const { api, deployment, documentation } = exported;
  const texts = documentation && has(exported, "documentation") ? documentationView(documentation) : undefined;
  if (!exported.extensions.has("apigateway")) return given({ "x-amazon-apigateway-documentation": texts });
  return given({
    "x-amazon-apigateway-documentation": texts,
    "x-amazon-apigateway-policy": api.policy === undefined ? undefined : (JSON.parse(api.policy) as unknown),
    "x-amazon-apigateway-gateway-responses": filled(deployment.gatewayResponses),
    "x-amazon-apigateway-request-validators": filled(validatorsOf(deployment)),
    "x-amazon-apigateway-binary-media-types": deployment.binaryMediaTypes.length
      ? deployment.binaryMediaTypes
      : undefined,
    "x-amazon-apigateway-minimum-compression-size": api.minimumCompressionSize,
  });
}

function documentationView({ version, created, parts }: DocumentationVersion): Json {
  const documentationParts = parts.map(({ location, properties }) => ({
    location,
    properties: JSON.parse(properties) as unknown,
  }));
  return { version, createdDate: new Date(created).toISOString(), documentationParts };
}

const filled = <T extends object>(value: T | undefined): T | undefined =>
  value && Object.keys(value).length ? value : undefined;

function validatorsOf({ validators }: Definitions): Json {
  return Object.fromEntries(
    Object.values(validators ?? {}).map(({ name, validateRequestBody, validateRequestParameters }) => [
      name,
      { validateRequestParameters, validateRequestBody },
    ]),
  );
}
