import type { Context } from "../../aws/context.ts";
import type { Periodic, QueueWorker } from "../../aws/service.ts";
import { servicePrincipal } from "../../aws/principal.ts";
import { codeOf, messageOf } from "../../kernel/aws-error.ts";
import { GuardFailed, type Statement } from "../../ports/database.ts";
import { judge, periodOf, queriesOf, type Verdict } from "./alarm-evaluation.ts";
import { alarmArn, type Alarm, type AlarmState, type HistoryItem } from "./alarm-model.ts";
import { parseCompositeRule } from "./composite-rule.ts";

const EVALUATIONS = "cloudwatch-alarm";
const ACTIONS = "cloudwatch-alarm-action";
/** How often an alarm is looked at: each minute, or each ten seconds where its period is shorter than a minute. */
const SLOW_MS = 60_000;
const QUICK_MS = 10_000;
const HISTORY_MS = 14 * 86_400_000;
const MAX_TRIES = 20;

interface Appointment {
  readonly name: string;
  readonly at: number;
}

interface Action {
  readonly name: string;
  readonly action: string;
  /** The function's input, made when the state changed. */
  readonly input: string;
}

/** The alarm with its next appointment, and the statements that wake us then. */
export function appoint(ctx: Context<any>, alarm: Alarm, delayMs?: number): { alarm: Alarm; also: Statement[] } {
  const isQuick = alarm.config.kind === "metric" && periodOf(alarm.config) < 60;
  const delay = delayMs ?? (isQuick ? QUICK_MS : SLOW_MS);
  if (alarm.config.kind === "composite" && delayMs === undefined) return { alarm, also: [] };
  const at = ctx.now() + delay;
  const appointment: Appointment = { name: alarm.name, at };
  return { alarm: { ...alarm, nextAt: at }, also: ctx.enqueue(EVALUATIONS, appointment, { delayMs: delay }) };
}

/** Looks at alarms when their time has come. */
export const alarmWorker: QueueWorker<any> = {
  topic: EVALUATIONS,
  concurrency: 8,
  leaseMs: 30_000,
  maxAttempts: 100,
  async run(ctx, body) {
    const { name, at } = body as Appointment;
    const stored = await ctx.records.get<Alarm>("alarm", name);
    if (!stored || stored.value.nextAt !== at) return;
    const { config } = stored.value;
    const verdict =
      config.kind === "metric"
        ? await judge(ctx, stored.value, config)
        : await judgeRule(ctx, stored.value, config.rule);
    await setState(ctx, name, verdict, at);
  },
};

async function judgeRule(ctx: Context<any>, alarm: Alarm, text: string): Promise<Verdict> {
  const rule = parseCompositeRule(text);
  const children = new Map<string, Alarm>();
  for (const name of rule.children) {
    const child = await ctx.records.get<Alarm>("alarm", name);
    if (child) children.set(name, child.value);
  }
  const value = rule.holds((name) => children.get(name)?.state.value) ? "ALARM" : "OK";
  if (alarm.state.value === value) return undefined;
  const newest = [...children.values()].sort((a, b) => b.state.changed - a.state.changed)[0];
  if (!newest) return { value, reason: `The rule is ${value === "ALARM"}.` };
  const when = new Date(newest.state.changed)
    .toUTCString()
    .replace(/^(\w+), /, "$1 ")
    .replace("GMT", "UTC");
  const reason = `${alarmArn(ctx, newest.name)} transitioned to ${newest.state.value} at ${when}`;
  const triggeringAlarms = [
    {
      arn: alarmArn(ctx, newest.name),
      state: { value: newest.state.value, timestamp: new Date(newest.state.changed).toISOString() },
    },
  ];
  return { value, reason, data: JSON.stringify({ triggeringAlarms }) };
}

/**
 * Writes the state, its history, its actions and what follows from it in one batch. `appointment` is the one that is over:
 * the alarm gets the next.
 */
