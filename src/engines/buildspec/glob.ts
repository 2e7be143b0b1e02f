/**
 * Makes a test of relative paths (`a/b.txt`) from the patterns of `files` and `exclude-paths`. `*` and `?` stay inside
 * one path segment, `**` spans segments, a pattern that names a folder takes all that is below it.
 */
export function pathMatcher(files: readonly string[], excludePaths: readonly string[] = []): (path: string) => boolean {
  const wanted = files.map(splitPattern);
  const unwanted = excludePaths.map(splitPattern);
  return (path) => {
    const segments = path.split("/").filter((segment) => segment !== "" && segment !== ".");
    return (
      wanted.some((pattern) => matches(pattern, segments)) && !unwanted.some((pattern) => matches(pattern, segments))
    );
  };
}

function splitPattern(pattern: string): string[] {
  return pattern.split("/").filter((segment) => segment !== "" && segment !== ".");
}

/** Dynamic programming over segments: no pattern takes more than its length times the path's. */
function matches(pattern: readonly string[], path: readonly string[]): boolean {
  let reachable = new Set([0]);
  for (const [index, segment] of path.entries()) {
    const next = new Set<number>();
    for (const at of closure(pattern, reachable)) {
      // All of a pattern without wildcards at its end is used up: the path is below the folder that it names.
      if (at === pattern.length) {
        if (index > 0 && !/[*?]/.test(pattern.at(-1) ?? "*")) next.add(at);
        continue;
      }
      if (pattern[at] === "**") next.add(at);
      else if (matchSegment(pattern[at] ?? "", segment)) next.add(at + 1);
    }
    reachable = next;
    if (reachable.size === 0) return false;
  }
  return closure(pattern, reachable).has(pattern.length);
}

/** `**` may stand for nothing. */
function closure(pattern: readonly string[], positions: ReadonlySet<number>): Set<number> {
  const all = new Set(positions);
  for (const at of all) if (pattern[at] === "**") all.add(at + 1);
  return all;
}

function matchSegment(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let star = -1;
  let mark = 0;
  while (t < text.length) {
    if (pattern[p] === "*") {
      star = p++;
      mark = t;
    } else if (p < pattern.length && (pattern[p] === "?" || pattern[p] === text[t])) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++mark;
    } else return false;
  }
  while (pattern[p] === "*") p++;
  return p === pattern.length;
}
