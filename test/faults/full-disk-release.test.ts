import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, fstatSync, ftruncateSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { CodePipeline } from "@aws-sdk/client-codepipeline";
import { cannotRun } from "../support/platform.ts";
import { until, visit } from "../support/starling.ts";
import { openPushedProject, type PushedProject } from "./recorded-push.ts";

const DISK_MB = 640;
const PIPELINE = "tiny-Pipeline";
const NO_ROOM = /no space left .*free some disk space and try again/;
const KB = 1024;

/** Text that takes its room in every artifact, template and function: it does not compress well. */
const longMark = (name: string): string =>
  `${name} ${randomBytes(8).toString("hex")} ${randomBytes(90 * KB).toString("base64url")}`;

const doorOf = (stage: string): string => (stage === "Build" ? "Source" : "Build");
const head = (text: string): string => text.slice(0, 40);

describe("a disk that becomes full during a release", { skip: cannotRun }, () => {
  let disk: string;
  let project: PushedProject;
  let pipelines: CodePipeline;
  let filler: string;
  let live = "first";

  before(async () => {
    disk = mkdtempSync(join(tmpdir(), "starling-disk-"));
    filler = join(disk, "filler");
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${DISK_MB}m`, "starling-test", disk], { timeout: 60_000 });
    mkdirSync(join(disk, "data"));
    project = await openPushedProject({ STARLING_DATA: join(disk, "data") });
    pipelines = new CodePipeline(project.platform.client);
    await project.platform.restart();
  });
  after(async () => {
    await project?.close();
    execFileSync("umount", ["-l", disk], { timeout: 60_000 });
    rmSync(disk, { recursive: true });
  });

  afterEach(() => rmSync(filler, { force: true }));

  /** Takes all room but so many bytes. */
  function fill(room = 0): void {
    const file = openSync(filler, "a");
    try {
      for (const size of [1 << 20, 4 * KB]) {
        try {
          for (;;) writeSync(file, Buffer.alloc(size));
        } catch (error) {
          assert.equal((error as NodeJS.ErrnoException).code, "ENOSPC");
        }
      }
      ftruncateSync(file, fstatSync(file).size - room);
    } finally {
      closeSync(file);
    }
  }

  const page = async () => (await visit(`http://tiny.localhost:${project.platform.port}/`)).text;
  const stages = async () => (await pipelines.getPipelineState({ name: PIPELINE })).stageStates ?? [];

  /** The stage that the release of a commit is in or has come through, and what its actions say. */
  async function stageOf(commit: string) {
    const { pipelineExecutionSummaries: all = [] } = await pipelines.listPipelineExecutions({ pipelineName: PIPELINE });
    const release = all.find((e) => e.sourceRevisions?.[0]?.revisionId === commit);
    if (!release) return undefined;
    const mine = (await stages()).filter((s) => s.latestExecution?.pipelineExecutionId === release.pipelineExecutionId);
    const stage = mine.find((s) => s.latestExecution?.status !== "Succeeded") ?? mine.at(-1);
    return {
      id: release.pipelineExecutionId,
      status: release.status,
      name: stage?.stageName,
      done: stage?.latestExecution?.status === "Succeeded",
      message: (stage?.actionStates ?? []).map((a) => a.latestExecution?.errorDetails?.message ?? "").join(" "),
    };
  }

  /** With room again, a release that failed is tried again, one that waited goes on by itself. */
  async function goesLive(mark: string, commit: string): Promise<void> {
    rmSync(filler, { force: true });
    await until(async () => {
      const at = await stageOf(commit);
      if (at?.status === "Failed") {
        const retry = { pipelineName: PIPELINE, stageName: at.name, pipelineExecutionId: at.id };
        await pipelines.retryStageExecution({ ...retry, retryMode: "ALL_ACTIONS" }).catch(() => undefined);
      }
      return (await page()) === mark;
    }, 60_000);
    await project.settle(mark, commit);
    live = mark;
  }

  /** A release that is at the door of a stage, with little room behind it. */
  async function releaseUpTo(stage: string, mark: string, room: number): Promise<string> {
    const transition = { pipelineName: PIPELINE, stageName: stage, transitionType: "Inbound" as const };
    await pipelines.disableStageTransition({ ...transition, reason: "the disk is filled first" });
    const { commit, arrived } = await project.push(mark);
    assert.ok(arrived);
    await until(async () => {
      const at = await stageOf(commit);
      return at?.name === doorOf(stage) && at.done;
    });
    fill(1 << 20);
    await pipelines.enableStageTransition(transition);
    fill(room);
    return commit;
  }

  for (const [stage, room] of [
    ["Build", 0],
    ["Build", 160 * KB],
    ["Deploy", 0],
    ["Deploy", 160 * KB],
  ] as const) {
    test(`with ${room / KB} KB left the stage ${stage} fails or waits, and goes on when there is room`, async (t) => {
      const said = project.platform.output().length;
      const mark = longMark(stage);
      const commit = await releaseUpTo(stage, mark, room);
      const stuck = await until(async () => {
        const at = await stageOf(commit);
        const waits = NO_ROOM.test(project.platform.output().slice(said)) && "waits";
        // Room that files have already (a log of the database that was longer once) may be enough.
        if (at?.status === "Succeeded") return "through";
        return at?.status === "Failed" ? at.message : waits;
      });
      t.diagnostic(String(stuck));
      if (stuck === "through") return goesLive(mark, commit);
      // Without room for a word about it, a release waits at the door of the stage.
      if (stuck === "waits") assert.ok([stage, doorOf(stage)].includes((await stageOf(commit))?.name ?? ""));
      else assert.deepEqual([stage, NO_ROOM.test(stuck)], [(await stageOf(commit))?.name, true], stuck);
      assert.equal(head(await page()), head(live));
      await goesLive(mark, commit);
    });
  }

  test("kill -9 while a release waits for room: with room again it goes live", async () => {
    const mark = longMark("killed");
    const commit = await releaseUpTo("Deploy", mark, 0);
    await project.platform.kill();
    // How much the kill gave back decides whether there is room to open the database.
    const refused = await project.platform.restart().then(
      () => undefined,
      (error: Error) => error.message,
    );
    if (refused !== undefined) {
      assert.match(refused, new RegExp(`starling: ${NO_ROOM.source}\\n`));
      rmSync(filler);
      await project.platform.restart();
    }
    // What the kill gave back may have been room enough for the release to be through by now.
    assert.ok([head(live), head(mark)].includes(head(await page())));
    await goesLive(mark, commit);
  });
});
