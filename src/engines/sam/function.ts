import type { JsonObject, JsonValue } from "../yaml/index.ts";
import { isObject } from "../yaml/index.ts";
import { codeLocation } from "./code-uri.ts";
import type { SamContext, SamResource } from "./context.ts";
import {
  addResource,
  compact,
  getAtt,
  isIntrinsic,
  pick,
  ref,
  resolveParameters,
  resolveRefs,
  SamFault,
  sharedAttributes,
  tagList,
} from "./context.ts";
import { addDeploymentPreference } from "./deployment-preference.ts";
import { addEventInvokeConfig } from "./event-invoke-config.ts";
import { addEvents } from "./events/index.ts";
import { addFunctionUrl } from "./function-url.ts";
import { addVersionAndAlias } from "./function-version.ts";
import { roleProperties, trustPolicy } from "./role.ts";

/** Lambda's own properties that pass as they are. */
const PASSED = (
  "FunctionName Handler Runtime Description MemorySize Timeout VpcConfig Environment ReservedConcurrentExecutions " +
  "Layers KmsKeyArn FileSystemConfigs CodeSigningConfigArn ImageConfig PackageType Architectures SnapStart " +
  "EphemeralStorage RuntimeManagementConfig LoggingConfig RecursiveLoop TenancyConfig DurableConfig " +
  "FunctionScalingConfig PublishToLatestPublished"
).split(" ");

const MANAGED = (context: SamContext, name: string): string => `arn:${context.partition}:iam::aws:policy/${name}`;

/** A function while it is being translated; events add to its role. */
export interface FunctionBuild {
  readonly context: SamContext;
  readonly resource: SamResource;
  /** What triggers invoke: the alias where there is one. */
  readonly target: JsonObject;
  /** The function or alias by ARN. */
  readonly targetArn: JsonObject;
  readonly managed: JsonValue[];
  readonly inline: JsonObject[];
  /** Documents among `inline` that give access to sources of events, as text: many triggers may need the same one. */
  readonly documents: Set<string>;
  readonly passThroughTags: JsonObject | undefined;
}

/** Translates AWS::Serverless::Function. */
export function translateFunction(context: SamContext, resource: SamResource): void {
  const { id, properties: p } = resource;
  checkFunction(resource);
  const lambda = lambdaProperties(context, resource);
  const shared = sharedAttributes(resource);
  addResource(context, id, "AWS::Lambda::Function", lambda, resource.attributes);
  const alias = addVersionAndAlias(context, resource, lambda);
  if (p.ProvisionedConcurrencyConfig !== undefined && !alias) {
    throw new SamFault(id, "To set ProvisionedConcurrencyConfig AutoPublishALias must be defined on the function");
  }
  const tags = p.PropagateTags === true && isObject(p.Tags) ? p.Tags : undefined;
  if (isObject(p.FunctionUrlConfig)) addFunctionUrl(context, resource, alias);
  addDeploymentPreference(context, resource, alias);
  const build: FunctionBuild = {
    context,
    resource,
    target: ref(alias ?? id),
    targetArn: alias ? ref(alias) : getAtt(id, "Arn"),
    managed: baseManaged(context, p),
    inline: deadLetterPolicies(resource),
    documents: new Set(),
    passThroughTags: tags,
  };
  if (isObject(p.EventInvokeConfig)) addEventInvokeConfig(build, p.EventInvokeConfig, alias);
  addEvents(build);
  addRole(build, lambda, shared);
  if (tags) tagCompanions(context, id, tags);
}

