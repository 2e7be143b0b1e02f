import type { RollbackConfiguration } from "@aws-sdk/client-cloudformation";
import { validation } from "./errors.ts";

/** Alarms that roll an operation back, and how long they are watched after it. */
export interface RollbackTriggers {
  readonly RollbackTriggers?: readonly { readonly Arn: string; readonly Type: string }[];
  readonly MonitoringTimeInMinutes?: number;
}

const TYPES = new Set(["AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"]);
const ALARM = /^arn:[^:]+:cloudwatch:[^:]+:\d{12}:alarm:(.+)$/;

/** What a call says about triggers; `undefined` where it leaves them as they are. */
export function rollbackTriggers(given: RollbackConfiguration | undefined): RollbackTriggers | undefined {
  if (!given) return undefined;
  const { RollbackTriggers: triggers, MonitoringTimeInMinutes } = given;
  for (const { Arn, Type } of triggers ?? []) {
    if (!TYPES.has(String(Type))) throw validation("Rollback Trigger Type not supported");
    if (!ALARM.test(String(Arn))) throw validation("RelativeId of a Rollback Trigger's ARN is incorrect");
  }
  return {
    ...(triggers
      ? { RollbackTriggers: triggers.map(({ Arn, Type }) => ({ Arn: String(Arn), Type: String(Type) })) }
      : {}),
    ...(MonitoringTimeInMinutes === undefined ? {} : { MonitoringTimeInMinutes }),
  };
}

/** The name of the alarm that a trigger is about. */
export const alarmName = (arn: string): string => ALARM.exec(arn)?.[1] ?? arn;

/** Triggers as descriptions show them. */
export function triggersView(triggers: RollbackTriggers | undefined): RollbackConfiguration {
  const { RollbackTriggers: alarms, ...rest } = triggers ?? {};
  return { ...rest, ...(alarms ? { RollbackTriggers: alarms.map((one) => ({ ...one })) } : {}) };
}