export async function setState(
  ctx: Context<any>,
  name: string,
  verdict: Verdict,
  appointment?: number,
): Promise<Alarm | undefined> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const stored = await ctx.records.get<Alarm>("alarm", name);
    if (!stored || (appointment !== undefined && stored.value.nextAt !== appointment)) return stored?.value;
    const before = stored.value;
    const changes = verdict !== undefined && verdict.value !== before.state.value;
    // A look that finds the same state leaves it with its reason and times; SetAlarmState sets all of them.
    const isNews = verdict !== undefined && (changes || appointment === undefined);
    const settled: Alarm = isNews
      ? {
          ...before,
          state: {
            ...verdict,
            updated: ctx.now(),
            changed: changes ? ctx.now() : before.state.changed,
          },
        }
      : before;
    const { alarm, also } = appointment === undefined ? { alarm: settled, also: [] } : appoint(ctx, settled);
    const statements = changes ? await consequences(ctx, before, alarm) : [];
    try {
      await ctx.records.write(ctx.records.put("alarm", name, alarm, stored.rev), also, statements);
      return alarm;
    } catch (error) {
      if (!(error instanceof GuardFailed)) throw error;
    }
  }
  throw new Error(`alarm ${name} was changed by others ${MAX_TRIES} times in a row`);
}

/** What a change of state brings with it: history, an event, actions, and a look at the alarms that are made of this one. */
async function consequences(ctx: Context<any>, before: Alarm, after: Alarm): Promise<Statement[]> {
  const { state } = after;
  const data = {
    version: "1.0",
    oldState: { stateValue: before.state.value, stateReason: before.state.reason },
    newState: {
      stateValue: state.value,
      stateReason: state.reason,
      ...(state.data ? { stateReasonData: JSON.parse(state.data) as unknown } : {}),
    },
  };
  const summary = `Alarm updated from ${before.state.value} to ${state.value}`;
  const statements = [
    recordHistory(ctx, after, "StateUpdate", summary, data),
    ...ctx.later(
      "events",
      "PutEvents",
      { Entries: [eventOf(ctx, before, after)] },
      { principal: principal(ctx, after) },
    ),
  ];
  const actions = { OK: after.okActions, ALARM: after.alarmActions, INSUFFICIENT_DATA: after.insufficientActions };
  if (after.actionsEnabled)
    for (const action of actions[state.value] ?? []) {
      const input = JSON.stringify(actionInput(ctx, before, after));
      statements.push(...ctx.enqueue(ACTIONS, { name: after.name, action, input } satisfies Action));
    }
  for (const { value, rev, id } of await ctx.records.list<Alarm>("alarm")) {
    if (value.config.kind !== "composite" || id === after.name) continue;
    if (!parseCompositeRule(value.config.rule).children.includes(after.name)) continue;
    const parent = appoint(ctx, value, 0);
    statements.push(ctx.records.put("alarm", id, parent.alarm, rev), ...parent.also);
  }
  return statements;
}

const principal = (ctx: Context<any>, alarm: Alarm) =>
  servicePrincipal("cloudwatch.amazonaws.com", ctx.account, alarmArn(ctx, alarm.name));

const stateView = (state: AlarmState) => ({
  value: state.value,
  reason: state.reason,
  ...(state.data ? { reasonData: state.data } : {}),
  timestamp: new Date(state.updated).toISOString().replace("Z", "+0000"),
});

function configurationOf({ config, description }: Alarm): object {
  const told = description ? { description } : {};
  if (config.kind === "composite") return { ...told, alarmRule: config.rule };
  const metrics = queriesOf(config).map((query) => ({
    id: query.Id,
    ...(query.Expression ? { expression: query.Expression } : {}),
    ...(query.MetricStat
      ? {
          metricStat: {
            metric: {
              namespace: query.MetricStat.Metric?.Namespace,
              name: query.MetricStat.Metric?.MetricName,
              dimensions: Object.fromEntries(
                (query.MetricStat.Metric?.Dimensions ?? []).map((d) => [String(d.Name), d.Value]),
              ),
            },
            period: query.MetricStat.Period,
            stat: query.MetricStat.Stat,
          },
        }
      : {}),
    returnData: query.ReturnData !== false,
  }));
  return { ...told, metrics };
}

