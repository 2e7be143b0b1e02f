import type * as CloudWatch from "@aws-sdk/client-cloudwatch";
import { defineService } from "../../aws/service.ts";
import { actionWorker, alarmWorker, historySweep } from "./alarm-state.ts";
import { alarms } from "./alarms.ts";
import { dashboards } from "./dashboards.ts";
import { metrics } from "./metrics.ts";
import { compositeAlarm, dashboard, metricAlarm } from "./resources/alarm.ts";
import { tags } from "./tags.ts";
import { refused } from "./refused-members.ts";

/** CloudWatch: metrics, alarms and dashboards. */
export const monitoring = defineService<typeof CloudWatch, any>({
  name: "monitoring",
  refuses: refused,
  operations: { ...metrics, ...alarms, ...dashboards, ...tags },
  resources: [metricAlarm, compositeAlarm, dashboard],
  workers: [alarmWorker, actionWorker],
  periodic: [historySweep],
});
