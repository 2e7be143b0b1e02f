import { allProjects } from "../../app/project-status.ts";
import { parseArguments } from "../arguments.ts";
import type { Command } from "../command.ts";
import { connect } from "../platform.ts";
import { plain, table } from "../terminal.ts";

/** starling projects. */
export const projects: Command = {
  name: "projects",
  summary: "The projects, with their pages and clone URLs",
  usage: "starling projects [--json]",
  async run(args) {
    const parsed = parseArguments(args, { switches: ["--json"] });
    const { call, place } = connect(args);
    const all = await allProjects(call, place);
    if (parsed.has("--json")) console.log(JSON.stringify(all, undefined, 2));
    else if (all.length === 0)
      console.log("There are no projects. Make one: starling new <name> --template nodejs-web-application");
    else
      console.log(
        plain(table([["NAME", "STATE", "PAGE", "CLONE"], ...all.map((p) => [p.id, p.state, p.url, p.cloneUrl])])),
      );
    return 0;
  },
};
