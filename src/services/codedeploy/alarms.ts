import type * as CodeDeploy from "@aws-sdk/client-codedeploy";
import type { Context } from "../../aws/context.ts";
import type { QueueWorker } from "../../aws/service.ts";
import { AwsError, messageOf } from "../../kernel/aws-error.ts";
import { GuardFailed, type Statement } from "../../ports/database.ts";
import { bad, isDone, type Deployment } from "./model.ts";
import { rollBack } from "./progress.ts";

const WATCHES = "codedeploy-alarms";
/** How often a deployment looks at its alarms. */
const WATCH_MS = 10_000;
const MAX_ALARMS = 10;

/** Alarms that stop a deployment. */
export interface WatchedAlarms {
  readonly names: readonly string[];
  /** A deployment goes on where its alarms cannot be asked. */
  readonly ignoreFailure: boolean;
}

/** What a group's or a deployment's configuration asks for; undefined where that is nothing. */
export function watchedAlarms(config: CodeDeploy.AlarmConfiguration | undefined): WatchedAlarms | undefined {
  if (!config?.enabled) return undefined;
  const names = (config.alarms ?? []).map((alarm) => String(alarm.name));
  return names.length ? { names, ignoreFailure: config.ignorePollAlarmFailure ?? false } : undefined;
}

export function checkAlarmConfig(config: CodeDeploy.AlarmConfiguration | undefined): void {
  const alarms = config?.alarms ?? [];
  if (alarms.length > MAX_ALARMS)
    throw bad(
      "AlarmsLimitExceededException",
      `The maximum number of alarms for a deployment group (${MAX_ALARMS}) was exceeded.`,
    );
  if (config?.enabled && alarms.length === 0)
    throw bad(
      "InvalidAlarmConfigException",
      "The format of the alarm configuration is invalid: it is enabled, but names no alarm.",
    );
  if (alarms.some((alarm) => !alarm.name))
    throw bad("InvalidAlarmConfigException", "The format of the alarm configuration is invalid: an alarm has no name.");
}

/** The statements by which a deployment's alarms are looked at from now on. */
export function watch(ctx: Context<any>, d: Deployment, delayMs = 0): Statement[] {
  return d.alarms ? ctx.enqueue(WATCHES, { id: d.id }, delayMs ? { delayMs } : {}) : [];
}

/** Throws where one of the deployment's alarms is on, or where they cannot be asked and that is not to be ignored. */
export async function mustBeQuiet(ctx: Context<any>, d: Deployment): Promise<void> {
  if (!d.alarms) return;
  let active: string[];
  try {
    const caller = await ctx.asRole(d.roleArn, d.id);
    const types = ["MetricAlarm", "CompositeAlarm"];
    const { MetricAlarms = [], CompositeAlarms = [] } = await caller.call("monitoring", "DescribeAlarms", {
      AlarmNames: [...d.alarms.names],
      AlarmTypes: types,
    });
    active = [...MetricAlarms, ...CompositeAlarms].flatMap((a) =>
      a.StateValue === "ALARM" ? [String(a.AlarmName)] : [],
    );
  } catch (error) {
    if (d.alarms.ignoreFailure && error instanceof AwsError) return;
    throw error;
  }
  if (active.length)
    throw new AwsError(
      "AlarmActive",
      `One or more alarms have been activated according to the Amazon CloudWatch metrics you selected, and the affected deployments have been stopped. Activated alarms: ${active.join(", ")}`,
      400,
    );
}

/** Looks at the alarms of a deployment until it is over, and takes the traffic back where one is on. */
export const watchWorker: QueueWorker<any> = {
  topic: WATCHES,
  concurrency: 8,
  leaseMs: 30_000,
  maxAttempts: 20,
  async run(ctx, body) {
    const stored = await ctx.records.get<Deployment>("deployment", (body as { id: string }).id);
    if (!stored || isDone(stored.value)) return;
    try {
      await mustBeQuiet(ctx, stored.value);
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      try {
        await stopForAlarm(ctx, stored, error);
        return;
      } catch (second) {
        if (!(second instanceof GuardFailed)) throw second; // a step was faster: look again
      }
    }
    await ctx.records.write(watch(ctx, stored.value, WATCH_MS));
  },
};

/** Ends a deployment whose alarms say so. */
export async function stopForAlarm(
  ctx: Context<any>,
  stored: { readonly value: Deployment; readonly rev: number },
  error: AwsError,
): Promise<void> {
  const code = error.code === "AlarmActive" ? ("ALARM_ACTIVE" as const) : ("IAM_ROLE_PERMISSIONS" as const);
  await rollBack(ctx, stored, "DEPLOYMENT_STOP_ON_ALARM", { code, message: messageOf(error) });
}
