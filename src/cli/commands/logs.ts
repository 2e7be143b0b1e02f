import { projectLogs, type LogLine } from "../../app/project-logs.ts";
import { oneWord, parseArguments } from "../arguments.ts";
import type { Command } from "../command.ts";
import { connect } from "../platform.ts";
import { plain } from "../terminal.ts";

const USAGE = "starling logs <name> [--follow]";
/** With the time of a read, lines are shown well within half a second. */
const POLL_MS = 200;

/** starling logs. */
export const logs: Command = {
  name: "logs",
  summary: "The newest build's, deployment's and function's lines",
  usage: USAGE,
  async run(args) {
    const parsed = parseArguments(args, { switches: ["--follow", "-f"] });
    const id = oneWord({ ...parsed, words: parsed.words.filter((w) => w !== "-f") }, "project", USAGE);
    const follow = parsed.has("--follow") || parsed.words.includes("-f");
    const { call } = connect(args);
    await call("codestar", "DescribeProject", { id });
    const reader = projectLogs(call, id);
    const from = await reader.latestRun();
    let stopped = false;
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => (stopped = true));
    process.stdout.on("error", () => process.exit(0)); // the reader of a pipe has gone
    do {
      for (const line of await reader.read(from)) process.stdout.write(shown(line));
      if (follow && !stopped) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    } while (follow && !stopped);
    return 0;
  },
};

function shown({ source, time, text }: LogLine): string {
  const clock = new Date(time).toISOString().slice(11, 23);
  // A progress bar overwrites its line: its last state is what a terminal would show.
  const last = (line: string): string => line.split("\r").filter(Boolean).at(-1) ?? "";
  return text
    .split("\n")
    .map((line) => `${clock} ${source.padEnd(8)} ${plain(last(line))}\n`)
    .join("");
}
