/** Turns of the stacks that are worked on at once; who waits for one gets it in order. */
export class Turns {
  #free: number;
  readonly #queue: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  async take(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#free > 0) return void this.#free--;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = (): void => {
      this.#queue.splice(this.#queue.indexOf(got), 1);
      reject(signal.reason);
    };
    const got = (): void => {
      signal.removeEventListener("abort", leave);
      resolve();
    };
    signal.addEventListener("abort", leave, { once: true });
    this.#queue.push(got);
    await promise;
  }

  give(): void {
    const next = this.#queue.shift();
    if (next) next();
    else this.#free++;
  }
}

/**
 * The turn of one stack, which its resources share: it is given back while all of them wait for something outside (a
 * function's answer, a signal, a stack within the stack), so that stacks that wait for hours keep no others from going on.
 */
export class Turn {
  readonly #turns: Turns;
  readonly #signal: AbortSignal;
  #shares = 0;
  #taken: Promise<void> = Promise.resolve();

  constructor(turns: Turns, signal: AbortSignal) {
    this.#turns = turns;
    this.#signal = signal;
  }

  /** Does something that needs the turn. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    await this.#take();
    try {
      return await work();
    } finally {
      this.#drop();
    }
  }

  /** Within `during`: waits for something that needs no turn. */
  async without<T>(wait: () => Promise<T>): Promise<T> {
    const waiting = wait();
    this.#drop();
    try {
      return await waiting;
    } finally {
      await this.#take();
    }
  }

  async #take(): Promise<void> {
    if (this.#shares++ === 0) this.#taken = this.#turns.take(this.#signal);
    await this.#taken;
  }

  #drop(): void {
    if (--this.#shares === 0) this.#turns.give();
  }
}
