import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Until then the first sandboxes have been made ready. */
const AFTER_MS = 8_000;

/** Gives back the pages that V8 keeps for later as well: an ordinary collection leaves those, and they are most of it. */
const LAST_RESORT = { type: "major", execution: "sync", flavor: "last-resort" };

/** What collects all of this process's garbage, and gives its memory back. Of itself V8 collects only when it allocates. */
export function lastResortCollection(): () => void {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as (options: object) => void;
  return () => collect(LAST_RESORT);
}

/** Gives back once what the start of the launcher has left: 7 MB of an idle platform. */
export function collectAfterStart(): void {
  setTimeout(lastResortCollection(), AFTER_MS).unref();
}
