/** A place in a text; both count from 1. */
export interface TextPlace {
  readonly line: number;
  readonly column: number;
}

/** Where a statement stands in its document: after its opening brace, and after its closing one. */
export interface StatementPlace {
  readonly start: TextPlace;
  readonly end: TextPlace;
}

/** The places of a document's statements, in their order. The document must have been parsed without an error. */
export function statementPlaces(document: string): StatementPlace[] {
  const places: StatementPlace[] = [];
  const placeOf = placesIn(document);
  let isStatement = false; // whether the member of the document that is being read is `Statement`
  let opened = -1;
  let depth = 0;
  let braces = 0; // objects around this place; statements are the second
  for (const { 0: token, index } of document.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/g)) {
    if (token === "{" || token === "[") {
      depth++;
      if (token !== "{") continue;
      if (++braces === 2 && isStatement) opened = index + 1;
    } else if (token === "}" || token === "]") {
      depth--;
      if (token !== "}") continue;
      if (--braces === 1 && opened >= 0) {
        places.push({ start: placeOf(opened), end: placeOf(index + 1) });
        opened = -1;
      }
    } else if (depth === 1 && token.endsWith(":")) {
      isStatement = JSON.parse(token.slice(0, -1).trimEnd()) === "Statement";
    }
  }
  return places;
}

/** Tells places one after the other, each from where the one before was. */
function placesIn(text: string): (offset: number) => TextPlace {
  let [line, lineStart] = [1, 0];
  return (offset) => {
    for (let end = text.indexOf("\n", lineStart); end >= 0 && end < offset; end = text.indexOf("\n", lineStart)) {
      line++;
      lineStart = end + 1;
    }
    return { line, column: offset - lineStart + 1 };
  };
}
