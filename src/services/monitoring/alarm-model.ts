import type * as CloudWatch from "@aws-sdk/client-cloudwatch";
import type { Context } from "../../aws/context.ts";
import { arn } from "../../kernel/arn.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import type { MetricQuery } from "./metric-queries.ts";

/** What PutMetricAlarm takes, as it is kept. */
export interface MetricAlarmConfig {
  readonly kind: "metric";
  readonly metricName?: string;
  readonly namespace?: string;
  readonly dimensions: readonly { Name?: string | undefined; Value?: string | undefined }[];
  readonly statistic?: CloudWatch.Statistic;
  readonly extendedStatistic?: string;
  readonly period?: number;
  readonly unit?: CloudWatch.StandardUnit;
  readonly evaluationPeriods: number;
  readonly datapointsToAlarm?: number;
  readonly threshold?: number;
  readonly comparison: CloudWatch.ComparisonOperator;
  readonly treatMissingData?: string;
  readonly lowSamples?: string;
  readonly metrics?: readonly MetricQuery[];
}

/** What PutCompositeAlarm takes, as it is kept. */
export interface CompositeAlarmConfig {
  readonly kind: "composite";
  readonly rule: string;
}

/** An alarm with its state: one record. */
export interface Alarm {
  readonly name: string;
  readonly description?: string;
  readonly actionsEnabled: boolean;
  readonly okActions: readonly string[];
  readonly alarmActions: readonly string[];
  readonly insufficientActions: readonly string[];
  readonly config: MetricAlarmConfig | CompositeAlarmConfig;
  readonly configured: number;
  readonly state: AlarmState;
  readonly tags?: Readonly<Record<string, string>>;
  /** When it is looked at next: an appointment for another time is void. */
  readonly nextAt?: number;
}

export interface AlarmState {
  readonly value: CloudWatch.StateValue;
  readonly reason: string;
  /** JSON. */
  readonly data?: string;
  readonly updated: number;
  /** When the value last became another. */
  readonly changed: number;
}

/** Something that happened to an alarm. */
export interface HistoryItem {
  readonly name: string;
  readonly kind: Alarm["config"]["kind"];
  readonly at: number;
  readonly type: CloudWatch.HistoryItemType;
  readonly summary: string;
  /** JSON. */
  readonly data: string;
}

export const STATES: readonly CloudWatch.StateValue[] = ["OK", "ALARM", "INSUFFICIENT_DATA"];

export const alarmArn = (ctx: Pick<Context<any>, "region" | "account">, name: string): string =>
  arn("cloudwatch", ctx.region, ctx.account, `alarm:${name}`);

/** The permission's resource for each of the names; `*` where there are none. */
export const alarmPermissions = (ctx: Context<any>, action: string, names: readonly string[]) =>
  (names.length ? names.map((name) => alarmArn(ctx, name)) : [alarmArn(ctx, "*")]).map((resource) => ({
    action: `cloudwatch:${action}`,
    resource,
  }));

export const noAlarm = (): AwsError => new AwsError("ResourceNotFound", "", 404);

/** A metric alarm as DescribeAlarms answers it. */
export function metricView(ctx: Context<any>, alarm: Alarm, config: MetricAlarmConfig): CloudWatch.MetricAlarm {
  return {
    ...commonView(ctx, alarm),
    MetricName: config.metricName,
    Namespace: config.namespace,
    Statistic: config.statistic,
    ExtendedStatistic: config.extendedStatistic,
    Dimensions: [...config.dimensions] as CloudWatch.Dimension[],
    Period: config.period,
    Unit: config.unit,
    EvaluationPeriods: config.evaluationPeriods,
    DatapointsToAlarm: config.datapointsToAlarm,
    Threshold: config.threshold,
    ComparisonOperator: config.comparison,
    TreatMissingData: config.treatMissingData,
    EvaluateLowSampleCountPercentile: config.lowSamples,
    ...(config.metrics ? { Metrics: [...config.metrics] as CloudWatch.MetricDataQuery[] } : {}),
  };
}

/** A composite alarm as DescribeAlarms answers it. */
export function compositeView(ctx: Context<any>, alarm: Alarm, rule: string): CloudWatch.CompositeAlarm {
  return { ...commonView(ctx, alarm), AlarmRule: rule };
}

function commonView(ctx: Context<any>, alarm: Alarm) {
  const { state } = alarm;
  return {
    AlarmName: alarm.name,
    AlarmArn: alarmArn(ctx, alarm.name),
    AlarmDescription: alarm.description,
    AlarmConfigurationUpdatedTimestamp: new Date(alarm.configured),
    ActionsEnabled: alarm.actionsEnabled,
    OKActions: [...alarm.okActions],
    AlarmActions: [...alarm.alarmActions],
    InsufficientDataActions: [...alarm.insufficientActions],
    StateValue: state.value,
    StateReason: state.reason,
    StateReasonData: state.data,
    StateUpdatedTimestamp: new Date(state.updated),
    StateTransitionedTimestamp: new Date(state.changed),
  };
}