function checkFunction({ id, properties: p }: SamResource): void {
  if (p.CodeUri === undefined && p.InlineCode === undefined && p.ImageUri === undefined) {
    const image = p.PackageType === "Image";
    throw new SamFault(id, image ? "'ImageUri' must be set." : "'InlineCode' or 'CodeUri' must be set.");
  }
  if (p.PackageType !== "Image") {
    for (const name of ["Handler", "Runtime"]) {
      if (p[name] === undefined) throw new SamFault(id, `Missing required property '${name}'.`);
    }
  }
  checkTypes({ id, properties: p });
  checkTenancy({ id, properties: p });
  const queue = p.DeadLetterQueue;
  if (queue === undefined) return;
  const types = "['SQS', 'SNS']";
  if (!isObject(queue) || queue.Type === undefined || queue.TargetArn === undefined) {
    throw new SamFault(id, `'DeadLetterQueue' requires Type and TargetArn properties to be specified.`);
  }
  if (queue.Type !== "SQS" && queue.Type !== "SNS")
    throw new SamFault(id, `'DeadLetterQueue' requires Type of ${types}`);
}

/** Refuses what goes with functions only that all callers share. */
function checkTenancy({ id, properties: p }: Pick<SamResource, "id" | "properties">): void {
  if (!p.TenancyConfig) return;
  const others = {
    ProvisionedConcurrencyConfig: "Provisioned concurrency",
    FunctionUrlConfig: "Function URL",
    SnapStart: "SnapStart",
  };
  for (const [name, words] of Object.entries(others)) {
    if (p[name]) throw new SamFault(id, `${words} is not supported for functions enabled with tenancy configuration.`);
  }
}

/** Refuses properties whose types cannot be right. */
function checkTypes({ id, properties: p }: Pick<SamResource, "id" | "properties">): void {
  if (p.Layers !== undefined && !Array.isArray(p.Layers) && !isIntrinsic(p.Layers))
    throw new SamFault(id, "Type of property 'Layers' is invalid.");
  if (p.Role !== undefined && typeof p.Role !== "string" && !isIntrinsic(p.Role))
    throw new SamFault(id, "Property 'Role' should be a string.");
}

function lambdaProperties(context: SamContext, { id, properties: p }: SamResource): JsonObject {
  const lambda = pick(p, PASSED);
  lambda.Code = functionCode(id, p);
  if (isObject(p.DeadLetterQueue)) lambda.DeadLetterConfig = { TargetArn: p.DeadLetterQueue.TargetArn ?? "" };
  if (tracing(context, p)) lambda.TracingConfig = { Mode: p.Tracing ?? "Active" };
  if (p.Role !== undefined) lambda.Role = p.Role;
  if (Array.isArray(p.Layers)) lambda.Layers = p.Layers.map((layer) => resolveRefs(context, layer));
  const own = p.PropagateTags === true && p.Tags !== undefined ? [] : [{ Key: "lambda:createdBy", Value: "SAM" }];
  lambda.Tags = [...own, ...tagList(p.Tags)];
  return lambda;
}

function functionCode(id: string, p: JsonObject): JsonObject {
  const kms = pick(p, ["SourceKMSKeyArn"]);
  if (p.PackageType === "Image") {
    if (p.ImageUri === undefined) throw new SamFault(id, "'ImageUri' must be set.");
    return { ImageUri: p.ImageUri };
  }
  if (p.InlineCode !== undefined) return { ZipFile: p.InlineCode };
  if (typeof p.CodeUri === "string" && p.CodeUri.includes("{{resolve:"))
    throw new SamFault(
      id,
      "Unsupported dynamic reference detected in 'CodeUri'. Please consider using alternative 'FunctionCode' object format.",
    );
  if (isIntrinsic(p.CodeUri)) throw new SamFault(id, "'CodeUri' requires Bucket and Key properties to be specified.");
  return { ...codeLocation(id, "CodeUri", p.CodeUri), ...kms };
}

/** Whether X-Ray is on. */
function tracing(context: SamContext, p: JsonObject): boolean {
  return p.Tracing !== undefined && resolveParameters(context, p.Tracing) !== "Disabled";
}

