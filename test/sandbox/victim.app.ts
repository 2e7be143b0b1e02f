import { openSandboxHost } from "../../src/backends/sandbox/oci-sandbox.ts";

// The app of the crash tests: with a marker it starts one sandbox of each kind that would run for a day, without one it ends at once.
const [marker] = process.argv.slice(2);
const host = await openSandboxHost({
  dataDir: process.env.STARLING_DATA ?? "",
  onAwsConnection: (socket) => socket.destroy(),
});
if (marker) {
  const sleep = ["/bin/sh", "-c", `setsid sleep ${marker} & echo up; sleep ${marker}; true`];
  const f = await host.startFunction({
    id: "f",
    args: sleep,
    env: { PATH: "/usr/bin" },
    mounts: [],
    memoryMB: 64,
    tmpMB: 8,
    cpus: 1,
    pids: 32,
    internet: true,
  });
  const tool = await host.startTool({
    id: "t",
    args: sleep,
    env: {},
    mounts: [],
    writable: [],
    memoryMB: 64,
    timeoutMs: 86_400_000,
  });
  const build = await host.startBuild({
    id: "b",
    env: {},
    copyIn: [],
    mounts: [],
    memoryMB: 256,
    diskMB: 64,
    cpus: 1,
    pids: 64,
    internet: true,
    onOutput: () => {},
  });
  await build.run(`(setsid sleep ${marker} &) >/dev/null`);
  void build.run(`sleep ${marker}`);
  const frozen = await host.startFunction({
    id: "z",
    args: sleep,
    env: { PATH: "/usr/bin" },
    mounts: [],
    memoryMB: 64,
    tmpMB: 8,
    cpus: 1,
    pids: 32,
    internet: false,
  });
  for (const { stdout } of [f, tool, frozen]) await new Promise((resolve) => stdout.once("data", resolve));
  await frozen.freeze();
  process.stdout.write(`${JSON.stringify({ app: process.pid, launcher: process.ppid })}\n`);
  process.once("SIGTERM", () => process.exit(3));
} else {
  process.exit(0);
}
