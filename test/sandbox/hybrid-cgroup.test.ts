import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { resolve } from "node:path";

const places = pathToFileURL(resolve(import.meta.dirname, "../../src/launcher/places.ts")).href;

/** What crun does below a hierarchy that is none: a folder and a file with a pid for each container. */
const ADD_CONTAINERS = `
import { mkdirSync, writeFileSync } from "node:fs";
import { hideHybridCgroup } from ${JSON.stringify(places)};
hideHybridCgroup();
for (let n = 0; n < 4000; n++) {
  const folder = "/sys/fs/cgroup/unified/group/" + n + "/box";
  mkdirSync(folder, { recursive: true });
  writeFileSync(folder + "/cgroup.procs", String(n));
}
console.log("all");`;

test(
  "where the host has a hybrid hierarchy of control groups, thousands of sandboxes live at a time",
  { skip: process.getuid?.() === 0 ? false : "needs root" },
  () => {
    // A hierarchy of its own, hybrid in its looks: the host's may be of another kind.
    const script = `
      mount -t tmpfs hierarchy /sys/fs/cgroup && mkdir /sys/fs/cgroup/unified &&
      mount -t tmpfs hybrid /sys/fs/cgroup/unified && exec "$0" --input-type=module -e "$1"`;
    const args = ["-m", "--propagation", "private", "sh", "-c", script, process.execPath, ADD_CONTAINERS];
    assert.equal(execFileSync("unshare", args, { encoding: "utf8", timeout: 60_000 }).trim(), "all");
  },
);
