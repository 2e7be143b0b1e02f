// For each template: seconds from `starling new` to the first page, and from the end of `git push` to the new page, with each stage's share.
// "Ours" is that time less the time of the build's own commands.
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { CodeBuild } from "@aws-sdk/client-codebuild";
import { CodePipeline } from "@aws-sdk/client-codepipeline";
import { startPlatform } from "../test/support/platform.ts";
import { median, report, round } from "./measure.ts";

const run = promisify(execFile);
const root = resolve(import.meta.dirname, "..");
const ROUNDS = Number(process.argv[2] ?? 3);
const WANTED = process.argv.slice(3);
const LIMIT_MS = 120_000;

/** Where a mark goes in each template, so that the new page shows that it is new. */
const EDITS: Readonly<Record<string, { file: string; before: string; after: (mark: string) => string }>> = {
  "nodejs-web-application": { file: "public/index.html", before: "</title>", after: (m) => `${m}</title>` },
  "static-web-page": { file: "public/index.html", before: "</title>", after: (m) => `${m}</title>` },
  "python-web-service": {
    file: "index.py",
    before: '"output": "Hello World",',
    after: (m) => `"output": "Hello World", "mark": "${m}",`,
  },
  "nodejs-express-web-service": {
    file: "app.js",
    before: "output: 'Hello World', timestamp",
    after: (m) => `output: 'Hello World', mark: '${m}', timestamp`,
  },
};

const platform = await startPlatform();
const work = await mkdtemp(join(tmpdir(), "starling-bench-"));
const env: NodeJS.ProcessEnv = {
  ...process.env,
  STARLING_DATA: platform.data,
  STARLING_PORT: String(platform.port),
  GIT_AUTHOR_NAME: "a",
  GIT_AUTHOR_EMAIL: "a@b",
  GIT_COMMITTER_NAME: "a",
  GIT_COMMITTER_EMAIL: "a@b",
};
const starling = (...args: string[]) => run(join(root, "bin/run"), args, { env });

/** What `starling env` exports, for git. */
const exported = (await starling("env")).stdout.matchAll(/^export (\w+)='(.*)'$/gm);
for (const [, name, value] of exported) env[name!] = value!.replaceAll("'\\''", "'");

function page(project: string): Promise<string> {
  return new Promise((done) => {
    const asked = request(
      { host: "127.0.0.1", port: platform.port, path: "/", headers: { host: `${project}.localhost:${platform.port}` } },
      (answer) => {
        let text = "";
        answer.setEncoding("utf8").on("data", (chunk) => (text += chunk));
        answer.on("end", () => done(answer.statusCode === 200 ? text : ""));
      },
    );
    asked.on("error", () => done("")).end();
  });
}

async function untilPage(project: string, mark: string): Promise<void> {
  const deadline = Date.now() + LIMIT_MS;
  while (!(await page(project)).includes(mark)) {
    if (Date.now() > deadline) throw new Error(`${project}: the new page was not there after ${LIMIT_MS} ms`);
    await new Promise((next) => setTimeout(next, 20));
  }
}

/** Milliseconds of each action of the last release, and of the build's own commands. */
async function shares(project: string): Promise<{ actions: Record<string, number>; commands: number }> {
  const { actionExecutionDetails = [] } = await new CodePipeline(platform.client).listActionExecutions({
    pipelineName: `${project}-Pipeline`,
  });
  const last = actionExecutionDetails[0]?.pipelineExecutionId;
  const actions = Object.fromEntries(
    actionExecutionDetails
      .filter((a) => a.pipelineExecutionId === last)
      .map((a) => [String(a.actionName), a.lastUpdateTime!.getTime() - a.startTime!.getTime()]),
  );
  const codebuild = new CodeBuild(platform.client);
  const { ids = [] } = await codebuild.listBuildsForProject({ projectName: project });
  const { builds = [] } = await codebuild.batchGetBuilds({ ids: ids.slice(0, 1) });
  const phases = (builds[0]?.phases ?? []).filter(
    (p) => ["INSTALL", "PRE_BUILD", "BUILD", "POST_BUILD"].includes(String(p.phaseType)) && p.endTime,
  );
  return { actions, commands: phases.reduce((sum, p) => sum + (p.endTime!.getTime() - p.startTime!.getTime()), 0) };
}

const results: Record<string, object> = {};
try {
  let n = 0;
  for (const [template, edit] of Object.entries(EDITS).filter(([name]) => !WANTED.length || WANTED.includes(name))) {
    const project = `bench${n++}`;
    const begun = performance.now();
    await starling("new", project, "--template", template, "--json");
    const newMs = performance.now() - begun;
    const folder = join(work, project);
    await run("git", ["clone", "-q", `http://localhost:${platform.port}/v1/repos/${project}`, folder], { env });
    const live: number[] = [];
    const own: number[] = [];
    let actions = {};
    for (let i = 0; i < ROUNDS; i++) {
      const mark = `mark-${project}-${i}`;
      const file = join(folder, edit.file);
      const text = await readFile(file, "utf8");
      await writeFile(
        file,
        i === 0 ? text.replace(edit.before, edit.after(mark)) : text.replace(`mark-${project}-${i - 1}`, mark),
      );
      await run("git", ["-C", folder, "commit", "-qam", mark], { env });
      await run("git", ["-C", folder, "push", "-q"], { env });
      const pushed = performance.now();
      await untilPage(project, mark);
      live.push(performance.now() - pushed);
      const share = await shares(project);
      own.push(live.at(-1)! - share.commands);
      actions = share.actions;
    }
    results[template] = {
      newToLiveMs: round(newMs, 0),
      pushToLiveMs: round(median(live), 0),
      oursMs: round(median(own), 0),
      lastActionsMs: actions,
    };
  }
} finally {
  await platform.stop();
  await rm(work, { recursive: true, force: true });
}
report({ bench: "push-to-live", rounds: ROUNDS, ...results });
