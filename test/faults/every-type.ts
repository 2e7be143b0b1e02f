import { CERTIFICATE, KEY, samlMetadata } from "../support/certificate.ts";
import { trust } from "../support/stacks.ts";

const GROUP_ARN = { "Fn::Sub": "arn:aws:logs:${AWS::Region}:${AWS::AccountId}:log-group:/aws/events/all" };
const uri = {
  "Fn::Sub": "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Function.Arn}/invocations",
};
const proxy = { Type: "AWS_PROXY", IntegrationHttpMethod: "POST", Uri: uri };
const policy = {
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: "s3:GetObject", Resource: "*" }],
};
const trusts = (service: string) => ({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: { Service: `${service}.amazonaws.com` }, Action: "sts:AssumeRole" }],
});
const made = (Type: string, Properties: object, more: object = {}) => ({ Type: `AWS::${Type}`, Properties, ...more });
const ref = (Ref: string) => ({ Ref });
const arn = (id: string) => ({ "Fn::GetAtt": [id, "Arn"] });

const identity = {
  Role: made("IAM::Role", { AssumeRolePolicyDocument: trust, Policies: [{ PolicyName: "p", PolicyDocument: policy }] }),
  Services: made("IAM::Role", { AssumeRolePolicyDocument: trusts("codebuild") }),
  Shifter: made("IAM::Role", { AssumeRolePolicyDocument: trusts("codedeploy") }),
  Releaser: made("IAM::Role", { AssumeRolePolicyDocument: trusts("codepipeline") }),
  Consumer: made("IAM::Policy", {
    PolicyName: "consume",
    PolicyDocument: {
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Action: "sqs:*", Resource: "*" }],
    },
    Roles: [ref("Role")],
  }),
  Policy: made("IAM::Policy", { PolicyName: "more", PolicyDocument: policy, Roles: [ref("Role")] }),
  Managed: made("IAM::ManagedPolicy", { PolicyDocument: policy, Roles: [ref("Role")] }),
  Group: made("IAM::Group", {}),
  User: made("IAM::User", { Groups: [ref("Group")] }),
  Key: made("IAM::AccessKey", { UserName: ref("User") }),
  Profile: made("IAM::InstanceProfile", { Roles: [ref("Services")] }),
  Linked: made("IAM::ServiceLinkedRole", { AWSServiceName: "ops.apigateway.amazonaws.com" }),
  Provider: made("IAM::OIDCProvider", { Url: "https://token.example.com", ClientIdList: ["ci"] }),
  OfRole: made("IAM::RolePolicy", { PolicyName: "own", RoleName: ref("Role"), PolicyDocument: policy }),
  OfUser: made("IAM::UserPolicy", { PolicyName: "own", UserName: ref("User"), PolicyDocument: policy }),
  OfGroup: made("IAM::GroupPolicy", { PolicyName: "own", GroupName: ref("Group"), PolicyDocument: policy }),
  Member: made("IAM::UserToGroupAddition", { GroupName: ref("Group"), Users: [ref("User")] }),
  Certificate: made("IAM::ServerCertificate", { CertificateBody: CERTIFICATE, PrivateKey: KEY }),
  Saml: made("IAM::SAMLProvider", {
    SamlMetadataDocument: samlMetadata(CERTIFICATE.replaceAll(/-----.*-----|\n/g, "")),
  }),
};

const functions = {
  Function: made("Lambda::Function", {
    Runtime: "nodejs24.x",
    Handler: "index.handler",
    Role: arn("Role"),
    Code: { ZipFile: "exports.handler = async () => 1" },
    Layers: [ref("Layer")],
  }),
  Version: made("Lambda::Version", { FunctionName: ref("Function") }),
  Alias: made("Lambda::Alias", {
    FunctionName: ref("Function"),
    Name: "live",
    FunctionVersion: { "Fn::GetAtt": ["Version", "Version"] },
  }),
  Url: made("Lambda::Url", { TargetFunctionArn: ref("Function"), AuthType: "NONE" }),
  Invokes: made("Lambda::Permission", {
    FunctionName: ref("Function"),
    Action: "lambda:InvokeFunction",
    Principal: "apigateway.amazonaws.com",
  }),
  Async: made("Lambda::EventInvokeConfig", {
    FunctionName: ref("Function"),
    Qualifier: "$LATEST",
    MaximumRetryAttempts: 1,
  }),
  Layer: made("Lambda::LayerVersion", { LayerName: "shared", Content: { S3Bucket: "code", S3Key: "layer.zip" } }),
  LayerUse: made("Lambda::LayerVersionPermission", {
    LayerVersionArn: ref("Layer"),
    Action: "lambda:GetLayerVersion",
    Principal: "*",
  }),
};

