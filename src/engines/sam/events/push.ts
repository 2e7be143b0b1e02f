import type { JsonObject, JsonValue } from "../../yaml/index.ts";
import { isObject } from "../../yaml/index.ts";
import {
  canonicalJson,
  compact,
  getAtt,
  isIntrinsic,
  pick,
  ref,
  SamFault,
  sharedAttributes,
  tagList,
} from "../context.ts";
import { trustPolicy } from "../role.ts";
import type { SamEvent } from "./event.ts";
import { addEventResource, addPermission, required } from "./event.ts";

/** Events that a service pushes. */
export const PUSH_EVENTS: Readonly<Record<string, (event: SamEvent) => void>> = {
  Schedule: addSchedule,
  ScheduleV2: addScheduleV2,
  CloudWatchEvent: addRule,
  EventBridgeRule: addRule,
  S3: addBucketNotification,
  SNS: addSubscription,
  CloudWatchLogs: addSubscriptionFilter,
  IoTRule: addIotRule,
  AlexaSkill: (event) => {
    addPermission(event, "alexa-appkit.amazon.com", { EventSourceToken: event.settings.SkillId });
  },
  Cognito: addCognitoTrigger,
};

function ruleTarget(event: SamEvent): JsonObject {
  const { settings: s } = event;
  const queue = deadLetterQueue(event);
  return compact({
    Arn: event.build.targetArn,
    Id: typeof s.Target === "object" && isObject(s.Target) && s.Target.Id !== undefined ? s.Target.Id : targetId(event),
    Input: s.Input,
    InputPath: s.InputPath,
    InputTransformer: s.InputTransformer,
    DeadLetterConfig: queue ? { Arn: queue } : undefined,
    RetryPolicy: s.RetryPolicy,
  });
}

/** Target ids have at most 64 characters. */
function targetId(event: SamEvent): string {
  const id = `${event.id}LambdaTarget`;
  return id.length <= 64 ? id : `${event.id.slice(0, 64 - "LambdaTarget".length)}LambdaTarget`;
}

/** The queue of DeadLetterConfig, made where `Type: SQS` asks for it. */
export function deadLetterQueue(event: SamEvent, suffix = "Queue"): JsonValue | undefined {
  const config = event.settings.DeadLetterConfig;
  if (!isObject(config)) return undefined;
  const { resource } = event.build;
  const fault = (message: string): SamFault => {
    const owner = resource.type === "AWS::Serverless::StateMachine" ? undefined : resource.id;
    return new SamFault(owner, `Event with id [${event.id}] is invalid. ${message}`);
  };
  if (config.Arn !== undefined && config.Type !== undefined) {
    throw fault("You can either define 'Arn' or 'Type' property of DeadLetterConfig.");
  }
  if (config.Arn !== undefined) return config.Arn;
  if (config.Type === undefined) throw fault("No 'Arn' or 'Type' property provided for DeadLetterConfig.");
  if (config.Type !== "SQS") throw fault("The only valid value for 'Type' property of DeadLetterConfig is 'SQS'.");
  if (config.QueueLogicalId !== undefined && typeof config.QueueLogicalId !== "string") {
    throw fault("QueueLogicalId must be a string");
  }
  const id = typeof config.QueueLogicalId === "string" ? config.QueueLogicalId : `${event.id}${suffix}`;
  addEventResource(event, id, "AWS::SQS::Queue", {});
  (event.build.context.resources[id] as JsonObject).Properties = {};
  if (event.type !== "ScheduleV2") {
    addEventResource(event, `${event.id}${suffix}Policy`, "AWS::SQS::QueuePolicy", {
      PolicyDocument: {
        Version: "2012-10-17",
        Statement: [
          {
            Effect: "Allow",
            Principal: { Service: "events.amazonaws.com" },
            Action: "sqs:SendMessage",
            Resource: getAtt(id, "Arn"),
            Condition: { ArnEquals: { "aws:SourceArn": getAtt(event.id, "Arn") } },
          },
        ],
      },
      Queues: [ref(id)],
    });
  }
  return getAtt(id, "Arn");
}

