import type { FunctionSandbox } from "../../ports/sandbox.ts";

/** Stops all processes of an idle environment, and lets them go on. */
export class Freezer {
  readonly #sandbox: FunctionSandbox;
  #frozen: Promise<void> | undefined;

  constructor(sandbox: FunctionSandbox) {
    this.#sandbox = sandbox;
  }

  /** From the moment when freezing begins. */
  get isFrozen(): boolean {
    return this.#frozen !== undefined;
  }

  freeze(): Promise<void> {
    return (this.#frozen ??= this.#sandbox.freeze());
  }

  async thaw(): Promise<void> {
    if (!this.#frozen) return;
    await this.#frozen;
    await this.#sandbox.thaw();
    this.#frozen = undefined;
  }
}
