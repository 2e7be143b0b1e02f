import type { JsonObject, JsonValue } from "../../yaml/index.ts";
import { isObject } from "../../yaml/index.ts";
import { isIntrinsic, pick, resolveParameters } from "../context.ts";
import type { SamEvent } from "./event.ts";
import { addEventResource, required } from "./event.ts";
import { addSourceAccess } from "./pull-access.ts";

/** Sources that Lambda polls: where their ARN is, and the managed policy that reading needs. */
export const PULL_TYPES: Readonly<Record<string, { readonly source?: string; readonly policy?: string }>> = {
  Kinesis: { source: "Stream", policy: "service-role/AWSLambdaKinesisExecutionRole" },
  DynamoDB: { source: "Stream", policy: "service-role/AWSLambdaDynamoDBExecutionRole" },
  SQS: { source: "Queue", policy: "service-role/AWSLambdaSQSQueueExecutionRole" },
  MSK: { source: "Stream", policy: "service-role/AWSLambdaMSKExecutionRole" },
  MQ: { source: "Broker" },
  DocumentDB: { source: "Cluster" },
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
  if (isObject(s.FilterCriteria) && !isIntrinsic(s.FilterCriteria)) {
    if (Object.keys(s.FilterCriteria).some((key) => key !== "Filters"))
      throw event.fault("FilterCriteria field has a wrong format");
  }
  if (s.FilterCriteria !== undefined) properties.FilterCriteria = s.FilterCriteria;
  if (isObject(s.DestinationConfig)) properties.DestinationConfig = destination(event, s.DestinationConfig);
  const document = pick(s, ["DatabaseName", "CollectionName", "FullDocument"]);
  if (type === "DocumentDB") properties.DocumentDBEventSourceConfig = document;
  if (s.ConsumerGroupId !== undefined || s.SchemaRegistryConfig !== undefined) {
    const owner =
      type === "SelfManagedKafka" ? "SelfManagedKafkaEventSourceConfig" : "AmazonManagedKafkaEventSourceConfig";
    properties[owner] = pick(s, ["ConsumerGroupId", "SchemaRegistryConfig"]);
  }
  if (type === "SelfManagedKafka" && s.KafkaBootstrapServers !== undefined) {
    properties.SelfManagedEventSource = { Endpoints: { KafkaBootstrapServers: s.KafkaBootstrapServers } };
  }
  addEventResource(event, event.id, "AWS::Lambda::EventSourceMapping", properties);
  if (kind.policy) addManaged(event, kind.policy);
  addSourceAccess(event);
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
  if (!isObject(failure)) throw event.fault("Property 'DestinationConfig.OnFailure' should be a map.");
  const { Type: type, ...rest } = failure;
  const resolved = resolveParameters(event.build.context, type ?? "");
  if (resolved && !["SQS", "SNS", "S3", "Kafka"].includes(String(resolved)))
    throw event.fault("The only valid values for 'Type' are 'SQS', 'SNS', 'S3', and 'Kafka'");
  const target = failure.Destination ?? "";
  const statement = (Action: string, Resource: JsonValue): JsonObject => ({ Action, Effect: "Allow", Resource });
  const statements: Readonly<Record<string, readonly JsonObject[]>> = {
    SQS: [statement("sqs:SendMessage", target)],
    SNS: [statement("sns:publish", target)],
    S3: [statement("s3:PutObject", { "Fn::Join": ["/", [target, "*"]] }), statement("s3:ListBucket", target)],
  };
  const needed = typeof resolved === "string" ? statements[resolved] : undefined;
  if (needed) {
    const PolicyName = `${event.id}${String(resolved)}Policy`;
    event.build.inline.push({ PolicyName, PolicyDocument: { Statement: [...needed] } });
  }
  return { ...config, OnFailure: rest };
}
