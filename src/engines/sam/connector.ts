import type { JsonObject, JsonValue } from "../yaml/index.ts";
import { isObject } from "../yaml/index.ts";
import { connectorEnd, logicalIdOf, type ConnectorEnd } from "./connector-ends.ts";
import { CONNECTOR_PROFILES, type ConnectorProfile, type Invocation } from "./connector-profiles.ts";
import type { SamContext, SamResource } from "./context.ts";
import { addResource, pick, SamFault, sharedAttributes } from "./context.ts";

interface Pair {
  readonly id: string;
  readonly source: ConnectorEnd;
  readonly destination: ConnectorEnd;
  readonly permissions: readonly string[];
  /** `Destination0` where the connector names a list of destinations. */
  readonly suffix: string;
  readonly attributes: JsonObject;
}

/** Each makes a resource, and a stack has no more. */
const MAX_DESTINATIONS = 500;

/** Translates AWS::Serverless::Connector: the policies that let one resource use another. */
export function translateConnector(context: SamContext, resource: SamResource): void {
  const { id } = resource;
  const { Source: from, Destination: to, permissions } = checkedProperties(resource);
  const made: string[] = [];
  if (Array.isArray(to) && to.length > MAX_DESTINATIONS)
    throw new SamFault(id, `'Destination' has more than ${MAX_DESTINATIONS} items.`);
  for (const [index, one] of (Array.isArray(to) ? to : [to]).entries()) {
    const destination = connectorEnd(context, id, one, from);
    const source = connectorEnd(context, id, from, one);
    const attributes = {
      ...pick(resource.attributes, ["DependsOn"]),
      ...sharedAttributes(resource),
      Metadata: {
        ...(isObject(resource.attributes.Metadata) ? resource.attributes.Metadata : {}),
        ...metadata(context, id, [source, destination]),
      },
    };
    const suffix = Array.isArray(to) ? `Destination${index}` : "";
    made.push(...connect(context, { id, source, destination, permissions, suffix, attributes }));
  }
  if (made.length === 0) throw new SamFault(id, "'Destination' is an empty list");
  replaceDependency(context, id, made);
}

/** Says for which kinds of resources the policy was made; a serverless one under its own type. */
function metadata(context: SamContext, id: string, ends: readonly [ConnectorEnd, ConnectorEnd]): JsonObject {
  const declared = context.template.Resources as JsonObject;
  const [Source, Destination] = ends.map((end): JsonObject => {
    const own = end.id === undefined ? undefined : declared[end.id];
    return { Type: isObject(own) && typeof own.Type === "string" ? own.Type : end.type };
  }) as [JsonObject, JsonObject];
  return { "aws:sam:connectors": { [id]: { Source, Destination } } };
}

function checkedProperties({ id, properties: p }: SamResource) {
  const { Source, Destination, Permissions } = p;
  const fault = (message: string): SamFault => new SamFault(id, message);
  for (const name of ["Source", "Destination", "Permissions"])
    if (p[name] === undefined) throw fault(`Missing required property '${name}'.`);
  const unknown = Object.keys(p).find((name) => !["Source", "Destination", "Permissions"].includes(name));
  if (unknown !== undefined)
    throw fault(`property ${unknown} not defined for resource of type AWS::Serverless::Connector`);
  if (!isObject(Source)) throw fault("Type of property 'Source' is invalid.");
  const isList = Array.isArray(Destination) && Destination.every(isObject);
  if (!isObject(Destination) && !isList) throw fault("Type of property 'Destination' is invalid.");
  if (!Array.isArray(Permissions) || Permissions.some((one) => typeof one !== "string"))
    throw fault("Type of property 'Permissions' is invalid.");
  const to = Destination as JsonObject | JsonObject[];
  return { Source, Destination: to, permissions: [...new Set(Permissions as string[])] };
}

/** Makes what joins two ends; answers the logical ids. */
function connect(context: SamContext, pair: Pair): string[] {
  const profile = profileOf(pair);
  const end = profile.of === "Source" ? pair.source : pair.destination;
  const missing = (what: string): SamFault =>
    new SamFault(pair.id, `Unable to get ${what} from '${profile.of}' resource.`);
  const add = (id: string, type: string, properties: JsonObject): string[] => {
    addResource(context, id, type, properties, pair.attributes);
    return [id];
  };
  const document = profile.makes === "function permission" ? {} : policyDocument(pair, profile);
  switch (profile.makes) {
    case "role policy": {
      if (!end.roleName) throw missing("IAM role name");
      const id = `${pair.id}Policy${pair.suffix}`;
      add(id, "AWS::IAM::ManagedPolicy", { PolicyDocument: document, Roles: [end.roleName] });
      addDependents(context, pair, { profile, policy: id });
      return [id];
    }
    case "queue policy":
      if (!end.queueUrl) throw missing("SQS queue URL");
      return add(`${pair.id}QueuePolicy${pair.suffix}`, "AWS::SQS::QueuePolicy", {
        PolicyDocument: document,
        Queues: [end.queueUrl],
      });
    case "topic policy":
      if (!end.Arn) throw missing("SNS topic ARN");
      return add(`${pair.id}TopicPolicy${pair.suffix}`, "AWS::SNS::TopicPolicy", {
        Topics: [end.Arn],
        PolicyDocument: document,
      });
    case "function permission": {
      if (!end.Arn) throw missing("Lambda function ARN");
      const { principal, sourceArn, sourceAccount } = profile.access["Write"] as Invocation;
      return add(`${pair.id}WriteLambdaPermission${pair.suffix}`, "AWS::Lambda::Permission", {
        Action: "lambda:InvokeFunction",
        FunctionName: end.Arn,
        Principal: principal,
        SourceArn: filled(pair, sourceArn),
        ...(sourceAccount === undefined ? {} : { SourceAccount: filled(pair, sourceAccount) }),
      });
    }
  }
}

