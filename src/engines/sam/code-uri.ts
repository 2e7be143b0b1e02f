import type { JsonObject, JsonValue } from "../yaml/index.ts";
import { isObject } from "../yaml/index.ts";
import { compact, SamFault } from "./context.ts";

/** Turns `s3://bucket/key?versionId=x` or `{Bucket, Key, Version}` into the members that Lambda's code takes. */
export function codeLocation(id: string, property: string, value: JsonValue | undefined): JsonObject {
  const place = parseS3(id, property, value);
  return compact({ S3Bucket: place.bucket, S3Key: place.key, S3ObjectVersion: place.version });
}

interface Place {
  readonly bucket: JsonValue;
  readonly key: JsonValue;
  readonly version?: JsonValue;
}

/** Reads a location in a bucket in either form. */
export function parseS3(id: string, property: string, value: JsonValue | undefined): Place {
  if (isObject(value)) {
    if (value.Bucket === undefined || value.Key === undefined) {
      throw new SamFault(id, `'${property}' requires Bucket and Key properties to be specified.`);
    }
    return { bucket: value.Bucket, key: value.Key, ...(value.Version !== undefined && { version: value.Version }) };
  }
  const text = typeof value === "string" ? value : "";
  const match = /^s3:\/\/([^/]+)\/([^?]+)(?:\?(.*))?$/.exec(text);
  if (!match?.[1] || !match[2] || /[[\]]/.test(match[1])) {
    throw new SamFault(
      id,
      `'${property}' is not a valid S3 Uri of the form 's3://bucket/key' with optional versionId query parameter.`,
    );
  }
  const version = new URLSearchParams(match[3] ?? "").get("versionId");
  return { bucket: match[1], key: match[2], ...(version && { version }) };
}
