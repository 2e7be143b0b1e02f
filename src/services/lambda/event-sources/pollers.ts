import { setImmediate } from "node:timers/promises";
import type { Platform } from "../../../aws/platform.ts";
import type { ServiceCaller } from "../../../aws/service.ts";
import { MAPPING, type Ctx, type Mapping } from "./mapping.ts";
import { sourceOf } from "./sources.ts";

interface Running {
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

/** Every enabled mapping has a poller, from the platform's start to its end. */
export class MappingPollers {
  readonly #platform: Platform;
  readonly #caller: ServiceCaller;
  readonly #running = new Map<string, Running>();
  readonly #begun: Promise<void>;

  constructor(platform: Platform, caller: ServiceCaller) {
    this.#platform = platform;
    this.#caller = caller;
    this.#begun = this.#begin();
  }

  /** Starts, restarts or stops the poller of a mapping that was changed; `undefined`: it was deleted. */
  changed(ctx: Pick<Ctx, "account" | "region">, uuid: string, mapping: Mapping | undefined): void {
    this.#running.get(uuid)?.stop.abort();
    this.#running.delete(uuid);
    const { signal, log } = this.#platform;
    if (!mapping?.enabled || signal.aborted) return;
    const stop = new AbortController();
    const own: Ctx = this.#caller.context(ctx.account, ctx.region);
    const done = sourceOf(mapping.source)
      .poll(own, mapping, AbortSignal.any([signal, stop.signal]))
      .catch((error: unknown) => log.error("a poller ended", { mapping: uuid, error }));
    this.#running.set(uuid, { stop, done });
  }

  /** Waits for the calls under way, after the platform's signal has aborted. */
  async close(): Promise<void> {
    await this.#begun;
    await Promise.allSettled([...this.#running.values()].map(({ done }) => done));
  }

  async #begin(): Promise<void> {
    // The service's state is set when its start has returned.
    await setImmediate();
    const { database, log } = this.#platform;
    const sql = "select account, region, value from record where service = 'lambda' and kind = ?";
    try {
      const rows = await database.all<{ account: string; region: string; value: string }>({
        sql,
        parameters: [MAPPING],
      });
      for (const { value, ...place } of rows) {
        const mapping = JSON.parse(value) as Mapping;
        if (!this.#running.has(mapping.uuid)) this.changed(place, mapping.uuid, mapping);
      }
    } catch (error) {
      log.error("event source mappings could not be read", { error });
    }
  }
}
