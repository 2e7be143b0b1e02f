import type { JsonObject, JsonValue } from "../yaml/index.ts";
import { isObject } from "../yaml/index.ts";
import type { SamContext } from "./context.ts";
import { getAtt, isIntrinsic, ref, SamFault } from "./context.ts";

/** One end of a connector, with what a policy may name of it. */
export interface ConnectorEnd {
  readonly id?: string;
  readonly type: string;
  readonly Arn?: JsonValue | undefined;
  readonly ResourceId?: JsonValue | undefined;
  readonly Name?: JsonValue | undefined;
  readonly Qualifier?: JsonValue | undefined;
  readonly roleName?: JsonValue | undefined;
  readonly queueUrl?: JsonValue | undefined;
}

const PLAIN_TYPES: Readonly<Record<string, string>> = {
  "AWS::Serverless::Function": "AWS::Lambda::Function",
  "AWS::Serverless::StateMachine": "AWS::StepFunctions::StateMachine",
  "AWS::Serverless::Api": "AWS::ApiGateway::RestApi",
  "AWS::Serverless::HttpApi": "AWS::ApiGatewayV2::Api",
  "AWS::Serverless::SimpleTable": "AWS::DynamoDB::Table",
};

const plainType = (type: string): string => (Object.hasOwn(PLAIN_TYPES, type) ? PLAIN_TYPES[type]! : type);

const BY_REF = new Set([
  "AWS::StepFunctions::StateMachine",
  "AWS::AppSync::GraphQLApi",
  "AWS::AppSync::DataSource",
  "AWS::SNS::Topic",
]);
const BY_ATTRIBUTE = new Set([
  "AWS::Lambda::Function",
  "AWS::Events::Rule",
  "AWS::SQS::Queue",
  "AWS::DynamoDB::Table",
  "AWS::S3::Bucket",
  "AWS::Location::PlaceIndex",
  "AWS::ApiGatewayV2::Api",
  "AWS::ApiGateway::RestApi",
  "AWS::Events::EventBus",
]);
const APIS = new Set(["AWS::ApiGatewayV2::Api", "AWS::ApiGateway::RestApi"]);

const isName = (value: JsonValue | undefined): value is string => typeof value === "string" && value !== "";

/** What a connector says of one end; `other` is what it says of the other one. */
export function connectorEnd(
  context: SamContext,
  connector: string,
  said: JsonObject,
  other: JsonObject,
): ConnectorEnd {
  const fault = (message: string): SamFault => new SamFault(connector, message);
  const others = Object.keys(said).filter((key) => key !== "Id" && key !== "Qualifier");
  if (said.Id !== undefined ? others.length > 0 : others.length === 0)
    throw fault("Must provide 'Id' (with optional 'Qualifier') or a supported combination of other properties.");
  if (said.Id === undefined || said.Id === null || said.Id === "") {
    if (!isName(said.Type)) throw fault("'Type' is missing or not a string.");
    const { Arn, ResourceId, Name, Qualifier, RoleName: roleName, QueueUrl: queueUrl } = said;
    return { type: plainType(said.Type), Arn, ResourceId, Name, Qualifier, roleName, queueUrl };
  }
  if (!isName(said.Id)) throw fault("'Id' is missing or not a string.");
  const resource = context.resources[said.Id];
  if (!isObject(resource)) throw fault(`Unable to find resource with logical ID '${said.Id}'.`);
  if (!isName(resource.Type)) throw fault("'Type' is missing or not a string.");
  return declaredEnd(said.Id, resource, { said, other });
}

function declaredEnd(
  id: string,
  resource: JsonObject,
  { said, other }: { said: JsonObject; other: JsonObject },
): ConnectorEnd {
  const type = String(resource.Type);
  const Arn = BY_REF.has(type) ? ref(id) : BY_ATTRIBUTE.has(type) ? getAtt(id, "Arn") : undefined;
  const graph = type === "AWS::AppSync::GraphQLApi";
  const role = logicalIdOf(roleOf(type, isObject(resource.Properties) ? resource.Properties : {}, other));
  return {
    id,
    type,
    Arn,
    ResourceId: graph ? getAtt(id, "ApiId") : APIS.has(type) ? ref(id) : undefined,
    Name: type === "AWS::StepFunctions::StateMachine" ? getAtt(id, "Name") : undefined,
    Qualifier: said.Qualifier ?? (APIS.has(type) ? "*" : undefined),
    roleName: role === undefined ? undefined : ref(role),
    queueUrl: type === "AWS::SQS::Queue" ? ref(id) : undefined,
  };
}

function roleOf(type: string, properties: JsonObject, other: JsonObject): JsonValue | undefined {
  if (type === "AWS::Lambda::Function") return properties.Role;
  if (type === "AWS::StepFunctions::StateMachine") return properties.RoleArn;
  if (type === "AWS::AppSync::DataSource") return properties.ServiceRoleArn;
  if (type !== "AWS::Events::Rule" || !Array.isArray(properties.Targets)) return undefined;
  const isOther = (target: JsonObject): boolean => {
    const id = logicalIdOf(target.Arn);
    if (id !== undefined && id === other.Id) return true;
    return other.Arn !== undefined && JSON.stringify(other.Arn) === JSON.stringify(target.Arn);
  };
  return properties.Targets.filter(isObject).find(isOther)?.RoleArn;
}

/** The resource that a Ref or GetAtt names. */
export function logicalIdOf(value: JsonValue | undefined): string | undefined {
  if (!isObject(value) || !isIntrinsic(value)) return undefined;
  if (typeof value.Ref === "string") return value.Ref;
  const target = value["Fn::GetAtt"];
  const parts = typeof target === "string" ? target.split(".") : target;
  return Array.isArray(parts) && parts.length === 2 && typeof parts[0] === "string" ? parts[0] : undefined;
}
