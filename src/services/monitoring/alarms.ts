import type * as CloudWatch from "@aws-sdk/client-cloudwatch";
import type { Context } from "../../aws/context.ts";
import { operations } from "../../aws/service.ts";
import { AwsError, notImplemented } from "../../kernel/aws-error.ts";
import { GuardFailed } from "../../ports/database.ts";
import { isAnomalyComparison } from "./alarm-evaluation.ts";
import {
  alarmArn,
  alarmPermissions,
  compositeView,
  metricView,
  noAlarm,
  STATES,
  type Alarm,
  type HistoryItem,
  type MetricAlarmConfig,
} from "./alarm-model.ts";
import { appoint, recordHistory, setState } from "./alarm-state.ts";
import { parseCompositeRule } from "./composite-rule.ts";
import { checkPeriod, dimensionMap, invalid } from "./metric-input.ts";
import { checkQueries, type MetricQuery } from "./metric-queries.ts";
import { isStatistic } from "./statistics.ts";

const MAX_ALARMS = 5000;
const MAX_RECORDS = 100;
const DEFAULT_RECORDS = 50;
const SOON_MS = 10_000;
const wrong = (message: string, code = "ValidationError"): AwsError => new AwsError(code, message, 400);

interface Common {
  AlarmName?: string | undefined;
  AlarmDescription?: string | undefined;
  ActionsEnabled?: boolean | undefined;
  OKActions?: string[] | undefined;
  AlarmActions?: string[] | undefined;
  InsufficientDataActions?: string[] | undefined;
  Tags?: { Key?: string | undefined; Value?: string | undefined }[] | undefined;
}

