import assert from "node:assert/strict";
import { test } from "node:test";
import { readTemplate } from "../cloudformation/index.ts";
import type { JsonObject } from "../yaml/index.ts";
import { transformCodeStar, transformSam } from "./index.ts";

function run(text: string, parameters = {}): JsonObject {
  const { source } = readTemplate(text);
  const result = transformSam(source?.value ?? {}, { parameters });
  assert.equal(result.error, undefined);
  return result.template as JsonObject;
}
const types = (template: JsonObject): string[] =>
  Object.values(template.Resources as Record<string, { Type: string }>).map((r) => r.Type);

const CODESTAR = `
Transform: [AWS::Serverless-2016-10-31, AWS::CodeStar]
Parameters:
  ProjectId: {Type: String}
Globals:
  Function:
    AutoPublishAlias: live
    DeploymentPreference: {Enabled: true, Type: Canary10Percent5Minutes, Role: !Ref CodeDeployRole}
Resources:
  Hello:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: s3://b/k
      Handler: index.get
      Runtime: nodejs4.3
      Role: !ImportValue x
      Events:
        Get: {Type: Api, Properties: {Path: /, Method: get}}
`;

test("translates a CodeStar function with its implicit API, alias and deployment group", () => {
  const template = run(CODESTAR);
  assert.deepEqual(types(template).toSorted(), [
    "AWS::ApiGateway::Deployment",
    "AWS::ApiGateway::RestApi",
    "AWS::ApiGateway::Stage",
    "AWS::CodeDeploy::Application",
    "AWS::CodeDeploy::DeploymentGroup",
    "AWS::Lambda::Alias",
    "AWS::Lambda::Function",
    "AWS::Lambda::Permission",
    "AWS::Lambda::Version",
  ]);
  assert.deepEqual(template.Transform, ["AWS::CodeStar"]);
});

test("names the deployment after the API's content", () => {
  const id = (text: string): string | undefined =>
    Object.keys(run(text).Resources as JsonObject).find((name) => name.startsWith("ServerlessRestApiDeployment"));
  assert.equal(id(CODESTAR), id(CODESTAR));
  assert.notEqual(id(CODESTAR), id(CODESTAR.replace("Path: /", "Path: /x")));
});

test("tags what can be tagged for CodeStar", () => {
  const template = transformCodeStar(run(CODESTAR));
  assert.equal(template.Transform, undefined);
  const hello = (template.Resources as Record<string, JsonObject>).Hello?.Properties as JsonObject;
  assert.deepEqual(
    (hello.Tags as JsonObject[]).map((tag) => tag.Key),
    ["lambda:createdBy", "awscodestar:projectArn"],
  );
});

