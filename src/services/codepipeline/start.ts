import type { Statement } from "../../ports/database.ts";
import { executionEvent } from "./events.ts";
import { executionKey, fault, type Ctx, type Execution, type Pipeline } from "./model.ts";

export const STEPS = "codepipeline-steps";

/** A message that lets a pipeline's executions go on; a pipeline's messages are worked off one after the other. */
export const stepSoon = (ctx: Ctx, pipeline: string): Statement[] =>
  ctx.enqueue(STEPS, { pipeline }, { group: `${ctx.account}/${ctx.region}/${pipeline}` });

export interface StartOptions {
  readonly trigger: Execution["trigger"];
  readonly variables?: readonly { readonly name?: string | undefined; readonly value?: string | undefined }[];
  readonly sourceRevisions?: Execution["sourceOverrides"];
  readonly id?: string;
  /** Runs one stage only, with what another execution had. */
  readonly rollback?: { readonly stage: string; readonly target: string } & Pick<
    Execution,
    "variables" | "outputs" | "artifacts" | "revisions"
  >;
}

const MAX_ACTIVE = 300;

/** Stamps sort by time: executions are numbered by when they began. */
export const orderOf = (time: number, id: string): string => `${String(10 ** 15 + time)}-${id}`;

/** Statements that begin an execution, and its id. */
export async function newExecution(
  ctx: Ctx,
  pipeline: Pipeline,
  options: StartOptions,
): Promise<{ id: string; statements: Statement[] }> {
  const { name } = pipeline.declaration;
  const id = options.id ?? ctx.platform.ids.uuid();
  if ((await ctx.records.count("active", `${name}/`)) >= MAX_ACTIVE)
    throw fault(
      "ConcurrentPipelineExecutionsLimitExceededException",
      `The pipeline ${name} has ${MAX_ACTIVE} executions that have not ended: wait or stop some of them`,
    );
  const now = ctx.now();
  const { stage, target, ...taken } = options.rollback ?? {};
  const execution: Execution = {
    id,
    pipeline: name,
    version: pipeline.version,
    status: "InProgress",
    started: now,
    updated: now,
    state: { stages: {}, ...(stage === undefined ? {} : { only: stage }) },
    ...(target === undefined ? {} : { rollbackTarget: target }),
    trigger: options.trigger,
    variables: options.rollback ? {} : variablesOf(pipeline, options.variables ?? []),
    sourceOverrides: options.sourceRevisions ?? [],
    outputs: {},
    artifacts: {},
    revisions: [],
    runs: [],
    ...taken,
  };
  const order = orderOf(now, id);
  return {
    id,
    statements: [
      ctx.records.put("execution", executionKey(name, id), execution, 0),
      ctx.records.put("active", `${name}/${order}`, id),
      ctx.records.put("order", `${name}/${order}`, id),
      ...executionEvent(ctx, execution, "Started"),
      ...stepSoon(ctx, name),
    ],
  };
}

function variablesOf({ declaration }: Pipeline, given: NonNullable<StartOptions["variables"]>): Record<string, string> {
  const values: Record<string, string> = {};
  const known = declaration.variables ?? [];
  for (const { name } of given)
    if (!known.some((one) => one.name === name))
      throw fault("ValidationException", `The pipeline ${declaration.name} has no variable ${name}`);
  for (const { name, defaultValue } of known) {
    const value = given.find((one) => one.name === name)?.value ?? defaultValue;
    if (value === undefined)
      throw fault("ValidationException", `A value for the pipeline variable ${name} is required: it has no default`);
    values[String(name)] = value;
  }
  return values;
}
