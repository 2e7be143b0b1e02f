/**
 * The form of the JSON files under `models/`: what `tools/generate-models.ts` writes and `model.ts` reads.
 * Plain data, so that a model loads in about a millisecond and no AWS SDK code runs in the platform.
 */

/** The protocols that AWS's services speak. */
export type Protocol = "restJson1" | "restXml" | "awsJson1_0" | "awsJson1_1" | "awsQuery" | "ec2Query" | "rpcv2Cbor";

/** The shapes without members. */
export type SimpleKind =
  | "string"
  | "number"
  | "boolean"
  | "timestamp"
  | "blob"
  | "document"
  | "bigInteger"
  | "bigDecimal"
  | "unit";

export type TimestampFormat = "date-time" | "http-date" | "epoch-seconds";

/** A simple kind by name, or the index of an aggregate shape in `ModelPack.shapes`. */
export type PackReference = SimpleKind | number;

/** What a model says about a member beyond its type; names are those of the Smithy traits. */
export interface Traits {
  readonly required?: true;
  readonly httpLabel?: true;
  readonly httpQuery?: string;
  readonly httpQueryParams?: true;
  readonly httpHeader?: string;
  readonly httpPrefixHeaders?: string;
  readonly httpPayload?: true;
  readonly httpResponseCode?: true;
  readonly hostLabel?: true;
  readonly jsonName?: string;
  readonly xmlName?: string;
  readonly xmlFlattened?: true;
  readonly xmlAttribute?: true;
  /** Prefix (may be empty) and URI. */
  readonly xmlNamespace?: readonly [prefix: string, uri: string];
  readonly ec2QueryName?: string;
  readonly timestampFormat?: TimestampFormat;
  readonly eventPayload?: true;
  readonly eventHeader?: true;
  readonly idempotencyToken?: true;
  readonly sensitive?: true;
  /** A blob that is not held in memory, or a union that is an event stream. */
  readonly streaming?: true;
  /** Lists and maps that may hold null. */
  readonly sparse?: true;
  /** A number of an answer that is written with its fraction even where it has none: `66.0`. */
  readonly double?: true;
  /** Text that travels base64 encoded in a header. */
  readonly mediaType?: true;
  /** Index in `ModelPack.constraints`. */
  readonly constraint?: number;
}

/** What values a member accepts. */
export interface Constraint {
  /** Fewest and most characters, bytes or entries. */
  readonly length?: readonly [minimum: number | null, maximum: number | null];
  readonly range?: readonly [minimum: number | null, maximum: number | null];
  readonly pattern?: string;
  readonly enum?: readonly string[];
}

export type PackTarget = PackReference | readonly [PackReference, Traits];

interface PackShapeBase {
  readonly name: string;
  readonly xmlName?: string;
  readonly xmlNamespace?: readonly [prefix: string, uri: string];
}

export interface PackStructure extends PackShapeBase {
  readonly kind: "structure" | "union";
  readonly members: Readonly<Record<string, PackTarget>>;
  /** Set where the structure is an error: whose fault it is. */
  readonly error?: "client" | "server";
  readonly httpError?: number;
  /** Code and status in the query protocol where they differ from the shape's name. */
  readonly awsQueryError?: readonly [code: string, status: number];
}

export interface PackList extends PackShapeBase {
  readonly kind: "list";
  readonly value: PackTarget;
}

export interface PackMap extends PackShapeBase {
  readonly kind: "map";
  readonly key: PackTarget;
  readonly value: PackTarget;
}

export type PackShape = PackStructure | PackList | PackMap;

export interface PackOperation {
  readonly input: PackReference;
  readonly output: PackReference;
  readonly http?: readonly [method: string, uri: string, status: number];
  /** Names of the errors that the model lists for this operation. */
  readonly errors?: readonly string[];
  /** The operation may be called without a signature. */
  readonly unsigned?: true;
  readonly hostPrefix?: string;
}

/** The facts by which a request finds its service, also gathered in `models/index.json`. */
export interface PackHead {
  /** The name that `ctx.call` uses: the service's endpoint prefix. */
  readonly name: string;
  readonly serviceId: string;
  readonly version: string;
  readonly protocol: Protocol;
  readonly signingName: string;
  /** What precedes the last dot of `X-Amz-Target`. */
  readonly targetPrefix: string;
}

export interface ModelPack extends PackHead {
  /** Prefix of error types on the wire, for example `com.amazonaws.lambda`. */
  readonly namespace: string;
  readonly xmlNamespace?: string;
  /** Errors carry `x-amzn-query-error`, and the query protocol still works. */
  readonly queryCompatible?: true;
  readonly operations: Readonly<Record<string, PackOperation>>;
  /** Every error of the service: name to shape index. */
  readonly errors: Readonly<Record<string, number>>;
  readonly constraints: readonly Constraint[];
  readonly shapes: readonly PackShape[];
}
