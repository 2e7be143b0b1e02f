import type { JsonObject } from "../../yaml/index.ts";
import { isObject } from "../../yaml/index.ts";
import { SamFault } from "../context.ts";
import type { FunctionBuild } from "../function.ts";
import { addHttpApiEvent, addRestApiEvent } from "./api.ts";
import { PULL_TYPES, addPullEvent } from "./pull.ts";
import { PUSH_EVENTS } from "./push.ts";

/** Adds every trigger of a function: mappings, rules, subscriptions, routes and permissions. */
export function addEvents(build: FunctionBuild): void {
  const { id, properties } = build.resource;
  if (properties.Events === undefined) return;
  if (!isObject(properties.Events)) throw new SamFault(id, "Property 'Events' should be a map.");
  for (const [name, event] of Object.entries(properties.Events)) {
    const fault = (message: string): SamFault => new SamFault(id, `Event with id [${name}] is invalid. ${message}`);
    if (!isObject(event)) throw fault("Event must be a map.");
    if (typeof event.Type !== "string") throw fault("Missing required property 'Type'.");
    const settings: JsonObject = isObject(event.Properties) ? event.Properties : {};
    const add = PULL_TYPES[event.Type] ? addPullEvent : (PUSH_EVENTS[event.Type] ?? API_EVENTS[event.Type]);
    if (!add)
      throw new SamFault(
        id,
        `Event with id [${name}] is invalid. Resource dict has missing or invalid value for property 'Type'. Event Type is: ${event.Type}.`,
      );
    add({ build, name, type: event.Type, settings, id: `${id}${name}`, fault });
  }
}

const API_EVENTS: Readonly<Record<string, typeof addRestApiEvent>> = { Api: addRestApiEvent, HttpApi: addHttpApiEvent };
