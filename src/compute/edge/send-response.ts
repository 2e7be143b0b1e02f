import type { ServerResponse } from "node:http";
import type { EdgeResponse } from "./proxy-response.ts";

const CONTENT_LENGTH = "content-length";

/**
 * Sends an answer of a user's API. What is served by path on the platform's own host gets a sandboxed origin, so that a
 * page of a user's can do nothing in the name of another that is served there.
 */
export function sendEdgeResponse(
  response: ServerResponse,
  answer: EdgeResponse,
  options: { method: string; byPath: boolean; extra?: readonly (readonly [string, string])[] },
): void {
  const head: string[] = [];
  const add = ([name, value]: readonly [string, string]): void => {
    if (name.length !== CONTENT_LENGTH.length || name.toLowerCase() !== CONTENT_LENGTH) head.push(name, value);
  };
  answer.headers.forEach(add);
  options.extra?.forEach(add);
  if (options.byPath) head.push("Content-Security-Policy", "sandbox allow-scripts allow-forms");
  const { body, status } = answer;
  const bodyless = status === 204 || status === 304 || status < 200;
  if (!bodyless) head.push("Content-Length", String(Buffer.byteLength(body)));
  response.writeHead(status, head);
  response.end(bodyless || options.method === "HEAD" ? undefined : body);
}