function ruleState(event: SamEvent): JsonValue | undefined {
  const { State, Enabled } = event.settings;
  if (State !== undefined && Enabled !== undefined)
    throw event.fault("State and Enabled Properties cannot both be specified.");
  if (Enabled === undefined || isIntrinsic(Enabled)) return State;
  return Enabled === true ? "ENABLED" : "DISABLED";
}

function addSchedule(event: SamEvent): void {
  const rule = compact({
    ScheduleExpression: event.settings.Schedule,
    State: ruleState(event),
    Name: event.settings.Name,
    Description: event.settings.Description,
    Targets: [ruleTarget(event)],
  });
  addEventResource(event, event.id, "AWS::Events::Rule", rule);
  addPermission(event, "events.amazonaws.com", { SourceArn: getAtt(event.id, "Arn") });
}

function addRule(event: SamEvent): void {
  const { settings: s } = event;
  const rule = compact({
    EventBusName: s.EventBusName,
    EventPattern: s.Pattern,
    Name: s.RuleName,
    State: ruleState(event),
    Targets: [ruleTarget(event)],
  });
  addEventResource(event, event.id, "AWS::Events::Rule", rule);
  addPermission(event, "events.amazonaws.com", { SourceArn: getAtt(event.id, "Arn") });
}

const SCHEDULE = (
  "Description StartDate EndDate FlexibleTimeWindow GroupName KmsKeyArn ScheduleExpression ScheduleExpressionTimezone " +
  "State"
).split(" ");

function addScheduleV2(event: SamEvent): void {
  const { settings: s, build } = event;
  const roleId = `${event.id}Role`;
  const queue = deadLetterQueue(event);
  const target = compact({
    Arn: build.targetArn,
    RoleArn: s.RoleArn ?? getAtt(roleId, "Arn"),
    Input: s.Input,
    DeadLetterConfig: queue ? { Arn: queue } : undefined,
    RetryPolicy: s.RetryPolicy,
  });
  const name = s.OmitName === true ? undefined : (s.Name ?? event.id);
  addEventResource(event, event.id, "AWS::Scheduler::Schedule", {
    FlexibleTimeWindow: { Mode: "OFF" },
    ...compact({ Name: name }),
    ...pick(s, SCHEDULE),
    Target: target,
  });
  if (s.RoleArn !== undefined) return;
  const statements: JsonObject[] = [{ Effect: "Allow", Action: "lambda:InvokeFunction", Resource: build.targetArn }];
  const policies: JsonObject[] = [{ PolicyName: `${event.id}LambdaPolicy`, PolicyDocument: { Statement: statements } }];
  if (queue) {
    policies.push({
      PolicyName: `${event.id}SQSPolicy`,
      PolicyDocument: { Statement: [{ Effect: "Allow", Action: "sqs:SendMessage", Resource: queue }] },
    });
  }
  const role = { AssumeRolePolicyDocument: trustPolicy("scheduler.amazonaws.com"), Policies: policies };
  addEventResource(event, roleId, "AWS::IAM::Role", compact({ ...role, PermissionsBoundary: s.PermissionsBoundary }));
}

/** What S3 takes of a bucket: https://docs.aws.amazon.com/general/latest/gr/s3.html */
const MAX_NOTIFICATIONS = 100;

