import { join, posix } from "node:path";
import { pathMatcher, type ArtifactSpec, type Buildspec } from "../../engines/buildspec/index.ts";
import type { BuildSandbox } from "../../ports/sandbox.ts";

const SOURCE_FOLDER = "/codebuild/output/src";

/** A zip that a build made. */
export interface BuildArtifact {
  /** Of a secondary artifact. */
  readonly identifier?: string;
  /** The buildspec's name for it, expanded. */
  readonly name?: string;
  /** Absolute path of the zip in the main process's folder. */
  readonly file: string;
  readonly size: number;
  readonly files: number;
}

/** The patterns of an artifact match nothing. */
export class NoArtifacts extends Error {}

export interface CollectOptions {
  readonly sandbox: BuildSandbox;
  readonly spec: Buildspec;
  readonly outputFolder: string;
  readonly expand: (text: string) => Promise<string>;
  readonly onLog: (message: string) => void;
}

/** Zips what the buildspec names as artifacts, the primary one first. */
export async function collectArtifacts(options: CollectOptions): Promise<BuildArtifact[]> {
  const { artifacts: primary, secondaryArtifacts } = options.spec;
  const found: BuildArtifact[] = [];
  if (primary) found.push(await collect(options, primary, undefined));
  for (const [identifier, artifact] of Object.entries(secondaryArtifacts))
    found.push(await collect(options, artifact, identifier));
  return found;
}

async function collect(
  { sandbox, outputFolder, expand, onLog }: CollectOptions,
  artifact: ArtifactSpec,
  identifier: string | undefined,
): Promise<BuildArtifact> {
  const given = artifact.baseDirectory === undefined ? "" : await expand(artifact.baseDirectory);
  const base = posix.resolve(SOURCE_FOLDER, given);
  if (given) onLog(`Expanding base directory path: ${given}`);
  const listed = await sandbox.listFiles(base).catch((error: Error) => {
    throw new NoArtifacts(`no matching base directory path found for ${given || base}: ${error.message}`);
  });
  onLog("Expanding file paths for base directory .");
  const patterns = await Promise.all(artifact.files.map(async (pattern) => relativeTo(base, await expand(pattern))));
  const isWanted = pathMatcher(patterns, artifact.excludePaths);
  const files = listed.filter(({ path }) => isWanted(path));
  if (!files.length)
    throw new NoArtifacts(
      `no matching artifact paths found for ${artifact.files.join(", ")}${given ? ` in ${given}` : ""}`,
    );
  onLog(`Found ${files.length} file(s)`);
  const target = join(
    outputFolder,
    `${identifier === undefined ? "primary" : `secondary-${identifier.replace(/\W/g, "_")}`}.zip`,
  );
  const entries = files.map(({ path, link }) => ({
    path,
    name: artifact.discardPaths ? posix.basename(path) : path,
    ...(link === undefined ? {} : { optional: true }),
  }));
  const { size } = await sandbox.zip(base, entries, target);
  return {
    ...(identifier === undefined ? {} : { identifier }),
    ...(artifact.name === undefined ? {} : { name: await expand(artifact.name) }),
    file: target,
    size,
    files: files.length,
  };
}

/** Patterns may name files below the base by their absolute path. */
function relativeTo(base: string, pattern: string): string {
  return pattern.startsWith(`${base}/`) ? pattern.slice(base.length + 1) : pattern.replace(/^\.\//, "");
}
