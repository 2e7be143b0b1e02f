import type { Statement } from "../../ports/database.ts";
import { existingPipeline, executionKey, fault, type Ctx, type Execution, type Pipeline } from "./model.ts";
import { newExecution } from "./start.ts";

/** Executions among which the last success of a stage is looked for. */
const LOOK_BACK = 100;

/** Statements that begin an execution which runs one stage again with what a former execution had, and its id. */
export async function newRollback(
  ctx: Ctx,
  pipeline: Pipeline,
  stage: string,
  target: Execution,
  trigger: Execution["trigger"],
): Promise<{ id: string; statements: Statement[] }> {
  if (target.version !== pipeline.version)
    throw unable(
      `the pipeline's structure has changed since: it has version ${pipeline.version}, the target ${target.version}`,
    );
  if (target.rollbackTarget !== undefined) throw unable("the target execution is a rollback itself");
  if (!hasSucceededIn(target, stage)) throw unable(`the target execution has not succeeded in stage ${stage}`);
  const { variables, outputs, artifacts, revisions } = target;
  return await newExecution(ctx, pipeline, {
    trigger,
    rollback: { stage, target: target.id, variables, outputs, artifacts, revisions },
  });
}

/** Rolls a stage back to its last success, if there is one of this structure of the pipeline. */
export async function automaticRollback(ctx: Ctx, failed: Execution, stage: string): Promise<Statement[]> {
  const pipeline = await existingPipeline(ctx, failed.pipeline);
  const orders = await ctx.records.list<string>("order", {
    prefix: `${failed.pipeline}/`,
    limit: LOOK_BACK,
    reverse: true,
  });
  for (const { value } of orders) {
    const target = (await ctx.records.get<Execution>("execution", executionKey(failed.pipeline, value)))?.value;
    if (!target || target.id === failed.id || target.rollbackTarget !== undefined) continue;
    if (target.version !== pipeline.version || !hasSucceededIn(target, stage)) continue;
    const trigger = { type: "AutomatedRollback", detail: failed.id };
    return (await newRollback(ctx, pipeline, stage, target, trigger)).statements;
  }
  return [];
}

/** Whether all actions of a stage succeeded in an execution. */
export function hasSucceededIn(execution: Execution, stage: string): boolean {
  const states = Object.values(execution.state.stages[stage]?.actions ?? {});
  const isOver = execution.status === "Succeeded" || !isLastStage(execution, stage);
  return isOver && states.length > 0 && states.every((status) => status === "Succeeded");
}

/** Whether an execution has come no further than this stage. */
const isLastStage = ({ state }: Execution, stage: string): boolean => Object.keys(state.stages).at(-1) === stage;

const unable = (why: string) => fault("UnableToRollbackStageException", `The stage cannot be rolled back: ${why}`);
