import type { JsonObject, JsonValue } from "../../yaml/index.ts";
import { ownValue } from "../../../kernel/own-value.ts";
import { isObject } from "../../yaml/index.ts";
import { addRoute, implicitApi } from "../api-routes.ts";
import type { SamContext, SamResource } from "../context.ts";
import { compact, getAtt, pick, ref, SamFault, tagList } from "../context.ts";
import { trustPolicy } from "../role.ts";
import { checkStateMachineEvent } from "../property-types.ts";
import type { SamEvent } from "./event.ts";
import { addEventResource } from "./event.ts";
import { deadLetterQueue } from "./push.ts";

const SCHEDULE = (
  "Description StartDate EndDate FlexibleTimeWindow GroupName KmsKeyArn ScheduleExpression ScheduleExpressionTimezone " +
  "State"
).split(" ");

/** Adds what starts a state machine: schedules, rules and REST routes, each with a role that may start it. */
export function addStateMachineEvents(context: SamContext, resource: SamResource, alias: string | undefined): void {
  const { id, properties } = resource;
  const target = ref(properties.UseAliasAsEventTarget === true && alias ? alias : id);
  const build = {
    context,
    resource,
    target,
    targetArn: target,
    managed: [],
    inline: [],
    documents: new Set<string>(),
    passThroughTags: undefined,
  };
  for (const [name, event] of Object.entries(isObject(properties.Events) ? properties.Events : {})) {
    const fault = (message: string): SamFault => new SamFault(id, `Event with id [${name}] is invalid. ${message}`);
    if (!isObject(event) || typeof event.Type !== "string") throw fault("Missing required property 'Type'.");
    const settings: JsonObject = isObject(event.Properties) ? event.Properties : {};
    const add = ownValue(EVENTS, event.Type);
    checkStateMachineEvent(`${id}${name}`, event.Type, settings);
    if (settings.State !== undefined && settings.Enabled !== undefined)
      throw new SamFault(
        undefined,
        `Event with id [${name}] is invalid. State and Enabled Properties cannot both be specified.`,
      );
    if (!add) throw fault(`Starling does not translate events of type ${event.Type} of a state machine.`);
    add({ build, name, type: event.Type, settings, id: `${id}${name}`, fault });
  }
}

const EVENTS: Readonly<Record<string, (event: SamEvent) => void>> = {
  Schedule: (event) => {
    const { settings: s } = event;
    const state = s.Enabled === undefined ? s.State : s.Enabled === true ? "ENABLED" : "DISABLED";
    const rule = { ScheduleExpression: s.Schedule, State: state, Name: s.Name, Description: s.Description };
    addEventResource(event, event.id, "AWS::Events::Rule", compact({ ...rule, Targets: [ruleTarget(event)] }));
  },
  ScheduleV2: addSchedule,
  CloudWatchEvent: addRule,
  EventBridgeRule: addRule,
  Api: addApiRoute,
};

function addRule(event: SamEvent): void {
  const { settings: s } = event;
  const rule = { EventBusName: s.EventBusName, EventPattern: s.Pattern, Name: s.RuleName, State: s.State };
  addEventResource(event, event.id, "AWS::Events::Rule", compact({ ...rule, Targets: [ruleTarget(event)] }));
}

function ruleTarget(event: SamEvent): JsonObject {
  const { settings: s, build } = event;
  const own = isObject(s.Target) ? s.Target.Id : undefined;
  return compact({
    Id: own ?? `${event.id.slice(0, 64 - "StepFunctionsTarget".length)}StepFunctionsTarget`,
    Arn: build.targetArn,
    RoleArn: s.RoleArn ?? startRole(event, "events.amazonaws.com", `${event.id}RoleStartExecutionPolicy`),
    ...deadLetters(event),
    ...pick(s, ["Input", "InputPath", "InputTransformer", "RetryPolicy"]),
  });
}

function deadLetters(event: SamEvent): JsonObject {
  const queue = deadLetterQueue(event);
  return queue === undefined ? {} : { DeadLetterConfig: { Arn: queue } };
}

function addSchedule(event: SamEvent): void {
  const { settings: s, build } = event;
  const letters = deadLetters(event);
  const more: JsonObject[] = isObject(letters.DeadLetterConfig)
    ? [
        {
          PolicyName: `${event.id}SQSPolicy`,
          PolicyDocument: {
            Statement: [{ Effect: "Allow", Action: "sqs:SendMessage", Resource: letters.DeadLetterConfig.Arn ?? "" }],
          },
        },
      ]
    : [];
  const role = s.RoleArn ?? startRole(event, "scheduler.amazonaws.com", `${event.id}StartExecutionPolicy`, more);
  addEventResource(event, event.id, "AWS::Scheduler::Schedule", {
    FlexibleTimeWindow: { Mode: "OFF" },
    ...compact({ Name: s.OmitName === true ? undefined : (s.Name ?? event.id) }),
    ...pick(s, SCHEDULE),
    Target: { Arn: build.targetArn, RoleArn: role, ...letters, ...pick(s, ["Input", "RetryPolicy"]) },
  });
}

/** A role that may start this state machine, for the service that does. */
function startRole(event: SamEvent, service: string, policyName: string, more: readonly JsonObject[] = []): JsonValue {
  const { properties } = event.build.resource;
  const tags = properties.PropagateTags === true ? tagList(properties.Tags) : [];
  const roleId = `${event.id}Role`;
  const Statement = [{ Effect: "Allow", Action: "states:StartExecution", Resource: event.build.targetArn }];
  const role = compact({
    AssumeRolePolicyDocument: trustPolicy(service),
    Policies: [{ PolicyName: policyName, PolicyDocument: { Statement } }, ...more],
    PermissionsBoundary: event.settings.PermissionsBoundary ?? properties.PermissionsBoundary,
    Tags: tags.length > 0 ? tags : undefined,
  });
  addEventResource(event, roleId, "AWS::IAM::Role", role);
  return getAtt(roleId, "Arn");
}

function addApiRoute(event: SamEvent): void {
  const { settings: s, build } = event;
  if (typeof s.Path !== "string") throw event.fault("Event is missing key 'Path'.");
  if (typeof s.Method !== "string") throw event.fault("Event is missing key 'Method'.");
  const given = isObject(s.RestApiId) ? s.RestApiId.Ref : s.RestApiId;
  const api = s.RestApiId === undefined ? implicitApi(build.context, "Api") : given;
  const credentials = startRole(event, "apigateway.amazonaws.com", `${event.id}RoleStartExecutionPolicy`);
  if (typeof api !== "string") return;
  const escape = s.UnescapeMappingTemplate === true ? String.raw`.replaceAll("\\'","'")` : "";
  const template = `{"input": "$util.escapeJavaScript($input.json('$'))${escape}", "stateMachineArn": "\${${String(build.target.Ref)}}"}`;
  const condition = build.resource.attributes.Condition;
  const uri = { "Fn::Sub": "arn:${AWS::Partition}:apigateway:${AWS::Region}:states:action/StartExecution" };
  addRoute(build.context, api, {
    kind: "Api",
    path: s.Path,
    method: s.Method.toLowerCase(),
    event,
    responses: { "200": { description: "OK" }, "400": { description: "Bad Request" } },
    integration: {
      type: "aws",
      httpMethod: "POST",
      uri: typeof condition === "string" ? { "Fn::If": [condition, uri, ref("AWS::NoValue")] } : uri,
      requestTemplates: { "application/json": { "Fn::Sub": template } },
      responses: { "200": { statusCode: "200" }, "400": { statusCode: "400" } },
      credentials,
    },
  });
}
