import type { Context } from "../../aws/context.ts";
import type { QueueWorker } from "../../aws/service.ts";
import { AwsError, messageOf } from "../../kernel/aws-error.ts";
import { GuardFailed } from "../../ports/database.ts";
import { mustBeQuiet, stopForAlarm } from "./alarms.ts";
import { nextWeight } from "./configs.ts";
import { finish, rollBack, save, STEPS, type Step } from "./progress.ts";
import { HOOK_MS } from "./limits.ts";
import { isDone, type Deployment, type HookName, type Lifecycle } from "./model.ts";

type Ctx = Context<any>;
type Stored = { readonly value: Deployment; readonly rev: number };

/**
 * Steps deployments: `Created` -> BeforeAllowTraffic -> AllowTraffic (in shares) -> AfterAllowTraffic -> done. A step may run
 * twice: what it does to the alias is the same both times, and only one of them is stored.
 */
export const stepWorker: QueueWorker<any> = {
  topic: STEPS,
  concurrency: 8,
  leaseMs: 30_000,
  maxAttempts: 20,
  async run(ctx, body, attempt) {
    const { id, step } = body as Step;
    const stored = await ctx.records.get<Deployment>("deployment", id);
    if (!stored || stored.value.step !== step || isDone(stored.value)) return;
    try {
      await advance(ctx, stored);
    } catch (error) {
      if (error instanceof GuardFailed) return; // stopped, or told by its hook, meanwhile
      if (error instanceof AwsError && error.code === "AlarmActive") return stopForAlarm(ctx, stored, error);
      const passing = !(error instanceof AwsError) || error.status >= 500;
      if (passing && attempt < this.maxAttempts!) throw error;
      await rollBack(ctx, stored, "DEPLOYMENT_FAILURE", { code: errorCode(error), message: messageOf(error) });
    }
  },
};

/** What comes next is the first lifecycle event that is not over. */
async function advance(ctx: Ctx, stored: Stored): Promise<void> {
  const d = stored.value;
  await mustBeQuiet(ctx, d);
  if (d.status === "Created") {
    await checkAlias(ctx, d);
    return save(ctx, stored, { status: "InProgress", started: ctx.now() });
  }
  const event = d.events.find((e) => e.status === "Pending" || e.status === "InProgress");
  if (!event) return finish(ctx, stored);
  if (event.name === "AllowTraffic") return shiftTraffic(ctx, stored, event);
  await runHook(ctx, stored, event);
}

/** The alias must be where the AppSpec says that it is, or a shift would take traffic from a version that it does not know. */
async function checkAlias(ctx: Ctx, d: Deployment): Promise<void> {
  if (d.rollbackOf) return;
  const { functionName, alias, currentVersion } = d.shift;
  const found = await (await asRole(ctx, d)).call("lambda", "GetAlias", { FunctionName: functionName, Name: alias });
  if (found.FunctionVersion === currentVersion) return;
  throw new AwsError(
    "InvalidLambdaConfiguration",
    `The alias ${alias} of ${functionName} points to version ${found.FunctionVersion}, not to the current version ${currentVersion} of the AppSpec.`,
    400,
  );
}

async function shiftTraffic(ctx: Ctx, stored: Stored, event: Lifecycle): Promise<void> {
  const d = stored.value;
  const next = nextWeight(d.traffic, d.weight);
  if (d.weight === 0 && !d.rollbackOf) await mustLoad(ctx, d);
  if (next) {
    const { functionName, alias, currentVersion, targetVersion } = d.shift;
    const all = next.weight >= 100;
    const routing = all ? {} : { [targetVersion]: next.weight / 100 };
    const call = {
      FunctionName: functionName,
      Name: alias,
      FunctionVersion: all ? targetVersion : currentVersion,
      RoutingConfig: { AdditionalVersionWeights: routing },
    };
    await (await asRole(ctx, d)).call("lambda", "UpdateAlias", call);
  }
  const weight = next?.weight ?? 100;
  const after = nextWeight(d.traffic, weight);
  const changed = after
    ? { ...event, status: "InProgress" as const, start: event.start ?? ctx.now() }
    : { ...event, status: "Succeeded" as const, start: event.start ?? ctx.now(), end: ctx.now() };
  await save(ctx, stored, { weight, events: withEvent(d, changed) }, after?.waitMs);
}

/**
 * Before the first share of traffic: a version whose code cannot be loaded fails the deployment, and what is live stays. AWS leaves
 * that to a hook or an alarm; here a broken push never reaches the page.
 */
async function mustLoad(ctx: Ctx, d: Deployment): Promise<void> {
  const { functionName, targetVersion } = d.shift;
  const probe = { FunctionName: functionName, Qualifier: targetVersion, InvocationType: "DryRun" };
  await ctx.asService().call("lambda", "Invoke", probe);
}

/** Calls the hook's function once; it answers by PutLifecycleEventHookExecutionStatus, or the time is over. */
async function runHook(ctx: Ctx, stored: Stored, event: Lifecycle): Promise<void> {
  const d = stored.value;
  if (event.status === "InProgress") {
    throw new AwsError(
      "HookTimeout",
      `The ${event.name} hook did not say how it went within ${HOOK_MS / 60_000} minutes.`,
      400,
    );
  }
  const executionId = event.executionId ?? `${d.id}-${event.name}-${ctx.platform.ids.text(40)}`;
  const payload = { DeploymentId: d.id, LifecycleEventHookExecutionId: executionId };
  const FunctionName = event.name === "BeforeAllowTraffic" ? d.shift.beforeHook : d.shift.afterHook;
  const call = { FunctionName, InvocationType: "Event", Payload: JSON.stringify(payload) };
  const caller = await asRole(ctx, d);
  // What cannot be called ends the deployment now, not when the hook's time is over.
  await caller.call("lambda", "Invoke", { FunctionName, InvocationType: "DryRun" });
  // The id is stored before the function can say it.
  await save(
    ctx,
    stored,
    { events: withEvent(d, { ...event, status: "InProgress", start: ctx.now(), executionId }) },
    HOOK_MS,
    caller.later("lambda", "Invoke", call),
  );
}

export function withEvent(d: Deployment, changed: Lifecycle): Lifecycle[] {
  return d.events.map((event) => (event.name === changed.name ? changed : event));
}

/** What a new deployment goes through. */
export function lifecycleOf(shift: Deployment["shift"]): Lifecycle[] {
  const hook = (name: HookName, there: string | undefined): Lifecycle => ({
    name,
    status: there ? "Pending" : "Skipped",
  });
  return [
    hook("BeforeAllowTraffic", shift.beforeHook),
    { name: "AllowTraffic", status: "Pending" },
    hook("AfterAllowTraffic", shift.afterHook),
  ];
}

function asRole(ctx: Ctx, d: Deployment): Promise<Ctx> {
  return ctx.asRole(d.roleArn, d.id);
}

function errorCode(error: unknown) {
  const code = error instanceof AwsError ? error.code : "";
  if (code === "HookTimeout") return "TIMEOUT" as const;
  if (/AccessDenied/.test(code)) return "IAM_ROLE_PERMISSIONS" as const;
  if (code === "NoSuchEntity") return "IAM_ROLE_MISSING" as const;
  if (/ResourceNotFound/.test(code)) return "INVALID_LAMBDA_FUNCTION" as const;
  return error instanceof AwsError ? ("INVALID_LAMBDA_CONFIGURATION" as const) : ("INTERNAL_ERROR" as const);
}
