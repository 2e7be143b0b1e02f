import type * as S3 from "@aws-sdk/client-s3";
import { defineService } from "../../aws/service.ts";
import { Turns } from "../../kernel/turns.ts";
import { deliverAccessLogs, logged, openAccessLogs } from "./access-log.ts";
import { bucketDelivery } from "./api/bucket-delivery.ts";
import { bucketSettings } from "./api/bucket-settings.ts";
import { buckets } from "./api/buckets.ts";
import { copy } from "./api/copy.ts";
import { listing } from "./api/listing.ts";
import { multipart } from "./api/multipart.ts";
import { objectLock } from "./api/object-lock.ts";
import { objectSettings } from "./api/object-settings.ts";
import { objects } from "./api/objects.ts";
import { browserHeaders } from "./cors.ts";
import { runLifecycles } from "./expire.ts";
import { formUploadRoute } from "./form-upload.ts";
import { collectGarbage } from "./garbage.ts";
import { GARBAGE_EVERY_MS, LIFECYCLE_EVERY_MS, LOG_DELIVERY_EVERY_MS } from "./limits.ts";
import type { S3State } from "./model.ts";
import { s3BucketPolicy } from "./resources/bucket-policy.ts";
import { s3Bucket } from "./resources/bucket.ts";
import { preflightRoute, websiteRoute } from "./routes.ts";
import { refused } from "./refused-members.ts";

/** Simple Storage Service. */
export const s3 = defineService<typeof S3, S3State>({
  name: "s3",
  refuses: refused,
  operations: logged({
    ...buckets,
    ...bucketSettings,
    ...bucketDelivery,
    ...objects,
    ...objectSettings,
    ...objectLock,
    ...listing,
    ...copy,
    ...multipart,
  }),
  start: async (platform) => ({
    turns: new Turns(),
    accessLogs: await openAccessLogs(platform),
    read: new WeakMap(),
  }),
  answerHeaders: browserHeaders,
  resources: [s3Bucket, s3BucketPolicy],
  routes: [websiteRoute, preflightRoute, formUploadRoute],
  periodic: [
    {
      name: "blob-garbage",
      everyMs: GARBAGE_EVERY_MS,
      async run(ctx) {
        await collectGarbage(ctx);
      },
    },
    { name: "access-logs", everyMs: LOG_DELIVERY_EVERY_MS, run: deliverAccessLogs },
    { name: "lifecycle", everyMs: LIFECYCLE_EVERY_MS, run: runLifecycles },
  ],
});
