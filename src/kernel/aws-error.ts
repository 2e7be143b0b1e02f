/**
 * An error that the client caused or must handle, in AWS's terms. Anything else that is thrown becomes a 500
 * `InternalFailure` (or the protocol's equivalent) and is logged once.
 */
export class AwsError extends Error {
  /** AWS's error code, for example `ResourceNotFoundException`. */
  readonly code: string;
  /** HTTP status, 4xx for the client's fault. */
  readonly status: number;
  /** Further modelled members of the error shape, for example `{ Type: "User" }`. */
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(code: string, message: string, status = 400, fields: Record<string, unknown> = {}) {
    // An answer, and a frequent one: where in our code it was made tells nobody anything, and costs more than many calls.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(message);
    Error.stackTraceLimit = stackTraceLimit;
    this.name = "AwsError";
    this.code = code;
    this.status = status;
    this.fields = fields;
  }
}

/** An operation that Starling does not have yet: 501, never a pretended success. */
export function notImplemented(what: string): AwsError {
  return new AwsError("NotImplemented", `Starling does not implement ${what} yet.`, 501);
}

/** The text of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The AWS code of anything thrown, or `undefined` where it is not an AwsError. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof AwsError ? error.code : undefined;
}

/** A handler that takes one error for nothing (what is to be removed may be gone already) and throws on all others. */
export const ignoring =
  (code: string) =>
  (error: unknown): undefined => {
    if (codeOf(error) !== code) throw error;
    return undefined;
  };
