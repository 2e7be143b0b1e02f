import { alarmName } from "../rollback-triggers.ts";
import { resumeOperation } from "../store.ts";
import type { StackRun } from "./stack-run.ts";

const EVERY_MS = 1_000;
const LONGEST_PAUSE_MS = 5_000;
const MINUTE_MS = 60_000;

/** Why the stack's rollback triggers end the operation; `undefined` where they do not. Asked again every few seconds at most. */
export async function tripped(run: StackRun): Promise<string | undefined> {
  const { ctx, watch } = run;
  const triggers = run.stack.revision?.rollback?.RollbackTriggers ?? [];
  if (triggers.length === 0 || watch.reason !== undefined || ctx.now() < watch.next) return watch.reason;
  watch.next = ctx.now() + EVERY_MS;
  const { MetricAlarms = [], CompositeAlarms = [] } = await ctx.call("monitoring", "DescribeAlarms", {
    AlarmNames: triggers.map((one) => alarmName(one.Arn)),
    AlarmTypes: ["MetricAlarm", "CompositeAlarm"],
  });
  const states = new Map([...MetricAlarms, ...CompositeAlarms].map((alarm) => [alarm.AlarmArn, alarm.StateValue]));
  const of = (test: (state: string | undefined) => boolean): string =>
    triggers
      .filter((one) => test(states.get(one.Arn)))
      .map((one) => one.Arn)
      .join(", ");
  const [missing, alarming] = [of((state) => state === undefined), of((state) => state === "ALARM")];
  if (missing) watch.reason = `The following rollback trigger(s) do not exist: [${missing}]. `;
  else if (alarming) watch.reason = `The following rollback trigger(s) are in ALARM state: [${alarming}]. `;
  return watch.reason;
}

/** Whether triggers are still to be watched after the resources are ready; notes until when. */
export async function beginWatch(run: StackRun, removes: boolean): Promise<boolean> {
  const { RollbackTriggers: triggers = [], MonitoringTimeInMinutes: minutes = 0 } = run.stack.revision?.rollback ?? {};
  // Where no resource was touched, there is nothing to watch for.
  const touched = removes || [...run.resources.values()].some((r) => r.former?.operation === run.operation.id);
  if (triggers.length === 0 || !touched) return false;
  const watchedUntil = run.operation.watchedUntil ?? run.ctx.now() + minutes * MINUTE_MS;
  run.watch.next = 0;
  await run.save({ operation: { phase: "watch", watchedUntil } });
  return true;
}

/** Gives the worker back until the triggers are to be looked at again, where the time to watch them is not over. */
export async function pauseWatch(run: StackRun): Promise<boolean> {
  const { ctx, operation, stack } = run;
  const left = (operation.watchedUntil ?? 0) - ctx.now();
  if (left <= 0) return false;
  const watched = (stack.revision?.rollback?.MonitoringTimeInMinutes ?? 0) * MINUTE_MS - left;
  const pause = Math.min(left, Math.max(EVERY_MS, Math.min(Math.floor(watched / 10), LONGEST_PAUSE_MS)));
  const looks = (operation.looks ?? 0) + 1;
  await run.save({ operation: { looks }, also: resumeOperation(ctx, stack, { ...operation, looks }, pause) });
  return true;
}
