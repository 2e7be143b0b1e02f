import otherTypes from "./generated/other-resource-types.json" with { type: "json" };
import systemTagged from "./generated/system-tagged-types.json" with { type: "json" };
import rawSchemas from "./generated/resource-schemas.json" with { type: "json" };

/** A property: its type and what changing it does. Types are `string`, `list<x>`, `map<x>`, `@Definition`, `a|b`. */
export interface PropertySchema {
  readonly type: string;
  readonly required?: boolean;
  /** Whether changing it makes a new resource. */
  readonly replacement?: "yes" | "maybe";
  readonly values?: readonly (string | number)[];
}

type Properties = Readonly<Record<string, string | PropertySchema>>;

/** What AWS publishes about a resource type. */
export interface ResourceSchema {
  readonly properties: Properties;
  readonly definitions?: Readonly<Record<string, { readonly properties: Properties }>>;
  readonly attributes?: readonly string[];
  readonly identifier?: readonly string[];
  /** What Ref gives, where it differs from the identifier. */
  readonly ref?: readonly string[];
  readonly tags?: { readonly property: string; readonly form: "list" | "map" };
}

const SCHEMAS = rawSchemas as unknown as Readonly<Record<string, ResourceSchema>>;

/** The schema of a resource type, or `undefined` where it is not among those compiled in. */
export function resourceSchema(type: string): ResourceSchema | undefined {
  return Object.hasOwn(SCHEMAS, type) ? SCHEMAS[type] : undefined;
}

/** Whether AWS has a type of this name, with a schema here or without one. */
export function isResourceType(type: string): boolean {
  if (resourceSchema(type)) return true;
  const [aws, service = "", ...name] = type.split("::");
  const others: Readonly<Record<string, string>> = otherTypes;
  return aws === "AWS" && Object.hasOwn(others, service) && others[service]!.split(" ").includes(name.join("::"));
}

/** Whether resources of this type get the tags that say which stack they are of (`aws:cloudformation:stack-name`). */
export const takesSystemTags = (type: string): boolean => systemTagged.includes(type);

/** Every type with a schema. */
export function resourceTypes(): string[] {
  return Object.keys(SCHEMAS);
}

/** A property's schema with its defaults. */
export function propertySchema(properties: Properties, name: string): PropertySchema | undefined {
  if (!Object.hasOwn(properties, name)) return undefined;
  const schema = properties[name];
  return typeof schema === "string" ? { type: schema } : schema;
}

/** The attributes of GetAtt; `undefined` where any may come (custom resources, nested stacks, unknown types). */
export function getAttAttributes(type: string): ReadonlySet<string> | undefined {
  if (type.startsWith("Custom::") || type === "AWS::CloudFormation::CustomResource") return undefined;
  if (type === "AWS::CloudFormation::Stack" || type.startsWith("AWS::Serverless::")) return undefined;
  const schema = resourceSchema(type);
  if (!schema) return undefined;
  // Old resource types give their properties too, and a few attributes that the schemas do not list.
  return new Set([
    ...(schema.attributes ?? []),
    ...(schema.identifier ?? []),
    ...Object.keys(schema.properties),
    ...(EXTRA[type] ?? []),
  ]);
}

const EXTRA: Readonly<Record<string, readonly string[]>> = {
  "AWS::Lambda::Version": ["Version", "FunctionArn"],
  "AWS::Lambda::Alias": ["AliasArn"],
  "AWS::CloudFormation::WaitCondition": ["Data"],
};
