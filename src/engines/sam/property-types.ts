import type { JsonObject, JsonValue } from "../yaml/index.ts";
import { ownValue } from "../../kernel/own-value.ts";
import { isObject } from "../yaml/index.ts";
import { isIntrinsic, SamFault } from "./context.ts";

/** What a property may be, besides a function that CloudFormation resolves later. */
type Kind =
  | "any"
  | "text"
  | "flag"
  | "number"
  | "list"
  | "map"
  | "maps"
  | "text or map"
  | "text or maps"
  | "flag or map";
/** What SAM reads itself: a function is refused. */
type OwnKind = "texts" | "plain flag";

const CHECKS: Readonly<Record<Kind | OwnKind, (value: JsonValue) => boolean>> = {
  any: () => true,
  text: (value) => typeof value === "string",
  flag: (value) => typeof value === "boolean",
  number: (value) => typeof value === "boolean" || Number.isInteger(value),
  list: (value) => Array.isArray(value),
  map: isObject,
  maps: (value) => isObject(value) && Object.values(value).every((item) => isObject(item)),
  "text or map": (value) => typeof value === "string" || isObject(value),
  "text or maps": (value) => textOrMap(value) || (Array.isArray(value) && value.every(textOrMap)),
  "flag or map": (value) => typeof value === "boolean" || isObject(value),
  "plain flag": (value) => typeof value === "boolean",
  texts: (value) => typeof value === "string" || (Array.isArray(value) && value.every((v) => typeof v === "string")),
};

const OWN: ReadonlySet<Kind | OwnKind> = new Set(["texts", "plain flag"]);

const textOrMap = (value: JsonValue): boolean => typeof value === "string" || isObject(value);

type Types = ReadonlyMap<string, Kind | OwnKind>;

function types(kinds: Readonly<Partial<Record<Kind | OwnKind, string>>>, base: Types = new Map()): Types {
  const entries = Object.entries(kinds) as [Kind | OwnKind, string][];
  return new Map([
    ...base,
    ...entries.flatMap(([kind, names]) => names.split(" ").map((name) => [name, kind] as const)),
  ]);
}

/** The properties that each type has; what a template says beyond them must not be dropped silently. */
const RESOURCES: Readonly<Record<string, Types>> = {
  "AWS::Serverless::Function": types({
    any:
      "Handler Runtime Description MemorySize Timeout VpcConfig ReservedConcurrentExecutions KmsKeyArn TenancyConfig " +
      "FileSystemConfigs CodeSigningConfigArn ImageConfig PackageType Architectures CodeUri EphemeralStorage " +
      "RuntimeManagementConfig LoggingConfig RecursiveLoop InlineCode PublishToLatestPublished ImageUri RolePath " +
      "SourceKMSKeyArn VersionDescription VersionDeletionPolicy ProvisionedConcurrencyConfig AutoPublishAlias " +
      "AutoPublishCodeSha256 Role Layers DeadLetterQueue DeploymentPreference",
    "text or map": "FunctionName Tracing",
    "text or maps": "Policies",
    text: "PermissionsBoundary",
    flag: "PropagateTags",
    "plain flag": "AutoPublishAliasAllProperties",
    map:
      "Environment Events Tags AssumeRolePolicyDocument EventInvokeConfig SnapStart FunctionUrlConfig " +
      "FunctionScalingConfig DurableConfig",
  }),
  "AWS::Serverless::Api": types({
    any: "StageName DefinitionBody DefinitionUri OpenApiVersion EndpointConfiguration Cors Policy Auth",
    text: "CacheClusterSize Description Mode ApiKeySourceType SecurityPolicy EndpointAccessMode",
    "text or map": "Name",
    flag: "FailOnWarnings DisableExecuteApiEndpoint PropagateTags CacheClusterEnabled TracingEnabled",
    "plain flag": "MergeDefinitions AlwaysDeploy",
    number: "MinimumCompressionSize",
    list: "BinaryMediaTypes MethodSettings",
    map: "Tags GatewayResponses Models Variables AccessLogSetting CanarySetting Domain",
  }),
  "AWS::Serverless::HttpApi": types({
    any: "StageName Name Description DefinitionBody DefinitionUri CorsConfiguration Auth RouteSettings",
    flag: "FailOnWarnings PropagateTags DisableExecuteApiEndpoint",
    map: "Tags AccessLogSettings DefaultRouteSettings StageVariables Domain",
  }),
  "AWS::Serverless::SimpleTable": types({
    any: "PointInTimeRecoverySpecification PrimaryKey",
    "text or map": "TableName",
    map: "ProvisionedThroughput SSESpecification Tags",
  }),
  "AWS::Serverless::LayerVersion": types({
    any: "LayerName ContentUri Description CompatibleArchitectures CompatibleRuntimes LicenseInfo RetentionPolicy",
    flag: "PublishLambdaVersion",
  }),
};

