// Loads every package of the AWS SDK that functions find, so that Node keeps their compiled code in NODE_COMPILE_CACHE.
// Run by the Node that functions run on; the platform gives the folder to their sandboxes.
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const packages = join(import.meta.dirname, "..", "node_modules");
const require = createRequire(join(packages, "noop.js"));
for (const name of readdirSync(join(packages, "@aws-sdk"))) {
  try {
    require(`@aws-sdk/${name}`);
  } catch {
    // Some are types or parts that cannot be loaded alone.
  }
}
