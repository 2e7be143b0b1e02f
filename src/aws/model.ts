import { readFileSync } from "node:fs";
import { join } from "node:path";
import type {
  Constraint,
  ModelPack,
  PackHead,
  PackReference,
  PackTarget,
  Protocol,
  SimpleKind,
  Traits,
} from "./model-pack.ts";

export type ShapeKind = SimpleKind | "list" | "map" | "structure" | "union";

/** A type of the model. Aggregates refer to each other, so members are resolved when first asked for. */
export interface Shape {
  readonly kind: ShapeKind;
  readonly name: string;
  /** Name of the XML element where the shape is the root of a document. */
  readonly xmlName?: string;
  readonly xmlNamespace?: readonly [prefix: string, uri: string];
  /** Of a structure or union; empty for other kinds. */
  readonly members: readonly Member[];
  /** Of a list or map. */
  readonly value: Target;
  /** Of a map. */
  readonly key: Target;
  readonly error?: "client" | "server";
  readonly httpError?: number;
  readonly awsQueryError?: readonly [code: string, status: number];
  /** Readers, writers and checks that were compiled for this shape; see `compiled`. */
  /** Of a timestamp: S3 writes milliseconds into XML even where they are none, and some clients count on them. */
  readonly milliseconds?: boolean;
  readonly compiled: Map<string, unknown>;
}

/** A use of a shape, with what the using place says about it. */
export interface Target {
  readonly shape: Shape;
  readonly traits: Traits;
  readonly constraint?: Constraint;
}

export interface Member extends Target {
  readonly name: string;
}

export interface OperationModel {
  readonly name: string;
  readonly input: Shape;
  readonly output: Shape;
  /** Set on every operation of a REST protocol. */
  readonly http?: { readonly method: string; readonly uri: string; readonly status: number };
  readonly errors: readonly string[];
  /** The operation may be called without a signature. */
  readonly unsigned: boolean;
  readonly hostPrefix?: string;
}

export interface ServiceModel extends PackHead {
  readonly namespace: string;
  readonly xmlNamespace: string | undefined;
  readonly queryCompatible: boolean;
  operation(name: string): OperationModel | undefined;
  operationNames(): readonly string[];
  /** The shape of an error of this service. */
  error(name: string): Shape | undefined;
  errorNames(): readonly string[];
  /** Routing tables and the like that were compiled for this service; see `compiled`. */
  readonly compiled: Map<string, unknown>;
}

/** Loads models when first asked for and keeps them. */
export interface ModelRegistry {
  /** What is needed to find the service of a request, without loading its model. */
  readonly heads: readonly PackHead[];
  /** The model of a service; throws where there is none. */
  load(name: string): ServiceModel;
  has(name: string): boolean;
  readonly compiled: Map<string, unknown>;
}

const MODELS_FOLDER = join(import.meta.dirname, "models");

