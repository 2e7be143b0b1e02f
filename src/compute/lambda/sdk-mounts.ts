import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ReadOnlyMount } from "../../ports/sandbox.ts";

const FIRST_WITH_V3 = 18;
const SDK_CACHE = ".sdk-cache";

/**
 * The AWS SDK as Lambda's Node.js runtimes bring it: `@aws-sdk/*` (or `aws-sdk`, for
 * names before nodejs18.x) and what it needs, and nothing else of our own
 * packages, below `/node_modules`: there CommonJS and ES modules of `/var/task` both find it, although ES modules
 * ignore NODE_PATH.
 */
export function sdkMounts(code: string, nodeVersion: number): ReadOnlyMount[] {
  const root = join(code, "node_modules");
  const scope = join(root, "@aws-sdk");
  const found = new Set<string>();
  // Lambda's runtimes before nodejs18.x bring version 2 of the SDK, those since then version 3.
  const isOld = nodeVersion < FIRST_WITH_V3;
  const queue = isOld ? ["aws-sdk"] : existsSync(scope) ? readdirSync(scope).map((name) => `@aws-sdk/${name}`) : [];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    const manifest = join(root, name, "package.json");
    if (found.has(name) || !existsSync(manifest)) continue;
    found.add(name);
    const { dependencies = {} } = JSON.parse(readFileSync(manifest, "utf8")) as {
      dependencies?: Record<string, string>;
    };
    queue.push(...Object.keys(dependencies));
  }
  // A scope that holds nothing else is one mount; a package without a scope is one of its own.
  const tops = new Set([...found].map((name) => name.split("/")[0]!));
  // Its compiled code, where the installation has made that.
  if (!isOld && existsSync(join(root, SDK_CACHE))) tops.add(SDK_CACHE);
  return [...tops].sort().map((name) => ({ source: join(root, name), target: `/node_modules/${name}` }));
}
