// npm run bench -- <name>: runs bench/<name>.ts, which ends with one line of JSON.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { node, root, run } from "./node24.mjs";

const [name = "", ...args] = process.argv.slice(2);
const names = readdirSync(join(root, "bench"))
  .filter((f) => f.endsWith(".ts"))
  .map((f) => f.slice(0, -3));
if (!names.includes(name) || !existsSync(join(root, "bench", `${name}.ts`))) {
  process.stderr.write(`Usage: npm run bench -- <name>\nThere are: ${names.join(", ")}\n`);
  process.exit(2);
}
process.exit(run(node, ["--disable-warning=ExperimentalWarning", join("bench", `${name}.ts`), ...args]));
