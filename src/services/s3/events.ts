import { createHash } from "node:crypto";
import type { Context } from "../../aws/context.ts";
import { hostIdOf } from "../../aws/host-id.ts";
import type { Statement } from "../../ports/database.ts";
import { bucketArn, NULL_VERSION, type Bucket, type ObjectVersion } from "./model.ts";
import { destinationsOf, queueUrl, type Destination } from "./notifications.ts";

/** What happened to an object, in the words of S3's event types (without `s3:`). */
export type ObjectChange = keyof typeof CHANGES;

/**
 * The change as EventBridge hears of it.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventBridge.html
 */
interface BridgeWords {
  readonly type: string;
  readonly reason?: string;
  readonly deletion?: "Permanently Deleted" | "Delete Marker Created";
}

const CHANGES = {
  "ObjectCreated:Put": { type: "Object Created", reason: "PutObject" },
  "ObjectCreated:Post": { type: "Object Created", reason: "POST Object" },
  "ObjectCreated:Copy": { type: "Object Created", reason: "CopyObject" },
  "ObjectCreated:CompleteMultipartUpload": { type: "Object Created", reason: "CompleteMultipartUpload" },
  "ObjectRemoved:Delete": { type: "Object Deleted", reason: "DeleteObject", deletion: "Permanently Deleted" },
  "ObjectRemoved:DeleteMarkerCreated": {
    type: "Object Deleted",
    reason: "DeleteObject",
    deletion: "Delete Marker Created",
  },
  "LifecycleExpiration:Delete": {
    type: "Object Deleted",
    reason: "Lifecycle Expiration",
    deletion: "Permanently Deleted",
  },
  "LifecycleExpiration:DeleteMarkerCreated": {
    type: "Object Deleted",
    reason: "Lifecycle Expiration",
    deletion: "Delete Marker Created",
  },
  LifecycleTransition: { type: "Object Storage Class Changed" },
  "ObjectTagging:Put": { type: "Object Tags Added" },
  "ObjectTagging:Delete": { type: "Object Tags Deleted" },
  "ObjectAcl:Put": { type: "Object ACL Updated" },
  "ObjectRestore:Post": { type: "Object Restore Initiated" },
  "ObjectRestore:Completed": { type: "Object Restore Completed" },
} as const satisfies Record<string, BridgeWords>;

/** Kinds of changes that have the later version of the record. */
const LATER_VERSION = /^(LifecycleExpiration:|LifecycleTransition|ObjectTagging:|ObjectAcl:)/;
/** MD5 of nothing: what a delete marker has for an ETag. */
const EMPTY_ETAG = "d41d8cd98f00b204e9800998ecf8427e";

/**
 * Statements that tell everybody whom the bucket's notifications name about a change; to be written in the batch of the
 * change, so that neither is there without the other.
 */
export function objectEvents(
  ctx: Context<any>,
  bucket: Bucket,
  object: ObjectVersion,
  change: ObjectChange,
): Statement[] {
  const { notification } = bucket.config;
  if (!notification) return [];
  const sender = ctx.inRegion(bucket.region).asService(bucketArn(bucket.name));
  return [
    ...(notification.EventBridgeConfiguration
      ? sender.later("events", "PutEvents", { Entries: [bridgeEntry(ctx, bucket, object, change)] })
      : []),
    ...destinationsOf(notification, `s3:${change}`, object.key).flatMap((destination) =>
      deliver(sender, destination, { Records: [eventRecord(ctx, bucket, object, { change, id: destination.id })] }),
    ),
  ];
}

