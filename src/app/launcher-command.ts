export { launcherCommand } from "../launcher/command.ts";