test("follows references to generated resources", () => {
  const template = run(
    `${CODESTAR}Outputs:\n  A: {Value: !Ref Hello.Alias}\n  V: {Value: !GetAtt Hello.Version.Version}\n  S: {Value: !Sub "\${Hello.Alias}"}\n`,
  );
  const outputs = template.Outputs as Record<string, JsonObject>;
  assert.deepEqual(outputs.A?.Value, { Ref: "HelloAliaslive" });
  assert.deepEqual(outputs.S?.Value, { "Fn::Sub": "${HelloAliaslive}" });
  assert.match(JSON.stringify(outputs.V?.Value), /HelloVersion[0-9a-f]{10}","Version"/);
});

test("refuses in SAM's words", () => {
  const error = (text: string): string | undefined => transformSam(readTemplate(text).source?.value ?? {}).error;
  assert.equal(
    error("Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties: {Handler: a, Runtime: b}"),
    "Invalid Serverless Application Specification document. Number of errors found: 1. Resource with id [F] is invalid. 'InlineCode' or 'CodeUri' must be set.",
  );
  assert.match(
    error("Globals: {Nope: {}}\nResources:\n  F: {Type: AWS::SNS::Topic}") ?? "",
    /'Globals' section is invalid. 'Nope' is not supported/,
  );
  const policy = "Policies: {LambdaInvokePolicy: {}}";
  assert.match(
    error(
      `Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      CodeUri: s3://b/k\n      Handler: a\n      Runtime: b\n      ${policy}`,
    ) ?? "",
    /Following required parameters of template 'LambdaInvokePolicy' don't have values: \['FunctionName'\]/,
  );
  assert.match(
    error(
      `Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      CodeUri: s3://b/k\n      Handler: a\n      Runtime: b\n      Policies: [{NoSuchPolicy: {}}]`,
    ) ?? "",
    /Resource with id \[F\] is invalid. Policy at index 0 in the 'Policies' property is not valid/,
  );
});

test("gives an API its custom domain, mappings and records", () => {
  const template = run(`Resources:
  A:
    Type: AWS::Serverless::Api
    Properties:
      StageName: Prod
      Domain:
        DomainName: api.example.com
        CertificateArn: arn:aws:acm:us-east-1:123456789012:certificate/abc
        BasePath: [/one, /two]
        Route53: {HostedZoneId: Z1, IpV6: true}
`);
  assert.deepEqual(
    types(template).filter((type) => /Domain|Mapping|Route53/.test(type)),
    [
      "AWS::ApiGateway::DomainName",
      "AWS::ApiGateway::BasePathMapping",
      "AWS::ApiGateway::BasePathMapping",
      "AWS::Route53::RecordSetGroup",
    ],
  );
  const mapping = (template.Resources as Record<string, JsonObject>).AoneBasePathMapping?.Properties as JsonObject;
  assert.equal(mapping.BasePath, "one");
  assert.deepEqual(mapping.Stage, { Ref: "AProdStage" });
});

test("publishes a state machine's version and alias, and keeps what its schedule could not deliver", () => {
  const template = run(`Resources:
  M:
    Type: AWS::Serverless::StateMachine
    Properties:
      Definition: {StartAt: A, States: {A: {Type: Pass, End: true}}}
      AutoPublishAlias: live
      UseAliasAsEventTarget: true
      Events:
        Tick: {Type: Schedule, Properties: {Schedule: rate(1 day), DeadLetterConfig: {Type: SQS}}}
`);
  const made = template.Resources as Record<string, JsonObject>;
  assert.deepEqual((made.MAliaslive?.Properties as JsonObject | undefined)?.DeploymentPreference, {
    Type: "ALL_AT_ONCE",
    StateMachineVersionArn: { Ref: "MVersion" },
  });
  const properties = made.MTick?.Properties as JsonObject | undefined;
  const target = (properties?.Targets as JsonObject[] | undefined)?.[0];
  assert.deepEqual(target?.Arn, { Ref: "MAliaslive" });
  assert.deepEqual(target?.DeadLetterConfig, { Arn: { "Fn::GetAtt": ["MTickQueue", "Arn"] } });
  assert.equal(made.MTickQueuePolicy?.Type, "AWS::SQS::QueuePolicy");
});

test("lets a function poll a broker, and refuses one without credentials", () => {
  const source = (access: string): string => `Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: s3://b/k
      Handler: a
      Runtime: b
      Events: {Q: {Type: MQ, Properties: {Broker: arn:b, Queues: [q], SourceAccessConfigurations: ${access}}}}
`;
  const made = run(source("[{Type: BASIC_AUTH, URI: arn:s}]")).Resources as Record<string, JsonObject>;
  assert.match(JSON.stringify(made.FRole), /mq:DescribeBroker/);
  const refused = transformSam(readTemplate(source("[{Type: VIRTUAL_HOST, URI: v}]")).source?.value ?? {});
  assert.match(refused.error ?? "", /No BASIC_AUTH property specified in SourceAccessConfigurations/);
});

test("streams a REST route's response and validates its body where the event says so", () => {
  const template = run(`Resources:
  A:
    Type: AWS::Serverless::Api
    Properties: {StageName: my-stage, Models: {User: {type: object}}}
  F:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: s3://b/k
      Handler: a
      Runtime: b
      Events:
        Post:
          Type: Api
          Properties:
            RestApiId: !Ref A
            Path: /
            Method: post
            InvokeMode: RESPONSE_STREAM
            RequestModel: {Model: User, ValidateBody: true}
`);
  const made = template.Resources as Record<string, JsonObject>;
  const text = JSON.stringify(made.A);
  assert.match(text, /2021-11-15\/functions\/\$\{F.Arn\}\/response-streaming-invocations/);
  assert.match(text, /"body-only":\{"validateRequestBody":true,"validateRequestParameters":false\}/);
  assert.match(text, /"x-amazon-apigateway-request-validator":"body-only"/);
  assert.ok(Object.keys(made).some((id) => /^AStage[0-9a-f]{10}$/.test(id)));
});

test("refuses an API's definition and settings that SAM refuses", () => {
  const error = (properties: string): string =>
    transformSam(
      readTemplate(`Resources: {A: {Type: AWS::Serverless::Api, Properties: {StageName: P, ${properties}}}}`).source
        ?.value ?? {},
    ).error ?? "";
  assert.match(error("OpenApiVersion: five"), /The OpenApiVersion value must be of the format '3.0.0'/);
  assert.match(
    error("OpenApiVersion: '2.0', DefinitionBody: {swagger: '2.0', paths: {/foo: text}}"),
    /Structure of the SAM template is invalid. Value of '\/foo' path must be a dictionary according to Swagger spec/,
  );
  assert.match(error("GatewayResponses: {UNAUTHORIZED: {Footers: {}}}"), /Invalid property 'Footers'/);
  assert.match(error("Domain: {DomainName: a.example.com}"), /Property 'Domain.CertificateArn' is required/);
});

test("hands on the attributes of a resource that SAM knows, and drops the others", () => {
  const { Resources } = run(`Resources:
  F:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: s3://b/k, Handler: a, Runtime: b}
    DependsOn: [Q]
    Metadata: {a: 1}
    ArcMetadata: {pragma: http}
  Q: {Type: AWS::SQS::Queue, Own: 1}
`);
  const { F, Q } = Resources as Record<string, JsonObject>;
  assert.deepEqual([F!.DependsOn, F!.Metadata, F!.ArcMetadata], [["Q"], { a: 1 }, undefined]);
  assert.equal(Q!.Own, 1, "which CloudFormation refuses");
});

test("leaves types that SAM does not have to CloudFormation, which refuses them by name", () => {
  const { Resources } = run("Resources: {F: {Type: AWS::Serverless::Functoin, Properties: {Handler: a}}}");
  assert.deepEqual(Resources, { F: { Type: "AWS::Serverless::Functoin", Properties: { Handler: "a" } } });
  const untranslated = readTemplate("Resources: {G: {Type: AWS::Serverless::GraphQLApi}}").source?.value ?? {};
  assert.match(transformSam(untranslated).error ?? "", /Starling does not translate AWS::Serverless::GraphQLApi yet/);
});

test("does not write over a resource of the template's own", () => {
  const text = `Resources:
  F: {Type: AWS::Serverless::Function, Properties: {CodeUri: s3://b/k, Handler: a, Runtime: b}}
  FRole: {Type: AWS::IAM::Role}
`;
  assert.match(
    transformSam(readTemplate(text).source?.value ?? {}).error ?? "",
    /Transforming resource with id \[F\] attempts to create a new resource with id \[FRole\] and type "AWS::IAM::Role"/,
  );
});

test("refuses names, roles, layers, aliases and CORS settings that cannot be right", () => {
  const Fn = (more: object) => ({
    Type: "AWS::Serverless::Function",
    Properties: { Runtime: "nodejs22.x", Handler: "index.handler", InlineCode: "x", ...more },
  });
  const error = (Resources: object, more: object = {}) =>
    transformSam({ Transform: "AWS::Serverless-2016-10-31", Resources, ...more } as never).error ?? "";
  assert.match(error({ "a-b": Fn({}) }), /\[a-b\] is invalid\. Logical ids must be alphanumeric\./);
  assert.match(error({ A: Fn({ Role: ["x"] }) }), /Property 'Role' should be a string\./);
  assert.match(error({ A: Fn({ Layers: "x" }) }), /Type of property 'Layers' is invalid\./);
  assert.match(error({ A: Fn({ AutoPublishAlias: "" }) }), /Alias name is required to create an alias/);
  assert.match(error({ A: Fn({ InlineCode: null, CodeUri: "s3://[T]/k" }) }), /'CodeUri' is not a valid S3 Uri/);
  const Api = (Cors: object) => ({ Type: "AWS::Serverless::Api", Properties: { StageName: "a", Cors } });
  assert.match(error({ A: Api({ Foo: "'*'" }) }), /Invalid key 'Foo' for 'Cors' property\./);
  assert.match(error({ A: Api({ AllowCredentials: true }) }), /'AllowCredentials' can not be true/);
  const structure = "Structure of the SAM template is invalid.";
  assert.ok(error({ A: Fn({}) }, { Mappings: "x" }).includes(`${structure} 'Mappings' or 'Parameters' is either null`));
  assert.ok(error({}).includes(`${structure} 'Resources' section is required`));
});
