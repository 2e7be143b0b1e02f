import type * as S3 from "@aws-sdk/client-s3";
import type { Context } from "../../aws/context.ts";
import { parseArn } from "../../kernel/arn.ts";
import { AwsError, codeOf, notImplemented } from "../../kernel/aws-error.ts";
import { invalidArgument, malformedXml } from "./errors.ts";
import { MAX_FILTER_VALUE_BYTES, MAX_NOTIFICATIONS } from "./limits.ts";
import { bucketArn, type Bucket } from "./model.ts";

type Filter = S3.NotificationConfigurationFilter;

/** Who is told of a change. */
export interface Destination {
  readonly kind: "function" | "queue" | "topic";
  readonly arn: string;
  /** Id of the configuration that names it. */
  readonly id: string;
}

/** One configuration of a bucket's notifications. */
interface Rule extends Destination {
  readonly events: readonly string[];
  readonly filter: Filter | undefined;
}

/** Event types and, by a star, their groups: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html */
const EVENTS = (
  "ReducedRedundancyLostObject ObjectCreated:* ObjectCreated:Put ObjectCreated:Post ObjectCreated:Copy " +
  "ObjectCreated:CompleteMultipartUpload ObjectRemoved:* ObjectRemoved:Delete ObjectRemoved:DeleteMarkerCreated " +
  "ObjectRestore:* ObjectRestore:Post ObjectRestore:Completed ObjectRestore:Delete Replication:* " +
  "Replication:OperationFailedReplication Replication:OperationNotTracked Replication:OperationMissedThreshold " +
  "Replication:OperationReplicatedAfterThreshold LifecycleExpiration:* LifecycleExpiration:Delete " +
  "LifecycleExpiration:DeleteMarkerCreated LifecycleTransition IntelligentTiering ObjectTagging:* ObjectTagging:Put " +
  "ObjectTagging:Delete ObjectAcl:Put"
)
  .split(" ")
  .map((name) => `s3:${name}`);

/** Everybody who is to hear of the event `name` of the object `key`. */
export function destinationsOf(notification: S3.NotificationConfiguration, name: string, key: string): Destination[] {
  return rulesOf(notification).filter(
    ({ events, filter }) => events.some((wanted) => covers(wanted, name)) && matchesKey(filter, key),
  );
}

function rulesOf(notification: S3.NotificationConfiguration): Rule[] {
  const rule = (
    kind: Rule["kind"],
    arn: string | undefined,
    config: { Id?: string | undefined; Events?: readonly string[] | undefined; Filter?: Filter | undefined },
  ): Rule => ({ kind, arn: arn ?? "", id: config.Id ?? "", events: config.Events ?? [], filter: config.Filter });
  return [
    ...(notification.LambdaFunctionConfigurations ?? []).map((c) => rule("function", c.LambdaFunctionArn, c)),
    ...(notification.QueueConfigurations ?? []).map((c) => rule("queue", c.QueueArn, c)),
    ...(notification.TopicConfigurations ?? []).map((c) => rule("topic", c.TopicArn, c)),
  ];
}

/** Whether the event `wanted`, which may end in a star, covers the event `name`. */
function covers(wanted: string, name: string): boolean {
  return wanted.endsWith("*") ? name.startsWith(wanted.slice(0, -1)) : wanted === name;
}

const partOf = (filter: Filter | undefined, name: "Prefix" | "Suffix"): string =>
  filter?.Key?.FilterRules?.find((rule) => String(rule.Name) === name)?.Value ?? "";

function matchesKey(filter: Filter | undefined, key: string): boolean {
  return key.startsWith(partOf(filter, "Prefix")) && key.endsWith(partOf(filter, "Suffix"));
}

/** The configuration as it is stored: each with an id, filters named as S3 shows them. Throws for what S3 refuses. */
export function checkedNotification(
  ctx: Context<any>,
  bucket: Bucket,
  given: S3.NotificationConfiguration,
): S3.NotificationConfiguration {
  const each = <C extends { Id?: string | undefined; Filter?: Filter | undefined }>(list: readonly C[] | undefined) =>
    (list ?? []).map((config) => ({
      ...config,
      Id: config.Id || ctx.platform.ids.uuid(),
      ...(config.Filter ? { Filter: checkedFilter(config.Filter) } : {}),
    }));
  const [functions, queues, topics] = [
    each(given.LambdaFunctionConfigurations),
    each(given.QueueConfigurations),
    each(given.TopicConfigurations),
  ];
  const checked: S3.NotificationConfiguration = {
    ...(topics.length ? { TopicConfigurations: topics } : {}),
    ...(queues.length ? { QueueConfigurations: queues } : {}),
    ...(functions.length ? { LambdaFunctionConfigurations: functions } : {}),
    ...(given.EventBridgeConfiguration ? { EventBridgeConfiguration: {} } : {}),
  };
  const rules = rulesOf(checked);
  if (rules.length > MAX_NOTIFICATIONS)
    throw new AwsError(
      "TooManyConfigurations",
      "You are attempting to create a new configuration but have already reached the configuration limit.",
      400,
    );
  for (const rule of rules) checkRule(bucket, rule);
  if (new Set(rules.map(({ id }) => id)).size !== rules.length)
    throw invalidArgument("Same ID used for multiple configurations. IDs must be unique", "Id", "");
  checkOverlaps(rules);
  return checked;
}

/** The element that names the destination, as S3's errors call it, and the ARN that it must have. */
const KINDS = {
  function: { element: "CloudFunction", service: "lambda" },
  queue: { element: "Queue", service: "sqs" },
  topic: { element: "Topic", service: "sns" },
} as const;

