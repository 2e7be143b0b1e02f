import { existsSync } from "node:fs";
import { join } from "node:path";

/** A Node.js of this installation. */
export interface InstalledNode {
  readonly major: number;
  /** The folder with `node`. */
  readonly folder: string;
}

/** The installed Node.js whose major version is nearest to the one that is wanted, the newer of two; `code` is the installation's folder. */
export function nearestNode(code: string, wanted: number): InstalledNode | undefined {
  const at = (name: string): string => join(code, "node_modules", `${name}-linux-${process.arch}`, "bin");
  const candidates = [
    { major: 24, folder: at("node") },
    { major: 22, folder: at("node22") },
    { major: 20, folder: at("node20") },
    { major: 18, folder: at("node18") },
  ];
  return candidates
    .filter(({ folder }) => existsSync(join(folder, "node")))
    .sort((a, b) => Math.abs(a.major - wanted) - Math.abs(b.major - wanted))[0];
}
