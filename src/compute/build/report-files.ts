import { posix } from "node:path";
import { pathMatcher, type Buildspec, type ReportSpec } from "../../engines/buildspec/index.ts";
import { messageOf } from "../../kernel/aws-error.ts";
import type { BuildSandbox } from "../../ports/sandbox.ts";

const SOURCE_FOLDER = "/codebuild/output/src";
const MAX_FILES = 1_000;
const MAX_FILE_BYTES = 16 * 1024 ** 2;
const MAX_TOTAL_BYTES = 64 * 1024 ** 2;

/** What a build's tests wrote for one report. */
export interface ReportFiles {
  readonly spec: ReportSpec;
  readonly files: readonly { readonly path: string; readonly text: string }[];
}

export interface CollectReportsOptions {
  readonly sandbox: BuildSandbox;
  readonly spec: Buildspec;
  readonly expand: (text: string) => Promise<string>;
  readonly onLog: (message: string) => void;
}

/** Reads the files that the buildspec names as reports; what cannot be read is said in the log. */
export async function collectReports(options: CollectReportsOptions): Promise<ReportFiles[]> {
  const found: ReportFiles[] = [];
  for (const spec of options.spec.reports) {
    options.onLog(`Preparing to copy TEST report ${spec.group}`);
    try {
      found.push({ spec, files: await collect(options, spec) });
    } catch (error) {
      options.onLog(`Error in report ${spec.group}: ${messageOf(error)}`);
    }
  }
  return found;
}

async function collect({ sandbox, expand, onLog }: CollectReportsOptions, spec: ReportSpec) {
  const base = posix.resolve(SOURCE_FOLDER, spec.baseDirectory === undefined ? "" : await expand(spec.baseDirectory));
  const patterns = await Promise.all(spec.files.map(async (one) => relativeTo(base, await expand(one))));
  const isWanted = pathMatcher(patterns);
  const listed = (await sandbox.listFiles(base)).filter(({ path }) => isWanted(path)).slice(0, MAX_FILES);
  onLog(`Found ${listed.length} file(s) for report ${spec.group}`);
  const files: { path: string; text: string }[] = [];
  let left = MAX_TOTAL_BYTES;
  for (const { path } of listed) {
    const content = await sandbox.readFile(posix.join(base, path), { maxBytes: Math.min(MAX_FILE_BYTES, left) });
    left -= content.length;
    files.push({ path, text: content.toString("utf8") });
  }
  return files;
}

/** Patterns may name files below the base by their absolute path. */
const relativeTo = (base: string, pattern: string): string =>
  pattern.startsWith(`${base}/`) ? pattern.slice(base.length + 1) : pattern.replace(/^\.\//, "");