function checkRule(bucket: Bucket, { kind, arn, events }: Rule): void {
  const { element, service } = KINDS[kind];
  const parsed = parseArn(arn);
  if (!parsed?.resource) throw invalidArgument("The ARN could not be parsed", element, arn);
  if (parsed.service !== service) throw invalidArgument("The ARN is not well formed", element, arn);
  if (parsed.region !== bucket.region)
    throw invalidArgument(
      "The notification destination service region is not valid for the bucket location constraint",
      element,
      arn,
    );
  if (events.length === 0) throw malformedXml();
  const unknown = events.find((event) => !EVENTS.includes(event));
  if (unknown !== undefined)
    throw invalidArgument("The event is not supported for notifications", "Event", unknown.slice(0, 200));
}

function checkedFilter(filter: Filter): Filter {
  const rules = filter.Key?.FilterRules ?? [];
  const seen = new Set<string>();
  const FilterRules = rules.map(({ Name, Value }) => {
    if (Name === undefined || Value === undefined) throw malformedXml();
    const lower = Name.toLowerCase();
    if (lower !== "prefix" && lower !== "suffix")
      throw invalidArgument("filter rule name must be either prefix or suffix", "FilterRule.Name", Name.slice(0, 200));
    if (seen.has(lower))
      throw invalidArgument(`Cannot specify more than one ${lower} rule in a filter.`, "FilterRule.Name", lower);
    seen.add(lower);
    if (Buffer.byteLength(Value) > MAX_FILTER_VALUE_BYTES)
      throw invalidArgument(
        `Size of filter rule value cannot exceed ${MAX_FILTER_VALUE_BYTES} bytes in UTF-8 representation`,
        "FilterRule.Value",
        Value.slice(0, 200),
      );
    // S3 shows them with a capital, which the SDK's own type does not know.
    return { Name: (lower === "prefix" ? "Prefix" : "Suffix") as S3.FilterRuleName, Value };
  });
  return { Key: { FilterRules } };
}

/** One event must never mean two configurations, whatever the key. */
function checkOverlaps(rules: readonly Rule[]): void {
  for (const [i, one] of rules.entries()) {
    for (const other of rules.slice(i + 1)) {
      const shared = one.events.find((a) => other.events.some((b) => covers(a, b) || covers(b, a)));
      if (shared === undefined || !filtersOverlap(one.filter, other.filter)) continue;
      const hasFilters = [one, other].some(({ filter }) => (filter?.Key?.FilterRules?.length ?? 0) > 0);
      throw new AwsError(
        "InvalidArgument",
        hasFilters
          ? "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are overlapping for the same event type."
          : "Configurations overlap. Configurations on the same bucket cannot share a common event type.",
        400,
        { ArgumentName1: shared, ArgumentValue1: one.id, ArgumentName2: shared, ArgumentValue2: other.id },
      );
    }
  }
}

function filtersOverlap(a: Filter | undefined, b: Filter | undefined): boolean {
  const [pa, pb, sa, sb] = [partOf(a, "Prefix"), partOf(b, "Prefix"), partOf(a, "Suffix"), partOf(b, "Suffix")];
  return (pa.startsWith(pb) || pb.startsWith(pa)) && (sa.endsWith(sb) || sb.endsWith(sa));
}

export function queueUrl(ctx: Context<any>, arn: string): string {
  const { account, resource } = parseArn(arn)!; // checked when it was configured
  return `${ctx.platform.settings.publicUrl}/${account}/${resource}`;
}

/**
 * Asks every destination whether the bucket may send to it, as S3 does when notifications are set: a function by a dry
 * run, a queue and a topic by a test event.
 */
export async function checkDestinations(
  ctx: Context<any>,
  bucket: Bucket,
  notification: S3.NotificationConfiguration,
  testEvent: string,
): Promise<void> {
  const sender = ctx.inRegion(bucket.region).asService(bucketArn(bucket.name));
  const failed: [name: string, value: string][] = [];
  for (const { kind, arn } of rulesOf(notification)) {
    const why = await reach(sender, { kind, arn }, testEvent);
    if (why !== undefined && !failed.some(([name]) => name.startsWith(arn)))
      failed.push([kind === "function" ? `${arn}, null` : arn, why]);
  }
  if (failed.length === 0) return;
  throw new AwsError(
    "InvalidArgument",
    "Unable to validate the following destination configurations",
    400,
    Object.fromEntries(
      failed.flatMap(([name, value], i) => [
        [`ArgumentName${i + 1}`, name],
        [`ArgumentValue${i + 1}`, value],
      ]),
    ),
  );
}

/** Topics are refused as long as nothing could bring an event to one. */
export function refuseUnreachable(ctx: Context<any>, notification: S3.NotificationConfiguration): void {
  if (notification.TopicConfigurations?.length && !ctx.registry.service("sns"))
    throw notImplemented("S3 event notifications to SNS topics");
}

async function reach(
  sender: Context<any>,
  { kind, arn }: Pick<Destination, "kind" | "arn">,
  testEvent: string,
): Promise<string | undefined> {
  try {
    if (kind === "function")
      await sender.call("lambda", "Invoke", { FunctionName: arn, InvocationType: "DryRun", Payload: "{}" });
    else if (kind === "queue")
      await sender.call("sqs", "SendMessage", { QueueUrl: queueUrl(sender, arn), MessageBody: testEvent });
    else await sender.call("sns", "Publish", { TopicArn: arn, Subject: "Amazon S3 Notification", Message: testEvent });
    return undefined;
  } catch (error) {
    if (!(error instanceof AwsError) || error.status >= 500) throw error;
    if (kind === "function") return `Not authorized to invoke function [${arn}]`;
    return /AccessDenied|KMS/.test(codeOf(error) ?? "")
      ? `Permissions on the destination ${kind} do not allow S3 to publish notifications from this bucket`
      : `The destination ${kind} does not exist`;
  }
}
