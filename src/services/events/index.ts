import type * as Events from "@aws-sdk/client-eventbridge";
import { defineService } from "../../aws/service.ts";
import { apiDestinations } from "./api/api-destinations.ts";
import { archives } from "./api/archives.ts";
import { buses } from "./api/buses.ts";
import { connections } from "./api/connections.ts";
import { putEvents } from "./api/put-events.ts";
import { replays } from "./api/replays.ts";
import { rules } from "./api/rules.ts";
import { tags } from "./api/tags.ts";
import { targets } from "./api/targets.ts";
import { archiveSweep } from "./archiving.ts";
import { authorizationWorker } from "./authorize-connection.ts";
import { deliveryWorker } from "./deliver.ts";
import { replayWorker } from "./replaying.ts";
import { eventsArchive } from "./resources/archive.ts";
import { eventBusPolicy } from "./resources/event-bus-policy.ts";
import { eventsApiDestination, eventsConnection } from "./resources/connection.ts";
import { eventBus } from "./resources/event-bus.ts";
import { eventsRule } from "./resources/rule.ts";
import { scheduleWorker } from "./schedules.ts";
import { EventsState } from "./state.ts";
import { refused } from "./refused-members.ts";

/** EventBridge: buses, rules, and what brings events to their targets. */
export const events = defineService<typeof Events, EventsState>({
  name: "events",
  operations: {
    ...rules,
    ...targets,
    ...putEvents,
    ...buses,
    ...tags,
    ...archives,
    ...replays,
    ...connections,
    ...apiDestinations,
  },
  refuses: refused,
  resources: [eventsRule, eventBus, eventBusPolicy, eventsArchive, eventsConnection, eventsApiDestination],
  workers: [deliveryWorker, scheduleWorker, replayWorker, authorizationWorker],
  periodic: [archiveSweep],
  start: () => new EventsState(),
});
