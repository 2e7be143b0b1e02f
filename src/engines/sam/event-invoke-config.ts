import type { JsonObject, JsonValue } from "../yaml/index.ts";
import { isObject } from "../yaml/index.ts";
import type { SamContext } from "./context.ts";
import { addResource, compact, getAtt, ref, resolveParameters, SamFault, sha1, sharedAttributes } from "./context.ts";
import type { FunctionBuild } from "./function.ts";

const TYPES = ["SQS", "SNS", "EventBridge", "Lambda", "S3Bucket"];
const ACTIONS: Readonly<Record<string, string>> = {
  SQS: "sqs:SendMessage",
  SNS: "sns:publish",
  EventBridge: "events:PutEvents",
  Lambda: "lambda:InvokeFunction",
  S3Bucket: "s3:PutObject",
};

/** Adds what happens to asynchronous invocations: retries, age and destinations, with the queue or topic they need. */
export function addEventInvokeConfig(build: FunctionBuild, config: JsonObject, alias: string | undefined): void {
  const { context, resource } = build;
  const { id } = resource;
  const resolved = resolveParameters(context, config) as JsonObject;
  const configId = `${id}EventInvokeConfig`;
  const destinations: JsonObject = {};
  const wanted = isObject(resolved.DestinationConfig) ? resolved.DestinationConfig : {};
  for (const event of ["OnSuccess", "OnFailure"]) {
    const destination = wanted[event];
    if (isObject(destination))
      destinations[event] = { Destination: addDestination(build, destination, `${configId}${event}`) };
  }
  const properties = compact({
    FunctionName: ref(id),
    Qualifier: alias ? resolveParameters(context, resource.properties.AutoPublishAlias ?? "") : "$LATEST",
    DestinationConfig: destinations,
    MaximumEventAgeInSeconds: resolved.MaximumEventAgeInSeconds,
    MaximumRetryAttempts: resolved.MaximumRetryAttempts,
  });
  const attributes = alias ? { ...sharedAttributes(resource), DependsOn: [alias] } : sharedAttributes(resource);
  addResource(context, configId, "AWS::Lambda::EventInvokeConfig", properties, attributes);
}

function addDestination(build: FunctionBuild, config: JsonObject, id: string): JsonValue {
  const { context, resource } = build;
  const type = String(config.Type);
  if (!TYPES.includes(type)) {
    throw new SamFault(
      resource.id,
      `'Type: ${config.Type === undefined ? "None" : type}' must be one of [${TYPES.map((t) => `'${t}'`).join(", ")}]`,
    );
  }
  let destination = config.Destination;
  const both = isObject(destination) ? destination["Fn::If"] : undefined;
  if (both !== undefined && (!Array.isArray(both) || both.length !== 3))
    throw new SamFault(
      id.replace(/On(Success|Failure)$/, ""),
      "Malformed 'Destination' property: Fn::If requires 3 arguments.",
    );
  const wanted = conditionFor(context, `${resource.id}EventInvokeConfig`, destination);
  if (destination === undefined || wanted) {
    if (type !== "SQS" && type !== "SNS")
      throw new SamFault(resource.id, "Destination is required if Type is not ['SQS', 'SNS']");
    const made = type === "SQS" ? `${id}Queue` : `${id}Topic`;
    const attributes = { ...sharedAttributes(resource) };
    const condition = wanted && combined(context, resource.id, attributes.Condition, wanted.condition);
    if (condition) attributes.Condition = condition;
    addResource(context, made, type === "SQS" ? "AWS::SQS::Queue" : "AWS::SNS::Topic", {}, attributes);
    (context.resources[made] as JsonObject).Properties = {};
    const arn = type === "SQS" ? getAtt(made, "Arn") : ref(made);
    destination = wanted ? { "Fn::If": [wanted.condition, arn, wanted.other] } : arn;
    const name = type === "SQS" ? "DestinationQueue" : "DestinationTopic";
    context.aliases.set(resource.id, { ...context.aliases.get(resource.id), [name]: made });
  }
  const target: JsonValue = type === "S3Bucket" ? { "Fn::Join": ["/", [destination, "*"]] } : destination;
  build.inline.push({
    PolicyName: `${id}${type === "S3Bucket" ? "S3" : type}Policy`,
    PolicyDocument: {
      Statement: [
        { Action: ACTIONS[type] ?? "", Effect: "Allow", Resource: target },
        ...(type === "S3Bucket" ? [{ Action: "s3:ListBucket", Effect: "Allow", Resource: destination }] : []),
      ],
    },
  });
  return destination;
}

/** Where a destination is left out under a condition: when it is to be made, and what it is else. */
function conditionFor(
  context: SamContext,
  owner: string,
  destination: JsonValue | undefined,
): { readonly condition: string; readonly other: JsonValue } | undefined {
  const branches = isObject(destination) ? destination["Fn::If"] : undefined;
  if (!Array.isArray(branches) || typeof branches[0] !== "string") return undefined;
  const [condition, yes = null, no = null] = branches;
  const [left, right] = [yes, no].map((one) => isObject(one) && one.Ref === "AWS::NoValue");
  if (left === right) return undefined;
  if (left) return { condition, other: no };
  const name = hashed(`NOT${condition}`, owner);
  context.conditions[name] = { "Fn::Not": [{ Condition: condition }] };
  return { condition: name, other: yes };
}

/** Both conditions together, under a name of their own. */
function combined(context: SamContext, owner: string, own: JsonValue | undefined, wanted: string): string {
  if (typeof own !== "string") return wanted;
  const name = hashed(`${own}AND${wanted}`, owner);
  context.conditions[name] = { "Fn::And": [{ Condition: own }, { Condition: wanted }] };
  return name;
}

const hashed = (name: string, owner: string): string => `${name}${sha1(owner).slice(0, 10)}`;
