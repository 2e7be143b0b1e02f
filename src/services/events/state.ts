import { compileEventPattern, type CompiledPattern } from "../../engines/event-pattern/index.ts";

const MAX_COMPILED = 2_000;
const MAX_TOKENS = 1_000;
const MAX_RATES = 10_000;

interface Token {
  readonly token: string;
  /** Milliseconds since the epoch. */
  readonly until: number;
}

/** What the service holds while the platform runs: compiled patterns by their text, tokens of connections; bounded, oldest out first. */
export class EventsState {
  readonly tokens = new Map<string, Token>();
  readonly #patterns = new Map<string, CompiledPattern>();
  readonly #rates = new Map<string, { readonly second: number; count: number }>();

  pattern(text: string): CompiledPattern {
    let compiled = this.#patterns.get(text);
    if (!compiled) {
      compiled = compileEventPattern(text);
      makeRoom(this.#patterns, MAX_COMPILED);
      this.#patterns.set(text, compiled);
    }
    return compiled;
  }

  keepToken(key: string, token: Token): void {
    makeRoom(this.tokens, MAX_TOKENS);
    this.tokens.set(key, token);
  }

  /** Counts a request to an API destination; false where this second has had as many as it may. */
  mayInvoke(destination: string, rate: number, now: number): boolean {
    const second = Math.floor(now / 1000);
    let known = this.#rates.get(destination);
    if (known?.second !== second) {
      makeRoom(this.#rates, MAX_RATES);
      this.#rates.set(destination, (known = { second, count: 0 }));
    }
    return ++known.count <= rate;
  }
}

function makeRoom(map: Map<string, unknown>, most: number): void {
  if (map.size >= most) map.delete(map.keys().next().value as string);
}
