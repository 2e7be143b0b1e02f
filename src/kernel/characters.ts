/** How many characters a text has, those beyond the sixteen-bit ones counted once. */
export const characters = (text: string): number =>
  text.length - (text.match(/[\uD800-\uDBFF][\uDC00-\uDFFF]/g)?.length ?? 0);
