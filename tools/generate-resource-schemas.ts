/**
 * Compiles the resource types that Starling knows from AWS's published schemas (development dependency
 * `@aws-cdk/aws-service-spec`) into one lean JSON file for the CloudFormation engine: no documentation, short types.
 *
 *   node tools/generate-resource-schemas.ts
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadAwsServiceSpec } from "@aws-cdk/aws-service-spec";

const SERVICES = [
  "ApiGateway ApiGatewayV2 ApplicationAutoScaling ApplicationInsights CertificateManager Cloud9 CloudFormation CloudFront CloudWatch",
  "CodeBuild CodeCommit CodeConnections CodeDeploy CodePipeline CodeStar CodeStarConnections CodeStarNotifications",
  "Cognito DynamoDB ECR Events IAM KMS Kinesis Lambda Logs Pipes ResourceGroups S3 SNS SQS SSM Scheduler SecretsManager",
  "StepFunctions WAFv2",
].flatMap((line) => line.split(" "));

const target = fileURLToPath(new URL("../src/engines/cloudformation/generated/resource-schemas.json", import.meta.url));

/** As much of the database's own types as is read here. */
type SpecType =
  | { type: "string" | "integer" | "number"; allowedValues?: (string | number)[] }
  | { type: "boolean" | "date-time" | "json" | "null" | "tag" }
  | { type: "array" | "map"; element: SpecType }
  | { type: "ref"; reference: { $ref: string } }
  | { type: "union"; types: SpecType[] };
interface SpecProperty {
  type: SpecType;
  previousTypes?: SpecType[];
  required?: boolean;
  causesReplacement?: "yes" | "no" | "maybe";
}

const db = await loadAwsServiceSpec();
const wanted = new Set(SERVICES);
const result: Record<string, unknown> = {};
const resources = db
  .all("resource")
  .filter((r) => wanted.has(r.cloudFormationType.split("::")[1] ?? "") && r.cloudFormationType.startsWith("AWS::"))
  .toSorted((a, b) => (a.cloudFormationType < b.cloudFormationType ? -1 : 1));

for (const resource of resources) {
  const names = new Map<string, string>();
  const definitions: Record<string, unknown> = {};
  const nameOf = (id: string): string => {
    const known = names.get(id);
    if (known) return known;
    const definition = db.get("typeDefinition", id);
    let name: string = definition.name;
    while ([...names.values()].includes(name)) name += "_";
    names.set(id, name);
    definitions[name] = { properties: properties(definition.properties as Record<string, SpecProperty>, nameOf) };
    return name;
  };
  const props = properties(resource.properties as unknown as Record<string, SpecProperty>, nameOf);
  const identifier = resource.primaryIdentifier;
  const ref = resource.cfnRefIdentifier;
  const tags = resource.tagInformation;
  result[resource.cloudFormationType] = {
    properties: props,
    ...(Object.keys(definitions).length > 0 && { definitions }),
    ...(Object.keys(resource.attributes).length > 0 && { attributes: Object.keys(resource.attributes).toSorted() }),
    ...(identifier?.length && { identifier }),
    ...(ref?.length && String(ref) !== String(identifier) && { ref }),
    ...(tags && { tags: { property: tags.tagPropertyName, form: tags.variant === "map" ? "map" : "list" } }),
  };
}

mkdirSync(dirname(target), { recursive: true });
const lines = Object.entries(result).map(([type, schema]) => `${JSON.stringify(type)}:${JSON.stringify(schema)}`);
writeFileSync(target, `{\n${lines.join(",\n")}\n}\n`);
console.log(`${lines.length} resource types -> ${target}`);

// The names of all others, by service: they exist, though Starling does not have them.
const others: Record<string, string[]> = {};
for (const resource of db.all("resource")) {
  const [, service = "", ...name] = resource.cloudFormationType.split("::");
  if (resource.cloudFormationType.startsWith("AWS::") && !Object.hasOwn(result, resource.cloudFormationType))
    (others[service] ??= []).push(name.join("::"));
}
const named = Object.entries(others)
  .toSorted(([a], [b]) => (a < b ? -1 : 1))
  .map(([service, names]) => `${JSON.stringify(service)}:${JSON.stringify(names.toSorted().join(" "))}`);
writeFileSync(join(dirname(target), "other-resource-types.json"), `{\n${named.join(",\n")}\n}\n`);

function properties(source: Record<string, SpecProperty>, nameOf: (id: string) => string): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [name, property] of Object.entries(source).toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const types = [property.type, ...(property.previousTypes ?? [])];
    const type = [...new Set(types.map((t) => typeText(t, nameOf)))].join("|");
    const values = "allowedValues" in property.type ? property.type.allowedValues : undefined;
    const replacement = property.causesReplacement;
    const rest = {
      ...(property.required && { required: true }),
      ...((replacement === "yes" || replacement === "maybe") && { replacement }),
      ...(values?.length && { values }),
    };
    out[name] = Object.keys(rest).length > 0 ? { type, ...rest } : type;
  }
  return out;
}

function typeText(type: SpecType, nameOf: (id: string) => string): string {
  switch (type.type) {
    case "array":
      return `list<${typeText(type.element, nameOf)}>`;
    case "map":
      return `map<${typeText(type.element, nameOf)}>`;
    case "ref":
      return `@${nameOf(type.reference.$ref)}`;
    case "union":
      return [...new Set(type.types.map((t) => typeText(t, nameOf)))].join("|");
    default:
      return type.type;
  }
}
