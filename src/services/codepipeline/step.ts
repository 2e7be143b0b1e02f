import type { QueueWorker } from "../../aws/service.ts";
import {
  resolveVariables,
  retryStage,
  setAction,
  setRule,
  type ActionDefinition,
  type Advance,
} from "../../engines/pipeline/index.ts";
import { GuardFailed, type Statement } from "../../ports/database.ts";
import type { Stored } from "../../aws/records.ts";
import { declaredRun } from "./declared-run.ts";
import { actionEvent, executionEvent, stageEvent } from "./events.ts";
import {
  declarationOf,
  executionKey,
  TERMINAL,
  type ActionRun,
  type Ctx,
  type Execution,
  type Pipeline,
  type Progress,
} from "./model.ts";
import { planSteps } from "./plan.ts";
import { automaticRollback } from "./rollback.ts";
import { orderOf, STEPS, stepSoon } from "./start.ts";
import { ABANDONED, type PipelineState } from "./state.ts";

export const ACTIONS = "codepipeline-actions";
/** Steps in a row for one message: each stage that begins or ends takes one. */
const MAX_PASSES = 400;

/** Lets the executions of a pipeline go on, one pipeline's one after the other. */
export const stepper: QueueWorker<PipelineState> = {
  topic: STEPS,
  concurrency: 16,
  leaseMs: 30_000,
  maxAttempts: 1_000,
  async run(ctx, body) {
    const { pipeline } = body as { pipeline: string };
    for (let pass = 0; pass < MAX_PASSES; pass++) if (!(await stepPipeline(ctx, pipeline))) return;
    await ctx.records.write(stepSoon(ctx, pipeline)); // there is more to do: others get their turn first
  },
};

/** One round over all executions that have not ended; answers whether anything changed. */
async function stepPipeline(ctx: Ctx, name: string): Promise<boolean> {
  const pipeline = await ctx.records.get<Pipeline>("pipeline", name);
  if (!pipeline) return false;
  const active = await ctx.records.list<string>("active", { prefix: `${name}/` });
  const stored = new Map<string, Stored<Execution>>();
  const candidates = [];
  for (const { id: activeId, value: id } of active) {
    const execution = await ctx.records.get<Execution>("execution", executionKey(name, id));
    const definition = execution && (await declarationOf(ctx, name, execution.value.version));
    if (!execution || !definition || TERMINAL.has(execution.value.status)) {
      await ctx.records.write(ctx.records.remove("active", activeId));
      continue;
    }
    stored.set(id, execution);
    candidates.push({ execution: execution.value, definition });
  }
  let changed = false;
  for (const step of planSteps(candidates, new Set(Object.keys(pipeline.value.disabled)))) {
    const one = stored.get(step.execution.id)!;
    const definition = candidates.find((c) => c.execution.id === step.execution.id)!.definition;
    changed = (await applyStep(ctx, one, definition, step.advance)) || changed;
    if (changed) break; // what others may do now has changed
  }
  return changed;
}

/** Writes what an execution does next; answers whether it does anything. */
async function applyStep(
  ctx: Ctx,
  stored: Stored<Execution>,
  definition: Pipeline["declaration"],
  step: Advance,
): Promise<boolean> {
  const before = stored.value;
  const { reaction } = step;
  const isIdle = !step.start.length && !step.rules.length && !step.abandon.length && step.status === before.status;
  if (isIdle && reaction?.kind !== "RETRY") return false;
  const now = ctx.now();
  const statements: Statement[] = [];
  let next: Execution = { ...before, status: step.status, updated: now };
  const enqueue = (run: ActionRun): Statement[] =>
    ctx.enqueue(ACTIONS, { pipeline: next.pipeline, execution: next.id, run: run.id });
  for (const { stage, action } of step.start) {
    const declared = declaredRun(definition, { stage, action });
    const run = newRun(ctx, next, stage, declared);
    next = { ...next, state: setAction(next.state, { stage, action }, "InProgress"), runs: [...next.runs, run] };
    statements.push(...actionEvent(ctx, next, run, declared, "Started"), ...enqueue(run));
  }
  for (const ref of step.rules) {
    const { stage, condition, rule } = ref;
    const run = { ...newRun(ctx, next, stage, declaredRun(definition, { stage, action: rule, condition })), condition };
    next = { ...next, state: setRule(next.state, ref, "InProgress"), runs: [...next.runs, run] };
    statements.push(...enqueue(run));
  }
  if (reaction?.kind === "RETRY") {
    const declared = definition.stages.find((s) => s.name === reaction.stage)?.onFailure?.retryConfiguration;
    const mode = declared?.retryMode === "ALL_ACTIONS" ? "ALL_ACTIONS" : "FAILED_ACTIONS";
    const state = retryStage(definition, next.state, reaction.stage, mode, true);
    if (!state) return false;
    next = { ...next, state };
    statements.push(...stageEvent(ctx, next, reaction.stage, "Resumed"));
  }
  if (reaction?.kind === "ROLLBACK") statements.push(...(await automaticRollback(ctx, next, reaction.stage)));
  const abandoned: string[] = [];
  for (const { stage, action } of step.abandon) {
    const runs = next.runs.map((run) => {
      if (run.stage !== stage || run.action !== action || run.condition || run.status !== "InProgress") return run;
      abandoned.push(run.id);
      return { ...run, status: "Abandoned" as const, updated: now };
    });
    next = { ...next, state: setAction(next.state, { stage, action }, "Abandoned"), runs };
  }
  statements.push(...(await stageChanges(ctx, before, next, step)));
  if (step.status !== before.status) {
    statements.push(...executionEvent(ctx, next, step.status));
    if (TERMINAL.has(step.status)) {
      next = { ...next, ...summaryOf(next) };
      statements.push(ctx.records.remove("active", `${next.pipeline}/${orderOf(next.started, next.id)}`));
    }
  }
  try {
    await ctx.records.write(
      ctx.records.put("execution", executionKey(next.pipeline, next.id), next, stored.rev),
      statements,
    );
  } catch (error) {
    if (!(error instanceof GuardFailed)) throw error;
  }
  for (const id of abandoned) ctx.platform.bus.publish(ABANDONED, id);
  return true;
}

