import type { Command } from "../command.ts";
import { env } from "./env.ts";
import { gitCredentialCommand } from "./git-credential.ts";
import { help } from "./help.ts";
import { up } from "./up.ts";

/** Every command: one line each. */
export const commands: readonly Command[] = [up, env, gitCredentialCommand, help];
