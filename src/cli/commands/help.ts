import type { Command } from "../command.ts";
import { commands } from "./index.ts";

/** starling help. */
export const help: Command = {
  name: "help",
  summary: "This list, or how a command is used",
  usage: "starling help [command]",
  async run([name]) {
    const one = commands.find((c) => c.name === name);
    if (one) console.log(`${one.summary}\n\n  ${one.usage}`);
    else console.log(["Usage: starling <command>", "", ...commands.map((c) => `  ${c.name.padEnd(12)} ${c.summary}`)].join("\n"));
    return name && !one ? 2 : 0;
  },
};
