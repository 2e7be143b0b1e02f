import type { SamResource } from "./context.ts";
import { SamFault } from "./context.ts";

/** The properties that each type has; what a template says beyond them must not be dropped silently. */
const KNOWN: Readonly<Record<string, ReadonlySet<string>>> = {
  "AWS::Serverless::Function": names(
    "FunctionName Handler Runtime Description MemorySize Timeout VpcConfig Environment ReservedConcurrentExecutions",
    "Layers KmsKeyArn FileSystemConfigs CodeSigningConfigArn ImageConfig PackageType Architectures SnapStart CodeUri",
    "EphemeralStorage RuntimeManagementConfig LoggingConfig RecursiveLoop TenancyConfig DurableConfig InlineCode",
    "FunctionScalingConfig PublishToLatestPublished ImageUri SourceKMSKeyArn Role Policies RolePath Events Tags",
    "PermissionsBoundary AssumeRolePolicyDocument Tracing DeadLetterQueue AutoPublishAlias AutoPublishCodeSha256",
    "AutoPublishAliasAllProperties VersionDescription VersionDeletionPolicy ProvisionedConcurrencyConfig",
    "DeploymentPreference EventInvokeConfig FunctionUrlConfig PropagateTags",
  ),
  "AWS::Serverless::Api": names(
    "StageName Name Description DefinitionBody DefinitionUri MergeDefinitions OpenApiVersion FailOnWarnings Auth Cors",
    "MinimumCompressionSize DisableExecuteApiEndpoint Mode ApiKeySourceType SecurityPolicy EndpointAccessMode Tags",
    "PropagateTags EndpointConfiguration BinaryMediaTypes GatewayResponses Models AlwaysDeploy CacheClusterEnabled",
    "CacheClusterSize Variables MethodSettings AccessLogSetting CanarySetting TracingEnabled Domain Policy",
  ),
  "AWS::Serverless::HttpApi": names(
    "StageName Name Description DefinitionBody DefinitionUri FailOnWarnings Auth CorsConfiguration Tags PropagateTags",
    "DisableExecuteApiEndpoint AccessLogSettings DefaultRouteSettings RouteSettings StageVariables Domain",
  ),
  "AWS::Serverless::SimpleTable": names(
    "TableName PrimaryKey ProvisionedThroughput SSESpecification PointInTimeRecoverySpecification Tags",
  ),
  "AWS::Serverless::LayerVersion": names(
    "LayerName ContentUri Description CompatibleArchitectures CompatibleRuntimes LicenseInfo RetentionPolicy",
    "PublishLambdaVersion",
  ),
};

function names(...lines: readonly string[]): ReadonlySet<string> {
  return new Set(lines.join(" ").split(" "));
}

/** Refuses a property that the type does not have, or that is not translated yet. */
export function checkKnownProperties({ id, type, properties }: SamResource): void {
  const known = KNOWN[type];
  if (!known) return;
  for (const name of Object.keys(properties)) {
    if (!known.has(name)) throw new SamFault(id, `property ${name} not defined for resource of type ${type}`);
  }
}
