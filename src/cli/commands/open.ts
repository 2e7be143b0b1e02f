import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { projectFacts } from "../../app/project-status.ts";
import { oneWord, parseArguments } from "../arguments.ts";
import type { Command } from "../command.ts";
import { connect } from "../platform.ts";

const USAGE = "starling open <name>";
const OPENER = "/usr/bin/xdg-open";

/** starling open. */
export const open: Command = {
  name: "open",
  summary: "Open a project's page in the browser",
  usage: USAGE,
  async run(args) {
    const id = oneWord(parseArguments(args, {}), "project", USAGE);
    const { call, place } = connect(args);
    const { url } = await projectFacts(call, place, id);
    console.log(url);
    const hasScreen = Boolean(process.env["DISPLAY"] || process.env["WAYLAND_DISPLAY"]);
    if (hasScreen && existsSync(OPENER)) spawn(OPENER, [url], { stdio: "ignore", detached: true }).unref();
    return 0;
  },
};
