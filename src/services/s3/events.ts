import type { Context } from "../../aws/context.ts";
import type { Statement } from "../../ports/database.ts";
import { bucketArn, NULL_VERSION, type Bucket, type ObjectVersion } from "./model.ts";

export type ObjectEvent =
  | { readonly type: "Object Created"; readonly reason: "PutObject" | "CopyObject" | "CompleteMultipartUpload" }
  | {
      readonly type: "Object Deleted";
      readonly reason: "DeleteObject";
      readonly deletion: "Permanently Deleted" | "Delete Marker Created";
    };

/**
 * The event of a change of an object for EventBridge, where the bucket sends its events there; to be written with the
 * change.
 */
export function objectEvent(ctx: Context<any>, bucket: Bucket, object: ObjectVersion, event: ObjectEvent): Statement[] {
  if (!bucket.config.notification?.EventBridgeConfiguration) return [];
  const detail = {
    version: "0",
    bucket: { name: bucket.name },
    object: {
      key: object.key,
      ...(event.type === "Object Created" ? { size: object.size } : {}),
      etag: object.etag,
      ...(object.version === NULL_VERSION ? {} : { "version-id": object.version }),
      sequencer: object.modifiedAt.toString(16).toUpperCase().padStart(16, "0"),
    },
    "request-id": ctx.requestId,
    requester: ctx.principal.account,
    ...(ctx.http ? { "source-ip-address": ctx.http.sourceIp } : {}),
    reason: event.reason,
    ...("deletion" in event ? { "deletion-type": event.deletion } : {}),
  };
  const entry = {
    Source: "aws.s3",
    DetailType: event.type,
    Resources: [bucketArn(bucket.name)],
    Detail: JSON.stringify(detail),
    Time: new Date(object.modifiedAt),
  };
  const sender = ctx.inRegion(bucket.region).asService(bucketArn(bucket.name));
  return sender.later("events", "PutEvents", { Entries: [entry] });
}
