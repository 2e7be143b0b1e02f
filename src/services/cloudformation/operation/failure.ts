import { TemplateError } from "../../../engines/cloudformation/index.ts";
import { AwsError } from "../../../kernel/aws-error.ts";

/** A step that failed; the message is the resource's status reason as it stands. */
export class StepFailed extends Error {}

/** A step that ended because the operation was cancelled, another resource failed, or its time was up. */
export class StepCancelled extends Error {}

/** Whether a call was refused for want of a permission. */
export const isDenied = (error: unknown): boolean =>
  error instanceof AwsError && (error.status === 403 || /AccessDenied/.test(error.code));

const CODES: readonly (readonly [RegExp, string])[] = [
  [/AlreadyExists|AlreadyOwned|BucketAlready|ResourceConflict|EntityAlready|Duplicate|ResourceInUse/i, "AlreadyExists"],
  [/NoSuch|NotFound|DoesNotExist/i, "NotFound"],
  [/AccessDenied|Unauthorized|Forbidden|NotAuthorized/i, "AccessDenied"],
  [/LimitExceeded|TooMany|Quota/i, "ServiceLimitExceeded"],
  [/Throttl|SlowDown/i, "Throttling"],
  [/Conflict/i, "ResourceConflict"],
  [/Invalid|Validation|Malformed|BadRequest|Missing|NotImplemented/i, "InvalidRequest"],
];

/** The status reason of a resource for whatever was thrown. */
export function reasonOf(error: unknown, token: string): string {
  if (error instanceof StepFailed || error instanceof StepCancelled || error instanceof TemplateError)
    return error.message;
  if (!(error instanceof AwsError))
    return `Resource handler returned message: "Internal Failure" (RequestToken: ${token}, HandlerErrorCode: InternalFailure)`;
  const code =
    CODES.find(([pattern]) => pattern.test(error.code))?.[1] ??
    (error.status >= 500 ? "ServiceInternalError" : "GeneralServiceException");
  return `Resource handler returned message: "${error.message}" (RequestToken: ${token}, HandlerErrorCode: ${code})`;
}

/** The stack's status reason: which resources failed at what. */
export function failureOf(failed: {
  readonly created: readonly string[];
  readonly updated: readonly string[];
  readonly imported?: readonly string[];
}): string {
  const parts: string[] = [];
  if (failed.created.length > 0)
    parts.push(`The following resource(s) failed to create: [${failed.created.join(", ")}]. `);
  if (failed.updated.length > 0)
    parts.push(`The following resource(s) failed to update: [${failed.updated.join(", ")}]. `);
  if (failed.imported?.length)
    parts.push(`The following resource(s) failed to import: [${failed.imported.join(", ")}]. `);
  return parts.join("");
}
