import { badRequest } from "./model.ts";

/** Largest, and what is answered where nobody says how many. */
const PAGE = 500;

/** One page of a list by `NextToken` and `MaxResults`. */
export function page<T>(
  items: T[],
  input: { NextToken?: string | undefined; MaxResults?: string | undefined },
): { Items: T[]; NextToken?: string } {
  const start = Number(input.NextToken ?? 0);
  if (!Number.isInteger(start) || start < 0) throw badRequest("Invalid next token");
  const end = start + pageSize(input.MaxResults);
  return { Items: items.slice(start, end), ...(end < items.length ? { NextToken: String(end) } : {}) };
}

/** How many items a list shows at once. Throws BadRequestException where that is no number of items. */
export function pageSize(MaxResults: string | undefined): number {
  const size = Number(MaxResults ?? PAGE);
  if (!Number.isInteger(size) || size < 1) throw badRequest("Invalid maxResults parameter");
  return Math.min(size, PAGE);
}
