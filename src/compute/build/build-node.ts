import { join } from "node:path";
import type { Buildspec } from "../../engines/buildspec/index.ts";
import type { ReadOnlyMount } from "../../ports/sandbox.ts";
import { nearestNode } from "../installed-nodes.ts";

/** Node before this one came with an OpenSSL that still had the digests that webpack 4 and its like use. */
const FIRST_STRICT_NODE = 17;
/** Node before this one came with an npm that did not look at peer dependencies. */
const FIRST_WITH_PEERS = 15;
/** Where nobody says which: it has what newer ones removed (util.isArray), and is not too old for tools of today. */
const USUAL_NODE = 22;

type Spec = Pick<Buildspec, "runtimeVersions">;

/** The major version of Node that a buildspec counts on, as far as it says. */
const wantedNode = ({ runtimeVersions }: Spec): number => Number.parseInt(runtimeVersions["nodejs"] ?? "", 10);

/** The `node` of a build: the one that its buildspec names, or the nearest that is installed. Without any it is the layers' own. */
export function nodeMounts(code: string, spec: Spec): ReadOnlyMount[] {
  if (spec.runtimeVersions["nodejs"] === "latest") return [];
  const node = nearestNode(code, wantedNode(spec) || USUAL_NODE);
  return node ? [{ source: join(node.folder, "node"), target: "/usr/local/bin/node" }] : [];
}

/**
 * Variables that let Node and npm do what the version that a buildspec counts on did: one of old by its words, or that of the
 * images of old, which buildspecs without versions were written for.
 */
export function nodeVariables(spec: Spec): Record<string, string> {
  const isUnsaid = spec.runtimeVersions["nodejs"] === undefined;
  const wanted = wantedNode(spec);
  return {
    ...(isUnsaid || wanted < FIRST_STRICT_NODE ? { NODE_OPTIONS: "--openssl-legacy-provider" } : {}),
    ...(wanted < FIRST_WITH_PEERS ? { npm_config_legacy_peer_deps: "true" } : {}),
  };
}
