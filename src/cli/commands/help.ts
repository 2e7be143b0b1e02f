import type { Command } from "../command.ts";

/** starling help, over the commands that there are. */
export function helpOn(commands: () => readonly Command[]): Command {
  return {
    name: "help",
    summary: "This list, or how a command is used",
    usage: "starling help [command]",
    async run([name]) {
      const one = commands().find((c) => c.name === name);
      const list = commands().map((c) => `  ${c.name.padEnd(15)} ${c.summary}`);
      console.log(one ? `${one.summary}\n\n  ${one.usage}` : ["Usage: starling <command>", "", ...list].join("\n"));
      return name && !one ? 2 : 0;
    },
  };
}
