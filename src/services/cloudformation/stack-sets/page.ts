/** A page of a list, from behind the item that the token names. */
export function pageFrom<T>(
  all: readonly T[],
  idOf: (item: T) => string,
  token: string | undefined,
  size: number,
): { readonly page: readonly T[]; readonly next: { readonly NextToken?: string } } {
  const from = token === undefined ? 0 : all.findIndex((item) => idOf(item) === token) + 1;
  const page = all.slice(from, from + size);
  return { page, next: all.length > from + size ? { NextToken: idOf(page.at(-1)!) } : {} };
}
