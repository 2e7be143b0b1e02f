import type { Buildspec } from "../../engines/buildspec/index.ts";

/** Node before this one came with an OpenSSL that still had the digests that webpack 4 and its like use. */
const FIRST_STRICT_NODE = 17;

/**
 * Variables that let Node do what the version that a buildspec counts on did: one of before 17 by its words, or that of the
 * images of old, which buildspecs without versions were written for.
 */
export function nodeOptions({ runtimeVersions }: Pick<Buildspec, "runtimeVersions">): Record<string, string> {
  const wanted = runtimeVersions["nodejs"];
  const isOld = wanted === undefined || Number.parseInt(wanted, 10) < FIRST_STRICT_NODE;
  return isOld ? { NODE_OPTIONS: "--openssl-legacy-provider" } : {};
}
