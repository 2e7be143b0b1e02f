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
  for (const [name, value] of [
    ...answer.headers,
    ...(options.extra ?? []),
    ...(options.byPath ? ([["Content-Security-Policy", "sandbox allow-scripts allow-forms"]] as const) : []),
  ]) {
    const entry = grouped.get(name.toLowerCase());
    if (entry) entry.values.push(value);
    else grouped.set(name.toLowerCase(), { name, values: [value] });
  }
  response.statusCode = answer.status;
  for (const { name, values } of grouped.values()) response.setHeader(name, values.length === 1 ? values[0]! : values);
  const bodyless = answer.status === 204 || answer.status === 304 || answer.status < 200;
  if (!bodyless) response.setHeader("Content-Length", String(answer.body.length));
  response.end(bodyless || options.method === "HEAD" ? undefined : answer.body);
}
