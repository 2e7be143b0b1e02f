import { setAction, setRule } from "../../engines/pipeline/index.ts";
import { declaredRun } from "./declared-run.ts";
import { actionEvent } from "./events.ts";
import {
  declarationOf,
  executionKey,
  type ActionRun,
  type Artifact,
  type Ctx,
  type Execution,
  type JobRevision,
  type Revision,
} from "./model.ts";
import { stepSoon } from "./start.ts";

const MAX_MESSAGE = 5_000;
const MAX_SUMMARY = 2_048;

/** How an action ended. */
export interface Outcome {
  readonly status: "Succeeded" | "Failed";
  readonly error?: { readonly code: string; readonly message: string };
  readonly summary?: string;
  readonly externalId?: string;
  readonly by?: string;
  readonly outputs?: readonly Artifact[];
  readonly variables?: Readonly<Record<string, string>>;
  readonly revision?: Omit<Revision, "action" | "artifact">;
  readonly jobRevision?: JobRevision;
}

/** Notes the end of an action and lets its execution go on; answers false where it had ended before. */
export async function finishAction(
  ctx: Ctx,
  where: { pipeline: string; execution: string; run: string },
  outcome: Outcome,
): Promise<boolean> {
  const key = executionKey(where.pipeline, where.execution);
  const stored = await ctx.records.get<Execution>("execution", key);
  const run = stored?.value.runs.find((one) => one.id === where.run);
  const declaration = stored && (await declarationOf(ctx, where.pipeline, stored.value.version));
  if (!stored || !run || !declaration || run.status !== "InProgress") return false;
  const action = declaredRun(declaration, run);
  const now = ctx.now();
  const change = (r: ActionRun): ActionRun => ({
    ...r,
    status: outcome.status,
    updated: now,
    ...(outcome.error ? { error: { ...outcome.error, message: outcome.error.message.slice(0, MAX_MESSAGE) } } : {}),
    ...(outcome.summary ? { summary: outcome.summary.slice(0, MAX_SUMMARY) } : {}),
    ...(outcome.externalId ? { externalId: outcome.externalId } : {}),
    ...(outcome.by ? { by: outcome.by } : {}),
    ...(outcome.outputs ? { outputs: outcome.outputs } : {}),
    ...(outcome.variables ? { variables: outcome.variables } : {}),
    ...(outcome.jobRevision ? { jobRevision: outcome.jobRevision } : {}),
  });
  let isOurs = false;
  await ctx.records.update<Execution>(
    "execution",
    key,
    (execution) => {
      isOurs = execution.runs.some((one) => one.id === run.id && one.status === "InProgress");
      if (!isOurs) return undefined;
      const artifact = action.outputArtifacts?.[0]?.name;
      return {
        ...execution,
        updated: now,
        state: stateAfter(execution.state, run, outcome.status),
        runs: execution.runs.map((one) => (one.id === run.id ? change(one) : one)),
        artifacts: { ...execution.artifacts, ...Object.fromEntries((outcome.outputs ?? []).map((a) => [a.name, a])) },
        ...(action.namespace && outcome.variables
          ? { outputs: { ...execution.outputs, [action.namespace]: outcome.variables } }
          : {}),
        ...(outcome.revision && artifact
          ? {
              revisions: [
                ...execution.revisions.filter((r) => r.action !== run.action),
                { action: run.action, artifact, ...outcome.revision },
              ],
            }
          : {}),
      };
    },
    ...stepSoon(ctx, where.pipeline),
    ...(run.condition ? [] : actionEvent(ctx, stored.value, change(run), action, outcome.status)),
  );
  return isOurs;
}

function stateAfter(state: Execution["state"], run: ActionRun, status: Outcome["status"]): Execution["state"] {
  const { stage, action, condition } = run;
  return condition
    ? setRule(state, { stage, condition, rule: action }, status)
    : setAction(state, { stage, action }, status);
}

/** Changes a run that is under way. */
export async function changeRun(
  ctx: Ctx,
  where: { pipeline: string; execution: string; run: string },
  change: Partial<ActionRun>,
): Promise<void> {
  await ctx.records.update<Execution>("execution", executionKey(where.pipeline, where.execution), (execution) => ({
    ...execution,
    runs: execution.runs.map((run) =>
      run.id === where.run && run.status === "InProgress" ? { ...run, ...change, updated: ctx.now() } : run,
    ),
  }));
}
