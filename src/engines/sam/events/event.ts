import type { JsonObject, JsonValue } from "../../yaml/index.ts";
import type { SamFault } from "../context.ts";
import { addResource, compact, sharedAttributes } from "../context.ts";
import type { FunctionBuild } from "../function.ts";

/** A trigger being translated. */
export interface SamEvent {
  readonly build: FunctionBuild;
  readonly name: string;
  readonly type: string;
  readonly settings: JsonObject;
  /** Function and event name: the base of what is generated. */
  readonly id: string;
  readonly fault: (message: string) => SamFault;
}

/** Lets a service invoke the function. */
export function addPermission(
  event: SamEvent,
  principal: string,
  more: Record<string, JsonValue | undefined>,
  suffix = "",
): string {
  const id = `${event.id}Permission${suffix}`;
  const properties = compact({
    Action: "lambda:InvokeFunction",
    FunctionName: event.build.target,
    Principal: principal,
    ...more,
  });
  addResource(event.build.context, id, "AWS::Lambda::Permission", properties, sharedAttributes(event.build.resource));
  return id;
}

/** Adds a resource of the event, with the function's Condition. */
export function addEventResource(event: SamEvent, id: string, type: string, properties: JsonObject): void {
  addResource(event.build.context, id, type, properties, sharedAttributes(event.build.resource));
}

/** The property, or the fault that it is missing. */
export function required(event: SamEvent, name: string): JsonValue {
  const value = event.settings[name];
  if (value === undefined || value === null) throw event.fault(`Missing required property '${name}'.`);
  return value;
}
