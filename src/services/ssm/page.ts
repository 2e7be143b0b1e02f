import { AwsError } from "../../kernel/aws-error.ts";

/** One page of what was listed; the token is the place of the next item. */
export function pageOf<T>(
  all: readonly T[],
  input: { NextToken?: string | undefined; MaxResults?: number | undefined },
  limit: number,
): { items: T[]; next: { NextToken?: string } } {
  const start = input.NextToken === undefined ? 0 : Number(input.NextToken);
  if (!Number.isSafeInteger(start) || start < 0)
    throw new AwsError("InvalidNextToken", "The specified token is not valid.", 400);
  const end = start + Math.min(input.MaxResults ?? limit, limit);
  return { items: all.slice(start, end), next: end < all.length ? { NextToken: String(end) } : {} };
}
