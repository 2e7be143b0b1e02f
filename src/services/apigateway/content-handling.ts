import { isUtf8 } from "node:buffer";

/** How a body is to be converted: `CONVERT_TO_BINARY`, `CONVERT_TO_TEXT`, or as it is. */
type Handling = string | undefined;

/** Whether a media type, or the first of an `Accept` header, is one of the API's binary ones. */
export function isBinaryType(types: readonly string[], value: string | undefined): boolean {
  const first = value?.split(/[,;]/)[0]?.trim().toLowerCase();
  return types.some(
    (type) =>
      type === "*/*" ||
      (type.toLowerCase() === first && !type.startsWith("*/")) || // a star on the left stands for nothing
      (type.endsWith("/*") && first?.startsWith(type.slice(0, -1)) === true),
  );
}

/** A body as a mapping sees it. Templates take text alone. */
export interface Converted {
  readonly bytes: Buffer;
  readonly isText: boolean;
}

/**
 * The client's body as the integration gets it; undefined where it is not what the integration says.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-payload-encodings-workflow.html
 */
export function convertedRequest(body: Buffer, isBinary: boolean, handling: Handling): Converted | undefined {
  if (isBinary) return handling === "CONVERT_TO_TEXT" ? encoded(body) : { bytes: body, isText: isUtf8(body) };
  if (handling !== "CONVERT_TO_BINARY") return asText(body);
  const bytes = decoded(body)?.bytes;
  return bytes && { bytes, isText: isUtf8(bytes) };
}

/** The integration's body as the client gets it, by what it is and what the client accepts. */
export function convertedResponse(
  body: Buffer,
  of: { isBinary: boolean; acceptsBinary: boolean },
  handling: Handling,
): Converted | undefined {
  if (body.length === 0) return asText(body);
  const toText = handling === "CONVERT_TO_TEXT" || (!handling && !of.acceptsBinary);
  if (of.isBinary) return toText ? encoded(body) : { bytes: body, isText: false };
  return toText ? asText(body) : decoded(body);
}

const encoded = (body: Buffer): Converted => ({ bytes: Buffer.from(body.toString("base64")), isText: true });

/** Bytes that are no UTF-8 become what stands for them: text stays text. */
const asText = (body: Buffer): Converted => ({ bytes: Buffer.from(body.toString("utf8")), isText: true });

function decoded(body: Buffer): Converted | undefined {
  // A function's answer is JSON: a string in quotes.
  const text = body
    .toString("latin1")
    .trim()
    .replace(/^"(.*)"$/s, "$1");
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0) return undefined;
  return { bytes: Buffer.from(text, "base64"), isText: false };
}
