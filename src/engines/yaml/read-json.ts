import type { ReadText, TextFault } from "./read-yaml.ts";
import { DEFAULT_LIMITS, isObject } from "./read-yaml.ts";
import type { JsonValue } from "./read-yaml.ts";

/** Reads JSON with the same bounds and line numbers as {@link readYaml}. */
export function readJson(text: string, limits = DEFAULT_LIMITS): ReadText | { fault: TextFault } {
  if (text.length > limits.maxCharacters) {
    return { fault: { message: `the text is longer than ${limits.maxCharacters} characters`, line: 1, column: 1 } };
  }
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue;
  } catch (error) {
    return { fault: { message: (error as Error).message, ...positionOf(text, error as Error) } };
  }
  const refused = measure(value, limits.maxDepth, limits.maxNodes);
  if (refused) return { fault: { message: refused, line: 1, column: 1 } };
  let lines: Map<string, number> | undefined;
  const lineOf = (pointer: string): number | undefined => {
    lines ??= indexLines(text);
    for (let at = pointer; ; at = at.slice(0, at.lastIndexOf("/"))) {
      const line = lines.get(at);
      if (line !== undefined || !at.includes("/")) return line;
    }
  };
  return { value, lineOf };
}

function positionOf(text: string, error: Error): { line: number; column: number } {
  const offset = Number(/position (\d+)/.exec(error.message)?.[1] ?? text.length);
  const before = text.slice(0, offset).split("\n");
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

function measure(root: JsonValue, maxDepth: number, maxNodes: number): string | undefined {
  const stack: [JsonValue, number][] = [[root, 0]];
  for (let nodes = 0; stack.length > 0; nodes++) {
    const [value, depth] = stack.pop() as [JsonValue, number];
    if (nodes > maxNodes) return `it holds more than ${maxNodes} values`;
    if (depth > maxDepth) return `it is nested more than ${maxDepth} levels deep`;
    if (Array.isArray(value)) for (const item of value) stack.push([item, depth + 1]);
    else if (isObject(value)) {
      if (Object.hasOwn(value, "__proto__")) return "__proto__ is not allowed as a key";
      for (const item of Object.values(value)) stack.push([item, depth + 1]);
    }
  }
  return undefined;
}

/** Finds the line of every member of a valid JSON text, by one pass over its tokens. */
function indexLines(text: string): Map<string, number> {
  const lines = new Map<string, number>();
  const stack: { pointer: string; index: number }[] = [];
  let line = 1;
  let key: string | undefined;
  const here = (): string => {
    const top = stack.at(-1);
    if (!top) return "";
    return top.index >= 0 ? `${top.pointer}/${top.index}` : `${top.pointer}/${key ?? ""}`;
  };
  for (const match of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:\n]|[^\s"{}[\],:]+/g)) {
    const token = match[0];
    if (token === "\n") line++;
    else if (token === "{" || token === "[") {
      const pointer = here();
      if (!lines.has(pointer)) lines.set(pointer, line);
      stack.push({ pointer, index: token === "[" ? 0 : -1 });
    } else if (token === "}" || token === "]") stack.pop();
    else if (token === ",") {
      const top = stack.at(-1);
      if (top && top.index >= 0) top.index++;
    } else if (token === ":") lines.set(here(), line);
    else if (token.startsWith('"')) key = JSON.parse(token) as string;
  }
  return lines;
}
