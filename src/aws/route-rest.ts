import { AwsError } from "../kernel/aws-error.ts";
import { compiled, type OperationModel, type ServiceModel } from "./model.ts";
import { bindingsOf } from "./protocol/http-bindings.ts";
import type { HttpRequest } from "./protocol/http-message.ts";

export interface OperationMatch {
  readonly operation: OperationModel;
  readonly labels: Readonly<Record<string, string>>;
}

/** What a request must carry besides its method and path to mean an operation. */
export interface RequestMarks {
  /** Parameters that are part of the operation's URI; a value of `undefined` means any. */
  readonly fixedQuery: readonly (readonly [name: string, value: string | undefined])[];
  readonly requiredQuery: readonly string[];
  readonly requiredHeaders: readonly string[];
  /** The more specific of two operations that match is meant. */
  readonly weight: number;
}

interface Segment {
  /** The text of a fixed segment. */
  readonly literal?: string;
  readonly label?: string;
  /** The label takes slashes too. */
  readonly greedy?: boolean;
}

interface RestRoute {
  readonly operation: OperationModel;
  readonly segments: readonly Segment[];
  readonly marks: RequestMarks;
  readonly weight: number;
}

/** Routes by method, then by their first segment (`*` where that is a label). */
type RestTable = ReadonlyMap<string, ReadonlyMap<string, readonly RestRoute[]>>;

/** Matches on the raw path and decodes labels afterwards, so that an encoded slash stays inside of its label. */
export function matchRestOperation(model: ServiceModel, request: HttpRequest): OperationMatch | undefined {
  const table = compiled(model, "rest routes", () => restTable(model));
  const byFirst = table.get(request.method);
  if (!byFirst) return undefined;
  const parts = request.path.split("/").slice(1);
  if (parts.at(-1) === "") parts.pop(); // `/functions/` is `/functions`
  // Where nothing but a required member is missing, the operation itself says so.
  let nearest: OperationMatch | undefined;
  for (const routes of [byFirst.get(parts[0] ?? ""), byFirst.get("*")]) {
    for (const route of routes ?? []) {
      const raw = matchSegments(route.segments, parts);
      if (!raw) continue;
      if (hasMarks(route.marks, request)) return { operation: route.operation, labels: decodeLabels(raw) };
      const bare = { ...route.marks, requiredQuery: [], requiredHeaders: [] };
      if (!nearest && hasMarks(bare, request)) nearest = { operation: route.operation, labels: decodeLabels(raw) };
    }
  }
  return nearest;
}

function restTable(model: ServiceModel): RestTable {
  const table = new Map<string, Map<string, RestRoute[]>>();
  for (const name of model.operationNames()) {
    const operation = model.operation(name)!;
    if (!operation.http) continue;
    const path = operation.http.uri.split("?")[0]!;
    const segments = path
      .split("/")
      .slice(1)
      .filter((segment, index, all) => segment !== "" || index < all.length - 1);
    const route = toRoute(operation, segments.map(toSegment));
    const first = route.segments[0]?.literal ?? (route.segments.length > 0 ? "*" : "");
    const byFirst = table.get(operation.http.method) ?? new Map<string, RestRoute[]>();
    byFirst.set(first, [...(byFirst.get(first) ?? []), route]);
    table.set(operation.http.method, byFirst);
  }
  for (const byFirst of table.values()) {
    for (const routes of byFirst.values()) routes.sort((a, b) => b.weight - a.weight);
  }
  return table;
}

function toRoute(operation: OperationModel, segments: readonly Segment[]): RestRoute {
  const marks = marksOf(operation);
  const weightOf = (segment: Segment): number => (segment.literal !== undefined ? 100 : segment.greedy ? 1 : 10);
  const weight = segments.reduce((sum, segment) => sum + weightOf(segment), marks.weight);
  return { operation, segments, marks, weight };
}

function toSegment(text: string): Segment {
  const match = /^\{([^}+]+)(\+)?\}$/.exec(text);
  return match ? { label: match[1]!, greedy: match[2] !== undefined } : { literal: text };
}

/** What distinguishes an operation from others of the same method and path. */
export function marksOf(operation: OperationModel): RequestMarks {
  const query = operation.http?.uri.split("?")[1];
  const fixedQuery = (query ? query.split("&") : [])
    .map((pair): readonly [string, string | undefined] => {
      const equals = pair.indexOf("=");
      return equals < 0 ? [pair, undefined] : [pair.slice(0, equals), pair.slice(equals + 1)];
    })
    .filter(([name]) => name !== "x-id"); // sent by the JavaScript SDK alone
  const bindings = bindingsOf(operation.input, "request");
  const requiredQuery = bindings.query.filter(([, member]) => member.traits.required).map(([name]) => name);
  const requiredHeaders = bindings.headers.filter(([, member]) => member.traits.required).map(([name]) => name);
  const weight = fixedQuery.length * 8 + requiredQuery.length * 4 + requiredHeaders.length * 2;
  return { fixedQuery, requiredQuery, requiredHeaders, weight };
}

export function hasMarks(marks: RequestMarks, request: HttpRequest): boolean {
  const { query, headers } = request;
  return (
    marks.fixedQuery.every(([name, value]) => query.has(name) && (value === undefined || query.get(name) === value)) &&
    marks.requiredQuery.every((name) => query.has(name)) &&
    marks.requiredHeaders.every((name) => headers[name] !== undefined)
  );
}

function matchSegments(segments: readonly Segment[], parts: readonly string[]): Record<string, string> | undefined {
  const labels: Record<string, string> = {};
  let at = 0;
  for (const [index, segment] of segments.entries()) {
    if (segment.greedy) {
      const count = parts.length - at - (segments.length - index - 1);
      if (count < 1) return undefined;
      labels[segment.label!] = parts.slice(at, at + count).join("/");
      at += count;
      continue;
    }
    const part = parts[at++];
    if (part === undefined) return undefined;
    if (segment.literal !== undefined) {
      if (part !== segment.literal) return undefined;
    } else if (part === "") return undefined;
    else labels[segment.label!] = part;
  }
  return at === parts.length ? labels : undefined;
}

function decodeLabels(raw: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(raw).map(([name, text]) => [name, decodeSegments(text)]));
}

/** Decodes the percent-encoding of each segment. */
export function decodeSegments(text: string): string {
  try {
    return text.includes("%") ? text.split("/").map(decodeURIComponent).join("/") : text;
  } catch {
    throw new AwsError("InvalidURI", "Couldn't parse the specified URI.", 400);
  }
}
