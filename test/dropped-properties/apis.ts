import { APIGateway } from "@aws-sdk/client-api-gateway";
import { ApiGatewayV2 } from "@aws-sdk/client-apigatewayv2";
import { allow, arn, ref, sub, tags, trusts, type AreaOf } from "./table.ts";

const logs = sub("arn:aws:logs:${AWS::Region}:${AWS::AccountId}:log-group:l-${AWS::StackName}");
const certificate = "arn:aws:acm:us-east-1:000000000000:certificate/a";
const mock = { Type: "MOCK" };
const lambdaUri = sub(
  "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:000000000000:function:f/invocations",
);

export const apis: AreaOf = (client) => {
  const api = new APIGateway(client);
  const where = (ids: Readonly<Record<string, string>>) => ({ restApiId: ids["Api"]! });
  const method = (httpMethod: string) => async (_id: string, ids: Readonly<Record<string, string>>) =>
    api.getMethod({ ...where(ids), resourceId: (await api.getResources(where(ids))).items![0]!.id!, httpMethod });
  const root = { RestApiId: ref("Api"), ResourceId: { "Fn::GetAtt": ["Api", "RootResourceId"] } };
  /** A deployment takes all methods of its API, which must have their integrations by then. */
  const methods = ["Get", "AMethod", "AnIntegration"];
  return {
    beside: {
      Api: { Type: "AWS::ApiGateway::RestApi", Properties: { Name: sub("second-${AWS::StackName}") } },
      Get: {
        Type: "AWS::ApiGateway::Method",
        Properties: { ...root, HttpMethod: "GET", AuthorizationType: "NONE", Integration: mock },
      },
      Deployment: { Type: "AWS::ApiGateway::Deployment", Properties: { RestApiId: ref("Api") }, DependsOn: methods },
      Prod: {
        Type: "AWS::ApiGateway::Stage",
        Properties: { RestApiId: ref("Api"), DeploymentId: ref("Deployment"), StageName: "prod" },
      },
      Role: { Type: "AWS::IAM::Role", Properties: { AssumeRolePolicyDocument: trusts("apigateway") } },
      Part: {
        Type: "AWS::ApiGateway::DocumentationPart",
        Properties: { RestApiId: ref("Api"), Location: { Type: "API" }, Properties: '{"a":1}' },
      },
      Published: {
        Type: "AWS::ApiGateway::DocumentationVersion",
        Properties: { RestApiId: ref("Api"), DocumentationVersion: "1" },
        DependsOn: "Part",
      },
      Validator: { Type: "AWS::ApiGateway::RequestValidator", Properties: { RestApiId: ref("Api") } },
    },
    cases: {
      AnApi: {
        type: "AWS::ApiGateway::RestApi",
        kept: { Name: "a" },
        dropped: {
          ApiKeySourceType: "AUTHORIZER",
          BinaryMediaTypes: ["image/png"],
          Description: "d",
          DisableExecuteApiEndpoint: true,
          EndpointConfiguration: { Types: ["REGIONAL"] },
          MinimumCompressionSize: 10,
          Policy: allow("execute-api:Invoke", { Principal: "*", Resource: "*" }),
          Tags: tags,
        },
        read: (restApiId) => api.getRestApi({ restApiId }),
      },
      AMethod: {
        type: "AWS::ApiGateway::Method",
        kept: { ...root, HttpMethod: "PUT", Integration: mock },
        dropped: {
          ApiKeyRequired: true,
          AuthorizationType: "AWS_IAM",
          MethodResponses: [{ StatusCode: "200" }],
          OperationName: "o",
          RequestModels: { "application/json": "Empty" },
          RequestParameters: { "method.request.querystring.q": true },
          RequestValidatorId: ref("Validator"),
        },
        read: method("PUT"),
      },
      AnIntegration: {
        type: "AWS::ApiGateway::Method",
        kept: { ...root, HttpMethod: "POST", AuthorizationType: "NONE", Integration: mock },
        dropped: {
          Integration: {
            ...mock,
            PassthroughBehavior: "NEVER",
            RequestTemplates: { "application/json": "{}" },
            IntegrationResponses: [{ StatusCode: "200" }],
          },
          MethodResponses: [{ StatusCode: "200" }],
        },
        read: method("POST"),
      },
      ADeployment: {
        type: "AWS::ApiGateway::Deployment",
        after: methods,
        kept: { RestApiId: ref("Api") },
        dropped: { Description: "d" },
        read: (deploymentId, ids) => api.getDeployment({ ...where(ids), deploymentId }),
      },
      AStage: {
        type: "AWS::ApiGateway::Stage",
        kept: { RestApiId: ref("Api"), DeploymentId: ref("Deployment"), StageName: "a" },
        dropped: {
          AccessLogSetting: { DestinationArn: logs, Format: "$context.requestId" },
          CanarySetting: { PercentTraffic: 10, DeploymentId: ref("ADeployment") },
          Description: "d",
          DocumentationVersion: "1",
          MethodSettings: [{ ResourcePath: "/*", HttpMethod: "*", ThrottlingBurstLimit: 1, ThrottlingRateLimit: 1 }],
          Tags: tags,
          TracingEnabled: true,
          Variables: { a: "b" },
        },
        read: (stageName, ids) => api.getStage({ ...where(ids), stageName }),
      },
      AMethodSetting: {
        type: "AWS::ApiGateway::Stage",
        kept: {
          RestApiId: ref("Api"),
          DeploymentId: ref("Deployment"),
          StageName: "b",
          MethodSettings: [{ ResourcePath: "/*", HttpMethod: "*", ThrottlingBurstLimit: 1 }],
          AccessLogSetting: { DestinationArn: logs, Format: "$context.requestId" },
          Variables: { a: "b" },
        },
        dropped: {
          MethodSettings: [
            { ResourcePath: "/*", HttpMethod: "*", ThrottlingBurstLimit: 1, ThrottlingRateLimit: 1 },
            { ResourcePath: "/", HttpMethod: "GET", MetricsEnabled: true },
          ],
          Variables: { a: "b", c: "d" },
        },
        read: (stageName, ids) => api.getStage({ ...where(ids), stageName }),
      },
      AnAccount: {
        type: "AWS::ApiGateway::Authorizer",
        kept: {
          RestApiId: ref("Api"),
          Name: "a",
          Type: "REQUEST",
          AuthorizerUri: lambdaUri,
          AuthorizerResultTtlInSeconds: 0,
        },
        dropped: {
          AuthType: "custom",
          AuthorizerCredentials: arn("Role"),
          IdentitySource: "method.request.header.X",
        },
        read: (authorizerId, ids) => api.getAuthorizer({ ...where(ids), authorizerId }),
      },
      AToken: {
        type: "AWS::ApiGateway::Authorizer",
        kept: {
          RestApiId: ref("Api"),
          Name: "b",
          Type: "TOKEN",
          AuthorizerUri: lambdaUri,
          IdentitySource: "method.request.header.X",
        },
        dropped: { AuthorizerResultTtlInSeconds: 3, IdentityValidationExpression: "x" },
        read: (authorizerId, ids) => api.getAuthorizer({ ...where(ids), authorizerId }),
      },
      AKey: {
        type: "AWS::ApiGateway::ApiKey",
        kept: { Name: sub("${AWS::StackName}") },
        dropped: {
          CustomerId: "c",
          Description: "d",
          Enabled: true,
          StageKeys: [{ RestApiId: ref("Api"), StageName: ref("Prod") }],
          Tags: tags,
        },
        read: (apiKey) => api.getApiKey({ apiKey }),
      },
      APlan: {
        type: "AWS::ApiGateway::UsagePlan",
        kept: { UsagePlanName: sub("${AWS::StackName}") },
        dropped: {
          ApiStages: [{ ApiId: ref("Api"), Stage: ref("Prod") }],
          Description: "d",
          Quota: { Limit: 5, Period: "DAY" },
          Tags: tags,
          Throttle: { BurstLimit: 1, RateLimit: 1 },
        },
        read: (usagePlanId) => api.getUsagePlan({ usagePlanId }),
      },
      APartOfAPlan: {
        type: "AWS::ApiGateway::UsagePlan",
        kept: {
          UsagePlanName: sub("b-${AWS::StackName}"),
          ApiStages: [{ ApiId: ref("Api"), Stage: ref("Prod") }],
          Quota: { Limit: 5, Period: "WEEK" },
          Throttle: { RateLimit: 1 },
        },
        dropped: {
          ApiStages: [
            { ApiId: ref("Api"), Stage: ref("Prod"), Throttle: { "//GET": { BurstLimit: 1, RateLimit: 1 } } },
          ],
          Quota: { Limit: 5, Period: "WEEK", Offset: 2 },
          Throttle: { BurstLimit: 1, RateLimit: 1 },
        },
        read: (usagePlanId) => api.getUsagePlan({ usagePlanId }),
      },
      AModel: {
        type: "AWS::ApiGateway::Model",
        kept: { RestApiId: ref("Api"), Name: "M", ContentType: "application/json" },
        dropped: { Description: "d", Schema: { type: "object" } },
        read: (modelName, ids) => api.getModel({ ...where(ids), modelName }),
      },
      AValidator: {
        type: "AWS::ApiGateway::RequestValidator",
        kept: { RestApiId: ref("Api"), Name: "v" },
        dropped: { ValidateRequestBody: true, ValidateRequestParameters: true },
        read: (requestValidatorId, ids) => api.getRequestValidator({ ...where(ids), requestValidatorId }),
      },
      AResponse: {
        type: "AWS::ApiGateway::GatewayResponse",
        kept: { RestApiId: ref("Api"), ResponseType: "DEFAULT_4XX" },
        dropped: {
          ResponseParameters: { "gatewayresponse.header.X": "'x'" },
          ResponseTemplates: { "application/json": "{}" },
          StatusCode: "418",
        },
        read: (_id, ids) => api.getGatewayResponse({ ...where(ids), responseType: "DEFAULT_4XX" }),
      },
      AVersion: {
        type: "AWS::ApiGateway::DocumentationVersion",
        after: ["Part"],
        kept: { RestApiId: ref("Api"), DocumentationVersion: "2" },
        dropped: { Description: "d" },
        read: (_id, ids) => api.getDocumentationVersion({ ...where(ids), documentationVersion: "2" }),
      },
      ADomain: {
        type: "AWS::ApiGateway::DomainName",
        kept: { DomainName: sub("${AWS::StackName}.example.com"), CertificateArn: certificate },
        dropped: {
          EndpointConfiguration: { Types: ["REGIONAL"] },
          CertificateArn: undefined,
          RegionalCertificateArn: certificate,
          SecurityPolicy: "TLS_1_2",
          Tags: tags,
        },
        read: (domainName) => api.getDomainName({ domainName }),
      },
      AMapping: {
        type: "AWS::ApiGateway::BasePathMapping",
        kept: { DomainName: ref("ADomain"), BasePath: "b", RestApiId: ref("Api") },
        dropped: { Stage: ref("Prod") },
        read: (_id, ids) => api.getBasePathMapping({ domainName: ids["ADomain"]!, basePath: "b" }),
      },
    },
  };
};