/** Events of stages that begin or end, and which execution is in them. */
async function stageChanges(ctx: Ctx, before: Execution, next: Execution, step: Advance): Promise<Statement[]> {
  const statements: Statement[] = [];
  const entered = [...step.start, ...step.rules].map(({ stage }) => stage).find((stage) => !before.state.stages[stage]);
  if (entered) {
    const progress = (await ctx.records.get<Progress>("progress", next.pipeline))?.value ?? { stages: {} };
    statements.push(ctx.records.put("progress", next.pipeline, { stages: { ...progress.stages, [entered]: next.id } }));
    // The stage before it is over in the same step.
    const names = Object.keys(step.stages);
    const previous = names[names.indexOf(entered) - 1];
    if (previous) statements.push(...stageEvent(ctx, next, previous, step.stages[previous] ?? "Succeeded"));
    statements.push(...stageEvent(ctx, next, entered, "Started"));
  }
  const current = Object.keys(step.stages).at(-1);
  const status = current && step.stages[current];
  if (!entered && current && status && status !== "InProgress" && step.status !== before.status)
    statements.push(...stageEvent(ctx, next, current, status));
  return statements;
}

function newRun(ctx: Ctx, execution: Execution, stage: string, action: ActionDefinition): ActionRun {
  const now = ctx.now();
  const scope = {
    ...execution.outputs,
    variables: execution.variables,
    codepipeline: { PipelineExecutionId: execution.id },
  };
  const { commands = [], environmentVariables = [] } = action;
  const environment = Object.fromEntries(environmentVariables.map(({ name, value }) => [name, value]));
  const [resolved, resolvedCommands, resolvedEnvironment] = [
    resolveVariables(action.configuration ?? {}, scope),
    resolveVariables(Object.fromEntries(commands.entries()), scope),
    resolveVariables(environment, scope),
  ];
  const unknown = resolved.unknown ?? resolvedCommands.unknown ?? resolvedEnvironment.unknown;
  return {
    id: ctx.platform.ids.uuid(),
    stage,
    action: action.name,
    status: "InProgress",
    started: now,
    updated: now,
    configuration: resolved.values ?? action.configuration ?? {},
    // Told by the action's worker, so that all failures go one way.
    ...(commands.length ? { commands: Object.values(resolvedCommands.values ?? {}) } : {}),
    ...(environmentVariables.length ? { environment: resolvedEnvironment.values ?? {} } : {}),
    ...(unknown === undefined
      ? {}
      : {
          error: {
            code: "ConfigurationError",
            message: `The variable ${unknown} in the configuration of action ${action.name} has no value`,
          },
        }),
  };
}

/** Why an execution failed: the stage, the action and its message. */
function summaryOf(execution: Execution): { summary?: string } {
  if (execution.status !== "Failed") return execution.stopReason ? { summary: execution.stopReason } : {};
  const failed = execution.runs.findLast((run) => run.status === "Failed");
  return failed ? { summary: `${failed.stage}/${failed.action}: ${failed.error?.message ?? "failed"}` } : {};
}
