type Json = Record<string, any>;

/** Of what an OpenAPI document has at a place: which of its members, or each of them, or each entry of a list, is of which kind. */
interface Shape {
  readonly members?: Readonly<Record<string, Shape>>;
  readonly each?: Shape;
  readonly list?: Shape;
  /** May be a `$ref` to what is elsewhere in the document. */
  readonly referable?: boolean;
}

const object: Shape = {};
const TEXT: Shape = {};
const objects: Shape = { each: object };
const content: Shape = { each: { members: { schema: object } } };
const parameters: Shape = { list: { referable: true, members: { schema: object } } };
const response: Shape = { referable: true, members: { headers: object, content, schema: object } };
const security: Shape = { list: object };

const integration: Shape = {
  members: {
    requestParameters: object,
    requestTemplates: object,
    responseParameters: objects, // of an HTTP API: by status
    responses: { each: { members: { responseParameters: object, responseTemplates: object } } },
  },
};

const operation: Shape = {
  members: {
    parameters,
    security,
    requestBody: { referable: true, members: { content } },
    responses: { each: response },
    "x-amazon-apigateway-auth": object,
    "x-amazon-apigateway-integration": integration,
  },
};

const VERBS = ["get", "put", "post", "delete", "options", "head", "patch", "x-amazon-apigateway-any-method"];
const schemes: Shape = { each: { members: { "x-amazon-apigateway-authorizer": object } } };

const DOCUMENT: Shape = {
  members: {
    info: object,
    paths: { each: { members: { parameters, ...Object.fromEntries(VERBS.map((verb) => [verb, operation])) } } },
    components: { members: { schemas: objects, securitySchemes: schemes } },
    definitions: objects,
    securityDefinitions: schemes,
    security,
    servers: { list: object },
    "x-amazon-apigateway-binary-media-types": { list: TEXT },
    "x-amazon-apigateway-cors": object,
    "x-amazon-apigateway-documentation": object,
    "x-amazon-apigateway-endpoint-configuration": object,
    "x-amazon-apigateway-gateway-responses": {
      each: { members: { responseParameters: object, responseTemplates: object } },
    },
    "x-amazon-apigateway-request-validators": objects,
  },
};

/**
 * An OpenAPI document in which lists are lists and objects objects wherever an import looks, and its references are
 * followed; a member that says nothing (null) is left out. `refuse` makes the error of one that is of another kind,
 * which names its place as AWS's parser does.
 */
export function shapedDocument(document: Json, refuse: (message: string) => Error): Json {
  const shaped = (given: unknown, shape: Shape, place: string): unknown => {
    const value = shape.referable ? referred(document, given) : given;
    const isOfKind = shape.list ? Array.isArray(value) : typeof value === "object" && value !== null;
    if (!isOfKind)
      throw refuse(
        `Failed to parse the uploaded OpenAPI document due to: attribute ${place} is not of type \`${shape.list ? "array" : "object"}\``,
      );
    const { list, each, members = {} } = shape;
    if (list)
      return list === TEXT ? value : (value as unknown[]).map((one, i) => shaped(one ?? {}, list, `${place}[${i}]`));
    if (!each && !shape.members) return value;
    const found = Object.entries(value as Json).flatMap(([name, one]: [string, unknown]) => {
      const within = place === "" ? name : `${place}.${name}`;
      if (each) return [[name, shaped(one ?? {}, each, within)]];
      if (one === null) return [];
      return [[name, Object.hasOwn(members, name) ? shaped(one, members[name]!, within) : one]];
    });
    return Object.fromEntries(found) as Json;
  };
  return shaped(document, DOCUMENT, "") as Json;
}

/** What is given, or what its `$ref` names within the document; nothing where that names nothing. */
function referred(document: Json, value: unknown): unknown {
  const reference: unknown = (value as Json)?.["$ref"];
  if (typeof reference !== "string") return value;
  let at: unknown = document;
  for (const part of reference.replace(/^#\//, "").split("/"))
    at = typeof at === "object" && at !== null && Object.hasOwn(at, part) ? (at as Json)[part] : undefined;
  return at ?? {};
}
