import type {
  ModelPack,
  PackOperation,
  PackReference,
  PackShape,
  PackTarget,
  Protocol,
  SimpleKind,
  Traits,
} from "../../src/aws/model-pack.ts";
import { PackBuilder } from "./pack-builder.ts";

/*
 * The SDK's schemas are tuples, described in @smithy/types (schema/static-schemas):
 *   [0, ns, name, traits, simple]        [1, ns, name, traits, value]   [2, ns, name, traits, key, value]
 *   [3 | -3 | 4, ns, name, traits, memberNames, memberReferences, requiredCount]   structure, error, union
 *   [9, ns, name, traits, input, output] operation
 * A reference is a number (simple type), "unit", a tuple, a function that gives one, or [reference, memberTraits].
 */
type Reference = number | "unit" | Schema | (() => Reference) | readonly [Reference, SdkTraits];
type Schema = readonly [kind: number, namespace: string, name: string, traits: SdkTraits, ...rest: unknown[]];
type SdkTraits = number | Readonly<Record<string, unknown>>;

/** Traits that the SDK packs into the bits of a number, lowest first. */
const TRAIT_BITS = [
  "httpLabel",
  "idempotent",
  "idempotencyToken",
  "sensitive",
  "httpPayload",
  "httpResponseCode",
  "httpQueryParams",
] as const;

const FLAG_TRAITS = [
  "httpLabel",
  "httpPayload",
  "httpResponseCode",
  "httpQueryParams",
  "hostLabel",
  "idempotencyToken",
  "sensitive",
  "xmlFlattened",
  "xmlAttribute",
  "eventPayload",
  "eventHeader",
  "streaming",
  "sparse",
] as const;

const TEXT_TRAITS = ["httpQuery", "httpHeader", "httpPrefixHeaders", "jsonName", "xmlName"] as const;

/** The client's facts that its schemas do not hold. */
interface ClientConfig {
  readonly serviceId: string;
  readonly apiVersion: string;
  readonly defaultSigningName?: string;
  readonly signingName?: string;
  readonly protocol: { getShapeId(): string };
  readonly protocolSettings?: {
    readonly defaultNamespace?: string;
    readonly xmlNamespace?: string;
    readonly version?: string;
    readonly serviceTarget?: string;
    readonly awsQueryCompatible?: boolean;
  };
  httpAuthSchemeProvider(parameters: object): readonly { schemeId: string }[];
}

/** Converts the schemas that an SDK client package exports into a pack. */
export function packFromSdk(name: string, sdk: Readonly<Record<string, unknown>>): ModelPack {
  const config = clientConfig(sdk);
  const settings = config.protocolSettings ?? {};
  const schemas = Object.entries(sdk).filter(([key, value]) => key.endsWith("$") && Array.isArray(value));
  const reader = new SdkReader();
  const operations: Record<string, PackOperation> = {};
  const errors: Record<string, number> = {};
  for (const [, value] of schemas) {
    const schema = value as Schema;
    if (schema[0] === 9) operations[schema[2]] = reader.operation(schema, isUnsigned(config, schema[2]));
    else if (schema[0] === -3 && !schema[1].includes("synthetic"))
      errors[schema[2]] = reader.reference(schema) as number;
  }
  return {
    name,
    serviceId: config.serviceId,
    version: settings.version ?? config.apiVersion,
    protocol: config.protocol.getShapeId().split("#")[1] as Protocol,
    signingName: config.defaultSigningName ?? config.signingName ?? name,
    targetPrefix: settings.serviceTarget ?? "",
    namespace: settings.defaultNamespace ?? `com.amazonaws.${name}`,
    ...(settings.xmlNamespace && { xmlNamespace: settings.xmlNamespace }),
    ...(settings.awsQueryCompatible && { queryCompatible: true as const }),
    operations,
    errors,
    constraints: reader.builder.constraints,
    shapes: reader.builder.shapes,
  };
}

function clientConfig(sdk: Readonly<Record<string, unknown>>): ClientConfig {
  const clientName = Object.keys(sdk).find((key) => key.endsWith("Client") && !key.startsWith("_") && key !== "Client");
  if (!clientName) throw new Error("The package exports no client class");
  const Client = sdk[clientName] as new (configuration: object) => { config: ClientConfig };
  return new Client({ region: "us-east-1", credentials: { accessKeyId: "x", secretAccessKey: "x" } }).config;
}

function isUnsigned(config: ClientConfig, operation: string): boolean {
  try {
    const schemes = config.httpAuthSchemeProvider({ operation, region: "us-east-1", Region: "us-east-1" });
    return schemes.some((scheme) => scheme.schemeId === "smithy.api#noAuth");
  } catch {
    return false; // S3's provider needs an endpoint; its anonymous access is decided by bucket policies
  }
}

class SdkReader {
  readonly builder = new PackBuilder();

  operation(schema: Schema, unsigned: boolean): PackOperation {
    const traits = namedTraits(schema[3]);
    const http = traits.http as readonly [string, string, number] | undefined;
    const endpoint = traits.endpoint as readonly [string] | undefined;
    return {
      input: this.reference(schema[4] as Reference),
      output: this.reference(schema[5] as Reference),
      ...(http && { http }),
      ...(unsigned && { unsigned: true as const }),
      ...(endpoint && { hostPrefix: endpoint[0] }),
    };
  }

