import type { Context } from "../../aws/context.ts";
import { matchEventPattern } from "../../engines/event-pattern/index.ts";
import type { Statement } from "../../ports/database.ts";
import { archive } from "./archiving.ts";
import { ruleArn, type EventEnvelope, type Rule, type Target } from "./model.ts";
import type { EventsState } from "./state.ts";

export const DELIVERIES = "events-delivery";

/** One event on its way to one target. */
export interface Delivery {
  readonly event: EventEnvelope;
  readonly target: Target;
  readonly rule: string;
  readonly ruleArn: string;
  readonly acceptedAt: number;
  /** Buses that the event has passed before. */
  readonly hops: number;
}

/**
 * The statements that put the event on its way to every target of every enabled rule of the bus that matches it (a replay
 * may name the rules), and into the bus's archives.
 */
export async function publish(
  ctx: Context<EventsState>,
  bus: string,
  event: EventEnvelope,
  { hops = 0, onlyRules }: { hops?: number; onlyRules?: readonly string[] | undefined } = {},
): Promise<Statement[]> {
  const rules = await ctx.records.list<Rule>("rule", { prefix: `${bus}:` });
  const archived = event["replay-name"] === undefined ? await archive(ctx, bus, event) : [];
  const sent = rules.flatMap(({ value }) => {
    if (value.state === "DISABLED" || !value.pattern || value.targets.length === 0) return [];
    if (onlyRules && !onlyRules.includes(ruleArn(ctx, bus, value.name))) return [];
    return matchEventPattern(ctx.state.pattern(value.pattern), event as never)
      ? deliveries(ctx, value, event, hops)
      : [];
  });
  return [...archived, ...sent];
}

/** The statements that put the event on its way to every target of a rule. */
export function deliveries(ctx: Context<any>, rule: Rule, event: EventEnvelope, hops = 0): Statement[] {
  const facts = { event, rule: rule.name, ruleArn: ruleArn(ctx, rule.bus, rule.name), acceptedAt: ctx.now(), hops };
  recordMetric(ctx, rule.name, "MatchedEvents");
  return rule.targets.flatMap((target) => ctx.enqueue(DELIVERIES, { ...facts, target } satisfies Delivery));
}

/** CloudWatch's metrics of a rule: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html */
export function recordMetric(ctx: Context<any>, rule: string, name: string): void {
  const sample = {
    namespace: "AWS/Events",
    name,
    dimensions: { RuleName: rule },
    timestamp: ctx.now(),
    unit: "Count",
    value: 1,
  };
  ctx.platform.telemetry.putMetrics(ctx.account, ctx.region, [sample]);
}
