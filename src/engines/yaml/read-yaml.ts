import type { Document, Node, Pair, ParsedNode } from "yaml";
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseAllDocuments } from "yaml";
import { plainScalar } from "./plain-scalar.ts";

/** Plain data, as JSON has it. */
export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

/** What is wrong with a text, and where. Lines and columns count from 1. */
export interface TextFault {
  readonly message: string;
  readonly line: number;
  readonly column: number;
}

/** A text that was read. `lineOf` takes a pointer such as `/Resources/Fn/Type` and falls back to its parents. */
export interface ReadText {
  readonly value: JsonValue;
  readonly lineOf: (pointer: string) => number | undefined;
}

export interface ReadLimits {
  readonly maxCharacters: number;
  readonly maxDepth: number;
  /** Nodes after aliases are expanded. */
  readonly maxNodes: number;
}

/** Turns a tagged node into a value; `undefined` refuses the tag. */
export type TagReader = (tag: string, value: JsonValue) => JsonValue | undefined;

export const DEFAULT_LIMITS: ReadLimits = { maxCharacters: 2_000_000, maxDepth: 200, maxNodes: 250_000 };

/**
 * Reads one YAML document with bounds on size, depth and expansion. Dates stay text, keys are text, a key may come
 * once, merge keys (`<<`) work.
 */
export function readYaml(text: string, tags?: TagReader, limits = DEFAULT_LIMITS): ReadText | { fault: TextFault } {
  if (text.length > limits.maxCharacters) {
    return fault(`the text is longer than ${limits.maxCharacters} characters`);
  }
  const counter = new LineCounter();
  const lines = new Map<string, number>();
  try {
    const documents = parseAllDocuments(text, {
      lineCounter: counter,
      prettyErrors: false,
      uniqueKeys: false,
      logLevel: "silent",
      version: "1.2",
      schema: "failsafe",
      keepSourceTokens: false,
    });
    if (!Array.isArray(documents) || documents.length === 0) return { value: null, lineOf: () => undefined };
    if (documents.length > 1) return fault("it holds more than one document", counter, documents[1]?.range?.[0]);
    const document = documents[0] as Document.Parsed<ParsedNode>;
    const first = document.errors[0];
    if (first) {
      const deep = first.message.startsWith("Maximum call stack");
      return fault(
        deep ? `it is nested more than ${limits.maxDepth} levels deep` : first.message,
        counter,
        first.pos[0],
      );
    }
    const walker: Walker = { counter, lines, tags, limits, anchors: new Map(), nodes: 0, expanding: 0 };
    const value = document.contents ? convert(walker, document.contents, "", 0) : null;
    return { value, lineOf: (pointer) => nearestLine(lines, pointer) };
  } catch (error) {
    if (error instanceof Refusal) return fault(error.message, counter, error.offset);
    if (error instanceof RangeError) return fault(`it is nested more than ${limits.maxDepth} levels deep`);
    throw error;
  }
}

class Refusal extends Error {
  readonly offset: number | undefined;
  constructor(message: string, offset: number | undefined) {
    super(message);
    this.offset = offset;
  }
}

interface Walker {
  readonly counter: LineCounter;
  readonly lines: Map<string, number>;
  readonly tags: TagReader | undefined;
  readonly limits: ReadLimits;
  /** Anchored nodes, in the order of the text, so that an alias is found without a search. */
  readonly anchors: Map<string, Node>;
  nodes: number;
  expanding: number;
}

function convert(w: Walker, node: Node | null, pointer: string, depth: number): JsonValue {
  if (!node) return null;
  const offset = node.range?.[0];
  if (depth > w.limits.maxDepth) throw new Refusal(`it is nested more than ${w.limits.maxDepth} levels deep`, offset);
  if (++w.nodes > w.limits.maxNodes) throw new Refusal(`it holds more than ${w.limits.maxNodes} values`, offset);
  if (!w.expanding && offset !== undefined) w.lines.set(pointer, w.counter.linePos(offset).line);
  if (isAlias(node)) {
    const target = w.anchors.get(node.source);
    if (!target) throw new Refusal(`the alias *${node.source} has no anchor`, offset);
    w.expanding++;
    const value = convert(w, target, pointer, depth + 1);
    w.expanding--;
    return value;
  }
  const anchor = (node as { anchor?: string }).anchor;
  const value = convertPlain(w, node, pointer, depth);
  // Only now: a node cannot hold an alias of itself.
  if (anchor && !w.expanding) w.anchors.set(anchor, node);
  const tag = node.tag;
  if (!tag || tag.startsWith("tag:yaml.org,2002:") || tag === "!") return value;
  const tagged = w.tags?.(tag, value);
  if (tagged === undefined) throw new Refusal(`could not determine a constructor for the tag ${tag}`, offset);
  return tagged;
}

function convertPlain(w: Walker, node: Node, pointer: string, depth: number): JsonValue {
  if (isScalar(node)) {
    if (typeof node.value !== "string") return null;
    const forced = node.tag === "tag:yaml.org,2002:str" && node.source === undefined;
    return node.type === "PLAIN" && !forced ? plainScalar(node.value) : node.value;
  }
  if (isSeq(node)) {
    return node.items.map((item, i) => convert(w, item as Node, `${pointer}/${i}`, depth + 1));
  }
  if (isMap(node)) return convertMap(w, node.items as Pair<Node, Node | null>[], pointer, depth);
  return null;
}

function convertMap(w: Walker, items: readonly Pair<Node, Node | null>[], pointer: string, depth: number): JsonObject {
  const result: JsonObject = {};
  const merged: JsonObject[] = [];
  for (const { key, value } of items) {
    const offset = key.range?.[0];
    const name = isScalar(key) ? String(key.value ?? "") : undefined;
    if (name === undefined) throw new Refusal("a key of a map must be text", offset);
    if (name === "__proto__") throw new Refusal("__proto__ is not allowed as a key", offset);
    const below = `${pointer}/${name}`;
    if (name === "<<" && isScalar(key) && key.type === "PLAIN") {
      const sources = convert(w, value, below, depth + 1);
      for (const source of Array.isArray(sources) ? sources : [sources]) {
        if (!isObject(source)) throw new Refusal("a merge key needs a map or a list of maps", offset);
        merged.push(source);
      }
      continue;
    }
    if (Object.hasOwn(result, name)) throw new Refusal(`the key "${name}" appears twice`, offset);
    result[name] = convert(w, value, below, depth + 1);
    // The line of a member is the line of its key: that is where a reader looks.
    if (!w.expanding && offset !== undefined) w.lines.set(below, w.counter.linePos(offset).line);
  }
  for (const source of merged) {
    for (const [name, value] of Object.entries(source)) if (!Object.hasOwn(result, name)) result[name] = value;
  }
  return result;
}

/** Whether a value is a map. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function nearestLine(lines: ReadonlyMap<string, number>, pointer: string): number | undefined {
  for (let at = pointer; ; at = at.slice(0, at.lastIndexOf("/"))) {
    const line = lines.get(at);
    if (line !== undefined || !at.includes("/")) return line;
  }
}

function fault(message: string, counter?: LineCounter, offset?: number): { fault: TextFault } {
  const at = counter && offset !== undefined ? counter.linePos(offset) : { line: 1, col: 1 };
  return { fault: { message, line: Math.max(1, at.line), column: Math.max(1, at.col) } };
}
