import { AwsError } from "../../kernel/aws-error.ts";

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