function baseManaged(context: SamContext, p: JsonObject): JsonValue[] {
  const basic =
    p.DurableConfig === undefined ? "AWSLambdaBasicExecutionRole" : "AWSLambdaBasicDurableExecutionRolePolicy";
  const managed: JsonValue[] = [MANAGED(context, `service-role/${basic}`)];
  if (tracing(context, p)) {
    const writer: JsonValue = MANAGED(
      context,
      context.partition === "aws" ? "AWSXrayWriteOnlyAccess" : "AWSXRayDaemonWriteAccess",
    );
    managed.push(writer);
  }
  if (p.VpcConfig !== undefined) managed.push(MANAGED(context, "service-role/AWSLambdaVPCAccessExecutionRole"));
  return managed;
}

function deadLetterPolicies({ properties: p }: SamResource): JsonObject[] {
  const queue = p.DeadLetterQueue;
  if (!isObject(queue)) return [];
  const Action = queue.Type === "SNS" ? "sns:Publish" : "sqs:SendMessage";
  const Statement = [{ Action, Effect: "Allow", Resource: queue.TargetArn ?? "" }];
  return [{ PolicyName: "DeadLetterQueuePolicy", PolicyDocument: { Version: "2012-10-17", Statement } }];
}

function addRole(build: FunctionBuild, lambda: JsonObject, shared: JsonObject): void {
  const { context, resource } = build;
  const { id, properties: p } = resource;
  const role = resolveParameters(context, p.Role ?? null);
  const branches = isObject(role) && Array.isArray(role["Fn::If"]) ? role["Fn::If"] : undefined;
  if (branches && branches.length !== 3)
    throw new SamFault(id, "Malformed 'Role' property: Fn::If requires 3 arguments.");
  const noValue = (value: JsonValue | undefined): boolean => isObject(value) && value.Ref === "AWS::NoValue";
  if (p.Role !== undefined && !branches) return;
  const roleId = `${id}Role`;
  const attributes = { ...shared };
  if (branches) {
    const [condition, yes, no] = branches;
    if (!noValue(yes) && !noValue(no)) return;
    if (noValue(yes) && !noValue(no)) {
      lambda.Role = { "Fn::If": [condition ?? "", getAtt(roleId, "Arn"), no ?? ""] };
      attributes.Condition = condition ?? "";
    } else if (!noValue(yes)) {
      lambda.Role = { "Fn::If": [condition ?? "", yes ?? "", getAtt(roleId, "Arn")] };
      attributes.Condition = `NOT${String(condition)}`;
      context.conditions[`NOT${String(condition)}`] = { "Fn::Not": [{ Condition: condition ?? "" }] };
    } else lambda.Role = getAtt(roleId, "Arn");
  } else lambda.Role = getAtt(roleId, "Arn");
  const made = roleProperties(context, {
    id,
    roleId,
    trust: p.AssumeRolePolicyDocument ?? trustPolicy("lambda.amazonaws.com"),
    managed: build.managed,
    policies: p.Policies,
    inline: build.inline,
    tags: lambda.Tags as JsonValue[],
    path: p.RolePath,
    boundary: p.PermissionsBoundary,
  });
  addResource(context, roleId, "AWS::IAM::Role", made, attributes);
}

/** Types whose Tags are a list, as far as the transform tags them. */
const TAGGED = new Set("AWS::SQS::Queue AWS::SNS::Topic AWS::IoT::TopicRule".split(" "));

function tagCompanions(context: SamContext, id: string, tags: JsonObject): void {
  for (const [name, made] of Object.entries(context.resources)) {
    if (name === id || !name.startsWith(id) || !isObject(made) || !TAGGED.has(String(made.Type))) continue;
    const properties = isObject(made.Properties) ? made.Properties : {};
    if (context.template.Resources && isObject(context.template.Resources) && name in context.template.Resources)
      continue;
    made.Properties = compact({ ...properties, Tags: mergeTags(properties.Tags, tags) });
  }
}

function mergeTags(own: JsonValue | undefined, tags: JsonObject): JsonValue {
  const list = Array.isArray(own) ? own : [];
  const named = new Set(list.map((tag) => (isObject(tag) ? tag.Key : undefined)));
  return [...list, ...tagList(tags).filter((tag) => !named.has(tag.Key ?? ""))];
}