function addBucketNotification(event: SamEvent): void {
  const { settings: s, build } = event;
  const bucketId = isObject(s.Bucket) && typeof s.Bucket.Ref === "string" ? s.Bucket.Ref : undefined;
  required(event, "Bucket");
  const all = isObject(build.context.template.Resources) ? build.context.template.Resources : {};
  const bucket = bucketId ? all[bucketId] : undefined;
  if (!bucketId || !isObject(bucket)) throw event.fault("S3 events must reference an S3 bucket in the same template.");
  const needs = bucket.DependsOn;
  if (needs !== undefined && typeof needs !== "string") {
    if (!Array.isArray(needs) || needs.some((one) => typeof one !== "string"))
      throw new SamFault(event.id, "Invalid type for field 'DependsOn'. Expected a string or list of strings.");
  }
  const permission = addPermission(event, "s3.amazonaws.com", { SourceAccount: ref("AWS::AccountId") });
  const made = (build.context.resources[bucketId] ??= bucket) as JsonObject;
  const condition = build.resource.attributes.Condition;
  if (typeof condition === "string") {
    addConditionalDependency(made, condition, permission);
  } else {
    const before = Array.isArray(made.DependsOn)
      ? made.DependsOn
      : made.DependsOn === undefined
        ? []
        : [made.DependsOn];
    if (!before.includes(permission)) made.DependsOn = [...before, permission].toSorted();
  }
  const properties = (made.Properties ??= {}) as JsonObject;
  if (build.passThroughTags && properties.Tags === undefined) properties.Tags = tagList(build.passThroughTags);
  const notification = (properties.NotificationConfiguration ??= {}) as JsonObject;
  const list = (notification.LambdaConfigurations ??= []) as JsonValue[];
  if (!Array.isArray(list)) throw event.fault("Property 'LambdaConfigurations' should be a list.");
  const events = required(event, "Events");
  const known = new Set(list.slice(0, MAX_NOTIFICATIONS).map(canonicalJson));
  for (const name of Array.isArray(events) ? events : [events]) {
    const config = compact({ Event: name, Function: build.targetArn, Filter: s.Filter });
    const wanted: JsonValue =
      typeof condition === "string" ? { "Fn::If": [condition, config, ref("AWS::NoValue")] } : config;
    // The template may have the same configuration already.
    const text = canonicalJson(wanted);
    if (known.has(text)) continue;
    if (list.length >= MAX_NOTIFICATIONS)
      throw event.fault(`A bucket may have ${MAX_NOTIFICATIONS} notification configurations at most.`);
    list.push(wanted);
    known.add(text);
  }
}

/** CloudFormation has no conditional DependsOn: a tag that mentions the permission makes the bucket wait for it. */
function addConditionalDependency(bucket: JsonObject, condition: string, permission: string): void {
  const properties = (bucket.Properties ??= {}) as JsonObject;
  const tags = (properties.Tags ??= []) as JsonValue[];
  tags.push({
    Key: `sam:ConditionalDependsOn:${permission}`,
    Value: { "Fn::If": [condition, ref(permission), "no dependency"] },
  });
}

/** Whether a topic of this template is a FIFO one: only a FIFO queue may subscribe to it. */
function isFifo(event: SamEvent, topic: JsonValue): boolean {
  const all = event.build.context.template.Resources;
  const declared = isObject(topic) && typeof topic.Ref === "string" && isObject(all) ? all[topic.Ref] : undefined;
  const properties = isObject(declared) ? declared.Properties : undefined;
  return isObject(properties) && properties.FifoTopic === true;
}

function addSubscription(event: SamEvent): void {
  const { settings: s, build } = event;
  const topic = required(event, "Topic");
  const filters = pick(s, ["FilterPolicy", "FilterPolicyScope", "RedrivePolicy", "Region"]);
  if (s.SqsSubscription === undefined || s.SqsSubscription === false) {
    addEventResource(event, event.id, "AWS::SNS::Subscription", {
      Endpoint: build.targetArn,
      Protocol: "lambda",
      TopicArn: topic,
      ...filters,
    });
    addPermission(event, "sns.amazonaws.com", { SourceArn: topic });
    return;
  }
  const given: JsonObject = isObject(s.SqsSubscription) ? s.SqsSubscription : {};
  if (isObject(s.SqsSubscription) && (!given.QueueArn || !given.QueueUrl))
    throw event.fault("No QueueARN or QueueURL provided.");
  const own = given.QueueArn === undefined;
  const queueId = `${event.id}Queue`;
  const arn: JsonValue = own ? getAtt(queueId, "Arn") : (given.QueueArn ?? "");
  if (own) {
    addEventResource(event, queueId, "AWS::SQS::Queue", {});
    (build.context.resources[queueId] as JsonObject).Properties = isFifo(event, topic) ? { FifoQueue: true } : {};
  }
  const policyId =
    typeof given.QueuePolicyLogicalId === "string" ? given.QueuePolicyLogicalId : `${event.id}QueuePolicy`;
  addEventResource(event, policyId, "AWS::SQS::QueuePolicy", {
    PolicyDocument: {
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Principal: "*",
          Action: "sqs:SendMessage",
          Resource: arn,
          Condition: { ArnEquals: { "aws:SourceArn": topic } },
        },
      ],
    },
    Queues: [own ? ref(queueId) : (given.QueueUrl ?? "")],
  });
  addEventResource(event, event.id, "AWS::SNS::Subscription", {
    Endpoint: arn,
    Protocol: "sqs",
    TopicArn: topic,
    ...filters,
  });
  const mapping = {
    BatchSize: given.BatchSize ?? 10,
    Enabled: given.Enabled ?? true,
    EventSourceArn: arn,
    FunctionName: build.target,
  };
  addEventResource(event, `${event.id}EventSourceMapping`, "AWS::Lambda::EventSourceMapping", mapping);
  const policy = `arn:${build.context.partition}:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole`;
  if (!build.managed.includes(policy)) build.managed.push(policy);
}

