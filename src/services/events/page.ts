import { invalid } from "./model.ts";

const DEFAULT_LIMIT = 100;
const PLACE = "starling-page:";

/** One page of what was listed; the token is the place of the next item. */
export function pageOf<T>(
  all: readonly T[],
  input: { NextToken?: string | undefined; Limit?: number | undefined },
): { items: T[]; next: { NextToken?: string } } {
  const start = input.NextToken === undefined ? 0 : placeIn(input.NextToken);
  if (!Number.isSafeInteger(start) || start < 0) throw invalid("Parameter NextToken is not valid.");
  const end = start + (input.Limit ?? DEFAULT_LIMIT);
  return {
    items: all.slice(start, end),
    next: end < all.length ? { NextToken: Buffer.from(`${PLACE}${end}`).toString("base64url") } : {},
  };
}

function placeIn(token: string): number {
  const text = Buffer.from(token, "base64url").toString();
  return text.startsWith(PLACE) ? Number(text.slice(PLACE.length)) : Number.NaN;
}
