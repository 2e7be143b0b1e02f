import type * as Events from "@aws-sdk/client-eventbridge";
import type { Context } from "../../../aws/context.ts";
import { operations, passRole } from "../../../aws/service.ts";
import { compileEventPattern } from "../../../engines/event-pattern/index.ts";
import { parseSchedule } from "../../../engines/schedule/index.ts";
import { GuardFailed } from "../../../ports/database.ts";
import { existingBus, existingRule, onRule } from "../access.ts";
import { MAX_RULES_PER_BUS } from "../limits.ts";
import { busName, DEFAULT_BUS, invalid, noRule, overLimit, ruleArn, ruleId, type Rule } from "../model.ts";
import { pageOf } from "../page.ts";
import { appoint } from "../schedules.ts";
import type { EventsState } from "../state.ts";
import { tagsFrom } from "./tags.ts";

type Ctx = Context<EventsState>;
const MAX_TRIES = 20;

export const rules = operations<typeof Events, EventsState>()({
  PutRule: {
    permissions: (input, ctx) => [...onRule("PutRule")(input, ctx), ...passRole(input.RoleArn, "events.amazonaws.com")],
    async run(ctx, input) {
      const bus = busName(input.EventBusName);
      await existingBus(ctx, bus);
      const name = String(input.Name);
      checkRule(input, bus);
      const wanted = {
        name,
        bus,
        state: input.State ?? ("ENABLED" as const),
        ...(input.EventPattern ? { pattern: input.EventPattern } : {}),
        ...(input.ScheduleExpression ? { schedule: input.ScheduleExpression } : {}),
        ...(input.Description ? { description: input.Description } : {}),
        ...(input.RoleArn ? { roleArn: input.RoleArn } : {}),
      };
      await change(ctx, bus, name, async (before) => {
        if (!before && (await ctx.records.count("rule", `${bus}:`)) >= MAX_RULES_PER_BUS)
          throw overLimit("The requested resource exceeds the maximum number allowed.");
        if (!before)
          return {
            ...wanted,
            targets: [],
            created: ctx.now(),
            ...(input.Tags?.length ? { tags: tagsFrom(input.Tags) } : {}),
          };
        const { targets, created, tags, nextAt } = before;
        // Tags of a rule that exists are left as they are: TagResource changes them.
        return {
          ...wanted,
          targets,
          created: before.schedule === wanted.schedule ? created : ctx.now(),
          ...(tags ? { tags } : {}),
          ...(nextAt ? { nextAt } : {}),
        };
      });
      return { RuleArn: ruleArn(ctx, bus, name) };
    },
  },
  DescribeRule: {
    permissions: onRule("DescribeRule"),
    async run(ctx, input) {
      const rule = await existingRule(ctx, busName(input.EventBusName), String(input.Name));
      return { ...view(ctx, rule), CreatedBy: ctx.account };
    },
  },
  ListRules: {
    permissions: (_input, ctx) => [{ action: "events:ListRules", resource: ruleArn(ctx, DEFAULT_BUS, "*") }],
    callers: ["codecommit.amazonaws.com"],
    async run(ctx, input) {
      const bus = busName(input.EventBusName);
      await existingBus(ctx, bus);
      const stored = await ctx.records.list<Rule>("rule", { prefix: `${bus}:${input.NamePrefix ?? ""}` });
      const { items, next } = pageOf(stored, input);
      return { Rules: items.map((r) => view(ctx, r.value)), ...next };
    },
  },
  DeleteRule: {
    permissions: onRule("DeleteRule"),
    async run(ctx, input) {
      const bus = busName(input.EventBusName);
      const stored = await ctx.records.get<Rule>("rule", ruleId(bus, String(input.Name)));
      if (!stored) return {};
      if (stored.value.targets.length) throw invalid("Rule can't be deleted since it has targets.");
      await ctx.records.write(ctx.records.remove("rule", stored.id, stored.rev)).catch((error: unknown) => {
        if (error instanceof GuardFailed) throw concurrent(stored.value.name);
        throw error;
      });
      return {};
    },
  },
  EnableRule: {
    permissions: onRule("EnableRule"),
    run: (ctx, input) => setState(ctx, input, "ENABLED"),
  },
  DisableRule: {
    permissions: onRule("DisableRule"),
    run: (ctx, input) => setState(ctx, input, "DISABLED"),
  },
});

async function setState(
  ctx: Ctx,
  input: { Name?: string | undefined; EventBusName?: string | undefined },
  state: "ENABLED" | "DISABLED",
): Promise<object> {
  const [bus, name] = [busName(input.EventBusName), String(input.Name)];
  await change(ctx, bus, name, async (before) => {
    if (!before) throw noRule(name, bus);
    return before.state === state ? undefined : { ...before, state };
  });
  return {};
}

function checkRule(
  input: { EventPattern?: string | undefined; ScheduleExpression?: string | undefined },
  bus: string,
): void {
  if (!input.EventPattern && !input.ScheduleExpression)
    throw invalid("Parameter(s) EventPattern or ScheduleExpression must be specified.");
  if (input.EventPattern) compileEventPattern(input.EventPattern);
  if (!input.ScheduleExpression) return;
  if (bus !== DEFAULT_BUS) throw invalid("ScheduleExpression is supported only on the default event bus.");
  if (parseSchedule(input.ScheduleExpression).kind === "at")
    throw invalid("Parameter ScheduleExpression is not valid.");
}

/** Writes what `make` makes of the rule (undefined: nothing), together with its next appointment; again where somebody else was faster. */
async function change(
  ctx: Ctx,
  bus: string,
  name: string,
  make: (before: Rule | undefined) => Promise<Rule | undefined>,
): Promise<void> {
  const id = ruleId(bus, name);
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const stored = await ctx.records.get<Rule>("rule", id);
    const wanted = await make(stored?.value);
    if (!wanted) return;
    const same =
      stored &&
      stored.value.schedule === wanted.schedule &&
      (stored.value.state === "DISABLED") === (wanted.state === "DISABLED");
    const { rule, also } = same ? { rule: wanted, also: [] } : appoint(ctx, wanted);
    try {
      await ctx.records.write(ctx.records.put("rule", id, rule, stored?.rev ?? 0), also);
      return;
    } catch (error) {
      if (!(error instanceof GuardFailed)) throw error;
    }
  }
  throw concurrent(name);
}

function concurrent(name: string): Error {
  return invalid(`Rule ${name} was modified by others. Please try again.`);
}

function view(ctx: Ctx, rule: Rule) {
  return {
    Name: rule.name,
    Arn: ruleArn(ctx, rule.bus, rule.name),
    State: rule.state,
    EventBusName: rule.bus,
    ...(rule.pattern ? { EventPattern: rule.pattern } : {}),
    ...(rule.schedule ? { ScheduleExpression: rule.schedule } : {}),
    ...(rule.description ? { Description: rule.description } : {}),
    ...(rule.roleArn ? { RoleArn: rule.roleArn } : {}),
  };
}
