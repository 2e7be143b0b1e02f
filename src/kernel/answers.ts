import type { ServerResponse } from "node:http";

interface Ending {
  readonly response: ServerResponse;
  readonly body: string | Uint8Array | undefined;
  readonly encoding: BufferEncoding;
}

/**
 * Ends answers whose head is written, all of a turn of the event loop together: each write wakes a client that waits, and
 * one that is awake already takes the next ones at less cost for both.
 */
export class Answers {
  #endings: Ending[] = [];

  end(response: ServerResponse, body: string | Uint8Array | undefined, encoding: BufferEncoding = "utf8"): void {
    if (this.#endings.push({ response, body, encoding }) === 1) setImmediate(() => this.#flush());
  }

  #flush(): void {
    const endings = this.#endings;
    this.#endings = [];
    for (const { response, body, encoding } of endings) {
      try {
        response.end(body, encoding);
      } catch {
        response.destroy(); // the others get theirs
      }
    }
  }
}
