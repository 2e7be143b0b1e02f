import type { Context } from "../../../aws/context.ts";
import type { JsonObject } from "../../../engines/yaml/index.ts";
import { messagingReaders } from "./messaging-readers.ts";
import { namedReaders } from "./named-readers.ts";
import { readTags, type LiveReader } from "./reading.ts";

/** How the properties of a type's resources are read; a type that is not here is not checked for drift. */
const READERS: Readonly<Record<string, LiveReader>> = {
  ...messagingReaders,
  ...namedReaders,
  "AWS::Lambda::Function": lambdaFunction,
  "AWS::IAM::Role": role,
  "AWS::IAM::ManagedPolicy": managedPolicy,
  "AWS::S3::Bucket": bucket,
  "AWS::ApiGateway::RestApi": restApi,
  "AWS::ApiGatewayV2::Api": httpApi,
  "AWS::SSM::Parameter": parameter,
};

export const readerOf = (type: string): LiveReader | undefined =>
  Object.hasOwn(READERS, type) ? READERS[type] : undefined;

async function lambdaFunction(ctx: Context<any>, id: string, expected: JsonObject): Promise<object> {
  const { Configuration: c = {}, Tags } = await ctx.call("lambda", "GetFunction", { FunctionName: id });
  const { ReservedConcurrentExecutions } =
    expected["ReservedConcurrentExecutions"] === undefined
      ? {}
      : await ctx.call("lambda", "GetFunctionConcurrency", { FunctionName: id });
  return {
    FunctionName: c.FunctionName,
    Handler: c.Handler,
    Runtime: c.Runtime,
    MemorySize: c.MemorySize,
    Timeout: c.Timeout,
    Role: c.Role,
    Description: c.Description,
    Architectures: c.Architectures,
    PackageType: c.PackageType,
    Environment: { Variables: c.Environment?.Variables ?? {} },
    Layers: (c.Layers ?? []).map((layer) => layer.Arn),
    TracingConfig: c.TracingConfig,
    EphemeralStorage: c.EphemeralStorage,
    DeadLetterConfig: c.DeadLetterConfig,
    ReservedConcurrentExecutions,
    Tags: readTags(Tags),
  };
}

async function role(ctx: Context<any>, id: string, expected: JsonObject): Promise<object> {
  const RoleName = id;
  const { Role } = await ctx.call("iam", "GetRole", { RoleName });
  const live: Record<string, unknown> = {
    RoleName: Role?.RoleName,
    Path: Role?.Path,
    Description: Role?.Description,
    MaxSessionDuration: Role?.MaxSessionDuration,
    AssumeRolePolicyDocument: decodeURIComponent(Role?.AssumeRolePolicyDocument ?? ""),
    PermissionsBoundary: Role?.PermissionsBoundary?.PermissionsBoundaryArn,
    Tags: Role?.Tags,
  };
  if (expected["ManagedPolicyArns"] !== undefined) {
    const { AttachedPolicies = [] } = await ctx.call("iam", "ListAttachedRolePolicies", { RoleName });
    live["ManagedPolicyArns"] = AttachedPolicies.map((one) => one.PolicyArn);
  }
  if (expected["Policies"] !== undefined) {
    const { PolicyNames = [] } = await ctx.call("iam", "ListRolePolicies", { RoleName });
    live["Policies"] = await Promise.all(
      PolicyNames.map(async (PolicyName) => {
        const { PolicyDocument = "" } = await ctx.call("iam", "GetRolePolicy", { RoleName, PolicyName });
        return { PolicyName, PolicyDocument: decodeURIComponent(PolicyDocument) };
      }),
    );
  }
  return live;
}

async function managedPolicy(ctx: Context<any>, PolicyArn: string): Promise<object> {
  const { Policy } = await ctx.call("iam", "GetPolicy", { PolicyArn });
  const VersionId = Policy?.DefaultVersionId;
  const { PolicyVersion } = await ctx.call("iam", "GetPolicyVersion", { PolicyArn, VersionId });
  return {
    ManagedPolicyName: Policy?.PolicyName,
    Path: Policy?.Path,
    Description: Policy?.Description,
    PolicyDocument: decodeURIComponent(PolicyVersion?.Document ?? ""),
  };
}

async function bucket(ctx: Context<any>, Bucket: string, expected: JsonObject): Promise<object> {
  await ctx.call("s3", "HeadBucket", { Bucket });
  const live: Record<string, unknown> = { BucketName: Bucket };
  if (expected["VersioningConfiguration"] !== undefined)
    live["VersioningConfiguration"] = { Status: (await ctx.call("s3", "GetBucketVersioning", { Bucket })).Status };
  if (expected["PublicAccessBlockConfiguration"] !== undefined) {
    const call = ctx.call("s3", "GetPublicAccessBlock", { Bucket });
    live["PublicAccessBlockConfiguration"] = (await absent(call))?.PublicAccessBlockConfiguration;
  }
  if (expected["Tags"] !== undefined)
    live["Tags"] = (await absent(ctx.call("s3", "GetBucketTagging", { Bucket })))?.TagSet ?? [];
  return live;
}

/** S3 answers an error where a setting was never made. */
async function absent<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (/^NoSuch(TagSet|PublicAccessBlock)/.test((error as { code?: string }).code ?? "")) return undefined;
    throw error;
  }
}

async function restApi(ctx: Context<any>, restApiId: string): Promise<object> {
  const api = await ctx.call("apigateway", "GetRestApi", { restApiId });
  return {
    Name: api.name,
    Description: api.description,
    BinaryMediaTypes: api.binaryMediaTypes,
    ApiKeySourceType: api.apiKeySource,
    DisableExecuteApiEndpoint: api.disableExecuteApiEndpoint,
    MinimumCompressionSize: api.minimumCompressionSize,
    Tags: readTags(api.tags),
  };
}

async function httpApi(ctx: Context<any>, ApiId: string): Promise<object> {
  const api = await ctx.call("apigatewayv2", "GetApi", { ApiId });
  return {
    Name: api.Name,
    Description: api.Description,
    ProtocolType: api.ProtocolType,
    RouteSelectionExpression: api.RouteSelectionExpression,
    DisableExecuteApiEndpoint: api.DisableExecuteApiEndpoint,
    CorsConfiguration: api.CorsConfiguration,
    Version: api.Version,
    Tags: api.Tags,
  };
}

async function parameter(ctx: Context<any>, Name: string): Promise<object> {
  const { Parameter } = await ctx.call("ssm", "GetParameter", { Name, WithDecryption: false });
  const Filters = [{ Key: "Name", Option: "Equals", Values: [Name] }];
  const { Parameters = [] } = await ctx.call("ssm", "DescribeParameters", { ParameterFilters: Filters });
  return {
    Name: Parameter?.Name,
    Type: Parameter?.Type,
    Value: Parameter?.Value,
    Description: Parameters[0]?.Description,
    AllowedPattern: Parameters[0]?.AllowedPattern,
    Tier: Parameters[0]?.Tier,
  };
}
