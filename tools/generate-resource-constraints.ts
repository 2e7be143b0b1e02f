/**
 * Compiles the constraints (lengths, ranges, patterns, counts, uniqueness) of AWS's published resource schemas into one
 * lean JSON file for the CloudFormation engine. It is committed: run this only to take over newer schemas.
 *
 *   node tools/generate-resource-constraints.ts <folder of schemas, one JSON file a type>
 *
 * The folder is what CloudformationSchema.zip of
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/resource-type-schemas.html unpacks to. Types that
 * `resource-schemas.json` does not have are left out. Patterns that cannot be taken over are listed at the end. The types that
 * get the tags by which CloudFormation marks what is a stack's go into a file of their own.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type Node = Record<string, unknown>;

const generated = new URL("../src/engines/cloudformation/generated/", import.meta.url);
const known = JSON.parse(readFileSync(new URL("resource-schemas.json", generated), "utf8")) as Record<string, unknown>;

/** Patterns that refuse what their service accepts, with the reason. */
const WRONG: ReadonlySet<string> = new Set([
  // `+-=` in a class is a range that leaves out most of what tags may hold.
  "^(?!aws:)[a-zA-Z+-=._:/]+$",
]);

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("Name the folder that CloudformationSchema.zip was unpacked to");
const skipped = new Set<string>();
const result: Record<string, Node> = {};
const systemTagged: string[] = [];
for (const file of readdirSync(folder).toSorted()) {
  if (!file.endsWith(".json")) continue;
  const schema = JSON.parse(readFileSync(join(folder, file), "utf8")) as { [key: string]: Json };
  const type = String(schema.typeName);
  if (!Object.hasOwn(known, type)) continue;
  if (object(schema.tagging).cloudFormationSystemTags === true) systemTagged.push(type);
  const compiled = compileType(schema);
  if (Object.keys(compiled).length > 0) result[type] = compiled;
}
const lines = Object.entries(result)
  .toSorted(([a], [b]) => (a < b ? -1 : 1))
  .map(([type, node]) => `${JSON.stringify(type)}:${JSON.stringify(node)}`);
const target = fileURLToPath(new URL("resource-constraints.json", generated));
writeFileSync(target, `{\n${lines.join(",\n")}\n}\n`);
writeFileSync(
  fileURLToPath(new URL("system-tagged-types.json", generated)),
  `${JSON.stringify(systemTagged.toSorted(), undefined, 2)}\n`,
);
console.log(`${lines.length} resource types -> ${target}`);
for (const pattern of skipped) console.log(`not taken over: ${pattern}`);

/** The root's constraints, with those of the definitions that it reaches. */
function compileType(schema: { [key: string]: Json }): Node {
  const definitions = object(schema.definitions);
  const compiled = new Map<string, Node>();
  const bare = new Set<string>();
  for (const [name, definition] of Object.entries(definitions)) compiled.set(name, compile(definition));
  // A definition without any constraint is left out, and with it what only leads to such.
  for (let found = true; found;) {
    found = false;
    for (const [name, node] of compiled) {
      if (bare.has(name) || !isBare(node, bare)) continue;
      bare.add(name);
      found = true;
    }
  }
  const root = prune(compile({ ...schema, type: "object" }), bare) ?? {};
  const kept = [...compiled].filter(([name]) => !bare.has(name)).map(([name, node]) => [name, prune(node, bare) ?? {}]);
  const used = reachable(root, Object.fromEntries(kept) as Record<string, Node>);
  return used.length > 0 ? { ...root, definitions: Object.fromEntries(used) } : root;
}

