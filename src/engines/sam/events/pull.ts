import type { JsonObject, JsonValue } from "../../yaml/index.ts";
import { isObject } from "../../yaml/index.ts";
import { pick, resolveParameters } from "../context.ts";
import type { SamEvent } from "./event.ts";
import { addEventResource, required } from "./event.ts";

/** Sources that Lambda polls: where their ARN is, and the managed policy that reading needs. */
export const PULL_TYPES: Readonly<Record<string, { readonly source?: string; readonly policy?: string }>> = {
  Kinesis: { source: "Stream", policy: "service-role/AWSLambdaKinesisExecutionRole" },
  DynamoDB: { source: "Stream", policy: "service-role/AWSLambdaDynamoDBExecutionRole" },
  SQS: { source: "Queue", policy: "service-role/AWSLambdaSQSQueueExecutionRole" },
  MSK: { source: "Stream", policy: "service-role/AWSLambdaMSKExecutionRole" },
  SelfManagedKafka: {},
};

const PASSED = (
  "BatchSize StartingPosition StartingPositionTimestamp Enabled MaximumBatchingWindowInSeconds MaximumRetryAttempts " +
  "BisectBatchOnFunctionError MaximumRecordAgeInSeconds ParallelizationFactor TumblingWindowInSeconds " +
  "FunctionResponseTypes KmsKeyArn ScalingConfig ProvisionedPollerConfig MetricsConfig LoggingConfig"
).split(" ");

/** Adds an event source mapping and what the function's role needs to read the source. */
export function addPullEvent(event: SamEvent): void {
  const { settings: s, build, type } = event;
  const kind = PULL_TYPES[type] ?? {};
  const properties: JsonObject = { ...pick(s, PASSED) };
  properties.FunctionName = build.target;
  if (kind.source) properties.EventSourceArn = sourceArn(event, kind.source);
  if ((type === "Kinesis" || type === "DynamoDB" || type === "MSK") && s.StartingPosition === undefined) {
    throw event.fault(`StartingPosition is required for Kinesis, DynamoDB and MSK.`);
  }
  Object.assign(properties, pick(s, ["Topics", "Queues"]));
  if (s.SourceAccessConfigurations !== undefined) properties.SourceAccessConfigurations = s.SourceAccessConfigurations;
  if (s.FilterCriteria !== undefined) properties.FilterCriteria = s.FilterCriteria;
  if (isObject(s.DestinationConfig)) properties.DestinationConfig = destination(event, s.DestinationConfig);
  if (s.ConsumerGroupId !== undefined) {
    const owner =
      type === "SelfManagedKafka" ? "SelfManagedKafkaEventSourceConfig" : "AmazonManagedKafkaEventSourceConfig";
    properties[owner] = { ConsumerGroupId: s.ConsumerGroupId };
  }
  if (type === "SelfManagedKafka" && s.KafkaBootstrapServers !== undefined) {
    properties.SelfManagedEventSource = { Endpoints: { KafkaBootstrapServers: s.KafkaBootstrapServers } };
  }
  addEventResource(event, event.id, "AWS::Lambda::EventSourceMapping", properties);
  if (kind.policy) addManaged(event, kind.policy);
  if (type === "SelfManagedKafka") addKafkaPolicy(event);
}

const NETWORK = (
  "CreateNetworkInterface DescribeNetworkInterfaces DeleteNetworkInterface DescribeVpcs DescribeSubnets " +
  "DescribeSecurityGroups"
).split(" ");

/** What the function's role needs to reach brokers of the user's own: their secrets and their network. */
function addKafkaPolicy({ build, settings }: SamEvent): void {
  const list = Array.isArray(settings.SourceAccessConfigurations) ? settings.SourceAccessConfigurations : [];
  const entries = list.filter(isObject);
  const secrets = entries.filter((entry) => !String(entry.Type).startsWith("VPC_"));
  const statements: JsonObject[] = secrets.map((entry) => ({
    Action: ["secretsmanager:GetSecretValue"],
    Effect: "Allow",
    Resource: entry.URI ?? "*",
  }));
  if (secrets.length < entries.length) {
    statements.push({ Action: NETWORK.map((action) => `ec2:${action}`), Effect: "Allow", Resource: "*" });
  }
  if (statements.length === 0) return;
  build.inline.push({
    PolicyName: "SelfManagedKafkaExecutionRolePolicy",
    PolicyDocument: { Version: "2012-10-17", Statement: statements },
  });
}

function sourceArn(event: SamEvent, name: string): JsonValue {
  if (event.type === "Kinesis" && event.settings.Stream === undefined) throw event.fault("No Stream provided.");
  return required(event, name);
}

function addManaged({ build }: SamEvent, policy: string): void {
  const arn = `arn:${build.context.partition}:iam::aws:policy/${policy}`;
  if (!build.managed.includes(arn)) build.managed.push(arn);
}

/** A failure destination: the mapping names it, the role may write to it. */
function destination(event: SamEvent, config: JsonObject): JsonValue {
  const failure = config.OnFailure;
  if (!isObject(failure)) return config;
  const { Type: type, ...rest } = failure;
  const resolved = resolveParameters(event.build.context, type ?? "");
  const actions: Readonly<Record<string, string>> = { SQS: "sqs:SendMessage", SNS: "sns:Publish" };
  const action = typeof resolved === "string" ? actions[resolved] : undefined;
  if (resolved === "" || action) {
    if (action) {
      event.build.inline.push({
        PolicyName: `${event.id}Policy`,
        PolicyDocument: {
          Version: "2012-10-17",
          Statement: [{ Action: [action], Effect: "Allow", Resource: failure.Destination ?? "" }],
        },
      });
    }
  }
  return { ...config, OnFailure: rest };
}
