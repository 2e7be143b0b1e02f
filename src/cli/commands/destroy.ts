import { createInterface } from "node:readline/promises";
import type { Caller } from "../../app/caller.ts";
import { hasKeptStacks } from "../../app/new-project.ts";
import { untilCreated } from "../../app/project-status.ts";
import { codeOf } from "../../kernel/aws-error.ts";
import { oneWord, parseArguments } from "../arguments.ts";
import type { Command } from "../command.ts";
import { connect } from "../platform.ts";
import { plain } from "../terminal.ts";

const USAGE = "starling destroy <name> [--keep-resources] [--yes]";
const POLL_MS = 150;
const LIMIT_MS = 15 * 60_000;

/** starling destroy. */
export const destroy: Command = {
  name: "destroy",
  summary: "Remove a project with all that it is made of",
  usage: USAGE,
  async run(args) {
    const parsed = parseArguments(args, { switches: ["--keep-resources", "--yes"] });
    const id = oneWord(parsed, "project", USAGE);
    const keep = parsed.has("--keep-resources");
    const { call } = connect(args);
    const isThere = await call("codestar", "DescribeProject", { id }).catch(async (error: unknown) => {
      // Says so where there is none, nor anything that one has left.
      if (codeOf(error) !== "ProjectNotFoundException" || keep || !(await hasKeptStacks(call, id))) throw error;
      return undefined;
    });
    if (!parsed.has("--yes") && !(await confirmed(id, keep))) return 1;
    // CodeStar removes the stacks that have the name of one of its projects.
    if (!isThere) {
      await call("codestar", "CreateProject", { id, name: id });
      await untilCreated(call, id, { progress: () => undefined });
    }
    await removeProject(call, id, !keep);
    console.log(
      keep
        ? `The project ${id} is gone; its stacks, repository and pipeline are still there, until starling destroy ${id} removes them, too.`
        : `The project ${id} is gone.`,
    );
    return 0;
  },
};

async function confirmed(id: string, keep: boolean): Promise<boolean> {
  if (!process.stdin.isTTY) throw new Error(`say --yes to remove ${id} without being asked`);
  const what = keep
    ? "the project, but keeps its stacks and repository"
    : "the project with its repository, pipeline, stacks, buckets and logs";
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(`This removes ${what}. Type ${id} to go on: `);
  terminal.close();
  return answer.trim() === id;
}

/** Deletes a project and waits until it is gone; throws with the reason where it cannot be deleted. */
export async function removeProject(call: Caller, id: string, deleteStack: boolean): Promise<void> {
  await call("codestar", "DeleteProject", { id, deleteStack });
  const end = Date.now() + LIMIT_MS;
  while (Date.now() < end) {
    const project = await call("codestar", "DescribeProject", { id }).catch((error: unknown) => {
      if (codeOf(error) !== "ProjectNotFoundException") throw error;
      return undefined;
    });
    if (!project) return;
    if (project.status?.state === "DeleteFailed")
      throw new Error(plain(`${id} could not be removed: ${project.status.reason ?? "no reason was given"}`));
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`${id} was not gone after ${LIMIT_MS / 60_000} minutes`);
}