export const httpApis: AreaOf = (client) => {
  const api = new ApiGatewayV2(client);
  const of = (ids: Readonly<Record<string, string>>) => ({ ApiId: ids["Api"]! });
  const inApi = { ApiId: ref("Api") };
  const readApi = (ApiId: string) => api.getApi({ ApiId });
  const jwt = { JwtConfiguration: { Issuer: "https://idp.example.com", Audience: ["a"] } };
  const proxy = {
    ...inApi,
    IntegrationType: "HTTP_PROXY",
    IntegrationMethod: "GET",
    IntegrationUri: "https://example.com",
    PayloadFormatVersion: "1.0",
  };
  const readIntegration = (IntegrationId: string, ids: Readonly<Record<string, string>>) =>
    api.getIntegration({ ...of(ids), IntegrationId });
  const readAuthorizer = (AuthorizerId: string, ids: Readonly<Record<string, string>>) =>
    api.getAuthorizer({ ...of(ids), AuthorizerId });
  const asks = { ...inApi, AuthorizerType: "REQUEST", AuthorizerUri: lambdaUri, AuthorizerPayloadFormatVersion: "2.0" };
  return {
    beside: {
      Api: { Type: "AWS::ApiGatewayV2::Api", Properties: { Name: "x", ProtocolType: "HTTP" } },
      Role: { Type: "AWS::IAM::Role", Properties: { AssumeRolePolicyDocument: trusts("apigateway") } },
      Integration: { Type: "AWS::ApiGatewayV2::Integration", Properties: proxy },
      Tokens: {
        Type: "AWS::ApiGatewayV2::Authorizer",
        Properties: { ...inApi, Name: "t", AuthorizerType: "JWT", IdentitySource: ["$request.header.A"], ...jwt },
      },
    },
    cases: {
      AnApi: {
        type: "AWS::ApiGatewayV2::Api",
        kept: { Name: "a", ProtocolType: "HTTP" },
        dropped: {
          CorsConfiguration: { AllowOrigins: ["*"] },
          Description: "d",
          DisableExecuteApiEndpoint: true,
          Tags: { k: "v" },
          Version: "1",
        },
        read: readApi,
      },
      AVersion: {
        type: "AWS::ApiGatewayV2::Api",
        kept: { Name: "b", ProtocolType: "HTTP", CorsConfiguration: { AllowOrigins: ["*"] } },
        dropped: { CorsConfiguration: { AllowOrigins: ["*"], MaxAge: 3 }, Version: "1" },
        read: readApi,
      },
      AnAuthorizer: {
        type: "AWS::ApiGatewayV2::Authorizer",
        kept: { ...asks, Name: "r", IdentitySource: ["$request.header.A"] },
        dropped: {
          AuthorizerCredentialsArn: arn("Role"),
          AuthorizerResultTtlInSeconds: 3,
          EnableSimpleResponses: true,
        },
        read: readAuthorizer,
      },
      ARoute: {
        type: "AWS::ApiGatewayV2::Route",
        kept: { ...inApi, RouteKey: "GET /a" },
        dropped: {
          AuthorizationScopes: ["s"],
          AuthorizationType: "JWT",
          AuthorizerId: ref("Tokens"),
          OperationName: "o",
        },
        read: (RouteId, ids) => api.getRoute({ ...of(ids), RouteId }),
      },
      AnIntegration: {
        type: "AWS::ApiGatewayV2::Integration",
        kept: proxy,
        dropped: {
          Description: "d",
          RequestParameters: { "append:header.a": "b" },
          ResponseParameters: { "200": { ResponseParameters: [{ Source: "b", Destination: "append:header.a" }] } },
          TimeoutInMillis: 5000,
        },
        read: readIntegration,
      },
      AStage: {
        type: "AWS::ApiGatewayV2::Stage",
        kept: { ...inApi, StageName: "a" },
        dropped: {
          AccessLogSettings: { DestinationArn: logs, Format: "$context.requestId" },
          AutoDeploy: true,
          Description: "d",
          RouteSettings: { "GET /a": { ThrottlingBurstLimit: 1 } },
          StageVariables: { a: "b" },
          Tags: { k: "v" },
        },
        read: (StageName, ids) => api.getStage({ ...of(ids), StageName }),
      },
      APartOfAStage: {
        type: "AWS::ApiGatewayV2::Stage",
        kept: {
          ...inApi,
          StageName: "b",
          DefaultRouteSettings: { ThrottlingBurstLimit: 1 },
          RouteSettings: { "GET /a": { ThrottlingBurstLimit: 1 } },
          AccessLogSettings: { DestinationArn: logs },
        },
        dropped: {
          RouteSettings: {
            "GET /a": { ThrottlingBurstLimit: 1, ThrottlingRateLimit: 2, DetailedMetricsEnabled: true },
          },
          AccessLogSettings: { DestinationArn: logs, Format: "$context.requestId" },
        },
        read: (StageName, ids) => api.getStage({ ...of(ids), StageName }),
      },
      ADomain: {
        type: "AWS::ApiGatewayV2::DomainName",
        kept: { DomainName: sub("${AWS::StackName}.example.com") },
        dropped: { Tags: { k: "v" } },
        read: (DomainName) => api.getDomainName({ DomainName }),
      },
      AMapping: {
        type: "AWS::ApiGatewayV2::ApiMapping",
        kept: { ...inApi, DomainName: ref("ADomain"), Stage: ref("AStage") },
        dropped: { ApiMappingKey: "k" },
        read: (ApiMappingId, ids) => api.getApiMapping({ DomainName: ids["ADomain"]!, ApiMappingId }),
      },
    },
  };
};
