import { Lambda } from "@aws-sdk/client-lambda";
import { arn, ref, sub, tags, trusts, type AreaOf } from "./table.ts";

const code = (text = "") => ({ ZipFile: `exports.handler = async () => "${text}";` });
const made = { Handler: "index.handler", Runtime: "nodejs22.x", Role: arn("Role"), Code: code() };

export const functions: AreaOf = (client) => {
  const api = new Lambda(client);
  const configuration = async (FunctionName: string) => {
    const { Configuration, Tags, Concurrency } = await api.getFunction({ FunctionName });
    const { RecursiveLoop } = await api.getFunctionRecursionConfig({ FunctionName });
    const { UpdateRuntimeOn } = await api.getRuntimeManagementConfig({ FunctionName });
    const { LastUpdateStatus: _s, ...shown } = Configuration!;
    return { ...shown, Tags, Concurrency, RecursiveLoop, UpdateRuntimeOn };
  };
  const url = (FunctionName: string) => api.getFunctionUrlConfig({ FunctionName });
  const mapped = { FunctionName: ref("Function"), EventSourceArn: arn("Source") };
  return {
    beside: {
      Role: {
        Type: "AWS::IAM::Role",
        Properties: {
          AssumeRolePolicyDocument: trusts("lambda"),
          ManagedPolicyArns: ["arn:aws:iam::aws:policy/AdministratorAccess"],
        },
      },
      Queue: { Type: "AWS::SQS::Queue" },
      Source: { Type: "AWS::SQS::Queue", Properties: { VisibilityTimeout: 60 } },
      Layer: {
        Type: "AWS::Lambda::Function",
        Properties: made,
      },
      Function: { Type: "AWS::Lambda::Function", Properties: made },
      Another: { Type: "AWS::Lambda::Function", Properties: made },
      V1: { Type: "AWS::Lambda::Version", Properties: { FunctionName: ref("Function") } },
    },
    cases: {
      AFunction: {
        type: "AWS::Lambda::Function",
        kept: made,
        dropped: {
          DeadLetterConfig: { TargetArn: arn("Queue") },
          Description: "d",
          Environment: { Variables: { AB: "b" } },
          EphemeralStorage: { Size: 1024 },
          LoggingConfig: {
            LogFormat: "JSON",
            ApplicationLogLevel: "WARN",
            SystemLogLevel: "WARN",
            LogGroup: sub("/own/${AWS::StackName}"),
          },
          MemorySize: 256,
          RecursiveLoop: "Allow",
          ReservedConcurrentExecutions: 1,
          RuntimeManagementConfig: { UpdateRuntimeOn: "FunctionUpdate" },
          Tags: tags,
          Timeout: 9,
          TracingConfig: { Mode: "Active" },
        },
        read: configuration,
      },
      ALogLevel: {
        type: "AWS::Lambda::Function",
        kept: { ...made, LoggingConfig: { LogFormat: "JSON" } },
        dropped: {
          LoggingConfig: { LogFormat: "JSON", ApplicationLogLevel: "WARN", LogGroup: sub("/x/${AWS::StackName}") },
        },
        read: configuration,
      },
      AnArchitecture: {
        type: "AWS::Lambda::Function",
        kept: made,
        dropped: { Architectures: ["arm64"] },
        read: configuration,
      },
      AnAlias: {
        type: "AWS::Lambda::Alias",
        kept: { FunctionName: ref("Function"), FunctionVersion: { "Fn::GetAtt": ["V1", "Version"] }, Name: "live" },
        dropped: { Description: "d" },
        read: (_id, ids) => api.getAlias({ FunctionName: ids["Function"]!, Name: "live" }),
      },
      AUrl: {
        type: "AWS::Lambda::Url",
        kept: { TargetFunctionArn: ref("Function"), AuthType: "NONE" },
        dropped: { Cors: { AllowOrigins: ["*"], MaxAge: 5 }, InvokeMode: "RESPONSE_STREAM" },
        read: async (id) => {
          const { FunctionUrl: _u, ...shown } = await url(id);
          return shown;
        },
      },
      ACors: {
        type: "AWS::Lambda::Url",
        kept: { TargetFunctionArn: ref("Another"), AuthType: "NONE", Cors: { AllowOrigins: ["*"] } },
        dropped: { Cors: { AllowOrigins: ["*"], MaxAge: 5, AllowCredentials: false, AllowHeaders: ["x"] } },
        read: async (id) => (await url(id)).Cors,
      },
      AnInvokeConfig: {
        type: "AWS::Lambda::EventInvokeConfig",
        kept: { FunctionName: ref("Function"), Qualifier: "$LATEST", MaximumRetryAttempts: 2 },
        dropped: { DestinationConfig: { OnFailure: { Destination: arn("Queue") } }, MaximumEventAgeInSeconds: 60 },
        read: (_id, ids) => api.getFunctionEventInvokeConfig({ FunctionName: ids["Function"]!, Qualifier: "$LATEST" }),
      },
      ARetryConfig: {
        type: "AWS::Lambda::EventInvokeConfig",
        kept: { FunctionName: ref("Another"), Qualifier: "$LATEST", MaximumEventAgeInSeconds: 60 },
        dropped: { MaximumRetryAttempts: 1 },
        read: (_id, ids) => api.getFunctionEventInvokeConfig({ FunctionName: ids["Another"]!, Qualifier: "$LATEST" }),
      },
      AMapping: {
        type: "AWS::Lambda::EventSourceMapping",
        kept: { ...mapped },
        dropped: {
          BatchSize: 3,
          FilterCriteria: { Filters: [{ Pattern: '{"body":["x"]}' }] },
          FunctionResponseTypes: ["ReportBatchItemFailures"],
          MaximumBatchingWindowInSeconds: 2,
          MetricsConfig: { Metrics: ["EventCount"] },
          ScalingConfig: { MaximumConcurrency: 2 },
          Tags: tags,
        },
        read: async (UUID) => {
          const { EventSourceMappingArn, State: _s, ...shown } = await api.getEventSourceMapping({ UUID });
          return [shown, (await api.listTags({ Resource: EventSourceMappingArn! })).Tags];
        },
      },
    },
  };
};
