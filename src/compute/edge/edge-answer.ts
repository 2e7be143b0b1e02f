import type { RouteAnswer } from "../../aws/route-answer.ts";
import type { EdgeResponse } from "./proxy-response.ts";

const CONTENT_LENGTH = "content-length";

/**
 * The answer of a user's API as it is sent. What is served by path on the platform's own host gets a sandboxed origin, so
 * that a page of a user's can do nothing in the name of another that is served there.
 */
export function edgeAnswer(
  { status, headers, body }: EdgeResponse,
  options: { byPath: boolean; extra?: readonly (readonly [string, string])[] },
): RouteAnswer {
  const head: string[] = [];
  const add = ([name, value]: readonly [string, string]): void => {
    if (name.length !== CONTENT_LENGTH.length || name.toLowerCase() !== CONTENT_LENGTH) head.push(name, value);
  };
  headers.forEach(add);
  options.extra?.forEach(add);
  if (options.byPath) head.push("Content-Security-Policy", "sandbox allow-scripts allow-forms");
  return { status, headers: head, body };
}
