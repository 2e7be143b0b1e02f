import { compileEventPattern, type CompiledPattern } from "../../engines/event-pattern/index.ts";

const MAX_COMPILED = 2_000;

/** What the service holds while the platform runs: compiled patterns by their text; bounded, oldest out first. */
export class EventsState {
  readonly #patterns = new Map<string, CompiledPattern>();

  pattern(text: string): CompiledPattern {
    let compiled = this.#patterns.get(text);
    if (!compiled) {
      compiled = compileEventPattern(text);
      if (this.#patterns.size >= MAX_COMPILED) this.#patterns.delete(this.#patterns.keys().next().value as string);
      this.#patterns.set(text, compiled);
    }
    return compiled;
  }
}
