import type { JsonObject } from "../../yaml/index.ts";
import { ownValue } from "../../../kernel/own-value.ts";
import { isObject } from "../../yaml/index.ts";
import { SamFault } from "../context.ts";
import type { FunctionBuild } from "../function.ts";
import { checkEventProperties } from "../property-types.ts";
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
    const add = ownValue(PULL_TYPES, event.Type)
      ? addPullEvent
      : (ownValue(PUSH_EVENTS, event.Type) ?? ownValue(API_EVENTS, event.Type));
    if (!add)
      throw new SamFault(
        id,
        `Event with id [${name}] is invalid. Resource dict has missing or invalid value for property 'Type'. Event Type is: ${event.Type}.`,
      );
    checkTenancy(build, event.Type);
    checkEvent(event, settings, `${id}${name}`, fault);
    add({ build, name, type: event.Type, settings, id: `${id}${name}`, fault });
  }
}

const API_EVENTS: Readonly<Record<string, typeof addRestApiEvent>> = { Api: addRestApiEvent, HttpApi: addHttpApiEvent };

function checkEvent(event: JsonObject, settings: JsonObject, id: string, fault: (message: string) => SamFault): void {
  const type = String(event.Type);
  if (event.Properties !== undefined && event.Properties !== null && !isObject(event.Properties))
    throw fault("Properties should be a map.");
  if (settings.ConsumerGroupId !== undefined && ownValue(PULL_TYPES, type) && !/^(MSK|SelfManagedKafka)$/.test(type))
    throw fault(`Property ConsumerGroupId not defined for resource of type ${type}.`);
  checkEventProperties(id, type, settings);
}

/** A function whose environments belong to one tenant each is called by its APIs alone. */
function checkTenancy({ resource }: FunctionBuild, type: string): void {
  if (!resource.properties.TenancyConfig || ownValue(API_EVENTS, type)) return;
  throw new SamFault(
    resource.id,
    `Event source '${type}' is not supported for functions enabled with tenancy configuration. Only Api and HttpApi event sources are supported.`,
  );
}