const RULE = types({
  text: "RuleName Input InputPath State EventBusName",
  flag: "Enabled",
  map: "DeadLetterConfig RetryPolicy Pattern Target InputTransformer",
});
const SCHEDULE = types({
  text: "Schedule RuleName Input State Name Description",
  flag: "Enabled",
  map: "DeadLetterConfig RetryPolicy",
});
const SCHEDULER = types({
  text:
    "PermissionsBoundary ScheduleExpression Name State Description StartDate EndDate ScheduleExpressionTimezone " +
    "GroupName KmsKeyArn Input RoleArn",
  map: "FlexibleTimeWindow DeadLetterConfig RetryPolicy",
  "plain flag": "OmitName",
});
const PULL = types({
  any: "StartingPosition StartingPositionTimestamp KmsKeyArn SourceAccessConfigurations SecretsManagerKmsKeyId DestinationConfig",
  number:
    "BatchSize MaximumBatchingWindowInSeconds MaximumRetryAttempts MaximumRecordAgeInSeconds ParallelizationFactor " +
    "TumblingWindowInSeconds",
  flag: "Enabled BisectBatchOnFunctionError",
  list: "Topics Queues FunctionResponseTypes KafkaBootstrapServers",
  map: "FilterCriteria ScalingConfig ProvisionedPollerConfig SchemaRegistryConfig MetricsConfig LoggingConfig",
  text: "ConsumerGroupId",
});

/** The properties of the triggers of functions. */
const EVENTS: Readonly<Record<string, Types>> = {
  Kinesis: types({ any: "Stream" }, PULL),
  DynamoDB: types({ any: "Stream" }, PULL),
  SQS: types({ any: "Queue" }, PULL),
  MSK: types({ any: "Stream", list: "SourceAccessConfigurations" }, PULL),
  MQ: types({ any: "Broker", "plain flag": "DynamicPolicyName" }, PULL),
  DocumentDB: types({ any: "Cluster DatabaseName CollectionName FullDocument" }, PULL),
  SelfManagedKafka: PULL,
  Schedule: SCHEDULE,
  ScheduleV2: SCHEDULER,
  CloudWatchEvent: RULE,
  EventBridgeRule: RULE,
  S3: types({ text: "Bucket", texts: "Events", map: "Filter" }),
  SNS: types({
    any: "FilterPolicy FilterPolicyScope",
    text: "Topic Region",
    "flag or map": "SqsSubscription",
    map: "RedrivePolicy",
  }),
  CloudWatchLogs: types({ text: "LogGroupName FilterPattern" }),
  IoTRule: types({ text: "Sql AwsIotSqlVersion" }),
  AlexaSkill: types({ text: "SkillId" }),
  Cognito: types({ text: "UserPool", texts: "Trigger" }),
};

/** The properties of what starts state machines. */
const STATE_MACHINE_EVENTS: Readonly<Record<string, Types>> = {
  Schedule: types({ text: "RoleArn", map: "Target" }, SCHEDULE),
  Api: types({
    any: "Path Method RestApiId Stage Auth",
    "plain flag": "UnescapeMappingTemplate",
  }),
};

/** Refuses a property that a resource's type does not have, that is not translated yet, or that is of another kind. */
export function checkKnownProperties({
  id,
  type,
  properties,
}: {
  readonly id: string;
  readonly type: string;
  readonly properties: JsonObject;
}): void {
  check(id, type, properties, RESOURCES[type]);
}

/** Refuses what a trigger does not take; `id` is the function's and the event's. */
export function checkEventProperties(id: string, type: string, properties: JsonObject): void {
  check(id, type, properties, ownValue(EVENTS, type));
}

/** Refuses what a state machine's event does not take. */
export function checkStateMachineEvent(id: string, type: string, properties: JsonObject): void {
  check(id, type, properties, ownValue(STATE_MACHINE_EVENTS, type));
}

function check(id: string, type: string, properties: JsonObject, known: Types | undefined): void {
  if (!known) return;
  for (const [name, value] of Object.entries(properties)) {
    const kind = known.get(name);
    if (!kind) throw new SamFault(id, `property ${name} not defined for resource of type ${type}`);
    if (value === null || (!OWN.has(kind) && isIntrinsic(value))) continue;
    if (!CHECKS[kind](value)) throw new SamFault(id, `Type of property '${name}' is invalid.`);
  }
}
