import type { QueueWorker } from "../../aws/service.ts";
import type { ActionDefinition } from "../../engines/pipeline/index.ts";
import { messageOf } from "../../kernel/aws-error.ts";
import { GuardFailed, type Statement } from "../../ports/database.ts";
import { executionKey, type Ctx, type Execution, type Pipeline } from "./model.ts";
import { newExecution } from "./start.ts";
import type { PipelineState } from "./state.ts";

const POLLS = "codepipeline-polls";
/** AWS looks once a minute or so. */
const EVERY_MS = 15_000;
/** Executions among which a revision is known already. */
const LOOK_BACK = 20;

/** Where a pipeline's polling is; a message with another turn is an old one. */
interface Polling {
  readonly turn: string;
  /** The last revision that was seen, by source action. */
  readonly seen: Readonly<Record<string, string>>;
}

/** Source actions that look for changes themselves: those that are not told to leave it to an event. */
export const polledActions = ({ declaration }: Pipeline): ActionDefinition[] =>
  declaration.stages[0]!.actions.filter(
    (a) =>
      a.configuration?.["PollForSourceChanges"]?.toLowerCase() !== "false" &&
      /^(S3|CodeCommit)$/.test(a.actionTypeId.provider),
  );

/** Statements that begin to poll a pipeline's sources, and end what polled its former version. */
export function startPolling(ctx: Ctx, pipeline: Pipeline): Statement[] {
  const { name } = pipeline.declaration;
  const turn = `${pipeline.version}/0`;
  const record = ctx.records.put("polling", name, { turn, seen: {} } satisfies Polling);
  return polledActions(pipeline).length
    ? [record, ...ctx.enqueue(POLLS, { pipeline: name, turn }, { delayMs: EVERY_MS })]
    : [ctx.records.remove("polling", name)];
}

/** Looks for new revisions of sources, and releases them. */
export const poller: QueueWorker<PipelineState> = {
  topic: POLLS,
  concurrency: 8,
  leaseMs: 30_000,
  maxAttempts: 1_000,
  async run(ctx, body) {
    const { pipeline: name, turn } = body as { pipeline: string; turn: string };
    const [pipeline, polling] = [
      await ctx.records.get<Pipeline>("pipeline", name),
      await ctx.records.get<Polling>("polling", name),
    ];
    if (!pipeline || polling?.value.turn !== turn) return;
    const found = await revisionsOf(ctx, pipeline.value);
    const isNew =
      Object.keys(found).some((action) => found[action] !== polling.value.seen[action]) &&
      !(await isReleased(ctx, name, found));
    const [version, count] = turn.split("/");
    const next: Polling = { turn: `${version}/${Number(count) + 1}`, seen: { ...polling.value.seen, ...found } };
    const release = isNew
      ? (
          await newExecution(ctx, pipeline.value, {
            trigger: { type: "PollForSourceChanges", detail: Object.keys(found).join(", ") },
          })
        ).statements
      : [];
    try {
      await ctx.records.write(
        ctx.records.put("polling", name, next, polling.rev),
        ctx.enqueue(POLLS, { pipeline: name, turn: next.turn }, { delayMs: EVERY_MS }),
        release,
      );
    } catch (error) {
      if (!(error instanceof GuardFailed)) throw error; // else the pipeline has changed, and is polled anew
    }
  },
};

/** The revisions that sources have now; one that cannot be looked up is left out, and looked for again. */
async function revisionsOf(ctx: Ctx, pipeline: Pipeline): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const action of polledActions(pipeline)) {
    try {
      const role = await ctx.asRole(
        String(action.roleArn ?? pipeline.declaration.roleArn),
        pipeline.declaration.name.slice(0, 64),
      );
      found[action.name] = await revisionOf(
        action.region ? role.inRegion(action.region) : role,
        action.configuration ?? {},
      );
    } catch (error) {
      ctx.platform.log.debug("a source could not be polled", {
        pipeline: pipeline.declaration.name,
        action: action.name,
        error: messageOf(error),
      });
    }
  }
  return found;
}

async function revisionOf(role: Ctx, configuration: Readonly<Record<string, string>>): Promise<string> {
  if (configuration["S3Bucket"]) {
    const { VersionId, ETag } = await role.call("s3", "HeadObject", {
      Bucket: configuration["S3Bucket"],
      Key: configuration["S3ObjectKey"],
    });
    return VersionId ?? String(ETag);
  }
  const { branch } = await role.call("codecommit", "GetBranch", {
    repositoryName: configuration["RepositoryName"],
    branchName: configuration["BranchName"],
  });
  return String(branch?.commitId);
}

/** Whether an execution has these revisions, or is just about to fetch them. */
async function isReleased(ctx: Ctx, pipeline: string, revisions: Readonly<Record<string, string>>): Promise<boolean> {
  const orders = await ctx.records.list<string>("order", { prefix: `${pipeline}/`, limit: LOOK_BACK, reverse: true });
  for (const { value } of orders) {
    const execution = (await ctx.records.get<Execution>("execution", executionKey(pipeline, value)))?.value;
    if (!execution) continue;
    const has = (action: string): boolean =>
      execution.revisions.find((r) => r.action === action)?.id === revisions[action];
    if (Object.keys(revisions).every(has)) return true;
    if (execution.status === "InProgress" && execution.revisions.length === 0) return true;
  }
  return false;
}
