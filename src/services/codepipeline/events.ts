import type { ActionDefinition } from "../../engines/pipeline/index.ts";
import type { Statement } from "../../ports/database.ts";
import { pipelineArn, type ActionRun, type Ctx, type Execution } from "./model.ts";

type Facts = Pick<Execution, "id" | "pipeline" | "version" | "started">;

const STATES: Readonly<Record<string, string>> = { Cancelled: "CANCELED" };
const stateOf = (status: string): string => STATES[status] ?? status.toUpperCase();

/** EventBridge's event of an execution; to be written with the change. `Started` and `Resumed` are states too. */
export function executionEvent(ctx: Ctx, execution: Facts, status: string): Statement[] {
  return send(ctx, execution, "Pipeline", { state: stateOf(status) });
}

export function stageEvent(ctx: Ctx, execution: Facts, stage: string, status: string): Statement[] {
  return send(ctx, execution, "Stage", { stage, state: stateOf(status) });
}

export function actionEvent(
  ctx: Ctx,
  execution: Facts,
  run: ActionRun,
  action: ActionDefinition | undefined,
  status: string,
): Statement[] {
  const detail = {
    stage: run.stage,
    action: run.action,
    "action-execution-id": run.id,
    state: stateOf(status),
    region: action?.region ?? ctx.region,
    ...(action ? { type: action.actionTypeId } : {}),
    ...(run.error || run.externalId
      ? {
          "execution-result": {
            ...(run.externalId ? { "external-execution-id": run.externalId } : {}),
            ...(run.error ? { "external-execution-summary": run.error.message, "error-code": run.error.code } : {}),
          },
        }
      : {}),
  };
  return send(ctx, execution, "Action", detail);
}

function send(ctx: Ctx, execution: Facts, noun: string, more: object): Statement[] {
  const arn = pipelineArn(ctx, execution.pipeline);
  const detail = {
    pipeline: execution.pipeline,
    "execution-id": execution.id,
    "start-time": new Date(execution.started).toISOString(),
    ...more,
    version: execution.version,
  };
  const entry = {
    Source: "aws.codepipeline",
    DetailType: `CodePipeline ${noun} Execution State Change`,
    Resources: [arn],
    Detail: JSON.stringify(detail),
    Time: new Date(ctx.now()),
  };
  return ctx.asService(arn).later("events", "PutEvents", { Entries: [entry] });
}
