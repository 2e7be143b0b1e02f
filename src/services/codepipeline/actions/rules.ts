import { nextOccurrence, parseSchedule } from "../../../engines/schedule/index.ts";
import { boundedMatcher, fitsSource } from "../../../kernel/bounded-match.ts";
import { ActionFailure, type ActionProvider } from "../action-run.ts";

const MOST_PATTERN_MS = 50;

const COMPARE: Readonly<Record<string, (variable: string, value: string) => boolean>> = {
  EQ: (variable, value) => variable === value,
  NE: (variable, value) => variable !== value,
  CONTAINS: (variable, value) => variable.includes(value),
  MATCHES: (variable, value) => fitsSource(boundedMatcher(MOST_PATTERN_MS), variable, value, "whole"),
};

/** Compares a variable of the execution with a value. */
export const variableCheck: ActionProvider = {
  timeoutMinutes: 60,
  check({ configuration, name }) {
    const operator = String(configuration?.["Operator"]);
    if (!Object.hasOwn(COMPARE, operator))
      throw new ActionFailure("ConfigurationError", `The operator ${operator} of rule ${name} is not valid`);
  },
  async run({ action, configuration }) {
    const { Variable = "", Value = "", Operator = "" } = configuration;
    if (COMPARE[Operator]?.(Variable, Value)) return { status: "Succeeded" };
    throw new ActionFailure(
      "JobFailed",
      `The variable check of rule ${action.name} failed: the value ${Variable} does not satisfy ${Operator} ${Value}`,
    );
  },
};

const DEFAULT_STATES = "ALARM";
const MAX_WAIT_MINUTES = 24 * 60;
const LOOK_EVERY_MS = 15_000;

/** Fails when an alarm is in a state it should not be in, now or within the time to wait. */
export const alarmRule: ActionProvider = {
  timeoutMinutes: MAX_WAIT_MINUTES + 5,
  check({ configuration, name }) {
    const wait = Number(configuration?.["WaitTime"] ?? 0);
    if (!(wait >= 0 && wait <= MAX_WAIT_MINUTES))
      throw new ActionFailure(
        "ConfigurationError",
        `The WaitTime of rule ${name} must be between 0 and ${MAX_WAIT_MINUTES} minutes`,
      );
  },
  async run({ action, configuration, ctx, role, run, signal }) {
    const name = String(configuration["AlarmName"]);
    const unwanted = new Set((configuration["AlarmStates"] ?? DEFAULT_STATES).split(",").map((one) => one.trim()));
    const until = run.started + Number(configuration["WaitTime"] ?? 0) * 60_000;
    for (;;) {
      const found = await role.call("monitoring", "DescribeAlarms", {
        AlarmNames: [name],
        AlarmTypes: ["MetricAlarm", "CompositeAlarm"],
      });
      const alarm = [...(found.MetricAlarms ?? []), ...(found.CompositeAlarms ?? [])][0];
      if (!alarm)
        throw new ActionFailure("ConfigurationError", `The alarm ${name} of rule ${action.name} does not exist`);
      if (unwanted.has(String(alarm.StateValue)))
        throw new ActionFailure("JobFailed", `The alarm ${name} is in the state ${alarm.StateValue}`);
      const left = until - ctx.now();
      if (left <= 0) return { status: "Succeeded" };
      await ctx.platform.clock.sleep(Math.min(left, LOOK_EVERY_MS), signal);
    }
  },
};

const MINUTE_MS = 60_000;
const LONGEST_WAIT_MS = 2 ** 31 - 1;

/** Waits until it is a time at which deployments are allowed. */
export const deploymentWindow: ActionProvider = {
  timeoutMinutes: 7 * 24 * 60,
  check({ configuration = {}, name }) {
    if (!configuration["Cron"]?.includes("#{")) windowOf(configuration, name);
  },
  async run({ action, configuration, ctx, signal }) {
    const { schedule, timeZone } = windowOf(configuration, action.name);
    for (;;) {
      const minute = Math.floor(ctx.now() / MINUTE_MS) * MINUTE_MS;
      const opens = nextOccurrence(schedule, minute - 1, { timeZone });
      if (opens === undefined)
        throw new ActionFailure("JobFailed", `The deployment window of rule ${action.name} never opens again`);
      if (opens <= ctx.now()) return { status: "Succeeded" };
      await ctx.platform.clock.sleep(Math.min(opens - ctx.now(), LONGEST_WAIT_MS), signal);
    }
  },
};

/** The cron of a window has seconds before the fields that schedules have, and may leave the year out. */
function windowOf(configuration: Readonly<Record<string, string>>, rule: string) {
  const { Cron = "", TimeZone = "UTC" } = configuration;
  const [seconds, ...fields] = Cron.trim().split(/\s+/);
  try {
    if (seconds !== "*") throw new Error("the seconds must be *");
    const schedule = parseSchedule(`cron(${[...fields, ...(fields.length === 5 ? ["*"] : [])].join(" ")})`);
    new Intl.DateTimeFormat("en", { timeZone: TimeZone });
    return { schedule, timeZone: TimeZone };
  } catch (error) {
    throw new ActionFailure(
      "ConfigurationError",
      `The window of rule ${rule} is not valid: ${Cron} ${TimeZone} (${(error as Error).message})`,
    );
  }
}