function eventOf(ctx: Context<any>, before: Alarm, after: Alarm): object {
  const detail = {
    alarmName: after.name,
    state: stateView(after.state),
    previousState: stateView(before.state),
    configuration: configurationOf(after),
  };
  return {
    Source: "aws.cloudwatch",
    DetailType: "CloudWatch Alarm State Change",
    Resources: [alarmArn(ctx, after.name)],
    Detail: JSON.stringify(detail),
  };
}

function actionInput(ctx: Context<any>, before: Alarm, after: Alarm): object {
  return {
    source: "aws.cloudwatch",
    alarmArn: alarmArn(ctx, after.name),
    accountId: ctx.account,
    time: new Date(after.state.updated).toISOString().replace("Z", "+0000"),
    region: ctx.region,
    alarmData: {
      alarmName: after.name,
      state: stateView(after.state),
      previousState: stateView(before.state),
      configuration: configurationOf(after),
    },
  };
}

/** The statement that records what happened to an alarm. */
export function recordHistory(
  ctx: Context<any>,
  alarm: Alarm,
  type: HistoryItem["type"],
  summary: string,
  data: object,
): Statement {
  const item: HistoryItem = {
    name: alarm.name,
    kind: alarm.config.kind,
    at: ctx.now(),
    type,
    summary,
    data: JSON.stringify(data),
  };
  return ctx.records.put("history", `${String(item.at).padStart(14, "0")}:${ctx.platform.ids.uuid()}`, item);
}

/** Calls the functions that are an alarm's actions; the history tells how it went. */
export const actionWorker: QueueWorker<any> = {
  topic: ACTIONS,
  concurrency: 8,
  leaseMs: 30_000,
  maxAttempts: 3,
  async run(ctx, body) {
    const { name, action, input } = body as Action;
    const alarm = (await ctx.records.get<Alarm>("alarm", name))?.value;
    if (!alarm) return;
    let failure: string | undefined;
    try {
      await act(ctx, alarm, action, input);
    } catch (error) {
      failure = `${codeOf(error) ?? "InternalFailure"}: ${messageOf(error)}`;
    }
    const summary = failure
      ? `Failed to execute action ${action}. ${failure}`
      : `Successfully executed action ${action}`;
    const data = {
      actionState: failure ? "Failed" : "Succeeded",
      notificationResource: action,
      ...(failure ? { error: failure } : {}),
    };
    await ctx.records.write(recordHistory(ctx, alarm, "Action", summary, data));
  },
};

async function act(ctx: Context<any>, alarm: Alarm, action: string, input: string): Promise<void> {
  const [, , service, region = ""] = action.split(":");
  const as = (name: string) =>
    ctx.inRegion(region || ctx.region).as(servicePrincipal(name, ctx.account, alarmArn(ctx, alarm.name)));
  if (service === "lambda") {
    const call = { FunctionName: action, InvocationType: "Event", Payload: input };
    await as("lambda.alarms.cloudwatch.amazonaws.com").call("lambda", "Invoke", call);
  } else if (service === "sns") {
    await as("cloudwatch.amazonaws.com").call("sns", "Publish", { TopicArn: action, Message: input });
  } else throw new Error(`Starling has no action of the service ${service}.`);
}

/** Removes history that is older than CloudWatch keeps it. */
export const historySweep: Periodic<any> = {
  name: "alarm history",
  everyMs: 3600_000,
  async run(ctx) {
    const old = await ctx.records.list<HistoryItem>("history", { limit: 500 });
    const gone = old.filter((item) => item.value.at < ctx.now() - HISTORY_MS);
    if (gone.length) await ctx.records.write(gone.map((item) => ctx.records.remove("history", item.id)));
  },
};
