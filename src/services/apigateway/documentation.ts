import type { Context } from "../../aws/context.ts";
import { badRequest, newId, notFound } from "./model.ts";

/** Which entity of an API a text documents. */
export interface PartLocation {
  readonly type: string;
  readonly path?: string;
  readonly method?: string;
  readonly statusCode?: string;
  readonly name?: string;
}

/** A text about one entity of an API. */
export interface DocumentationPart {
  readonly id: string;
  readonly location: PartLocation;
  /** A JSON object, as text. */
  readonly properties: string;
}

/** The parts of an API as they were published under a name. */
export interface DocumentationVersion {
  readonly version: string;
  readonly description?: string;
  readonly created: number;
  readonly parts: readonly DocumentationPart[];
}

export const noPart = () => notFound("Invalid Documentation part identifier specified");
export const noVersion = () => notFound("Invalid Documentation version specified");

/** Most parts of one API: https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html */
const MAX_PARTS = 2_000;

const FIELDS = ["type", "path", "method", "statusCode", "name"] as const;
/** What locations have where they say nothing, by type. */
const WITH_METHOD = /^(METHOD|PATH_PARAMETER|QUERY_PARAMETER|REQUEST_|RESPONSE)/;

/** A location with its defaults: the root, any method, any status. */
export function fullLocation(given: Partial<Record<(typeof FIELDS)[number], string | undefined>>): PartLocation {
  const type = String(given.type ?? "");
  // Of an imported document they may be anything.
  const text = (value: unknown): string | undefined => (value === undefined ? undefined : String(value));
  const placed = type === "RESOURCE" || WITH_METHOD.test(type);
  const location = {
    type,
    path: text(given.path) ?? (placed ? "/" : undefined),
    method: text(given.method) ?? (WITH_METHOD.test(type) ? "*" : undefined),
    statusCode: text(given.statusCode) ?? (type.startsWith("RESPONSE") ? "*" : undefined),
    name: text(given.name),
  };
  return Object.fromEntries(
    Object.entries(location).filter(([, value]) => value !== undefined),
  ) as unknown as PartLocation;
}

export const sameLocation = (a: PartLocation, b: PartLocation): boolean =>
  FIELDS.every((field) => a[field] === b[field]);

/** Refuses properties that are no JSON object. */
export function checkedPartProperties(text: string | undefined): string {
  let value: unknown;
  try {
    value = JSON.parse(String(text));
  } catch {
    value = undefined;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw badRequest("Invalid documentation part properties specified: they must be a JSON object");
  return String(text);
}

/** All parts of an API, in the order that they were made. */
export async function partsOf(ctx: Context<any>, apiId: string): Promise<DocumentationPart[]> {
  const rows = await ctx.records.list<DocumentationPart>("documentation-part", { prefix: `${apiId}/` });
  return rows.map((row) => row.value);
}

/** Refuses more parts than an API may have. */
export function checkCount(parts: number): void {
  if (parts > MAX_PARTS) throw badRequest(`An API has at most ${MAX_PARTS} documentation parts.`);
}

type Json = Record<string, any>;

/** The parts that a document's `x-amazon-apigateway-documentation` holds. */
export function documentedParts(document: Json): { location: PartLocation; properties: string }[] {
  const given: unknown = document["x-amazon-apigateway-documentation"]?.["documentationParts"];
  if (!Array.isArray(given)) return [];
  checkCount(given.length);
  return (given as Json[]).map((part) => ({
    location: fullLocation((part?.["location"] ?? {}) as PartLocation),
    properties: JSON.stringify(part?.["properties"] ?? {}),
  }));
}

/** Puts parts beside those that an API has, or in place of them all; answers their ids. */
export async function putParts(
  ctx: Context<any>,
  apiId: string,
  parts: readonly Omit<DocumentationPart, "id">[],
  overwrite: boolean,
): Promise<string[]> {
  const before = await partsOf(ctx, apiId);
  checkCount(parts.length + (overwrite ? 0 : before.length));
  const made = parts.map((part): DocumentationPart => {
    const known = overwrite ? undefined : before.find((one) => sameLocation(one.location, part.location));
    return { ...part, id: known?.id ?? newId(ctx) };
  });
  const gone = overwrite ? before : [];
  await ctx.records.write(
    gone.map((part) => ctx.records.remove("documentation-part", `${apiId}/${part.id}`)),
    made.map((part) => ctx.records.put("documentation-part", `${apiId}/${part.id}`, part)),
  );
  return made.map((part) => part.id);
}