  reference(from: Reference): PackReference {
    const packed = this.target(from);
    return typeof packed === "object" ? packed[0] : packed;
  }

  target(from: Reference, more: Traits = {}): PackTarget {
    let reference = from;
    let traits: Traits = more;
    for (;;) {
      if (typeof reference === "function") reference = reference();
      else if (Array.isArray(reference) && reference.length === 2) {
        traits = { ...ownTraits(reference[1]), ...traits };
        reference = reference[0];
      } else break;
    }
    const [packed, shapeTraits] = this.#resolve(reference as number | "unit" | Schema);
    const all = { ...shapeTraits, ...traits };
    return Object.keys(all).length > 0 ? [packed, all] : packed;
  }

  #resolve(reference: number | "unit" | Schema): [PackReference, Traits] {
    if (reference === "unit") return ["unit", {}];
    if (typeof reference === "number") return this.#simple(reference);
    const traits = ownTraits(reference[3]);
    if (reference[0] === 0) {
      const [packed, inner] = this.#resolve(reference[4] as number);
      return [packed, { ...inner, ...traits }];
    }
    // The name of a root element belongs to the shape, all else to the place of use.
    const { xmlName: _rootName, xmlNamespace: _rootNamespace, ...use } = traits;
    return [this.builder.shape(reference, () => this.#aggregate(reference)), use];
  }

  #simple(code: number): [PackReference, Traits] {
    if (code >= 64) {
      const [value, traits] = this.#simple(code & 63);
      const target: PackTarget = Object.keys(traits).length > 0 ? [value, traits] : value;
      const list = code < 128;
      const build = (): PackShape =>
        list
          ? { kind: "list", name: "List", value: target }
          : { kind: "map", name: "Map", key: "string", value: target };
      // These have lost their names, so two uses may be different lists, with different constraints: each gets its own.
      return [this.builder.shape(Symbol(), build), {}];
    }
    const kinds: Readonly<Record<number, readonly [SimpleKind, Traits?]>> = {
      0: ["string"],
      1: ["number"],
      2: ["boolean"],
      4: ["timestamp"],
      5: ["timestamp", { timestampFormat: "date-time" }],
      6: ["timestamp", { timestampFormat: "http-date" }],
      7: ["timestamp", { timestampFormat: "epoch-seconds" }],
      15: ["document"],
      17: ["bigInteger"],
      19: ["bigDecimal"],
      21: ["blob"],
      42: ["blob", { streaming: true }],
    };
    const known = kinds[code];
    if (!known) throw new Error(`Unknown simple schema ${code}`);
    return [known[0], known[1] ?? {}];
  }

  #aggregate(schema: Schema): PackShape {
    const [kind, , name, rawTraits] = schema;
    const named = namedTraits(rawTraits);
    const own = ownTraits(rawTraits);
    const base = {
      name,
      ...(own.xmlName !== undefined && { xmlName: own.xmlName }),
      ...(own.xmlNamespace && { xmlNamespace: own.xmlNamespace }),
    };
    if (kind === 1) return { ...base, kind: "list", value: this.target(schema[4] as Reference) };
    if (kind === 2) {
      const key = this.target((schema[4] as Reference | undefined) ?? 0);
      return { ...base, kind: "map", key, value: this.target(schema[5] as Reference) };
    }
    const names = schema[4] as readonly string[];
    const references = schema[5] as readonly Reference[];
    const required = (schema[6] as number | undefined) ?? 0; // the first so many members are
    const members: Record<string, PackTarget> = {};
    names.forEach((member, index) => {
      members[member] = this.target(references[index]!, index < required ? { required: true } : {});
    });
    return {
      ...base,
      kind: kind === 4 ? "union" : "structure",
      members,
      ...(kind === -3 && { error: (named.error as "client" | "server" | undefined) ?? "client" }),
      ...(named.httpError !== undefined && { httpError: named.httpError as number }),
      ...(named.awsQueryError !== undefined && { awsQueryError: named.awsQueryError as [string, number] }),
    };
  }
}

function namedTraits(traits: SdkTraits): Readonly<Record<string, unknown>> {
  if (typeof traits !== "number") return traits ?? {};
  return Object.fromEntries(TRAIT_BITS.filter((_, bit) => (traits >> bit) & 1).map((name) => [name, 1]));
}

function ownTraits(raw: SdkTraits): Traits {
  const named = namedTraits(raw);
  const traits: Record<string, unknown> = {};
  for (const flag of FLAG_TRAITS) if (named[flag]) traits[flag] = true;
  for (const text of TEXT_TRAITS) if (named[text] !== undefined) traits[text] = named[text];
  if (named.xmlNamespace !== undefined) {
    const namespace = named.xmlNamespace as string | readonly string[];
    traits.xmlNamespace = Array.isArray(namespace) ? namespace : ["", namespace];
  }
  if (named.mediaType !== undefined) traits.mediaType = true;
  return traits as Traits;
}
