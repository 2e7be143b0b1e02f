import type { QueueWorker } from "../../aws/service.ts";
import type { ActionDefinition } from "../../engines/pipeline/index.ts";
import { AwsError, codeOf } from "../../kernel/aws-error.ts";
import { ActionFailure, failureOf, outputPlaces, type ActionContext } from "./action-run.ts";
import { providerOf } from "./actions/index.ts";
import { declaredRun } from "./declared-run.ts";
import { changeRun, finishAction } from "./finish.ts";
import { declarationOf, executionKey, type Ctx, type Execution, type Pipeline } from "./model.ts";
import { ACTIONS } from "./step.ts";
import type { PipelineState } from "./state.ts";

export const ACTION_TIMEOUTS = "codepipeline-action-timeouts";

export interface RunRef {
  readonly pipeline: string;
  readonly execution: string;
  readonly run: string;
}

const MINUTE_MS = 60_000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Runs actions. Most of their time they wait for another service, so many of them go at once. */
export const actor: QueueWorker<PipelineState> = {
  topic: ACTIONS,
  concurrency: 128,
  leaseMs: 60_000,
  maxAttempts: 1_000,
  async run(ctx, body) {
    const where = body as RunRef;
    const stopping = new AbortController();
    ctx.state.running.set(where.run, stopping);
    try {
      await act(ctx, where, stopping.signal);
    } finally {
      ctx.state.running.delete(where.run);
    }
  },
};

async function act(ctx: Ctx, where: RunRef, stopping: AbortSignal): Promise<void> {
  const execution = (await ctx.records.get<Execution>("execution", executionKey(where.pipeline, where.execution)))
    ?.value;
  const declaration = execution && (await declarationOf(ctx, where.pipeline, execution.version));
  const run = execution?.runs.find((one) => one.id === where.run);
  if (!execution || !declaration || run?.status !== "InProgress") return;
  const action = declaredRun(declaration, run);
  const provider = providerOf(action.actionTypeId);
  const timeoutMs = Math.min(LONGEST_TIMER_MS, (action.timeoutInMinutes ?? provider?.timeoutMinutes ?? 60) * MINUTE_MS);
  const late = AbortSignal.timeout(Math.max(0, run.started + timeoutMs - ctx.now()));
  try {
    if (run.error) throw new ActionFailure("ConfigurationError", run.error.message);
    if (!provider)
      throw new ActionFailure(
        "NotImplemented",
        `Starling does not implement actions of the provider ${action.actionTypeId.provider} yet`,
      );
    const region = action.region ?? ctx.region;
    const roleArn = String(action.roleArn ?? declaration.roleArn);
    const role = (await sessionOf(ctx, declaration, action)).inRegion(region);
    const context: ActionContext = {
      ctx,
      role,
      roleArn,
      declaration,
      execution,
      action,
      run,
      configuration: run.configuration ?? {},
      inputs: (action.inputArtifacts ?? []).map(({ name }) => execution.artifacts[name]!),
      outputs: outputPlaces(declaration, action, run, region),
      signal: AbortSignal.any([ctx.signal, stopping, late]),
      save: (change) => changeRun(ctx, where, change),
    };
    const left = await provider.run(context);
    if (left.status === "Succeeded") await finishAction(ctx, where, left);
    else
      await ctx.records.write(
        ctx.enqueue(
          ACTION_TIMEOUTS,
          { ...where, minutes: timeoutMs / MINUTE_MS },
          { delayMs: Math.max(0, run.started + timeoutMs - ctx.now()) },
        ),
      );
  } catch (error) {
    if (ctx.signal.aborted || isForLater(error)) throw error;
    if (stopping.aborted) return; // it was abandoned, and its record says so
    await finishAction(ctx, where, {
      status: "Failed",
      error: late.aborted ? tooLate(timeoutMs / MINUTE_MS) : failureOf(error),
    });
  }
}

/** A session of the pipeline's role, or of the action's own, which the pipeline's role assumes. */
async function sessionOf(ctx: Ctx, declaration: Pipeline["declaration"], action: ActionDefinition): Promise<Ctx> {
  const RoleSessionName = declaration.name.slice(0, 64);
  const own = await ctx.asRole(String(declaration.roleArn), RoleSessionName);
  if (!action.roleArn || action.roleArn === declaration.roleArn) return own;
  const { Credentials } = await own.call("sts", "AssumeRole", { RoleArn: action.roleArn, RoleSessionName });
  const found = await ctx.platform.identity.credentials(String(Credentials?.AccessKeyId), Credentials?.SessionToken);
  if (!found)
    throw new ActionFailure(
      "PermissionError",
      `The role ${action.roleArn} of the action ${action.name} cannot be assumed`,
    );
  return ctx.as(found.principal);
}

/** What another try can mend. */
const isForLater = (error: unknown): boolean =>
  error instanceof AwsError && (error.status === 503 || /Throttl|TooManyRequests/.test(codeOf(error) ?? ""));

const tooLate = (minutes: number) => ({
  code: "TimeoutError",
  message: `The action did not end within ${minutes} minutes`,
});

/** Ends actions that wait for somebody who does not come. */
export const actionTimeouts: QueueWorker<PipelineState> = {
  topic: ACTION_TIMEOUTS,
  concurrency: 4,
  leaseMs: 30_000,
  async run(ctx, body) {
    const { minutes, ...where } = body as RunRef & { minutes: number };
    await finishAction(ctx, where, { status: "Failed", error: tooLate(minutes) });
  },
};
