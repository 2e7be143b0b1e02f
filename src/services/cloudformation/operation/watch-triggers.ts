import { alarmName } from "../rollback-triggers.ts";
import type { StackRun } from "./stack-run.ts";

const EVERY_MS = 1_000;
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

/** Watches the triggers for as long as the stack says after its resources are ready. Answers why the operation must end. */
export async function watchTriggers(run: StackRun): Promise<string | undefined> {
  const { ctx } = run;
  const { RollbackTriggers: triggers = [], MonitoringTimeInMinutes: minutes = 0 } = run.stack.revision?.rollback ?? {};
  if (triggers.length === 0) return undefined;
  const until = run.operation.watchedUntil ?? ctx.now() + minutes * MINUTE_MS;
  if (run.operation.watchedUntil === undefined) await run.save({ operation: { watchedUntil: until } });
  run.watch.next = 0;
  for (;;) {
    const reason = await tripped(run);
    if (reason !== undefined || ctx.now() >= until || (await run.cancelled())) return reason;
    await ctx.platform.clock.sleep(Math.min(EVERY_MS, until - ctx.now()), ctx.signal);
    ctx.signal.throwIfAborted();
  }
}