export const alarms = operations<typeof CloudWatch, any>()({
  PutMetricAlarm: {
    permissions: (input, ctx) => alarmPermissions(ctx, "PutMetricAlarm", [String(input.AlarmName)]),
    async run(ctx, input) {
      // Members of an operation's input may be undefined where those of the SDK's types may be absent.
      await putAlarm(ctx, input as Common, metricConfig(ctx, input as CloudWatch.PutMetricAlarmInput));
      return {};
    },
  },
  PutCompositeAlarm: {
    permissions: (input, ctx) => alarmPermissions(ctx, "PutCompositeAlarm", [String(input.AlarmName)]),
    async run(ctx, input) {
      if (input.ActionsSuppressor) throw notImplemented("suppressors of a composite alarm's actions");
      const rule = String(input.AlarmRule);
      const { children } = parseCompositeRule(rule);
      if (children.includes(String(input.AlarmName)))
        throw wrong("A composite alarm cannot name itself in its AlarmRule.");
      for (const name of children)
        if (!(await ctx.records.get("alarm", name)))
          throw wrong(`Could not save the composite alarm as alarms [${name}] in the alarm rule do not exist`);
      await putAlarm(ctx, input as Common, { kind: "composite", rule });
      return {};
    },
  },
  DescribeAlarms: {
    permissions: (input, ctx) => alarmPermissions(ctx, "DescribeAlarms", input.AlarmNames ?? []),
    async run(ctx, input) {
      if (input.AlarmNames?.length && input.AlarmNamePrefix)
        throw wrong("AlarmNamePrefix and AlarmNames cannot be set at the same time.");
      const limit = Math.min(input.MaxRecords ?? DEFAULT_RECORDS, MAX_RECORDS);
      const all = input.ChildrenOfAlarmName || input.ParentsOfAlarmName ? ["MetricAlarm", "CompositeAlarm"] : undefined;
      const types = input.AlarmTypes?.length ? input.AlarmTypes : (all ?? ["MetricAlarm"]);
      const found = (await candidates(ctx, input)).filter(
        (alarm) =>
          types.includes(alarm.config.kind === "metric" ? "MetricAlarm" : "CompositeAlarm") &&
          (!input.StateValue || alarm.state.value === input.StateValue) &&
          (!input.ActionPrefix || actionsOf(alarm).some((a) => a.startsWith(String(input.ActionPrefix)))),
      );
      const page = found.slice(0, limit);
      return {
        MetricAlarms: page.flatMap((a) => (a.config.kind === "metric" ? [metricView(ctx, a, a.config)] : [])),
        CompositeAlarms: page.flatMap((a) =>
          a.config.kind === "composite" ? [compositeView(ctx, a, a.config.rule)] : [],
        ),
        ...(found.length > limit ? { NextToken: page.at(-1)!.name } : {}),
      };
    },
  },
  DescribeAlarmsForMetric: {
    permissions: (_input, ctx) => alarmPermissions(ctx, "DescribeAlarmsForMetric", []),
    async run(ctx, input) {
      const wanted = JSON.stringify(sorted(dimensionMap(input.Dimensions)));
      const stored = await ctx.records.list<Alarm>("alarm");
      return {
        MetricAlarms: stored.flatMap(({ value }) => {
          const { config } = value;
          const matches =
            config.kind === "metric" &&
            config.namespace === input.Namespace &&
            config.metricName === input.MetricName &&
            (!input.Statistic || config.statistic === input.Statistic) &&
            (!input.ExtendedStatistic || config.extendedStatistic === input.ExtendedStatistic) &&
            (!input.Period || config.period === input.Period) &&
            (!input.Unit || config.unit === input.Unit) &&
            JSON.stringify(sorted(dimensionMap(config.dimensions))) === wanted;
          return matches ? [metricView(ctx, value, config)] : [];
        }),
      };
    },
  },
  DeleteAlarms: {
    permissions: (input, ctx) => alarmPermissions(ctx, "DeleteAlarms", input.AlarmNames ?? []),
    async run(ctx, input) {
      const names = new Set(input.AlarmNames ?? []);
      if (names.size > 100) throw wrong("At most 100 alarms can be deleted at once.");
      const statements = [];
      for (const name of names) {
        const stored = await ctx.records.get<Alarm>("alarm", name);
        if (!stored) continue;
        const { value } = stored;
        if (value.config.kind === "composite" && names.size > 1)
          throw wrong("Only one composite alarm can be deleted at once, and no metric alarms with it.");
        const history = recordHistory(ctx, value, "ConfigurationUpdate", `Alarm "${name}" deleted`, { type: "Delete" });
        statements.push(ctx.records.remove("alarm", name), history);
      }
      if (statements.length) await ctx.records.write(statements);
      return {};
    },
  },
  SetAlarmState: {
    permissions: (input, ctx) => alarmPermissions(ctx, "SetAlarmState", [String(input.AlarmName)]),
    async run(ctx, input) {
      const value = STATES.find((state) => state === input.StateValue);
      if (!value) throw wrong(`The value ${input.StateValue} for parameter StateValue is invalid.`);
      if (input.StateReasonData) checkJson(input.StateReasonData);
      const verdict = {
        value,
        reason: String(input.StateReason),
        ...(input.StateReasonData ? { data: input.StateReasonData } : {}),
      };
      if (!(await setState(ctx, String(input.AlarmName), verdict))) throw noAlarm();
      return {};
    },
  },
  EnableAlarmActions: {
    permissions: (input, ctx) => alarmPermissions(ctx, "EnableAlarmActions", input.AlarmNames ?? []),
    run: (ctx, input) => setActions(ctx, input.AlarmNames ?? [], true),
  },
  DisableAlarmActions: {
    permissions: (input, ctx) => alarmPermissions(ctx, "DisableAlarmActions", input.AlarmNames ?? []),
    run: (ctx, input) => setActions(ctx, input.AlarmNames ?? [], false),
  },
  DescribeAlarmHistory: {
    permissions: (input, ctx) =>
      alarmPermissions(ctx, "DescribeAlarmHistory", input.AlarmName ? [input.AlarmName] : []),
    async run(ctx, input) {
      const limit = Math.min(input.MaxRecords ?? MAX_RECORDS, MAX_RECORDS);
      const kinds = input.AlarmTypes?.length ? input.AlarmTypes : ["MetricAlarm"];
      const ascending = input.ScanBy === "TimestampAscending";
      const items = await ctx.records.list<HistoryItem>("history", {
        reverse: !ascending,
        ...(input.NextToken ? { after: input.NextToken } : {}),
      });
      const found = items.filter(
        ({ value }) =>
          (!input.AlarmName || value.name === input.AlarmName) &&
          (!input.HistoryItemType || value.type === input.HistoryItemType) &&
          kinds.includes(value.kind === "metric" ? "MetricAlarm" : "CompositeAlarm") &&
          (!input.StartDate || value.at >= new Date(input.StartDate).getTime()) &&
          (!input.EndDate || value.at <= new Date(input.EndDate).getTime()),
      );
      const page = found.slice(0, limit);
      return {
        AlarmHistoryItems: page.map(({ value }) => ({
          AlarmName: value.name,
          AlarmType: value.kind === "metric" ? ("MetricAlarm" as const) : ("CompositeAlarm" as const),
          Timestamp: new Date(value.at),
          HistoryItemType: value.type,
          HistorySummary: value.summary,
          HistoryData: value.data,
        })),
        ...(found.length > limit ? { NextToken: page.at(-1)!.id } : {}),
      };
    },
  },
});

