import type * as Logs from "@aws-sdk/client-cloudwatch-logs";
import { defineService } from "../../aws/service.ts";
import { events, streams } from "./events.ts";
import { exportTasks, exportWorker } from "./export-tasks.ts";
import { filters } from "./filters.ts";
import { groups } from "./groups.ts";
import { telemetryKey, type LogGroup } from "./model.ts";
import { queries } from "./queries.ts";
import { queryDefinitions } from "./query-definitions.ts";
import { resourcePolicies } from "./resource-policies.ts";
import { metricFilter, subscriptionFilter } from "./resources/filters.ts";
import { logGroup } from "./resources/log-group.ts";
import { logQueryDefinition, logResourcePolicy, logStream } from "./resources/log-stream.ts";
import { subscriptionWorker } from "./subscriptions.ts";
import { LogWatch } from "./watch.ts";
import { refused } from "./refused-members.ts";

const SWEEP_MS = 3600_000;
const DAY_MS = 86_400_000;

/** CloudWatch Logs. */
export const logs = defineService<typeof Logs, LogWatch>({
  name: "logs",
  refuses: refused,
  operations: {
    ...groups,
    ...streams,
    ...events,
    ...filters,
    ...resourcePolicies,
    ...queries,
    ...queryDefinitions,
    ...exportTasks,
  },
  resources: [logGroup, logStream, metricFilter, subscriptionFilter, logResourcePolicy, logQueryDefinition],
  workers: [subscriptionWorker, exportWorker],
  async start(platform, caller) {
    const watch = new LogWatch(platform, caller);
    await watch.resume();
    return watch;
  },
  stop: async (watch) => watch.stop(),
  periodic: [
    {
      name: "retention",
      everyMs: SWEEP_MS,
      async run(ctx) {
        for (const { value } of await ctx.records.list<LogGroup>("group")) {
          if (!value.retentionDays) continue;
          await ctx.platform.telemetry.expireLogs(
            telemetryKey(ctx.account, ctx.region, value.name),
            ctx.now() - value.retentionDays * DAY_MS,
          );
        }
      },
    },
  ],
});
