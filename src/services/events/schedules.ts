import type { Context } from "../../aws/context.ts";
import type { QueueWorker } from "../../aws/service.ts";
import { nextOccurrence, parseSchedule } from "../../engines/schedule/index.ts";
import { GuardFailed, type Statement } from "../../ports/database.ts";
import { ruleArn, ruleId, type EventEnvelope, type Rule } from "./model.ts";
import { deliveries } from "./publish.ts";
import type { EventsState } from "./state.ts";

export const SCHEDULES = "events-schedule";

/** A rule's appointment. It is void where the rule's `nextAt` is another by then. */
interface Appointment {
  readonly id: string;
  readonly at: number;
}

/** The rule with its next time, and the statements that wake us then. */
export function appoint(ctx: Context<any>, rule: Rule): { rule: Rule; also: Statement[] } {
  const { nextAt: _past, ...rest } = rule;
  if (!rule.schedule || rule.state === "DISABLED") return { rule: rest, also: [] };
  const now = ctx.now();
  const at = nextOccurrence(parseSchedule(rule.schedule), now, { start: rule.created });
  if (at === undefined) return { rule: rest, also: [] };
  const appointment: Appointment = { id: ruleId(rule.bus, rule.name), at };
  return { rule: { ...rest, nextAt: at }, also: ctx.enqueue(SCHEDULES, appointment, { delayMs: at - now }) };
}

/** Fires scheduled rules. What was missed while the platform was down fires once, and the next time counts from now. */
export const scheduleWorker: QueueWorker<EventsState> = {
  topic: SCHEDULES,
  concurrency: 8,
  leaseMs: 30_000,
  maxAttempts: 100,
  async run(ctx, body) {
    const { id, at } = body as Appointment;
    const stored = await ctx.records.get<Rule>("rule", id);
    if (!stored || stored.value.nextAt !== at) return;
    const event: EventEnvelope = {
      version: "0",
      id: ctx.platform.ids.uuid(),
      "detail-type": "Scheduled Event",
      source: "aws.events",
      account: ctx.account,
      time: `${new Date(at).toISOString().slice(0, 19)}Z`,
      region: ctx.region,
      resources: [ruleArn(ctx, stored.value.bus, stored.value.name)],
      detail: {},
    };
    const { rule, also } = appoint(ctx, stored.value);
    try {
      await ctx.records.write(
        ctx.records.put("rule", id, rule, stored.rev),
        also,
        deliveries(ctx, stored.value, event),
      );
    } catch (error) {
      // Somebody changed the rule meanwhile: look again, so that neither the change nor the time is lost.
      if (error instanceof GuardFailed) return this.run(ctx, body, 1);
      throw error;
    }
  },
};