/** A function runs it as an asynchronous event, with its retries; a queue and a topic get it as a message. */
function deliver(sender: Context<any>, { kind, arn }: Destination, event: object): Statement[] {
  const text = JSON.stringify(event);
  switch (kind) {
    case "function":
      return sender.later("lambda", "Invoke", { FunctionName: arn, InvocationType: "Event", Payload: text });
    case "queue":
      return sender.later("sqs", "SendMessage", { QueueUrl: queueUrl(sender, arn), MessageBody: text });
    case "topic":
      return sender.later("sns", "Publish", { TopicArn: arn, Subject: "Amazon S3 Notification", Message: text });
  }
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html */
function eventRecord(
  ctx: Context<any>,
  bucket: Bucket,
  object: ObjectVersion,
  { change, id }: { change: ObjectChange; id: string },
): object {
  const isMarker = change.endsWith(":DeleteMarkerCreated");
  const isGone = change.endsWith("Removed:Delete") || change === "LifecycleExpiration:Delete";
  const hasOrder = !/^Object(Tagging|Acl):/.test(change);
  return {
    eventVersion: LATER_VERSION.test(change) ? "2.3" : "2.1",
    eventSource: "aws:s3",
    awsRegion: bucket.region,
    eventTime: new Date(ctx.now()).toISOString(),
    eventName: change,
    userIdentity: { principalId: userOf(ctx, change) },
    requestParameters: { sourceIPAddress: ctx.http?.sourceIp ?? "s3.amazonaws.com" },
    responseElements: { "x-amz-request-id": ctx.requestId, "x-amz-id-2": hostIdOf(ctx.requestId) },
    s3: {
      s3SchemaVersion: "1.0",
      configurationId: id,
      bucket: {
        name: bucket.name,
        ownerIdentity: { principalId: customerId(bucket.account) },
        arn: bucketArn(bucket.name),
      },
      object: {
        key: encodedKey(object.key),
        ...(/^Object(Created|Restore):/.test(change) ? { size: object.size } : {}),
        ...(isGone ? {} : { eTag: isMarker ? EMPTY_ETAG : object.etag }),
        ...(object.version === NULL_VERSION ? {} : { versionId: object.version }),
        ...(hasOrder ? { sequencer: sequencer(ctx, object, change) } : {}),
      },
    },
    ...(change === "ObjectRestore:Completed" ? { glacierEventData: { restoreEventData: restoreData(object) } } : {}),
  };
}

const isRestore = (change: ObjectChange): boolean => change.startsWith("ObjectRestore:");
const expiryOf = ({ facts }: ObjectVersion): string => new Date(facts.restoredUntil ?? 0).toISOString();
const restoreData = (object: ObjectVersion): object => ({
  lifecycleRestorationExpiryTime: expiryOf(object),
  lifecycleRestoreStorageClass: object.facts.storageClass,
});

function bridgeEntry(ctx: Context<any>, bucket: Bucket, object: ObjectVersion, change: ObjectChange): object {
  const { type, reason, deletion }: BridgeWords = CHANGES[change];
  const hasOrder = type === "Object Created" || type === "Object Deleted";
  const detail = {
    version: "0",
    bucket: { name: bucket.name },
    object: {
      key: object.key,
      ...(type === "Object Created" || isRestore(change) ? { size: object.size } : {}),
      ...(deletion === "Permanently Deleted" ? {} : { etag: deletion ? EMPTY_ETAG : object.etag }),
      ...(object.version === NULL_VERSION ? {} : { "version-id": object.version }),
      ...(hasOrder ? { sequencer: sequencer(ctx, object, change) } : {}),
    },
    "request-id": ctx.requestId,
    requester: change.startsWith("Lifecycle") ? "s3.amazonaws.com" : ctx.principal.account,
    ...(ctx.http && change !== "ObjectRestore:Completed" ? { "source-ip-address": ctx.http.sourceIp } : {}),
    ...(reason ? { reason } : {}),
    ...(deletion ? { "deletion-type": deletion } : {}),
    ...(change === "LifecycleTransition" ? { "destination-storage-class": object.facts.storageClass } : {}),
    ...(isRestore(change) ? { "source-storage-class": object.facts.storageClass } : {}),
    ...(change === "ObjectRestore:Completed" ? { "restore-expiry-time": expiryOf(object) } : {}),
  };
  return {
    Source: "aws.s3",
    DetailType: type,
    Resources: [bucketArn(bucket.name)],
    Detail: JSON.stringify(detail),
    Time: new Date(ctx.now()),
  };
}

/** Orders the events of one key: by time, and within a millisecond by the version's number. */
function sequencer(ctx: Context<any>, object: ObjectVersion, change: ObjectChange): string {
  const at = change.startsWith("ObjectCreated:") ? object.modifiedAt : ctx.now();
  const within = (object.seq * 2 + (change.endsWith(":Delete") ? 1 : 0)) % 16 ** 5;
  return `${at.toString(16).padStart(13, "0")}${within.toString(16).padStart(5, "0")}`.toUpperCase();
}

/** As in a form: a space is `+`, and of the other characters only letters, digits and `*-._/` stay. */
function encodedKey(key: string): string {
  return new URLSearchParams({ k: key }).toString().slice(2).replaceAll("%2F", "/");
}

function userOf({ principal }: Context<any>, change: ObjectChange): string {
  if (change.startsWith("Lifecycle")) return "s3.amazonaws.com";
  if (change === "ObjectRestore:Completed") return `AmazonCustomer:${customerId(principal.account)}`;
  if (principal.kind === "anonymous") return "Anonymous";
  return `AWS:${principal.kind === "service" ? principal.service : principal.id}`;
}

/** The older id of an account, which S3 still uses in its events. */
function customerId(account: string): string {
  const digest = createHash("sha256").update(`starling customer ${account}`).digest();
  return `A${BigInt(`0x${digest.toString("hex")}`)
    .toString(36)
    .toUpperCase()
    .slice(0, 13)}`;
}

/** What a queue or a topic gets when a bucket's notifications are set to go there. */
export function testEvent(ctx: Context<any>, bucket: Bucket): string {
  return JSON.stringify({
    Service: "Amazon S3",
    Event: "s3:TestEvent",
    Time: new Date(ctx.now()).toISOString(),
    Bucket: bucket.name,
    RequestId: ctx.requestId,
    HostId: hostIdOf(ctx.requestId),
  });
}
