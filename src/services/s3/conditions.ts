import { AwsError } from "../../kernel/aws-error.ts";
import { notModified, preconditionFailed } from "./errors.ts";
import { quoted, type ObjectVersion } from "./model.ts";

/** The conditions of a request that reads. */
export interface ReadConditions {
  readonly IfMatch?: string | undefined;
  readonly IfNoneMatch?: string | undefined;
  readonly IfModifiedSince?: Date | undefined;
  readonly IfUnmodifiedSince?: Date | undefined;
}

const matches = (list: string, etag: string): boolean =>
  list.split(",").some((item) => {
    const text = item.trim().replace(/^W\//, "");
    return text === "*" || text === etag || text === quoted(etag);
  });

/** HTTP's dates have no fractions of a second. */
const seconds = (ms: number): number => Math.floor(ms / 1000);

/** Throws 412 or 304 as RFC 9110 orders the conditions. */
export function checkRead(input: ReadConditions, object: ObjectVersion): void {
  const { etag, modifiedAt } = object;
  if (input.IfMatch !== undefined) {
    if (!matches(input.IfMatch, etag)) throw preconditionFailed("If-Match");
  } else if (input.IfUnmodifiedSince && seconds(modifiedAt) > seconds(input.IfUnmodifiedSince.getTime())) {
    throw preconditionFailed("If-Unmodified-Since");
  }
  const unchanged = (): AwsError =>
    notModified({ etag: quoted(etag), "last-modified": new Date(modifiedAt).toUTCString() });
  if (input.IfNoneMatch !== undefined) {
    if (matches(input.IfNoneMatch, etag)) throw unchanged();
  } else if (input.IfModifiedSince && seconds(modifiedAt) <= seconds(input.IfModifiedSince.getTime())) {
    throw unchanged();
  }
}

/** Throws where a write must not happen upon what is there now. */
export function checkWrite(
  input: { IfMatch?: string | undefined; IfNoneMatch?: string | undefined },
  current: ObjectVersion | undefined,
): void {
  if (input.IfNoneMatch !== undefined) {
    if (input.IfNoneMatch !== "*") {
      throw new AwsError("NotImplemented", "A header you provided implies functionality that is not implemented", 501, {
        Header: "If-None-Match",
      });
    }
    if (current) throw preconditionFailed("If-None-Match");
  }
  if (input.IfMatch !== undefined) {
    if (!current) throw new AwsError("NoSuchKey", "The specified key does not exist.", 404);
    if (!matches(input.IfMatch, current.etag)) throw preconditionFailed("If-Match");
  }
}

/** Throws where the source of a copy is not as the caller expects; there is no 304 for a copy. */
export function checkCopySource(
  input: {
    CopySourceIfMatch?: string | undefined;
    CopySourceIfNoneMatch?: string | undefined;
    CopySourceIfModifiedSince?: Date | undefined;
    CopySourceIfUnmodifiedSince?: Date | undefined;
  },
  source: ObjectVersion,
): void {
  try {
    checkRead(
      {
        IfMatch: input.CopySourceIfMatch,
        IfNoneMatch: input.CopySourceIfNoneMatch,
        IfModifiedSince: input.CopySourceIfModifiedSince,
        IfUnmodifiedSince: input.CopySourceIfUnmodifiedSince,
      },
      source,
    );
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    if (error.code === "PreconditionFailed")
      throw preconditionFailed(`x-amz-copy-source-${String(error.fields["Condition"])}`);
    const failed = input.CopySourceIfNoneMatch === undefined ? "If-Modified-Since" : "If-None-Match";
    if (error.code === "NotModified") throw preconditionFailed(`x-amz-copy-source-${failed}`);
    throw error;
  }
}
