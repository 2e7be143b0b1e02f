import { AwsError } from "../../kernel/aws-error.ts";
import { invalidArgument, invalidRequest } from "./errors.ts";

/** Bytes from `start` to `end`, both inclusive. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * The one range that a `Range` header names, within `size` bytes. `undefined` where there is none, or where it is not
 * one that S3 understands (then the whole object is meant). Throws InvalidRange where it lies outside.
 */
export function parseRange(header: string | undefined, size: number): ByteRange | undefined {
  const match = /^bytes=(\d{0,16})-(\d{0,16})$/.exec(header?.trim() ?? "");
  const [, first = "", last = ""] = match ?? [];
  if (!match || (first === "" && last === "")) return undefined;
  const invalid = new AwsError("InvalidRange", "The requested range is not satisfiable", 416, {
    RangeRequested: String(header),
    ActualObjectSize: String(size),
  });
  if (first === "") {
    const length = Number(last);
    if (length === 0 || size === 0) throw invalid;
    return { start: Math.max(0, size - length), end: size - 1 };
  }
  const start = Number(first);
  if (last !== "" && Number(last) < start) return undefined;
  if (start >= size) throw invalid;
  return { start, end: last === "" ? size - 1 : Math.min(Number(last), size - 1) };
}

/** The bytes of a copy's source: both ends named, and both within it. */
export function copyRange(header: string | undefined, size: number): ByteRange | undefined {
  if (header === undefined) return undefined;
  const refused = (message: string): AwsError => invalidArgument(message, "x-amz-copy-source-range", header);
  const match = /^bytes=(\d{1,16})-(\d{1,16})$/.exec(header);
  const [start, end] = [Number(match?.[1]), Number(match?.[2])];
  if (!match || end < start)
    throw refused(
      "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy",
    );
  if (start >= size) throw invalidRequest("The specified copy range is invalid for the source object size");
  if (end >= size) throw refused(`Range specified is not valid for source object of size: ${size}`);
  return { start, end };
}
