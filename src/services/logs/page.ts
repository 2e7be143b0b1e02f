import { invalid } from "./model.ts";

/** One page of what was listed, of at most `limit` items; the token is the place of the next one. */
export function pageOf<T>(
  all: readonly T[],
  token: string | undefined,
  limit: number,
): { items: T[]; next: { nextToken?: string } } {
  const start = Number(token ?? 0);
  if (!Number.isSafeInteger(start) || start < 0) throw invalid("The specified nextToken is invalid.");
  const end = start + limit;
  return { items: all.slice(start, end), next: end < all.length ? { nextToken: String(end) } : {} };
}
