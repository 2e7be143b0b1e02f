import { isIP } from "node:net";
import { AWS_ZONE, belowZone } from "./host-zones.ts";
import { compiled, type OperationModel, type ServiceModel } from "./model.ts";
import { bindingsOf } from "./protocol/http-bindings.ts";
import type { HttpRequest } from "./protocol/http-message.ts";
import type { RouteTarget } from "./service.ts";
import { decodeSegments, hasMarks, marksOf, type OperationMatch, type RequestMarks } from "./route-rest.ts";

/** What S3 is called below AWS's zone and ours: alone or for a region, with the old spellings; a bucket may come before it. */
const S3_NAME =
  /^(?:(.+)\.)?s3(?:[.-](?:dualstack\.)?[a-z]{2}(?:-[a-z]+)+-\d|-external-1|-accelerate(?:\.dualstack)?)?$/;
/** Labels below our zones that are others': a name with one of them is no bucket's. */
const OTHERS = /^(?:console|execute-api|lambda-url|s3(?:-.+)?|[a-z]{2}(?:-[a-z]+)+-\d)$/;

/** The bucket that a Host header names as one of S3's: `<bucket>.s3.<region>.amazonaws.com`, `<bucket>.s3.<our host>`. */
export function bucketOfHost(host: string, publicHost?: string): string | undefined {
  const below = belowZone(hostName(host), publicHost);
  return below && S3_NAME.exec(below.name)?.[1];
}

/**
 * The same of a request that is for S3: then `<bucket>.<our host>` names a bucket too, as SDKs call it that were given an
 * endpoint. `undefined` where the bucket is in the path.
 */
export function bucketOfS3Host(host: string, publicHost?: string): string | undefined {
  const below = belowZone(hostName(host), publicHost);
  if (!below) return undefined;
  const s3 = S3_NAME.exec(below.name);
  if (s3) return s3[1];
  const isOthers = below.zone === AWS_ZONE || below.name.split(".").some((label) => OTHERS.test(label));
  return isOthers ? undefined : below.name;
}

const hostName = (host: string): string => host.replace(/:\d+$/, "").toLowerCase();

/** Whether buckets are in the paths of this host: it is the platform's own, or S3's without a bucket. */
export function isPathStyleHost(host: string, publicHost?: string): boolean {
  const name = hostName(host);
  if (name === publicHost || name === "localhost" || isIP(name.replace(/^\[|\]$/g, "")) !== 0) return true;
  const s3 = S3_NAME.exec(belowZone(name, publicHost)?.name ?? "");
  return s3 !== null && s3[1] === undefined;
}

/**
 * Whether a request says by its signature that it is for S3. What a browser asks to send says nothing: any page may ask so
 * before it calls another's application, whose answer to that a bucket of the same name must not give.
 */
export function isSignedForS3({ headers, query }: Pick<RouteTarget, "headers" | "query">): boolean {
  const { authorization = "" } = headers;
  if (authorization.includes("/s3/aws4_request") || /^AWS [^:\s]+:/.test(authorization)) return true;
  return (
    query.get("X-Amz-Credential")?.endsWith("/s3/aws4_request") ??
    (query.has("AWSAccessKeyId") && query.has("Signature"))
  );
}

interface S3Route {
  readonly operation: OperationModel;
  readonly marks: RequestMarks;
}

type S3Level = "service" | "bucket" | "object";

/**
 * The model has no bucket in its paths and many operations share one, so an operation is found by method, by whether
 * there is a bucket and a key, and by the parameters and headers that it requires; the most specific first.
 */
export function matchS3Operation(
  model: ServiceModel,
  request: HttpRequest,
  hostBucket: string | undefined,
): (OperationMatch & { bucket?: string }) | undefined {
  const tables = compiled(model, "s3 routes", () => s3Tables(model));
  const { bucket, key } = splitPath(request.path, hostBucket);
  const level: S3Level = bucket === "" ? "service" : key === "" ? "bucket" : "object";
  const routes = tables.get(`${request.method} ${level}`) ?? [];
  const hint = request.query.get("x-id");
  let match: S3Route | undefined;
  for (const route of routes) {
    if (!hasMarks(route.marks, request)) continue;
    if (!match || route.operation.name === hint) match = route;
    if (hint === null || match.operation.name === hint) break;
  }
  if (!match) return undefined;
  const labels: Record<string, string> = {};
  if (bucket !== "") labels.Bucket = bucket;
  if (key !== "") labels.Key = key;
  return { operation: match.operation, labels, ...(bucket !== "" && { bucket }) };
}

function splitPath(path: string, hostBucket: string | undefined): { bucket: string; key: string } {
  const rest = path.slice(1);
  if (hostBucket !== undefined) return { bucket: hostBucket, key: decodeSegments(rest) };
  const slash = rest.indexOf("/");
  if (slash < 0) return { bucket: decodeSegments(rest), key: "" };
  return { bucket: decodeSegments(rest.slice(0, slash)), key: decodeSegments(rest.slice(slash + 1)) };
}

function s3Tables(model: ServiceModel): ReadonlyMap<string, readonly S3Route[]> {
  const tables = new Map<string, S3Route[]>();
  for (const name of model.operationNames()) {
    const operation = model.operation(name)!;
    if (!operation.http || operation.hostPrefix !== undefined) continue;
    const path = operation.http.uri.split("?")[0]!;
    const hasBucket = bindingsOf(operation.input, "request").labels.some((member) => member.name === "Bucket");
    const level: S3Level = path.includes("{Key+}") ? "object" : hasBucket ? "bucket" : "service";
    const slot = `${operation.http.method} ${level}`;
    tables.set(slot, [...(tables.get(slot) ?? []), { operation, marks: marksOf(operation) }]);
  }
  for (const routes of tables.values()) routes.sort((a, b) => b.marks.weight - a.marks.weight);
  return tables;
}
