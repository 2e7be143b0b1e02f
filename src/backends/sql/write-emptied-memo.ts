import type { ReadMemo } from "../../ports/database.ts";

const MAX_ENTRIES = 10_000;

/** What was read since the last write. */
export class WriteEmptiedMemo implements ReadMemo {
  generation = 0;
  readonly ofOwners: ReadMemo["ofOwners"] = new WeakMap();
  readonly #entries = new Map<string, { readonly value: unknown }>();

  get(key: string): { readonly value: unknown } | undefined {
    return this.#entries.get(key);
  }

  set(key: string, value: unknown): void {
    if (this.#entries.size >= MAX_ENTRIES) this.#entries.clear();
    this.#entries.set(key, { value });
  }

  empty(): void {
    this.generation++;
    if (this.#entries.size > 0) this.#entries.clear();
  }
}
