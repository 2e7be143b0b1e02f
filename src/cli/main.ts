import { codeOf, messageOf } from "../kernel/aws-error.ts";
import { commands } from "./commands/index.ts";

/** A command's wish to end with a message and a code, without a stack. */
async function main(): Promise<number> {
  const [name = "help", ...args] = process.argv.slice(2);
  const command = commands.find((c) => c.name === (name === "--help" || name === "-h" ? "help" : name));
  if (!command) {
    process.stderr.write(`starling: there is no command "${name}". Try: starling help\n`);
    return 2;
  }
  const help = commands.find((c) => c.name === "help");
  return args.includes("--help") && help ? help.run([command.name]) : command.run(args);
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    const mend = codeOf(error) === "ProjectNotFoundException" ? " Those that there are: starling projects" : "";
    process.stderr.write(`starling: ${messageOf(error)}${mend}\n`);
    process.exitCode = 1;
  },
);
