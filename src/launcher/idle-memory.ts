import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Until then the first sandboxes have been made ready. */
const AFTER_MS = 8_000;

/**
 * Gives back once what the start has left: 7 MB of an idle platform. Of itself V8 collects only when it allocates, and an
 * idle launcher does not; an ordinary collection would keep the pages for later.
 */
export function collectAfterStart(): void {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as (options: object) => void;
  setTimeout(() => collect({ type: "major", execution: "sync", flavor: "last-resort" }), AFTER_MS).unref();
}
