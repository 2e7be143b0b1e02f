import type * as S3 from "@aws-sdk/client-s3";
import type { Context } from "../../aws/context.ts";
import type { Platform } from "../../aws/platform.ts";
import { servicePrincipal, type Principal } from "../../aws/principal.ts";
import type { Operation } from "../../aws/service.ts";
import { AwsError, codeOf, messageOf } from "../../kernel/aws-error.ts";
import { LOG_SERVICE } from "./acl.ts";
import { MAX_LOG_LINES } from "./limits.ts";
import { bucketArn, canonicalId, objectArn, type Bucket, type S3State } from "./model.ts";
import { findBucket, loggingBuckets } from "./store/buckets.ts";

/**
 * Lines about requests, by the bucket that they went to, until they are delivered. As on AWS a line may get lost; a
 * platform that is killed loses those of the last minutes.
 */
export class AccessLogs {
  readonly #lines = new Map<string, string[]>();
  #count = 0;

  constructor(buckets: Iterable<string>) {
    for (const bucket of buckets) this.begin(bucket);
  }

  /** Whether requests to a bucket are written down. */
  covers(bucket: string): boolean {
    return this.#lines.has(bucket);
  }

  begin(bucket: string): void {
    if (!this.#lines.has(bucket)) this.#lines.set(bucket, []);
  }

  end(bucket: string): void {
    this.#count -= this.#lines.get(bucket)?.length ?? 0;
    this.#lines.delete(bucket);
  }

  add(bucket: string, line: string): void {
    const lines = this.#lines.get(bucket);
    if (!lines || this.#count >= MAX_LOG_LINES) return;
    lines.push(line);
    this.#count++;
  }

  /** Takes what has come together, bucket by bucket. */
  take(): { bucket: string; lines: readonly string[] }[] {
    const taken = [...this.#lines]
      .filter(([, lines]) => lines.length > 0)
      .map(([bucket, lines]) => ({ bucket, lines }));
    for (const { bucket } of taken) this.#lines.set(bucket, []);
    this.#count = 0;
    return taken;
  }
}

export const openAccessLogs = async (platform: Platform): Promise<AccessLogs> =>
  new AccessLogs(await loggingBuckets(platform.database));

type AnyOperation = Operation<any, any, S3State>;

/** The same operations, which write a line for each request to a bucket whose requests are logged. */
export function logged<T extends Readonly<Record<string, AnyOperation | undefined>>>(operations: T): T {
  const entries = Object.entries(operations).map(([name, operation]) => [name, operation && withLog(name, operation)]);
  return Object.fromEntries(entries) as T; // the same names, each with an operation of its type
}

function withLog(name: string, operation: AnyOperation): AnyOperation {
  return {
    ...operation,
    async run(ctx, input) {
      if (!ctx.state.accessLogs.covers(input.Bucket) || isLogDelivery(ctx.principal)) return operation.run(ctx, input);
      const start = ctx.now();
      const write = (output: Answer): void =>
        ctx.state.accessLogs.add(input.Bucket, lineOf(ctx, { name, input, output, took: ctx.now() - start }));
      try {
        const output: unknown = await operation.run(ctx, input);
        write((output ?? {}) as Answer);
        return output;
      } catch (error) {
        write({ status: error instanceof AwsError ? error.status : 500, code: codeOf(error) ?? "InternalError" });
        throw error;
      }
    },
  };
}

interface Answer {
  readonly status?: number;
  readonly code?: string;
  readonly ContentLength?: number;
  readonly ContentRange?: string;
  readonly VersionId?: string;
}

const isLogDelivery = (principal: Principal): boolean =>
  principal.kind === "service" && principal.service === LOG_SERVICE;

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html */
function lineOf(
  ctx: Context<any>,
  { name, input, output, took }: { name: string; input: any; output: Answer; took: number },
): string {
  const http = ctx.registry.models.load("s3").operation(name)?.http;
  const [method, path] = [http?.method ?? "GET", http?.uri ?? "/"];
  const key = input.Key === undefined ? "-" : encodeURIComponent(input.Key).replaceAll("%2F", "/");
  const query = /\?([a-z-]+)/i.exec(path)?.[1];
  const kind = input.Key === undefined ? "BUCKET" : "OBJECT";
  const resource = name.includes("UploadPart") ? "PART" : query === "x-id" ? kind : (query?.toUpperCase() ?? kind);
  const operation = name === "DeleteObjects" ? "REST.POST.MULTI_OBJECT_DELETE" : `REST.${method}.${resource}`;
  const uri = `/${input.Bucket}${key === "-" ? "" : `/${key}`}${query && query !== "x-id" ? `?${query}` : ""}`;
  const status = output.status ?? (output.ContentRange === undefined ? (http?.status ?? 200) : 206);
  const whole = /\/(\d+)$/.exec(output.ContentRange ?? "")?.[1] ?? output.ContentLength;
  return [
    canonicalId(ctx.account),
    input.Bucket,
    `[${logTime(ctx.now())}]`,
    ctx.http?.sourceIp ?? "-",
    requesterOf(ctx.principal),
    ctx.requestId,
    operation,
    key,
    `"${method} ${uri} HTTP/1.1"`,
    status,
    output.code ?? "-",
    method === "GET" ? (output.ContentLength ?? "-") : "-",
    whole ?? "-",
    took,
    took,
    '"-"',
    `"${(ctx.http?.userAgent ?? "-").replaceAll(/["\r\n]/g, "")}"`,
    output.VersionId ?? input.VersionId ?? "-",
    ctx.requestId,
    ctx.principal.kind === "anonymous" ? "-" : "SigV4",
    "-",
    ctx.principal.kind === "anonymous" ? "-" : "AuthHeader",
    ctx.http?.host ?? "-",
    "-",
    "-",
    "-",
  ].join(" ");
}

function requesterOf(principal: Principal): string {
  if (principal.kind === "anonymous") return "-";
  if (principal.kind === "service") return `svc:${principal.service}`;
  return principal.kind === "root" ? canonicalId(principal.account) : principal.arn;
}

/** `06/Feb/2019:00:00:38 +0000` */
function logTime(at: number): string {
  const [, day, month, year, time] = new Date(at).toUTCString().split(" ");
  return `${day}/${month}/${year}:${time} +0000`;
}

/** Puts what was written down into the buckets that it is for; what may not be delivered is lost, as on AWS. */
export async function deliverAccessLogs(ctx: Context<S3State>): Promise<void> {
  for (const { bucket: name, lines } of ctx.state.accessLogs.take()) {
    const bucket = await findBucket(ctx, name);
    if (!bucket?.config.logging) {
      ctx.state.accessLogs.end(name);
      continue;
    }
    const deliverer = ctx
      .inRegion(bucket.region)
      .as(servicePrincipal(LOG_SERVICE, bucket.account, bucketArn(bucket.name)));
    const { TargetBucket: target } = bucket.config.logging;
    const Key = logKey(ctx, bucket, bucket.config.logging);
    const Body = Buffer.from(`${lines.join("\n")}\n`);
    try {
      await deliverer.call("s3", "PutObject", { Bucket: target, Key, Body, ContentType: "text/plain" });
    } catch (error) {
      const to = objectArn(String(target), Key);
      ctx.platform.log.warn("access logs could not be delivered", { bucket: name, to, reason: messageOf(error) });
    }
  }
}

function logKey(ctx: Context<any>, bucket: Bucket, logging: S3.LoggingEnabled): string {
  const [date = "", time = ""] = new Date(ctx.now()).toISOString().split(/[T.]/);
  const at = `${date}-${time.replaceAll(":", "-")}-${ctx.platform.ids.text(16, "0123456789ABCDEF")}`;
  const folders = logging.TargetObjectKeyFormat?.PartitionedPrefix
    ? `${bucket.account}/${bucket.region}/${bucket.name}/${date.replaceAll("-", "/")}/`
    : "";
  return `${logging.TargetPrefix ?? ""}${folders}${at}`;
}

/** Checks what PutBucketLogging sets; `target` is the bucket that it names. */
export function checkedLogging(
  wanted: S3.LoggingEnabled,
  bucket: Bucket,
  target: Bucket | undefined,
): S3.LoggingEnabled {
  if (!target || target.account !== bucket.account)
    throw new AwsError("InvalidTargetBucketForLogging", "The target bucket for logging does not exist", 400, {
      TargetBucket: wanted.TargetBucket,
    });
  if (target.region !== bucket.region)
    throw new AwsError("CrossLocationLoggingProhibitted", "Cross S3 location logging not allowed. ", 403, {
      ...(bucket.region === "us-east-1" ? {} : { SourceBucketLocation: bucket.region }),
      TargetBucketLocation: target.region,
    });
  return wanted;
}
