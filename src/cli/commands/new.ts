import { createProject, type NewProject } from "../../app/new-project.ts";
import { projectFacts, rolledBackStack, untilCreated, untilLive } from "../../app/project-status.ts";
import type { Caller } from "../../app/caller.ts";
import { ignoring, messageOf } from "../../kernel/aws-error.ts";
import { adoptRepository, type Adopted } from "../adopt-repository.ts";
import { oneWord, parseArguments, type Parsed } from "../arguments.ts";
import type { Command } from "../command.ts";
import { connect, type Connection } from "../platform.ts";
import { plain } from "../terminal.ts";
import { removeProject } from "./destroy.ts";

const USAGE =
  "starling new <name> --template <id> | --git <url>  [--parameter KEY=VALUE ...]  [--name TEXT] [--description TEXT] [--json] [--no-wait]";
/** Of applications that CodeStar did not generate: their roles cannot have a boundary that their templates know nothing of. */
const WITHOUT_BOUNDARY =
  "Its template knows of no permissions boundary: whoever may push can give its functions any right";
const ID = /^[a-z][a-z0-9-]{1,14}$/;

/** starling new. */
export const newProject: Command = {
  name: "new",
  summary: "Make a project, and wait until its page is live",
  usage: USAGE,
  async run(args) {
    const parsed = parseArguments(args, {
      values: ["--template", "--git", "--parameter", "--name", "--description"],
      switches: ["--json", "--no-wait"],
    });
    const id = oneWord(parsed, "name", USAGE);
    if (!ID.test(id))
      throw new Error(
        `"${plain(id)}" cannot be a project's name: 2 to 15 lower-case letters, digits and hyphens, beginning with a letter`,
      );
    const started = performance.now();
    const progress = (line: string): void => {
      process.stderr.write(plain(`  ${((performance.now() - started) / 1000).toFixed(1).padStart(5)} s  ${line}\n`));
    };
    const connection = connect(args);
    const adopted = source(parsed);
    try {
      await make(connection, id, { parsed, adopted, progress });
    } finally {
      adopted?.remove();
    }
    const facts = await projectFacts(connection.call, connection.place, id);
    if (parsed.has("--json")) console.log(JSON.stringify(facts));
    else
      console.log(
        `\n  Page:   ${facts.url}\n  Clone:  git clone ${facts.cloneUrl}\n  Logs:   starling logs ${id} --follow`,
      );
    return 0;
  },
};

/** The repository to adopt, where one is named. */
function source(parsed: Parsed): Adopted | undefined {
  const [template, url] = [parsed.value("--template"), parsed.value("--git")];
  if (template && url) throw new Error("a project starts either from --template or from --git, not both");
  if (!template && !url) throw new Error(`say what to start from, --template or --git. Usage: ${USAGE}`);
  const parameters = parametersOf(parsed);
  if (!url && Object.keys(parameters).length > 0) throw new Error("--parameter is for repositories (--git)");
  return url ? adoptRepository(url, parameters) : undefined;
}

/** Values of the template's parameters. */
function parametersOf(parsed: Parsed): Record<string, string> {
  const pairs = parsed.values("--parameter").map((text) => /^([A-Za-z0-9]+)=(.*)$/s.exec(text) ?? text);
  const wrong = pairs.find((pair) => typeof pair === "string");
  if (wrong !== undefined) throw new Error(`--parameter ${plain(String(wrong))} has not the form KEY=VALUE`);
  return Object.fromEntries(pairs.map((pair) => [pair[1], pair[2]]));
}

/**
 * Ends what waits for a first commit, and answers the runs that there were: the push begins another, and both would release
 * the same. Where a release shifts traffic step by step, the first change would wait for that.
 */
async function endRuns(call: Caller, id: string): Promise<string[]> {
  const pipelineName = `${id}-Pipeline`;
  const { pipelineExecutionSummaries: runs = [] } = await call("codepipeline", "ListPipelineExecutions", {
    pipelineName,
  });
  const notStoppable = ignoring("PipelineExecutionNotStoppableException"); // it has ended meanwhile
  for (const { pipelineExecutionId, status } of runs) {
    const stop = { pipelineName, pipelineExecutionId, abandon: true, reason: "the sources come with a push" };
    if (status === "InProgress") await call("codepipeline", "StopPipelineExecution", stop).catch(notStoppable);
  }
  return runs.map((run: { pipelineExecutionId: string }) => run.pipelineExecutionId);
}

interface Making {
  readonly parsed: Parsed;
  readonly adopted: Adopted | undefined;
  readonly progress: (line: string) => void;
}

async function make(connection: Connection, id: string, { parsed, adopted, progress }: Making): Promise<void> {
  const { call, place } = connection;
  const [name, description] = [parsed.value("--name"), parsed.value("--description")];
  const project: NewProject = {
    id,
    ...(name ? { name } : {}),
    ...(description ? { description } : {}),
    from: adopted ? { generation: adopted.generation } : { template: String(parsed.value("--template")) },
  };
  await createProject(call, place, project);
  if (adopted?.note) progress(adopted.note);
  if (adopted?.generation.lacksProjectId) progress(WITHOUT_BOUNDARY);
  progress("Project being made");
  const ignore = new Set<string>();
  try {
    await untilCreated(call, id, { progress });
    progress("Project made");
    if (adopted) {
      for (const run of await endRuns(call, id)) ignore.add(run);
      adopted.push(connection, (await projectFacts(call, place, id)).cloneUrl);
      progress("Sources pushed");
    }
  } catch (error) {
    // Nothing of a project that could not be made stays, its record included.
    await removeProject(call, id, true).catch((second: unknown) =>
      process.stderr.write(`starling: ${plain(messageOf(second))}\n`),
    );
    throw error;
  }
  if (parsed.has("--no-wait")) return;
  const status = await untilLive(call, place, id, { progress, ignore }).catch(async (error: unknown) => {
    const stack = await rolledBackStack(call, id);
    const first = stack
      ? `remove what was rolled back (aws cloudformation delete-stack --stack-name ${stack}), then `
      : "";
    throw new Error(
      `${id} is not live: ${plain(messageOf(error))}\nThe project is there: ${first}push a change that mends it, or remove it with starling destroy ${id}.`,
    );
  });
  progress(
    status < 500 ? "Page    live" : `Page    answers ${status}: what its function says is in starling logs ${id}`,
  );
}