const own = <T>(map: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(map, name) ? map[name] : undefined;

function profileOf({ id, source, destination, permissions }: Pair): ConnectorProfile {
  const profile = own(own(CONNECTOR_PROFILES, source.type) ?? {}, destination.type);
  const fault = (message: string): SamFault => new SamFault(id, message);
  if (!profile)
    throw fault(
      `Unable to create connector from ${source.type} to ${destination.type}; it's not supported or the template is invalid.`,
    );
  const valid = Object.keys(profile.access).join(", ");
  if (permissions.length === 0) throw fault(`'Permissions' cannot be empty; valid values are: ${valid}.`);
  const unsupported = `Unsupported 'Permissions' provided for connector from ${source.type} to ${destination.type}`;
  if (permissions.some((one) => !Object.hasOwn(profile.access, one)))
    throw fault(`${unsupported}; valid values are: ${valid}.`);
  const combinations = profile.combinations?.map((one) => one.toSorted().join(" + "));
  if (combinations && !combinations.includes(permissions.toSorted().join(" + ")))
    throw fault(`${unsupported}; valid combinations are: ${combinations.join(", ")}.`);
  return profile;
}

function policyDocument(pair: Pair, profile: ConnectorProfile): JsonObject {
  const wanted = Object.entries(profile.access).filter(([name]) => pair.permissions.includes(name));
  const statements = wanted.flatMap(([, access]) => (access && !("principal" in access) ? access : []));
  return {
    Version: "2012-10-17",
    Statement: statements.map(({ actions, resources, service }): JsonObject => {
      const what = typeof resources === "string" ? filled(pair, resources) : resources.map((r) => filled(pair, r));
      if (service === undefined) return { Effect: "Allow", Action: [...actions], Resource: what };
      return {
        Effect: "Allow",
        Principal: { Service: service },
        Resource: what,
        Action: String(actions),
        Condition: { ArnEquals: { "aws:SourceArn": filled(pair, "{Source.Arn}") } },
      };
    }),
  };
}

const FACT = /(?<!\$)\{(Source|Destination)\.(Arn|ResourceId|Name|Qualifier)\}/g;

/** A text with the facts of both ends in it. */
function filled(pair: Pair, text: string): JsonValue {
  const used: JsonObject = {};
  const sub = text.replace(FACT, (whole, side: "Source" | "Destination", name: "Arn") => {
    const value = (side === "Source" ? pair.source : pair.destination)[name];
    if (value === undefined || value === null) throw new SamFault(pair.id, `${side}.${name} is missing.`);
    used[side + name] = value;
    return whole === text ? whole : `\${${side}${name}}`;
  });
  const [only] = Object.values(used);
  if (sub === text && only !== undefined) return only;
  if (Object.keys(used).length > 0) return { "Fn::Sub": [sub, used] };
  return sub.includes("${") ? { "Fn::Sub": sub } : sub;
}

/** The mapping or state machine that needs the policy from its first moment waits for it. */
function addDependents(
  context: SamContext,
  { source, destination }: Pair,
  { profile, policy }: { profile: ConnectorProfile; policy: string },
): void {
  if (profile.dependedBy === "source" && source.id !== undefined) addDependency(context.resources[source.id], policy);
  if (profile.dependedBy !== "event source mapping" || source.id === undefined || destination.id === undefined) return;
  const mappings = Object.values(context.resources).filter((resource) => {
    if (!isObject(resource) || resource.Type !== "AWS::Lambda::EventSourceMapping") return false;
    const properties = isObject(resource.Properties) ? resource.Properties : {};
    return (
      logicalIdOf(properties.FunctionName) === destination.id && logicalIdOf(properties.EventSourceArn) === source.id
    );
  });
  if (mappings.length === 1) addDependency(mappings[0], policy);
}

const listOf = (value: JsonValue | undefined): JsonValue[] =>
  value === undefined || value === null ? [] : Array.isArray(value) ? value : [value];

function addDependency(resource: JsonValue | undefined, id: string): void {
  if (isObject(resource)) resource.DependsOn = [...new Set([...listOf(resource.DependsOn), id])];
}

/** Who waits for a connector waits for what it made. */
function replaceDependency(context: SamContext, id: string, made: readonly string[]): void {
  for (const resource of Object.values(context.resources)) {
    if (!isObject(resource)) continue;
    const before = listOf(resource.DependsOn);
    if (before.includes(id)) resource.DependsOn = [...new Set([...before.filter((one) => one !== id), ...made])];
  }
}
