import type { Command } from "../command.ts";
import { backup, restore } from "./backup.ts";
import { destroy } from "./destroy.ts";
import { doctor } from "./doctor.ts";
import { env } from "./env.ts";
import { gitCredentialCommand } from "./git-credential.ts";
import { helpOn } from "./help.ts";
import { logs } from "./logs.ts";
import { newProject } from "./new.ts";
import { open } from "./open.ts";
import { projects } from "./projects.ts";
import { templates } from "./templates.ts";
import { up } from "./up.ts";
import { usage } from "./usage.ts";

/** Every command: one line each. */
export const commands: readonly Command[] = [
  up,
  env,
  newProject,
  templates,
  projects,
  logs,
  usage,
  open,
  destroy,
  doctor,
  backup,
  restore,
  gitCredentialCommand,
  helpOn(() => commands),
];
