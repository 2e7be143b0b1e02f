import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { test } from "node:test";

const root = resolve(import.meta.dirname, "..");
const source = join(root, "src");

/** The layer table of docs/architecture.md. */
function layers(): Map<string, Set<string>> {
  const text = readFileSync(join(root, "docs/architecture.md"), "utf8");
  const table = text.slice(text.indexOf("## Layers"), text.indexOf("## A service"));
  const rows = [...table.matchAll(/^\| (\w+) \| [^|]+ \| ([^|]*)\|$/gm)].filter(([, name]) => name !== "folder");
  return new Map(
    rows.map(([, name, allowed]) => [
      name!,
      new Set(
        allowed!
          .split(",")
          .map((s) => s.trim())
          .filter(Boolean),
      ),
    ]),
  );
}

function files(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? files(path) : name.endsWith(".ts") ? [path] : [];
  });
}

const isTest = (file: string): boolean => /\.(test|contract)\.ts$/.test(file);

/** Relative imports of a file, resolved. */
function imports(file: string): string[] {
  const text = readFileSync(file, "utf8");
  return [...text.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)].map(([, path]) => resolve(dirname(file), path!));
}

test("every folder imports only what its row of docs/architecture.md names", () => {
  const allowed = layers();
  const breaches: string[] = [];
  for (const file of files(source).filter((f) => !isTest(f))) {
    const layer = relative(source, file).split("/")[0]!;
    if (layer.endsWith(".ts")) continue;
    assert.ok(allowed.has(layer), `src/${layer} has no row in docs/architecture.md`);
    for (const target of imports(file)) {
      const other = relative(source, target).split("/")[0]!;
      if (other === layer) continue;
      if (other === ".." || !allowed.get(layer)!.has(other))
        breaches.push(`${relative(root, file)} imports ${relative(root, target)}`);
    }
  }
  assert.deepEqual(breaches, []);
});

test("no service imports another service's folder", () => {
  const folder = join(source, "services");
  const breaches = files(folder)
    .filter((f) => !isTest(f) && dirname(f) !== folder)
    .flatMap((file) => {
      const own = relative(folder, file).split("/")[0]!;
      return imports(file)
        .filter((target) => target.startsWith(`${folder}/`) && relative(folder, target).split("/")[0] !== own)
        .map((target) => `${relative(root, file)} imports ${relative(root, target)}`);
    });
  assert.deepEqual(breaches, []);
});

test("every service folder and every command is in its list", () => {
  const lists: [string, string][] = [
    ["src/services", "src/services/index.ts"],
    ["src/cli/commands", "src/cli/commands/index.ts"],
  ];
  for (const [folder, list] of lists) {
    const text = readFileSync(join(root, list), "utf8");
    for (const name of readdirSync(join(root, folder))) {
      if (name === "index.ts") continue;
      assert.ok(
        text.includes(`./${name}${name.endsWith(".ts") ? "" : "/index.ts"}"`),
        `${folder}/${name} is missing in ${list}`,
      );
    }
  }
});

test("no AWS SDK code is loaded at run time", () => {
  const breaches = files(source)
    .filter((f) => !isTest(f))
    .filter((f) => /^import (?!type\b)[^;]*"@(aws-sdk|smithy)\//m.test(readFileSync(f, "utf8")))
    .map((f) => relative(root, f));
  assert.deepEqual(breaches, []);
});
