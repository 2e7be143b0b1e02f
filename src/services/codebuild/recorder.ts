import type { BuildPhaseResult } from "../../compute/build/index.ts";
import { messageOf } from "../../kernel/aws-error.ts";
import type { Statement } from "../../ports/database.ts";
import { batchOfBuildSoon } from "./batches/model.ts";
import { buildChanged, phaseChanged, recordMetrics } from "./events.ts";
import type { BuildView, Ctx, Phase, StoredBuild } from "./model.ts";
import { ENDED } from "./state.ts";
import { endedPhase } from "./phase.ts";

/** Keeps the record of a build that runs up to date: changes come faster than the disk takes them, so they are put together. */
export class BuildRecorder {
  readonly #ctx: Ctx;
  #build: BuildView;
  #events: Statement[] = [];
  #isDirty = false;
  #writing: Promise<void> | undefined;

  constructor(ctx: Ctx, build: BuildView) {
    this.#ctx = ctx;
    this.#build = build;
  }

  get build(): BuildView {
    return this.#build;
  }

  /** A phase began or ended. */
  phase(result: BuildPhaseResult): void {
    const { phaseType, phaseStatus, startTime, endTime, contexts } = result;
    const isOver = phaseStatus !== "IN_PROGRESS" && endTime !== undefined;
    const begun: Phase = { phaseType, startTime };
    const phase = isOver ? endedPhase(begun, endTime, phaseStatus, contexts[0]) : begun;
    const others = this.#build.phases.filter((p) => p.phaseType !== phaseType);
    if (isOver) this.#events.push(...phaseChanged(this.#ctx, this.#build, phase));
    this.change({ phases: [...others, phase], currentPhase: phaseType });
  }

  change(members: Partial<BuildView>): void {
    this.#build = { ...this.#build, ...members };
    this.#isDirty = true;
    this.#writing ??= this.#write()
      .catch((error: unknown) =>
        this.#ctx.platform.log.warn("the state of a build could not be stored", {
          build: this.#build.id,
          error: messageOf(error),
        }),
      )
      .finally(() => (this.#writing = undefined));
  }

  /** The end of the build: on disk when it resolves. */
  async end(members: Partial<BuildView>): Promise<void> {
    await this.#writing;
    const now = this.#ctx.now();
    const completed: Phase = { phaseType: "COMPLETED", startTime: now };
    this.#build = {
      ...this.#build,
      ...members,
      phases: [...this.#build.phases, completed],
      currentPhase: "COMPLETED",
      buildComplete: true,
      endTime: now,
    };
    this.#events.push(...buildChanged(this.#ctx, this.#build, String(this.#build.buildStatus)));
    this.#events.push(...batchOfBuildSoon(this.#ctx, this.#build));
    this.#isDirty = true;
    await this.#write();
    recordMetrics(this.#ctx, this.#build);
    this.#ctx.platform.bus.publish(ENDED, this.#build.id);
  }

  async #write(): Promise<void> {
    while (this.#isDirty) {
      this.#isDirty = false;
      const [build, events] = [this.#build, this.#events];
      this.#events = [];
      try {
        await this.#ctx.records.update<StoredBuild>("build", build.id, (stored) => ({ ...stored, build }), ...events);
      } catch (error) {
        this.#events = [...events, ...this.#events];
        throw error;
      }
    }
  }
}
