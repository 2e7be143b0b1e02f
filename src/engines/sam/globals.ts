import type { JsonObject, JsonValue } from "../yaml/index.ts";
import { isObject } from "../yaml/index.ts";
import { clone, isIntrinsic, SamFault } from "./context.ts";

const SUPPORTED: Readonly<Record<string, readonly string[]>> = {
  Function: (
    "Handler Runtime CodeUri DeadLetterQueue Description MemorySize Timeout VpcConfig Environment Tags PropagateTags " +
    "Tracing KmsKeyArn AutoPublishAlias AutoPublishAliasAllProperties Layers DeploymentPreference RolePath " +
    "PermissionsBoundary ReservedConcurrentExecutions ProvisionedConcurrencyConfig AssumeRolePolicyDocument " +
    "EventInvokeConfig FileSystemConfigs CodeSigningConfigArn Architectures SnapStart EphemeralStorage " +
    "FunctionUrlConfig RuntimeManagementConfig LoggingConfig RecursiveLoop SourceKMSKeyArn CapacityProviderConfig " +
    "FunctionScalingConfig PublishToLatestPublished VersionDeletionPolicy TenancyConfig DurableConfig"
  ).split(" "),
  Api: (
    "Auth Name DefinitionUri CacheClusterEnabled CacheClusterSize MergeDefinitions Variables EndpointConfiguration " +
    "MethodSettings BinaryMediaTypes MinimumCompressionSize Cors GatewayResponses AccessLogSetting CanarySetting " +
    "TracingEnabled OpenApiVersion Domain AlwaysDeploy PropagateTags SecurityPolicy EndpointAccessMode"
  ).split(" "),
  HttpApi: (
    "Auth AccessLogSettings StageVariables CorsConfiguration DefaultRouteSettings Domain RouteSettings " +
    "FailOnWarnings PropagateTags"
  ).split(" "),
  WebSocketApi: "Auth RouteSettings AccessLogSettings StageVariables DefaultRouteSettings Domain PropagateTags".split(
    " ",
  ),
  SimpleTable: ["SSESpecification"],
  StateMachine: ["PropagateTags"],
  LayerVersion: ["PublishLambdaVersion"],
  CapacityProvider: "VpcConfig OperatorRole Tags InstanceRequirements ScalingConfig KmsKeyArn PropagateTags".split(" "),
};
const UNRELEASED: readonly string[] = ["LayerVersion"];

/** Merges the Globals section into each serverless resource; the resource's own values win. */
export function mergeGlobals(template: JsonObject): void {
  const globals = template.Globals;
  delete template.Globals;
  if (globals === undefined) return;
  const fault = (message: string): SamFault => new SamFault(undefined, `'Globals' section is invalid. ${message}`);
  if (!isObject(globals)) throw fault("It must be a non-empty dictionary");
  const names = Object.keys(SUPPORTED).filter((name) => !UNRELEASED.includes(name));
  for (const [section, values] of Object.entries(globals)) {
    const allowed = SUPPORTED[section];
    if (!allowed)
      throw fault(
        `'${section}' is not supported. Must be one of the following values - [${names.map((n) => `'${n}'`).join(", ")}]`,
      );
    if (!isObject(values)) throw fault("Value of ${section} must be a dictionary".replace("${section}", section));
    for (const key of Object.keys(values)) {
      if (allowed.includes(key)) continue;
      throw fault(
        `'${key}' is not a supported property of '${section}'. Must be one of the following values - [${allowed.map((n) => `'${n}'`).join(", ")}]`,
      );
    }
  }
  for (const [id, resource] of Object.entries(isObject(template.Resources) ? template.Resources : {})) {
    if (!isObject(resource) || typeof resource.Type !== "string") continue;
    const section = globals[resource.Type.replace("AWS::Serverless::", "")];
    if (!resource.Type.startsWith("AWS::Serverless::") || !isObject(section)) continue;
    const ignored = resource.IgnoreGlobals;
    if (ignored === "*") continue;
    checkIgnored(id, ignored, section);
    const used = Object.entries(section).filter(([key]) => !(Array.isArray(ignored) && ignored.includes(key)));
    const own = isObject(resource.Properties) ? resource.Properties : {};
    resource.Properties = merge(Object.fromEntries(used), own) as JsonObject;
  }
}

/** What a resource does not want of the Globals must be there. */
function checkIgnored(id: string, ignored: JsonValue | undefined, section: JsonObject): void {
  if (ignored === undefined || ignored === null) return;
  const words = `Resource ${id} has invalid resource attribute 'IgnoreGlobals'`;
  if (!Array.isArray(ignored)) throw new SamFault(id, `${words}.`);
  const strange = ignored.find((name) => typeof name !== "string" || !Object.hasOwn(section, name));
  if (strange !== undefined) throw new SamFault(id, `${words} on item '${String(strange)}'.`);
}

/** Maps are merged, lists joined (global first), anything else is the resource's. */
function merge(base: JsonValue, own: JsonValue): JsonValue {
  if (isIntrinsic(base) || isIntrinsic(own)) return own;
  if (Array.isArray(base) && Array.isArray(own)) return [...clone(base), ...own];
  if (!isObject(base) || !isObject(own)) return own;
  const result: JsonObject = clone(base);
  for (const [key, value] of Object.entries(own)) {
    const below = result[key];
    result[key] = below === undefined ? value : merge(below, value);
  }
  return result;
}