const apis = {
  Rest: made("ApiGateway::RestApi", { Name: "rest" }),
  Item: made("ApiGateway::Resource", {
    RestApiId: ref("Rest"),
    ParentId: { "Fn::GetAtt": ["Rest", "RootResourceId"] },
    PathPart: "item",
  }),
  Get: made("ApiGateway::Method", {
    RestApiId: ref("Rest"),
    ResourceId: ref("Item"),
    HttpMethod: "GET",
    AuthorizationType: "NONE",
    Integration: proxy,
  }),
  Authorizer: made("ApiGateway::Authorizer", {
    RestApiId: ref("Rest"),
    Name: "asked",
    Type: "TOKEN",
    AuthorizerUri: uri,
    IdentitySource: "method.request.header.Authorization",
  }),
  Shape: made("ApiGateway::Model", { RestApiId: ref("Rest"), Name: "Shape", Schema: { type: "object" } }),
  Validator: made("ApiGateway::RequestValidator", { RestApiId: ref("Rest"), ValidateRequestBody: true }),
  Refused: made("ApiGateway::GatewayResponse", { RestApiId: ref("Rest"), ResponseType: "DEFAULT_4XX" }),
  Snapshot: made("ApiGateway::Deployment", { RestApiId: ref("Rest") }, { DependsOn: "Get" }),
  Stage: made("ApiGateway::Stage", { RestApiId: ref("Rest"), DeploymentId: ref("Snapshot"), StageName: "v1" }),
  Canary: made("ApiGateway::Deployment", {
    RestApiId: ref("Rest"),
    StageName: ref("Stage"),
    DeploymentCanarySettings: { PercentTraffic: 10 },
  }),
  ClientKey: made("ApiGateway::ApiKey", { Enabled: true }),
  Plan: made("ApiGateway::UsagePlan", { ApiStages: [{ ApiId: ref("Rest"), Stage: ref("Stage") }] }),
  PlanKey: made("ApiGateway::UsagePlanKey", { KeyId: ref("ClientKey"), KeyType: "API_KEY", UsagePlanId: ref("Plan") }),
  Http: made("ApiGatewayV2::Api", { Name: "http", ProtocolType: "HTTP" }),
  Target: made("ApiGatewayV2::Integration", {
    ApiId: ref("Http"),
    IntegrationType: "AWS_PROXY",
    IntegrationUri: arn("Function"),
    PayloadFormatVersion: "2.0",
  }),
  Route: made("ApiGatewayV2::Route", {
    ApiId: ref("Http"),
    RouteKey: "GET /",
    Target: { "Fn::Sub": "integrations/${Target}" },
  }),
  HttpAuthorizer: made("ApiGatewayV2::Authorizer", {
    ApiId: ref("Http"),
    Name: "asked",
    AuthorizerType: "JWT",
    IdentitySource: ["$request.header.Authorization"],
    JwtConfiguration: { Issuer: "https://issuer.example", Audience: ["a"] },
  }),
  HttpSnapshot: made("ApiGatewayV2::Deployment", { ApiId: ref("Http") }, { DependsOn: "Route" }),
  HttpStage: made("ApiGatewayV2::Stage", { ApiId: ref("Http"), StageName: "v1", DeploymentId: ref("HttpSnapshot") }),
  Account: made("ApiGateway::Account", {}),
  Part: made("ApiGateway::DocumentationPart", {
    RestApiId: ref("Rest"),
    Location: { Type: "API" },
    Properties: '{"description":"all"}',
  }),
  Edition: made(
    "ApiGateway::DocumentationVersion",
    { RestApiId: ref("Rest"), DocumentationVersion: "1" },
    { DependsOn: "Part" },
  ),
  RestName: made("ApiGateway::DomainName", { DomainName: "rest.example.com" }),
  RestPath: made("ApiGateway::BasePathMapping", { DomainName: ref("RestName"), RestApiId: ref("Rest"), BasePath: "a" }),
  HttpName: made("ApiGatewayV2::DomainName", { DomainName: "http.example.com" }),
  HttpPath: made("ApiGatewayV2::ApiMapping", {
    DomainName: ref("HttpName"),
    ApiId: ref("Http"),
    Stage: ref("HttpStage"),
  }),
};

