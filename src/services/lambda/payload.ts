import type { Context } from "../../aws/context.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import { jsonFault } from "./json-fault.ts";
import { MAX_ASYNC_PAYLOAD, MAX_SYNC_PAYLOAD } from "./limits.ts";

/** The payload of a call: JSON, and no longer than this type of call takes. */
export function checkedPayload(ctx: Context<any>, given: unknown, type: "RequestResponse" | "Event"): Buffer {
  const payload = Buffer.isBuffer(given) ? given : Buffer.from((given as Uint8Array | string | undefined) ?? "");
  const limit = type === "Event" ? MAX_ASYNC_PAYLOAD : MAX_SYNC_PAYLOAD;
  if (payload.length > limit) {
    const message = `${payload.length} byte payload is too large for the ${type} invocation type (limit ${limit} bytes)`;
    throw new AwsError("RequestTooLargeException", message, 413, { Type: "User" });
  }
  // An event that a service of ours has made is JSON.
  if (payload.length === 0 || ctx.principal.kind === "service") return payload;
  try {
    JSON.parse(payload.toString("utf8"));
    return payload;
  } catch {
    const message = `Could not parse request body into json: Could not parse payload into json: ${jsonFault(payload)}`;
    throw new AwsError("InvalidRequestContentException", message, 400, { Type: "User" });
  }
}
