import { AwsError } from "../../kernel/aws-error.ts";
import { conditionalConflict, noSuchKey, notModified, preconditionFailed } from "./errors.ts";
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
    // S3 takes tags without quotes, and with one of them.
    return text === "*" || text.replace(/^"|"$/g, "") === etag;
  });

/** HTTP's dates have no fractions of a second. */
const seconds = (ms: number): number => Math.floor(ms / 1000);

/** Throws 412 or 304 as RFC 9110 orders the conditions. */
export function checkRead(input: ReadConditions, object: ObjectVersion, now: number): void {
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
  } else if (input.IfModifiedSince && seconds(input.IfModifiedSince.getTime()) <= seconds(now)) {
    // A time that is still to come says nothing.
    if (seconds(modifiedAt) <= seconds(input.IfModifiedSince.getTime())) throw unchanged();
  }
}

const unknownCondition = (
  header: string,
  why = `We don't accept the provided value of ${header} header for this API`,
): AwsError =>
  new AwsError("NotImplemented", "A header you provided implies functionality that is not implemented", 501, {
    Header: header,
    additionalMessage: why,
  });

/** Throws where a write must not happen upon what is there now. */
export function checkWrite(
  input: { IfMatch?: string | undefined; IfNoneMatch?: string | undefined },
  current: ObjectVersion | undefined,
  key: string,
): void {
  if (input.IfNoneMatch !== undefined && input.IfMatch !== undefined)
    throw unknownCondition("If-Match,If-None-Match", "Multiple conditional request headers present in the request");
  if (input.IfNoneMatch !== undefined) {
    if (input.IfNoneMatch !== "*") throw unknownCondition("If-None-Match");
    if (current) throw preconditionFailed("If-None-Match");
  }
  if (input.IfMatch !== undefined) {
    if (input.IfMatch === "*") throw unknownCondition("If-Match");
    if (!current) throw noSuchKey(key);
    if (!matches(input.IfMatch, current.etag)) throw preconditionFailed("If-Match");
  }
}

/** The same for an upload in parts: what came about while it ran goes before it. */
export function checkCompletion(
  input: Parameters<typeof checkWrite>[0],
  current: ObjectVersion | undefined,
  upload: { readonly key: string; readonly startedAt: number; readonly replaces: boolean },
): void {
  checkWrite(input, current, upload.key);
  if (input.IfNoneMatch !== undefined && upload.replaces) throw conditionalConflict("If-None-Match", upload.key);
  if (input.IfMatch !== undefined && current && current.modifiedAt > upload.startedAt)
    throw conditionalConflict("If-Match", upload.key);
}

/** Throws where a delete must not happen; any object will do where the condition is `*`. */
export function checkDelete(etag: string, current: ObjectVersion | undefined): void {
  if (!current) throw new AwsError("NoSuchKey", "The specified key does not exist.", 404);
  if (!matches(etag, current.etag)) throw preconditionFailed("If-Match");
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
  now: number,
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
      now,
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
