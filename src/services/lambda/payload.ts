import type { Context } from "../../aws/context.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import { jsonFault } from "./json-fault.ts";
import { MAX_ASYNC_PAYLOAD, MAX_SYNC_PAYLOAD } from "./limits.ts";

/** What a function is told by a call without a payload. */
const NOTHING = Buffer.from("{}");

/** The payload of a call: JSON, and no longer than this type of call takes. */
export function checkedPayload(ctx: Context<any>, given: unknown, type: "RequestResponse" | "Event"): Buffer {
  const payload = Buffer.isBuffer(given) ? given : Buffer.from((given as Uint8Array | string | undefined) ?? "");
  const limit = type === "Event" ? MAX_ASYNC_PAYLOAD : MAX_SYNC_PAYLOAD;
  if (payload.length > limit) {
    const message = `${payload.length} byte payload is too large for the ${type} invocation type (limit ${limit} bytes)`;
    throw new AwsError("RequestTooLargeException", message, 413, { Type: "User" });
  }
  if (payload.length === 0) return NOTHING;
  // An event that a service of ours has made is JSON.
  if (ctx.principal.kind === "service") return payload;
  try {
    JSON.parse(payload.toString("utf8"));
    return payload;
  } catch {
    const message = `Could not parse request body into json: Could not parse payload into json: ${jsonFault(payload)}`;
    throw new AwsError("InvalidRequestContentException", message, 400, { Type: "User" });
  }
}

/** The client context of a call as runtimes get it: JSON in ASCII on one line, for it travels in a header. */
export function checkedClientContext(given: string | undefined): { clientContext?: string } {
  if (!given) return {};
  const value = parsed(Buffer.from(given, "base64").toString("utf8"));
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    const message = "Client context must be a valid Base64-encoded JSON object.";
    throw new AwsError("InvalidRequestContentException", message, 400, { Type: "User" });
  }
  const escaped = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return { clientContext: JSON.stringify(value).replaceAll(/[^ -~]/g, escaped) };
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
