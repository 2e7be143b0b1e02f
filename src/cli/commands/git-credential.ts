import { readFileSync } from "node:fs";
import { gitCredential } from "../../app/git-credential.ts";
import type { Command } from "../command.ts";

/** starling git-credential: the credential helper that git calls for the platform's repositories. */
export const gitCredentialCommand: Command = {
  name: "git-credential",
  summary: "Git's credential helper for the platform's repositories (git calls it)",
  usage: "git config --global credential.http://localhost:4566.helper '!npx starling git-credential'",
  async run([action]) {
    // The keys are in the environment: there is nothing to store or to erase.
    if (action === "get") process.stdout.write(gitCredential(readFileSync(0, "utf8"), process.env, Date.now()));
    return 0;
  },
};