const actionType = (Category: string, Provider: string, Owner = "AWS") => ({ Category, Owner, Provider, Version: "1" });

const releases = {
  Repository: made("CodeCommit::Repository", { RepositoryName: "all" }),
  Build: made("CodeBuild::Project", {
    ServiceRole: arn("Services"),
    Source: { Type: "NO_SOURCE", BuildSpec: "version: 0.2\nphases: {build: {commands: ['true']}}" },
    Artifacts: { Type: "NO_ARTIFACTS" },
    Environment: { Type: "LINUX_CONTAINER", ComputeType: "BUILD_GENERAL1_SMALL", Image: "aws/codebuild/standard:7.0" },
  }),
  Own: made("CodePipeline::CustomActionType", {
    Category: "Test",
    Provider: "mine",
    Version: "1",
    InputArtifactDetails: { MinimumCount: 0, MaximumCount: 1 },
    OutputArtifactDetails: { MinimumCount: 0, MaximumCount: 1 },
  }),
  Pipeline: made("CodePipeline::Pipeline", {
    RoleArn: arn("Releaser"),
    ArtifactStore: { Type: "S3", Location: ref("Bucket") },
    Stages: [
      {
        Name: "Source",
        Actions: [
          {
            Name: "S",
            ActionTypeId: actionType("Source", "CodeCommit"),
            Configuration: { RepositoryName: "nowhere", BranchName: "main", PollForSourceChanges: "false" },
            OutputArtifacts: [{ Name: "S" }],
          },
        ],
      },
      { Name: "Ask", Actions: [{ Name: "A", ActionTypeId: actionType("Approval", "Manual") }] },
    ],
  }),
  Application: made("CodeDeploy::Application", { ComputePlatform: "Lambda" }),
  Config: made("CodeDeploy::DeploymentConfig", {
    ComputePlatform: "Lambda",
    TrafficRoutingConfig: { Type: "AllAtOnce" },
  }),
  Deployments: made("CodeDeploy::DeploymentGroup", {
    ApplicationName: ref("Application"),
    ServiceRoleArn: arn("Shifter"),
    DeploymentStyle: { DeploymentType: "BLUE_GREEN", DeploymentOption: "WITH_TRAFFIC_CONTROL" },
  }),
};

