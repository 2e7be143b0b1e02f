import { join } from "node:path";
import type { ReadOnlyMount } from "../../ports/sandbox.ts";
import { nearestNode } from "../installed-nodes.ts";
import { sdkMounts } from "./sdk-mounts.ts";

/** A runtime as functions name it. */
interface RuntimeName {
  readonly family: "nodejs" | "python" | "provided";
  /** Major version of Node, minor version of Python 3. */
  readonly version: number;
}

/** How a function's runtime is started here. */
export interface ResolvedRuntime {
  readonly family: RuntimeName["family"];
  /** `frames`: a bootstrap of ours; `api`: the function's own, by the Runtime API. */
  readonly channel: "frames" | "api";
  readonly args: readonly string[];
  /** Where the handler is the executable that is started, in the place of `args`. */
  readonly startsHandler?: boolean;
  readonly mounts: readonly ReadOnlyMount[];
  /** Variables of the runtime itself. */
  readonly env: Readonly<Record<string, string>>;
  /** What the user should know: the name that was asked for runs on something else. */
  readonly warning?: string;
}

const NAMES = /^(?:nodejs(\d+)(?:\.\d+|\.x)?|nodejs|python(\d)\.(\d+)|(provided(?:\.al2|\.al2023)?|go1\.x))$/;

/** What a runtime's name means; undefined where there is no such runtime on Lambda or not here. */
export function parseRuntime(name: string): RuntimeName | undefined {
  const match = NAMES.exec(name);
  if (!match) return undefined;
  const [, node, python, minor, provided] = match;
  if (provided) return { family: "provided", version: 0 };
  if (python) return { family: "python", version: python === "3" ? Number(minor) : 0 };
  return { family: "nodejs", version: Number(node ?? 0) };
}

/** Flags of Node that keep a function's process small and make its source maps work where they are asked for. */
const nodeFlags = (memoryMB: number): string[] => [
  `--max-old-space-size=${Math.max(64, Math.floor(memoryMB * 0.9))}`,
  "--max-semi-space-size=16",
];

/** Finds what runs a function of this runtime name: the same version, or the nearest that is installed, with a warning. */
export function resolveRuntime(
  name: string,
  options: { code: string; memoryMB: number; pythonMinor: number },
): ResolvedRuntime | undefined {
  const wanted = parseRuntime(name);
  if (!wanted) return undefined;
  const { code } = options;
  if (wanted.family === "provided") {
    const started = { family: "provided", channel: "api", args: ["/var/task/bootstrap"], mounts: [], env: {} } as const;
    if (name !== "go1.x") return started;
    const warning = "go1.x starts the executable that the handler names, which must speak the Runtime API.";
    return { ...started, startsHandler: true, warning };
  }
  if (wanted.family === "python") {
    const mounts = [{ source: join(code, "runtimes/python"), target: "/var/runtime" }];
    const args = ["/usr/bin/python3", "-B", "/var/runtime/bootstrap.py"];
    const same = wanted.version === options.pythonMinor;
    const warning = same ? {} : { warning: `${name} runs on the installed Python 3.${options.pythonMinor}.` };
    return { family: "python", channel: "frames", args, mounts, env: {}, ...warning };
  }
  const nearest = nearestNode(code, wanted.version);
  if (!nearest) return undefined;
  const mounts = [
    { source: join(code, "runtimes/nodejs"), target: "/var/runtime" },
    { source: nearest.folder, target: "/var/lang/bin" },
    ...sdkMounts(code, wanted.version),
  ];
  const args = ["/var/lang/bin/node", ...nodeFlags(options.memoryMB), "/var/runtime/bootstrap.cjs"];
  const layers = `/opt/nodejs/node${wanted.version}/node_modules:/opt/nodejs/node_modules`;
  const env = { NODE_PATH: `${layers}:/node_modules:/var/runtime:/var/task` };
  const warning =
    nearest.major === wanted.version ? {} : { warning: `${name} runs on the installed Node.js ${nearest.major}.` };
  return { family: "nodejs", channel: "frames", args, mounts, env, ...warning };
}