const sorted = (map: Record<string, string>): unknown => Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1));
const actionsOf = (alarm: Alarm): string[] => [...alarm.alarmActions, ...alarm.okActions, ...alarm.insufficientActions];

/** Alarms that the input may ask for, in the order of their names. */
async function candidates(
  ctx: Context<any>,
  input: {
    AlarmNames?: string[] | undefined;
    AlarmNamePrefix?: string | undefined;
    ChildrenOfAlarmName?: string | undefined;
    ParentsOfAlarmName?: string | undefined;
    NextToken?: string | undefined;
  },
): Promise<Alarm[]> {
  let names = input.AlarmNames?.length ? input.AlarmNames : undefined;
  if (input.ChildrenOfAlarmName) {
    const parent = (await ctx.records.get<Alarm>("alarm", input.ChildrenOfAlarmName))?.value;
    names = parent?.config.kind === "composite" ? [...parseCompositeRule(parent.config.rule).children] : [];
  }
  const stored = await ctx.records.list<Alarm>("alarm", {
    ...(input.AlarmNamePrefix ? { prefix: input.AlarmNamePrefix } : {}),
    ...(input.NextToken ? { after: input.NextToken } : {}),
  });
  const { ParentsOfAlarmName: child } = input;
  return stored
    .map((s) => s.value)
    .filter(
      ({ name, config }) =>
        (!names || names.includes(name)) &&
        (!child || (config.kind === "composite" && [...parseCompositeRule(config.rule).children].includes(child))),
    );
}

function metricConfig(ctx: Context<any>, input: CloudWatch.PutMetricAlarmInput): MetricAlarmConfig {
  if (isAnomalyComparison(input.ComparisonOperator) || input.ThresholdMetricId)
    throw notImplemented("alarms on anomaly detection");
  const statistics = [input.Statistic, input.ExtendedStatistic].filter((one) => one !== undefined);
  if (input.Metrics?.length) {
    if (input.MetricName || input.Namespace || statistics.length || input.Period || input.Dimensions?.length)
      throw wrong(
        "Metrics list cannot be set together with MetricName, Namespace, Dimensions, Period, Unit, Statistic or ExtendedStatistic.",
      );
    checkQueries(ctx, input.Metrics);
    if (input.Metrics.filter((m) => m.ReturnData !== false).length !== 1)
      throw wrong("Exactly one element of the metrics list should return data.");
  } else checkSingle(input, statistics);
  const { EvaluationPeriods, DatapointsToAlarm, Threshold, TreatMissingData } = input;
  if (Threshold === undefined) throw wrong("Threshold is required for an alarm with a static threshold.");
  if (DatapointsToAlarm !== undefined && DatapointsToAlarm > Number(EvaluationPeriods))
    throw wrong("DatapointsToAlarm must be less than or equal to EvaluationPeriods.");
  if (TreatMissingData && !["breaching", "notBreaching", "ignore", "missing"].includes(TreatMissingData))
    throw wrong(
      `The value ${TreatMissingData} is not supported for TreatMissingData parameter. Supported values are [breaching, notBreaching, ignore, missing].`,
    );
  return {
    kind: "metric",
    dimensions: input.Dimensions ?? [],
    evaluationPeriods: Number(EvaluationPeriods),
    comparison: input.ComparisonOperator!,
    threshold: Threshold,
    ...optional("metricName", input.MetricName),
    ...optional("namespace", input.Namespace),
    ...optional("statistic", input.Statistic),
    ...optional("extendedStatistic", input.ExtendedStatistic),
    ...optional("period", input.Period),
    ...optional("unit", input.Unit),
    ...optional("datapointsToAlarm", DatapointsToAlarm),
    ...optional("treatMissingData", TreatMissingData),
    ...optional("lowSamples", input.EvaluateLowSampleCountPercentile),
    ...(input.Metrics?.length ? { metrics: input.Metrics as MetricQuery[] } : {}),
  };
}

