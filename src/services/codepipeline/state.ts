import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Platform } from "../../aws/platform.ts";
import { CONCURRENT_BUILDS } from "../../compute/build/index.ts";
import { Slots } from "./slots.ts";

/** What the service holds while the platform runs. */
export interface PipelineState {
  /** Actions that run in this process, by the id of their run. */
  readonly running: Map<string, AbortController>;
  /** Folder for artifacts on their way. */
  readonly work: string;
  /** Room for actions that run commands: they need a build's share of the machine. */
  readonly commandSlots: Slots;
  readonly close: () => void;
}

/** Topic on which an action's end before its time is called out; the message is the id of its run. */
export const ABANDONED = "codepipeline/abandoned";

export async function startPipelines(platform: Platform): Promise<PipelineState> {
  const work = join(platform.settings.data, "pipelines");
  await rm(work, { recursive: true, force: true }); // what a killed process left
  await mkdir(work, { recursive: true, mode: 0o700 });
  const running = new Map<string, AbortController>();
  const close = platform.bus.subscribe(ABANDONED, (id) =>
    running.get(String(id))?.abort(new Error("The action was abandoned.")),
  );
  return { running, work, close, commandSlots: new Slots(CONCURRENT_BUILDS) };
}
