import type { Member, Shape, Target } from "../../src/aws/model.ts";

/** Where a value will travel; what it may hold depends on it. */
type Place = "top" | "label" | "query" | "header" | "body";

const WORDS = ["a", "B c", "x&y<z>\"q'", "é✓", "a/b", "k=v", "100%", "ünï", '{"j":1}', "l1\nl2", " lead"];
const LABELS = ["lab", "l-1", "a b", "a:b/c", "é", "50%"];
const HEADERS = ["v1", "x;y", "a=b", 'W/"q"'];
const NUMBERS = [0, 1, -5, 1.5, 1e6, 12345678901];
const MAX_DEPTH = 5;

/** Random values of a model's shapes; the same for the same seed. */
export class RandomValues {
  #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
  }

  next(): number {
    this.#seed = (this.#seed * 1103515245 + 12345) & 0x7fffffff;
    return this.#seed / 0x80000000;
  }

  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.next() * items.length)]!;
  }

  /** A whole input or output. */
  structure(shape: Shape): Record<string, unknown> {
    if (shape.kind !== "structure") return {};
    return this.#members(shape, 0, "top");
  }

  /** The members of an error besides its message and what travels in headers. */
  errorFields(shape: Shape): Record<string, unknown> {
    const fields = this.#members(shape, 0, "body");
    for (const { name, traits } of shape.members) {
      if (name.toLowerCase() === "message" || traits.httpHeader !== undefined) delete fields[name];
    }
    return fields;
  }

  #value(target: Target, depth: number, place: Place): unknown {
    const { shape, traits } = target;
    switch (shape.kind) {
      case "string":
        if (place === "label") return this.pick(LABELS);
        return this.pick(place === "header" ? HEADERS : WORDS);
      case "number":
        return place === "header" || place === "label" ? Math.floor(this.next() * 1000) : this.pick(NUMBERS);
      case "boolean":
        return this.next() < 0.5;
      case "timestamp": {
        const wholeSeconds = place === "header" || traits.timestampFormat === "http-date";
        const offset = Math.floor(this.next() * 1000);
        return new Date(1_700_000_000_000 + (wholeSeconds ? offset * 1000 : offset));
      }
      case "blob":
        return Buffer.from([0, 255, Math.floor(this.next() * 256), 65]);
      case "bigInteger":
        return 5n;
      case "document":
        return { a: [1, "b", null, { c: true }] };
      case "list":
        return this.#list(shape, depth, place);
      case "map":
        return this.#map(shape, depth, place);
      case "union":
        return this.#union(target, depth, place);
      case "structure":
        return this.#members(shape, depth, place);
      default:
        return undefined;
    }
  }

  #list(shape: Shape, depth: number, place: Place): unknown {
    if (depth >= MAX_DEPTH) return undefined;
    const count = 1 + Math.floor(this.next() * 2);
    const items = Array.from({ length: count }, () => this.#value(shape.value, depth + 1, place));
    const present = items.filter((item) => item !== undefined);
    return present.length > 0 ? present : undefined;
  }

  #map(shape: Shape, depth: number, place: Place): unknown {
    if (depth >= MAX_DEPTH) return undefined;
    const map: Record<string, unknown> = {};
    for (let index = 0; index < 1 + Math.floor(this.next() * 2); index++) {
      const value = this.#value(shape.value, depth + 1, place);
      if (value !== undefined) map[place === "header" ? `k${index}` : this.pick([`k${index}`, `k é${index}`])] = value;
    }
    return Object.keys(map).length > 0 ? map : undefined;
  }

  #union(target: Target, depth: number, place: Place): unknown {
    if (target.traits.streaming) return undefined;
    const simple = (member: Member): boolean => !["structure", "union", "list", "map"].includes(member.shape.kind);
    const members = target.shape.members.filter((member) => depth < MAX_DEPTH || simple(member));
    if (members.length === 0) return undefined;
    const member = this.pick(members);
    const value = this.#value(member, depth + 1, place);
    return value === undefined ? undefined : { [member.name]: value };
  }

  #members(shape: Shape, depth: number, place: Place): Record<string, unknown> {
    const structure: Record<string, unknown> = {};
    for (const member of shape.members) {
      const { required, httpResponseCode } = member.traits;
      if (!required && (depth > MAX_DEPTH || this.next() < 0.15)) continue;
      if (depth > MAX_DEPTH + 4) continue;
      if (place === "top" && httpResponseCode) {
        structure[member.name] = 200;
        continue;
      }
      const value = this.#value(member, depth + 1, place === "top" ? placeOf(member) : place);
      if (value !== undefined) structure[member.name] = value;
    }
    return structure;
  }
}

function placeOf({ traits }: Member): Place {
  if (traits.httpLabel) return "label";
  if (traits.httpHeader !== undefined || traits.httpPrefixHeaders !== undefined) return "header";
  return traits.httpQuery !== undefined || traits.httpQueryParams ? "query" : "body";
}
