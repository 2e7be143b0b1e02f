import type {
  Constraint,
  ModelPack,
  PackOperation,
  PackReference,
  PackShape,
  PackTarget,
  Protocol,
  SimpleKind,
  TimestampFormat,
  Traits,
} from "../../src/aws/model-pack.ts";
import { PackBuilder } from "./pack-builder.ts";

/** A `service-2.json` of botocore, as far as we read it. */
export interface BotocoreModel {
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly operations: Readonly<Record<string, BotocoreOperation>>;
  readonly shapes: Readonly<Record<string, BotocoreShape>>;
}

export interface BotocoreOperation {
  readonly name: string;
  readonly http?: { readonly method?: string; readonly requestUri?: string; readonly responseCode?: number };
  readonly input?: BotocoreMember;
  readonly output?: BotocoreMember;
  readonly errors?: readonly BotocoreMember[];
  readonly authtype?: string;
  readonly auth?: readonly string[];
  readonly endpoint?: { readonly hostPrefix?: string };
}

export interface BotocoreMember {
  readonly shape: string;
  readonly location?: string;
  readonly locationName?: string | undefined;
  readonly queryName?: string;
  readonly streaming?: boolean;
  readonly flattened?: boolean;
  readonly xmlAttribute?: boolean;
  readonly xmlNamespace?: string | { readonly uri: string; readonly prefix?: string };
  readonly timestampFormat?: string;
  readonly idempotencyToken?: boolean;
  readonly jsonvalue?: boolean;
  readonly hostLabel?: boolean;
  readonly eventpayload?: boolean;
  readonly eventheader?: boolean;
}

export interface BotocoreShape extends Omit<BotocoreMember, "shape"> {
  readonly type: string;
  readonly members?: Readonly<Record<string, BotocoreMember>>;
  readonly member?: BotocoreMember;
  readonly key?: BotocoreMember;
  readonly value?: BotocoreMember;
  readonly required?: readonly string[];
  readonly payload?: string;
  readonly exception?: boolean;
  readonly error?: { readonly code?: string; readonly httpStatusCode?: number; readonly senderFault?: boolean };
  readonly fault?: boolean;
  readonly min?: number;
  readonly max?: number;
  readonly pattern?: string;
  readonly enum?: readonly string[];
  readonly sensitive?: boolean;
  readonly document?: boolean;
  readonly union?: boolean;
  readonly eventstream?: boolean;
  readonly sparse?: boolean;
}

const SIMPLE_KINDS: Readonly<Record<string, SimpleKind>> = {
  string: "string",
  character: "string",
  integer: "number",
  long: "number",
  float: "number",
  double: "number",
  boolean: "boolean",
  timestamp: "timestamp",
  blob: "blob",
};

const TIMESTAMP_FORMATS: Readonly<Record<string, TimestampFormat>> = {
  iso8601: "date-time",
  rfc822: "http-date",
  unixTimestamp: "epoch-seconds",
};

/** Converts a model of botocore into a pack. */
export function packFromBotocore(name: string, model: BotocoreModel): ModelPack {
  const { metadata } = model;
  const text = (key: string): string => (typeof metadata[key] === "string" ? (metadata[key] as string) : "");
  const reader = new BotocoreReader(model);
  const operations: Record<string, PackOperation> = {};
  for (const [key, operation] of Object.entries(model.operations)) operations[key] = reader.operation(operation);
  const errors: Record<string, number> = {};
  for (const [key, shape] of Object.entries(model.shapes)) {
    if (shape.exception) errors[key] = reader.reference(key) as number;
  }
  const xmlNamespace = text("xmlNamespace");
  return {
    name,
    serviceId: text("serviceId"),
    version: text("apiVersion"),
    protocol: protocolOf(text("protocol"), text("jsonVersion")),
    signingName: text("signingName") || text("endpointPrefix"),
    targetPrefix: text("targetPrefix"),
    namespace: `com.amazonaws.${name}`,
    ...(xmlNamespace && { xmlNamespace }),
    ...(metadata.awsQueryCompatible !== undefined && { queryCompatible: true as const }),
    operations,
    errors,
    constraints: reader.builder.constraints,
    shapes: reader.builder.shapes,
  };
}

export function protocolOf(protocol: string, jsonVersion: string): Protocol {
  switch (protocol) {
    case "json":
      return jsonVersion === "1.0" ? "awsJson1_0" : "awsJson1_1";
    case "rest-json":
      return "restJson1";
    case "rest-xml":
      return "restXml";
    case "query":
      return "awsQuery";
    case "ec2":
      return "ec2Query";
    case "smithy-rpc-v2-cbor":
      return "rpcv2Cbor";
    default:
      throw new Error(`Unknown protocol ${protocol}`);
  }
}

/** What a shape of botocore accepts; `undefined` where anything of its type does. */
export function constraintOf(shape: BotocoreShape): Constraint | undefined {
  const bounds = [shape.min ?? null, shape.max ?? null] as const;
  const bounded = bounds[0] !== null || bounds[1] !== null;
  const numeric = SIMPLE_KINDS[shape.type] === "number";
  const constraint: Constraint = {
    ...(bounded && (numeric ? { range: bounds } : { length: bounds })),
    ...(shape.pattern !== undefined && { pattern: shape.pattern }),
    ...(shape.enum && { enum: shape.enum }),
  };
  return Object.keys(constraint).length > 0 ? constraint : undefined;
}

class BotocoreReader {
  readonly builder = new PackBuilder();
  readonly #model: BotocoreModel;

  constructor(model: BotocoreModel) {
    this.#model = model;
  }