function compile(schema: Json): Node {
  const s = object(schema);
  const node: Node = {};
  if (Object.keys(s).length === 0) return node;
  if (typeof s.$ref === "string") node.ref = s.$ref.slice(s.$ref.lastIndexOf("/") + 1);
  if (typeof s.pattern === "string") {
    const pattern = portable(s.pattern);
    if (pattern === undefined) skipped.add(s.pattern);
    else node.pattern = pattern;
  }
  const bounds = { length: ["minLength", "maxLength"], range: ["minimum", "maximum"], count: ["minItems", "maxItems"] };
  for (const [word, [low = "", high = ""]] of Object.entries({ ...bounds, size: ["minProperties", "maxProperties"] })) {
    const [min, max] = [numeric(s[low]), numeric(s[high])];
    if ((min ?? 0) !== 0 || max !== null || (word === "range" && min !== null)) node[word] = [min, max];
  }
  if (typeof s.multipleOf === "number") node.multiple = s.multipleOf;
  if (s.uniqueItems === true) node.unique = true;
  for (const word of ["anyOf", "oneOf"] as const) {
    const choices = requirements(s[word]);
    if (choices) node[word] = choices;
  }
  const members = Object.entries(object(s.properties)).map(([name, member]) => [name, compile(member)] as const);
  const full = members.filter(([, member]) => Object.keys(member).length > 0);
  if (full.length > 0) node.properties = Object.fromEntries(full);
  const items = compile(s.items ?? null);
  if (Object.keys(items).length > 0) node.items = items;
  const values = compile(Object.values(object(s.patternProperties))[0] ?? s.additionalProperties ?? null);
  if (Object.keys(values).length > 0) node.values = values;
  return node;
}

/** Choices among sets of required members; others (of whole shapes) are not taken over. */
function requirements(choices: Json | undefined): string[][] | undefined {
  if (!Array.isArray(choices)) return undefined;
  const sets = choices.map((choice) => {
    const { required, ...rest } = object(choice);
    return Array.isArray(required) && Object.keys(rest).length === 0 ? required.map(String) : undefined;
  });
  return sets.every((set) => set !== undefined) ? sets : undefined;
}

/** The pattern in the words that JavaScript's Unicode mode shares with Java; `undefined` where it has none. */
function portable(pattern: string): string | undefined {
  if (WRONG.has(pattern)) return undefined;
  const text = pattern
    .replaceAll("\\p{Print}", "[\\x20-\\x7e]")
    .replaceAll("\\A", "^")
    .replaceAll(/\\[Zz]/g, "$")
    .replaceAll(/\\([_:@=~<>,;!%&"'`# ])/g, "$1");
  // Unicode mode wants a dash bare outside of a class, and escaped beside a class escape.
  const classes = text.replaceAll(/\[(?:\\.|[^\]\\])*\]|\\-/g, (part) =>
    part === "\\-"
      ? "-"
      : part.replaceAll(/(\\[wdsWDS])-(?!\])/g, "$1\\-").replaceAll(/([^\\[])-(\\[wdsWDS])/g, "$1\\-$2"),
  );
  for (const candidate of [text, classes]) {
    try {
      new RegExp(candidate, "u");
      return candidate;
    } catch {
      continue;
    }
  }
  return undefined;
}

function numeric(value: Json | undefined): number | null {
  return typeof value === "number" ? value : null;
}

function object(value: Json | undefined): { [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
}

function isBare(node: Node, bare: ReadonlySet<string>): boolean {
  return prune(node, bare) === undefined;
}

/** A node without references to bare definitions, and without what is then empty; `undefined` where all of it is. */
function prune(node: Node, bare: ReadonlySet<string>): Node | undefined {
  const kept: Node = {};
  for (const [word, value] of Object.entries(node)) {
    if (word === "ref") {
      if (!bare.has(String(value))) kept.ref = value;
    } else if (word === "items" || word === "values") {
      const inner = prune(value as Node, bare);
      if (inner) kept[word] = inner;
    } else if (word === "properties") {
      const members = Object.entries(value as Record<string, Node>).flatMap(([name, member]) => {
        const inner = prune(member, bare);
        return inner ? [[name, inner] as const] : [];
      });
      if (members.length > 0) kept.properties = Object.fromEntries(members);
    } else kept[word] = value;
  }
  return Object.keys(kept).length > 0 ? kept : undefined;
}

function reachable(root: Node, definitions: Readonly<Record<string, Node>>): [string, Node][] {
  const found = new Map<string, Node>();
  const walk = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    const { ref } = value as Node;
    const definition = typeof ref === "string" ? definitions[ref] : undefined;
    if (typeof ref === "string" && definition && !found.has(ref)) {
      found.set(ref, definition);
      walk(definition);
    }
    Object.values(value).forEach(walk);
  };
  walk(root);
  return [...found];
}
