import { badRequest } from "./model.ts";

/** Largest, and what is answered where nobody says how many. */
const PAGE = 500;

/** One page of a list by `NextToken` and `MaxResults`. */
export function page<T>(
  items: T[],
  input: { NextToken?: string | undefined; MaxResults?: string | undefined },
): { Items: T[]; NextToken?: string } {
  const [start, size] = [Number(input.NextToken ?? 0), Number(input.MaxResults ?? PAGE)];
  if (!Number.isInteger(start) || start < 0) throw badRequest("Invalid next token");
  if (!Number.isInteger(size) || size < 1) throw badRequest("Invalid maxResults parameter");
  const end = start + Math.min(size, PAGE);
  return { Items: items.slice(start, end), ...(end < items.length ? { NextToken: String(end) } : {}) };
}
