/** How well a template fits a path: its parameters, and the rank by which the best of several is chosen. */
export interface PathMatch {
  readonly parameters: Readonly<Record<string, string>>;
  /** Higher is better: literal parts before parameters before a greedy rest, from left to right. */
  readonly rank: string;
}

const LITERAL = "3";
const PARAMETER = "2";
const GREEDY = "1";

/** Fits a path (percent-encoded) to a template such as `/items/{id}` or `/files/{proxy+}`. */
export function matchPath(template: string, path: string): PathMatch | undefined {
  const wanted = segments(template);
  const given = segments(path);
  const parameters: Record<string, string> = {};
  let rank = "";
  for (const [i, part] of wanted.entries()) {
    const greedy = /^\{([^}]+)\+\}$/.exec(part);
    if (greedy) {
      if (given.length <= i) return undefined;
      parameters[greedy[1]!] = given.slice(i).map(decode).join("/");
      return { parameters, rank: rank + GREEDY };
    }
    const value = given[i];
    if (value === undefined) return undefined;
    const named = /^\{([^}]+)\}$/.exec(part);
    if (named) {
      parameters[named[1]!] = decode(value);
      rank += PARAMETER;
    } else if (part === decode(value)) rank += LITERAL;
    else return undefined;
  }
  return given.length === wanted.length ? { parameters, rank } : undefined;
}

/** A slash at the end makes no difference; empty parts in the middle do. */
function segments(path: string): string[] {
  const trimmed = path.replace(/^\//, "").replace(/\/$/, "");
  return trimmed === "" ? [] : trimmed.split("/");
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