function checkSingle(input: CloudWatch.PutMetricAlarmInput, statistics: readonly string[]): void {
  if (!input.MetricName || !input.Namespace) throw wrong("An alarm must have MetricName and Namespace, or Metrics.");
  if (statistics.length !== 1) throw wrong("Exactly one of Statistic and ExtendedStatistic must be given.");
  if (input.ExtendedStatistic && !isStatistic(input.ExtendedStatistic))
    throw invalid(`The value ${input.ExtendedStatistic} for parameter ExtendedStatistic is not supported.`);
  const low = input.EvaluateLowSampleCountPercentile;
  if (low && !["evaluate", "ignore"].includes(low))
    throw wrong(
      `Option ${low} is not supported. Supported options for parameter EvaluateLowSampleCountPercentile are evaluate and ignore.`,
    );
  checkPeriod(input.Period);
  if (Number(input.Period) * Number(input.EvaluationPeriods) > 7 * 86_400)
    throw wrong(
      "Metrics cannot be checked across more than seven days (EvaluationPeriods * Period must be <= 604800).",
    );
}

const optional = <Name extends string, Value>(name: Name, value: Value | undefined): { [K in Name]?: Value } =>
  (value === undefined ? {} : { [name]: value }) as { [K in Name]?: Value };

function checkActions(input: Common): void {
  for (const action of [
    ...(input.OKActions ?? []),
    ...(input.AlarmActions ?? []),
    ...(input.InsufficientDataActions ?? []),
  ]) {
    if (!/^arn:[\w-]+:[\w-]+:[\w-]*:\d*:.+/.test(action)) throw wrong(`Invalid AlarmAction ARN: ${action}`);
    const service = action.split(":")[2];
    // A topic may be missing at AWS too: that it could not be told is in the alarm's history then.
    if (service !== "lambda" && service !== "sns") throw notImplemented(`the alarm action ${action}`);
  }
}

async function putAlarm(ctx: Context<any>, input: Common, config: Alarm["config"]): Promise<void> {
  checkActions(input);
  const name = String(input.AlarmName);
  const now = ctx.now();
  for (let tries = 0; tries < 20; tries++) {
    const stored = await ctx.records.get<Alarm>("alarm", name);
    const before = stored?.value;
    if (before && before.config.kind !== config.kind)
      throw wrong(`An alarm of another type with the name ${name} exists already.`);
    if (!before && (await ctx.records.count("alarm")) >= MAX_ALARMS)
      throw wrong("The maximum limit of alarms is reached.", "LimitExceeded");
    const wanted: Alarm = {
      name,
      config,
      ...(input.AlarmDescription === undefined ? {} : { description: input.AlarmDescription }),
      actionsEnabled: input.ActionsEnabled ?? true,
      okActions: input.OKActions ?? [],
      alarmActions: input.AlarmActions ?? [],
      insufficientActions: input.InsufficientDataActions ?? [],
      configured: now,
      state: before?.state ?? {
        value: "INSUFFICIENT_DATA",
        reason: "Unchecked: Initial alarm creation",
        updated: now,
        changed: now,
      },
      ...optional("tags", before ? before.tags : tagsOf(input)),
    };
    const { alarm, also } = appoint(ctx, wanted, config.kind === "composite" ? 0 : SOON_MS);
    const verb = before ? "updated" : "created";
    const data = { version: "1.0", type: before ? "Update" : "Create", alarmArn: alarmArn(ctx, name) };
    const history = recordHistory(ctx, alarm, "ConfigurationUpdate", `Alarm "${name}" ${verb}`, data);
    try {
      await ctx.records.write(ctx.records.put("alarm", name, alarm, stored?.rev ?? 0), also, history);
      return;
    } catch (error) {
      if (!(error instanceof GuardFailed)) throw error;
    }
  }
  throw new AwsError("ConcurrentModificationException", `The alarm ${name} was changed by others.`, 429);
}

const tagsOf = (input: Common): Record<string, string> | undefined =>
  input.Tags?.length ? Object.fromEntries(input.Tags.map((t) => [String(t.Key), t.Value ?? ""])) : undefined;

async function setActions(ctx: Context<any>, names: readonly string[], actionsEnabled: boolean): Promise<object> {
  for (const name of names)
    await ctx.records.update<Alarm>("alarm", name, (alarm) =>
      alarm.actionsEnabled === actionsEnabled ? undefined : { ...alarm, actionsEnabled },
    );
  return {};
}

function checkJson(text: string): void {
  try {
    JSON.parse(text);
  } catch {
    throw wrong("StateReasonData must be valid JSON.", "InvalidFormat");
  }
}
