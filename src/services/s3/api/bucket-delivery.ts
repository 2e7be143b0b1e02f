import type * as S3 from "@aws-sdk/client-s3";
import { operations } from "../../../aws/service.ts";
import { checkedLogging } from "../access-log.ts";
import { invalidRequest, malformedXml } from "../errors.ts";
import { onBucket } from "../permissions.ts";
import { bucketOfInput, changeConfig, findBucket } from "../store/buckets.ts";

/** How a bucket is reached, who pays, and where its requests are written down. */
export const bucketDelivery = operations<typeof S3, any>()({
  GetBucketLogging: {
    permissions: onBucket("GetBucketLogging"),
    async run(ctx, input) {
      const { logging } = (await bucketOfInput(ctx, input)).config;
      return logging ? { LoggingEnabled: logging } : {};
    },
  },
  PutBucketLogging: {
    permissions: onBucket("PutBucketLogging"),
    async run(ctx, input) {
      const wanted = input.BucketLoggingStatus?.LoggingEnabled;
      if (!input.BucketLoggingStatus || (wanted && (!wanted.TargetBucket || wanted.TargetPrefix === undefined)))
        throw malformedXml();
      const target = wanted && (await findBucket(ctx, String(wanted.TargetBucket)));
      const { name } = await changeConfig(ctx, input, ({ logging: _old, ...config }, bucket) =>
        wanted ? { ...config, logging: checkedLogging(wanted, bucket, target) } : config,
      );
      if (wanted) ctx.state.accessLogs.begin(name);
      else ctx.state.accessLogs.end(name);
      return {};
    },
  },
  GetBucketAccelerateConfiguration: {
    permissions: onBucket("GetAccelerateConfiguration"),
    async run(ctx, input) {
      const { acceleration } = (await bucketOfInput(ctx, input)).config;
      return acceleration ? { Status: acceleration } : {};
    },
  },
  PutBucketAccelerateConfiguration: {
    permissions: onBucket("PutAccelerateConfiguration"),
    async run(ctx, input) {
      const status = input.AccelerateConfiguration?.Status;
      await changeConfig(ctx, input, (config, { name }) => {
        if (name.includes("."))
          throw invalidRequest("S3 Transfer Acceleration is not supported for buckets with periods (.) in their names");
        if (status !== "Enabled" && status !== "Suspended") throw malformedXml();
        return { ...config, acceleration: status };
      });
      return {};
    },
  },
  GetBucketRequestPayment: {
    permissions: onBucket("GetBucketRequestPayment"),
    run: async (ctx, input) => ({ Payer: (await bucketOfInput(ctx, input)).config.payer ?? "BucketOwner" }),
  },
  PutBucketRequestPayment: {
    permissions: onBucket("PutBucketRequestPayment"),
    async run(ctx, input) {
      const payer = input.RequestPaymentConfiguration?.Payer;
      if (payer !== "Requester" && payer !== "BucketOwner") throw malformedXml();
      await changeConfig(ctx, input, (config) => ({ ...config, payer }));
      return {};
    },
  },
});