/** A registry over the model packs in `folder` (default: those that ship with Starling). */
export function createModelRegistry(folder = MODELS_FOLDER): ModelRegistry {
  const heads = JSON.parse(readFileSync(join(folder, "index.json"), "utf8")) as PackHead[];
  const known = new Set(heads.map((head) => head.name));
  const loaded = new Map<string, ServiceModel>();
  return {
    heads,
    compiled: new Map(),
    has: (name) => known.has(name),
    load(name) {
      let model = loaded.get(name);
      if (!model) {
        if (!known.has(name))
          throw new Error(`There is no model of a service "${name}"; known: ${[...known].join(", ")}`);
        model = readModel(JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8")) as ModelPack);
        loaded.set(name, model);
      }
      return model;
    },
  };
}

/** What `build` makes, once for each holder and key. */
export function compiled<T>(holder: { readonly compiled: Map<string, unknown> }, key: string, build: () => T): T {
  const cached = holder.compiled.get(key);
  if (cached !== undefined) return cached as T;
  const built = build();
  holder.compiled.set(key, built);
  return built;
}

/** Turns a model pack into linked shapes. */
export function readModel(pack: ModelPack): ServiceModel {
  const resolver = shapeResolver(pack);
  const operations = new Map<string, OperationModel>();
  const errors = new Map<string, Shape>();

  const operation = (name: string): OperationModel | undefined => {
    const known = operations.get(name);
    if (known) return known;
    if (!Object.hasOwn(pack.operations, name)) return undefined;
    const packed = pack.operations[name]!;
    const made: OperationModel = {
      name,
      input: resolver.shape(packed.input),
      output: resolver.shape(packed.output),
      ...(packed.http && { http: { method: packed.http[0], uri: packed.http[1], status: packed.http[2] } }),
      errors: packed.errors ?? [],
      unsigned: packed.unsigned ?? false,
      ...(packed.hostPrefix !== undefined && { hostPrefix: packed.hostPrefix }),
    };
    operations.set(name, made);
    return made;
  };

  return {
    name: pack.name,
    serviceId: pack.serviceId,
    version: pack.version,
    protocol: pack.protocol,
    signingName: pack.signingName,
    targetPrefix: pack.targetPrefix,
    namespace: pack.namespace,
    xmlNamespace: pack.xmlNamespace,
    queryCompatible: pack.queryCompatible ?? false,
    compiled: new Map(),
    operation,
    operationNames: () => Object.keys(pack.operations),
    errorNames: () => Object.keys(pack.errors),
    error(name) {
      let shape = errors.get(name);
      if (!shape && Object.hasOwn(pack.errors, name)) {
        shape = resolver.shape(pack.errors[name]!);
        errors.set(name, shape);
      }
      return shape;
    },
  };
}

const NO_TRAITS: Traits = Object.freeze({});

function shapeResolver(pack: ModelPack): { shape(reference: PackReference): Shape } {
  const aggregates: (Shape | undefined)[] = [];
  const simple = new Map<string, Shape>();

  const shape = (reference: PackReference): Shape => {
    if (typeof reference === "string") {
      let known = simple.get(reference);
      if (!known) simple.set(reference, (known = simpleShape(reference, pack.name)));
      return known;
    }
    return (aggregates[reference] ??= aggregate(reference));
  };

  const target = (packed: PackTarget): Target => {
    if (typeof packed !== "object") return { shape: shape(packed), traits: NO_TRAITS };
    const [reference, traits] = packed;
    const constraint = traits.constraint === undefined ? undefined : pack.constraints[traits.constraint];
    return { shape: shape(reference), traits, ...(constraint && { constraint }) };
  };

  const aggregate = (index: number): Shape => {
    const packed = pack.shapes[index];
    if (!packed) throw new Error(`The model of ${pack.name} refers to shape ${index}, which it does not have`);
    let members: readonly Member[] | undefined;
    let value: Target | undefined;
    let key: Target | undefined;
    const structure = packed.kind === "structure" || packed.kind === "union" ? packed : undefined;
    return {
      kind: packed.kind,
      name: packed.name,
      ...(packed.xmlName !== undefined && { xmlName: packed.xmlName }),
      ...(packed.xmlNamespace && { xmlNamespace: packed.xmlNamespace }),
      ...(structure?.error && { error: structure.error }),
      ...(structure?.httpError !== undefined && { httpError: structure.httpError }),
      ...(structure?.awsQueryError && { awsQueryError: structure.awsQueryError }),
      compiled: new Map(),
      get members() {
        return (members ??= structure
          ? Object.entries(structure.members).map(([name, member]) => ({ name, ...target(member) }))
          : []);
      },
      get value() {
        if (packed.kind !== "list" && packed.kind !== "map") throw noSuchPart(packed.name, "value");
        return (value ??= target(packed.value));
      },
      get key() {
        if (packed.kind !== "map") throw noSuchPart(packed.name, "key");
        return (key ??= target(packed.key));
      },
    };
  };

  return { shape };
}

function simpleShape(kind: SimpleKind, service: string): Shape {
  return {
    kind,
    ...(kind === "timestamp" && service === "s3" && { milliseconds: true }),
    name: kind,
    compiled: new Map(),
    members: [],
    get value(): Target {
      throw noSuchPart(kind, "value");
    },
    get key(): Target {
      throw noSuchPart(kind, "key");
    },
  };
}

function noSuchPart(shape: string, part: string): Error {
  return new Error(`The shape ${shape} has no ${part}`);
}

/** Whether the protocol binds members to the path, the query and headers. */
export function isRest(protocol: Protocol): boolean {
  return protocol === "restJson1" || protocol === "restXml";
}