const others = {
  Bucket: made("S3::Bucket", { VersioningConfiguration: { Status: "Enabled" } }),
  BucketPolicy: made("S3::BucketPolicy", {
    Bucket: ref("Bucket"),
    PolicyDocument: {
      Version: "2012-10-17",
      Statement: [
        { Effect: "Deny", Principal: "*", Action: "s3:PutObject", Resource: { "Fn::Sub": "${Bucket.Arn}/*" } },
      ],
    },
  }),
  Logs: made("Logs::LogGroup", { LogGroupName: "/aws/events/all", RetentionInDays: 7 }),
  Bus: made("Events::EventBus", { Name: "own" }),
  BusPolicy: made("Events::EventBusPolicy", {
    EventBusName: ref("Bus"),
    StatementId: "other",
    Action: "events:PutEvents",
    Principal: "111111111111",
  }),
  Reports: made("CodeBuild::ReportGroup", { Type: "TEST", ExportConfig: { ExportConfigType: "NO_EXPORT" } }),
  Rule: made("Events::Rule", { EventPattern: { source: ["x"] }, Targets: [{ Id: "1", Arn: GROUP_ARN }] }),
  OnBus: made("Events::Rule", { EventBusName: ref("Bus"), EventPattern: { source: ["x"] } }),
  Parameter: made("SSM::Parameter", { Type: "String", Value: "v" }),
  Queue: made("SQS::Queue", {}),
  Other: made("SQS::Queue", {}),
  Inline: made("SQS::QueueInlinePolicy", {
    Queue: ref("Other"),
    PolicyDocument: {
      Version: "2012-10-17",
      Statement: [{ Effect: "Deny", Principal: "*", Action: "sqs:SendMessage", Resource: "*" }],
    },
  }),
  Images: made("ECR::Repository", {}),
  Together: made("ResourceGroups::Group", { Name: "all", ResourceQuery: { Type: "CLOUDFORMATION_STACK_1_0" } }),
  Watched: made("ApplicationInsights::Application", { ResourceGroupName: ref("Together") }),
  QueuePolicy: made("SQS::QueuePolicy", {
    Queues: [ref("Queue")],
    PolicyDocument: {
      Version: "2012-10-17",
      Statement: [{ Effect: "Deny", Principal: "*", Action: "sqs:SendMessage", Resource: "*" }],
    },
  }),
  Mapping: made(
    "Lambda::EventSourceMapping",
    { FunctionName: ref("Function"), EventSourceArn: arn("Queue"), Enabled: false },
    { DependsOn: "Consumer" },
  ),
  Handle: made("CloudFormation::WaitConditionHandle", {}),
  Cdk: made("CDK::Metadata", {}),
  Macro: made("CloudFormation::Macro", { Name: "all", FunctionName: ref("Function") }),
  Nested: made("CloudFormation::Stack", {
    TemplateURL: "https://s3.amazonaws.com/code/nested.json",
    Parameters: { Name: "/aws/nested" },
  }),
};

/** A stack of one resource of every type that makes something without a sandbox. */
const watching = {
  Filter: made("Logs::MetricFilter", {
    LogGroupName: ref("Logs"),
    FilterPattern: "ERROR",
    MetricTransformations: [{ MetricName: "Errors", MetricNamespace: "Own", MetricValue: "1" }],
  }),
  Reads: made("Lambda::Permission", {
    FunctionName: ref("Function"),
    Action: "lambda:InvokeFunction",
    Principal: "logs.amazonaws.com",
  }),
  Subscription: made(
    "Logs::SubscriptionFilter",
    { LogGroupName: ref("Logs"), FilterPattern: "ERROR", DestinationArn: arn("Function") },
    { DependsOn: "Reads" },
  ),
  Alarm: made("CloudWatch::Alarm", {
    Namespace: "Own",
    MetricName: "Errors",
    Statistic: "Sum",
    Period: 60,
    EvaluationPeriods: 1,
    Threshold: 0,
    ComparisonOperator: "GreaterThanThreshold",
  }),
  AnyAlarm: made("CloudWatch::CompositeAlarm", { AlarmRule: { "Fn::Sub": "ALARM(${Alarm})" } }),
  Board: made("CloudWatch::Dashboard", { DashboardBody: '{"widgets":[]}' }),
  Stream: made("Logs::LogStream", { LogGroupName: ref("Logs") }),
  Writers: made("Logs::ResourcePolicy", {
    PolicyName: "writers",
    PolicyDocument: JSON.stringify({
      Version: "2012-10-17",
      Statement: [
        { Effect: "Allow", Principal: { Service: "events.amazonaws.com" }, Action: "logs:PutLogEvents", Resource: "*" },
      ],
    }),
  }),
  Query: made("Logs::QueryDefinition", { Name: "all", QueryString: "fields @message" }),
  Connection: made("Events::Connection", {
    AuthorizationType: "API_KEY",
    AuthParameters: { ApiKeyAuthParameters: { ApiKeyName: "x-key", ApiKeyValue: "secret" } },
  }),
  Destination: made("Events::ApiDestination", {
    ConnectionArn: arn("Connection"),
    HttpMethod: "POST",
    InvocationEndpoint: "https://api.example.com/in",
  }),
  Kept: made("Events::Archive", { SourceArn: { "Fn::GetAtt": ["Bus", "Arn"] } }),
};

export const everyType = { Resources: { ...identity, ...functions, ...apis, ...releases, ...others, ...watching } };
/** The template of its nested stack. */
export const nested = {
  Parameters: { Name: { Type: "String" } },
  Resources: { Inner: made("Logs::LogGroup", { LogGroupName: ref("Name") }) },
};
