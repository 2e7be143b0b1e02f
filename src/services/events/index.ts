import type * as Events from "@aws-sdk/client-eventbridge";
import { defineService } from "../../aws/service.ts";
import { buses } from "./api/buses.ts";
import { putEvents } from "./api/put-events.ts";
import { rules } from "./api/rules.ts";
import { tags } from "./api/tags.ts";
import { targets } from "./api/targets.ts";
import { deliveryWorker } from "./deliver.ts";
import { eventBus } from "./resources/event-bus.ts";
import { eventsRule } from "./resources/rule.ts";
import { scheduleWorker } from "./schedules.ts";
import { EventsState } from "./state.ts";

/** EventBridge: buses, rules, and what brings events to their targets. */
export const events = defineService<typeof Events, EventsState>({
  name: "events",
  operations: { ...rules, ...targets, ...putEvents, ...buses, ...tags },
  resources: [eventsRule, eventBus],
  workers: [deliveryWorker, scheduleWorker],
  start: () => new EventsState(),
});
