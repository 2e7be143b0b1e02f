import { compiled, type OperationModel, type ServiceModel } from "./model.ts";
import { bindingsOf } from "./protocol/http-bindings.ts";
import type { HttpRequest } from "./protocol/http-message.ts";
import { decodeSegments, hasMarks, marksOf, type OperationMatch, type RequestMarks } from "./route-rest.ts";

/** AWS's hosts of S3: the global one and the regions', with their old spellings. */
const S3_HOST =
  /^(?:(.+)\.)?s3(?:[.-](?:dualstack\.)?[a-z]{2}(?:-[a-z]+)+-\d|-external-1|-accelerate(?:\.dualstack)?)?\.amazonaws\.com$/;

/**
 * The bucket that a Host header names, as `<bucket>.s3.<region>.amazonaws.com`, `<bucket>.s3.localhost:4566` or the same
 * under one of `hosts`; `undefined` where the bucket is in the path.
 */
export function bucketOfHost(host: string, hosts: readonly string[]): string | undefined {
  const name = host.replace(/:\d+$/, "").toLowerCase();
  const aws = S3_HOST.exec(name);
  if (aws) return aws[1];
  for (const suffix of ["localhost", ...hosts]) {
    const end = `.s3.${suffix}`;
    if (name.endsWith(end) && name.length > end.length) return name.slice(0, -end.length);
  }
  return undefined;
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