  operation(operation: BotocoreOperation): PackOperation {
    const { http, input, output, errors } = operation;
    const unsigned = operation.authtype === "none" || operation.auth?.includes("smithy.api#noAuth");
    return {
      input: input ? this.#root(input) : "unit",
      output: output ? this.#root(output) : "unit",
      ...(http?.requestUri && {
        http: [http.method ?? "POST", http.requestUri, http.responseCode ?? 200] as const,
      }),
      ...(errors?.length && { errors: errors.map((error) => error.shape) }),
      ...(unsigned && { unsigned: true as const }),
      ...(operation.endpoint?.hostPrefix !== undefined && { hostPrefix: operation.endpoint.hostPrefix }),
    };
  }

  /** An operation's input or output may name the root element, which belongs to the use and not to the shape. */
  #root(use: BotocoreMember): PackReference {
    if (use.locationName === undefined && use.xmlNamespace === undefined) return this.reference(use.shape);
    const key = JSON.stringify([use.shape, use.locationName, use.xmlNamespace]);
    return this.builder.shape(key, () => ({
      ...this.#build(use.shape),
      ...(use.locationName !== undefined && { xmlName: use.locationName }),
      ...namespaceOf(use.xmlNamespace),
    }));
  }

  reference(name: string): PackReference {
    const shape = this.#shape(name);
    if (shape.document) return "document";
    const simple = SIMPLE_KINDS[shape.type];
    return simple ?? this.builder.shape(name, () => this.#build(name));
  }

  #shape(name: string): BotocoreShape {
    const shape = this.#model.shapes[name];
    if (!shape) throw new Error(`The model refers to an unknown shape ${name}`);
    return shape;
  }

  #build(name: string): PackShape {
    const shape = this.#shape(name);
    const base = {
      name,
      ...(shape.locationName !== undefined && { xmlName: shape.locationName }),
      ...namespaceOf(shape.xmlNamespace),
    };
    if (shape.type === "list") return { ...base, kind: "list", value: this.#target(shape.member!) };
    if (shape.type === "map") {
      return { ...base, kind: "map", key: this.#target(shape.key!), value: this.#target(shape.value!) };
    }
    if (shape.type !== "structure") throw new Error(`Unknown type ${shape.type} of ${name}`);
    const members: Record<string, PackTarget> = {};
    for (const [member, use] of Object.entries(shape.members ?? {})) {
      // A name that says nothing new would hide the name of a payload's own root element.
      const named =
        use.locationName === member && use.location === undefined ? { ...use, locationName: undefined } : use;
      members[member] = this.#target(named, {
        ...(shape.required?.includes(member) && { required: true as const }),
        ...(shape.payload === member && { httpPayload: true as const }),
      });
    }
    const { error } = shape;
    return {
      ...base,
      kind: shape.union || shape.eventstream ? "union" : "structure",
      members,
      ...(shape.exception && { error: isServerFault(shape) ? ("server" as const) : ("client" as const) }),
      ...(error?.httpStatusCode !== undefined && { httpError: error.httpStatusCode }),
      ...(error?.code !== undefined && { awsQueryError: [error.code, error.httpStatusCode ?? 400] as const }),
    };
  }

  #target(use: BotocoreMember, more: Traits = {}): PackTarget {
    const shape = this.#shape(use.shape);
    const constraint = constraintOf(shape);
    const traits: Traits = {
      ...more,
      ...locationTraits(use),
      ...namespaceOf(use.xmlNamespace),
      ...((use.flattened || shape.flattened) && { xmlFlattened: true as const }),
      ...((use.streaming || shape.streaming || shape.eventstream) && { streaming: true as const }),
      ...timestampTraits(use.timestampFormat ?? shape.timestampFormat),
      ...(use.xmlAttribute && { xmlAttribute: true as const }),
      ...(use.idempotencyToken && { idempotencyToken: true as const }),
      ...(use.hostLabel && { hostLabel: true as const }),
      ...(use.jsonvalue && { mediaType: true as const }),
      ...(use.eventpayload && { eventPayload: true as const }),
      ...(use.eventheader && { eventHeader: true as const }),
      ...(shape.sensitive && { sensitive: true as const }),
      ...(shape.sparse && { sparse: true as const }),
      ...(constraint && { constraint: this.builder.constraint(constraint) }),
    };
    const reference = this.reference(use.shape);
    return Object.keys(traits).length > 0 ? [reference, traits] : reference;
  }
}

function locationTraits(use: BotocoreMember): Traits {
  const name = use.locationName;
  switch (use.location) {
    case "uri":
      return { httpLabel: true, ...(name !== undefined && { jsonName: name }) };
    case "querystring":
      return name === undefined ? { httpQueryParams: true } : { httpQuery: name };
    case "header":
      return { httpHeader: name ?? "" };
    case "headers":
      return { httpPrefixHeaders: name ?? "" };
    case "statusCode":
      return { httpResponseCode: true };
    default:
      return {
        ...(name !== undefined && { jsonName: name, xmlName: name }),
        ...(use.queryName !== undefined && { ec2QueryName: use.queryName }),
      };
  }
}

function namespaceOf(namespace: BotocoreMember["xmlNamespace"]): { xmlNamespace?: readonly [string, string] } {
  if (namespace === undefined) return {};
  if (typeof namespace === "string") return { xmlNamespace: ["", namespace] };
  return { xmlNamespace: [namespace.prefix ?? "", namespace.uri] };
}

function timestampTraits(format: string | undefined): Traits {
  const known = format === undefined ? undefined : TIMESTAMP_FORMATS[format];
  return known ? { timestampFormat: known } : {};
}

function isServerFault(shape: BotocoreShape): boolean {
  return shape.fault === true || (shape.error?.httpStatusCode ?? 400) >= 500;
}
