import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Platform } from "../../aws/platform.ts";

/** What the service holds while the platform runs. */
export interface CodeBuildState {
  /** Builds that run in this process, by id. */
  readonly running: Map<string, AbortController>;
  /** Folder for the sources and artifacts of builds that run. */
  readonly work: string;
  /** Stops listening. */
  readonly close: () => void;
}

/** Topic on which a stop is called out; the message is the build's id. */
export const STOPS = "codebuild/stop";
/** Topic on which the end of a build is called out; the message is the build's id. */
export const ENDED = "codebuild/ended";

export async function startCodeBuild(platform: Platform): Promise<CodeBuildState> {
  const work = join(platform.settings.data, "builds");
  await rm(work, { recursive: true, force: true }); // what a killed process left
  await mkdir(work, { recursive: true, mode: 0o700 });
  const running = new Map<string, AbortController>();
  const close = platform.bus.subscribe(STOPS, (id) =>
    running.get(String(id))?.abort(new Error("Build has been stopped.")),
  );
  return { running, work, close };
}
