import type { ServerResponse } from "node:http";
import type { EdgeResponse } from "./proxy-response.ts";

/**
 * Sends an answer of a user's API. What is served by path on the platform's own host gets a sandboxed origin, so that a
 * page of a user's can do nothing in the name of another that is served there.
 */
export function sendEdgeResponse(
  response: ServerResponse,
  answer: EdgeResponse,
  options: { method: string; byPath: boolean; extra?: readonly (readonly [string, string])[] },
): void {
  const grouped = new Map<string, { name: string; values: string[] }>();
  const add = ([name, value]: readonly [string, string]): void => {
    const key = name.toLowerCase();
    const entry = grouped.get(key);
    if (entry) entry.values.push(value);
    else grouped.set(key, { name, values: [value] });
  };
  answer.headers.forEach(add);
  options.extra?.forEach(add);
  if (options.byPath) add(["Content-Security-Policy", "sandbox allow-scripts allow-forms"]);
  const { body, status } = answer;
  const bodyless = status === 204 || status === 304 || status < 200;
  if (!bodyless) grouped.set("content-length", { name: "Content-Length", values: [String(Buffer.byteLength(body))] });
  const head: string[] = [];
  for (const { name, values } of grouped.values()) for (const value of values) head.push(name, value);
  response.writeHead(status, head);
  response.end(bodyless || options.method === "HEAD" ? undefined : body);
}
