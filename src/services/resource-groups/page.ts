import { PAGE } from "./limits.ts";
import { badRequest } from "./model.ts";

/** One page of what was found; the token is the place of the next item. */
export function pageOf<T>(
  all: readonly T[],
  input: { NextToken?: string | undefined; MaxResults?: number | undefined },
): { items: readonly T[]; next: { NextToken?: string } } {
  const start = input.NextToken === undefined ? 0 : Number(input.NextToken);
  if (!Number.isSafeInteger(start) || start < 0) throw badRequest("NextToken not valid");
  const end = start + (input.MaxResults ?? PAGE);
  return { items: all.slice(start, end), next: end < all.length ? { NextToken: String(end) } : {} };
}
