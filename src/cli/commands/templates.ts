import { listTemplates } from "../../app/templates.ts";
import { parseArguments } from "../arguments.ts";
import type { Command } from "../command.ts";
import { codeFolder } from "../project-root.ts";
import { table } from "../terminal.ts";

/** starling templates. */
export const templates: Command = {
  name: "templates",
  summary: "What a project can start from",
  usage: "starling templates [--json]",
  async run(args) {
    const parsed = parseArguments(args, { switches: ["--json"] });
    const all = await listTemplates(codeFolder);
    if (parsed.has("--json")) console.log(JSON.stringify(all, undefined, 2));
    else console.log(table(all.map((t) => [t.id, t.language, t.description])));
    return 0;
  },
};