function addSubscriptionFilter(event: SamEvent): void {
  const { build } = event;
  const name = required(event, "LogGroupName");
  const SourceArn = {
    "Fn::Sub": [
      `arn:${build.context.partition}:logs:\${AWS::Region}:\${AWS::AccountId}:log-group:\${__LogGroupName__}:*`,
      { __LogGroupName__: name },
    ],
  };
  const permission = addPermission(event, "logs.amazonaws.com", { SourceArn });
  addEventResource(event, event.id, "AWS::Logs::SubscriptionFilter", {
    LogGroupName: name,
    FilterPattern: required(event, "FilterPattern"),
    DestinationArn: build.targetArn,
  });
  (build.context.resources[event.id] as JsonObject).DependsOn = [permission];
}

function addIotRule(event: SamEvent): void {
  const { settings: s, build } = event;
  const SourceArn = {
    "Fn::Sub": [
      `arn:${build.context.partition}:iot:\${AWS::Region}:\${AWS::AccountId}:rule/\${RuleName}`,
      { RuleName: ref(event.id) },
    ],
  };
  addPermission(event, "iot.amazonaws.com", { SourceAccount: { "Fn::Sub": "${AWS::AccountId}" }, SourceArn });
  const payload = compact({
    Sql: required(event, "Sql"),
    Actions: [{ Lambda: { FunctionArn: build.targetArn } }],
    RuleDisabled: false,
    AwsIotSqlVersion: s.AwsIotSqlVersion,
  });
  addEventResource(event, event.id, "AWS::IoT::TopicRule", { TopicRulePayload: payload });
}

function addCognitoTrigger(event: SamEvent): void {
  const { build } = event;
  const pool = required(event, "UserPool");
  const poolId = isObject(pool) && typeof pool.Ref === "string" ? pool.Ref : undefined;
  const all = isObject(build.context.template.Resources) ? build.context.template.Resources : {};
  const declared = poolId ? all[poolId] : undefined;
  if (!poolId || !isObject(declared))
    throw event.fault("Cognito events must reference a Cognito UserPool in the same template.");
  const permissionId = `${build.resource.id}CognitoPermission`;
  build.context.resources[permissionId] = {
    Type: "AWS::Lambda::Permission",
    ...sharedAttributes(build.resource),
    Properties: {
      Action: "lambda:InvokeFunction",
      FunctionName: build.target,
      Principal: "cognito-idp.amazonaws.com",
      SourceArn: getAtt(poolId, "Arn"),
    },
  };
  const made = (build.context.resources[poolId] ??= declared) as JsonObject;
  const properties = (made.Properties ??= {}) as JsonObject;
  if (properties.LambdaConfig !== undefined && !isObject(properties.LambdaConfig))
    throw new SamFault(poolId, "Property 'LambdaConfig' should be a map.");
  const config = (properties.LambdaConfig ??= {}) as JsonObject;
  const triggers = required(event, "Trigger");
  for (const trigger of Array.isArray(triggers) ? triggers : [triggers]) {
    if (config[String(trigger)] !== undefined)
      throw event.fault(`Cognito trigger "${String(trigger)}" defined multiple times.`);
    config[String(trigger)] = build.targetArn;
  }
}
