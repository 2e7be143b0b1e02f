import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type * as Logs from "@aws-sdk/client-cloudwatch-logs";
import type { Context } from "../../aws/context.ts";
import { operations, type Permission, type QueueWorker } from "../../aws/service.ts";
import { AwsError, codeOf, messageOf } from "../../kernel/aws-error.ts";
import { existingGroup, onGroup } from "./access.ts";
import { groupArn, invalid, telemetryKey, type LogStream } from "./model.ts";
import { pageOf } from "./page.ts";

const KIND = "export";
const EXPORTS = "logs-exports";
const DEFAULT_PREFIX = "exportedlogs";
const PAGE = 50;
/** Events of one object: a longer stream has several. */
const EVENTS_PER_OBJECT = 10_000;
const BYTES_PER_OBJECT = 8 * 1024 * 1024;
const MAX_ATTEMPTS = 5;
const MAX_KEPT = 1_000;
const ACTIVE: ReadonlySet<string> = new Set(["PENDING", "RUNNING", "PENDING_CANCEL"]);

interface ExportJob {
  readonly id: string;
  readonly name?: string;
  readonly group: string;
  readonly streamPrefix?: string;
  readonly from: number;
  readonly to: number;
  readonly bucket: string;
  readonly prefix: string;
  readonly status: Logs.ExportTaskStatusCode;
  readonly message?: string;
  readonly created: number;
  readonly ended?: number;
}

const on = (action: string) => (): Permission[] => [{ action: `logs:${action}`, resource: "*" }];

/** Copies of a group's events to a bucket whose policy lets CloudWatch Logs write there. */
export const exportTasks = operations<typeof Logs, any>()({
  CreateExportTask: {
    permissions: onGroup("CreateExportTask"),
    async run(ctx, input) {
      const group = String(input.logGroupName);
      const [from, to] = [Number(input.from), Number(input.to)];
      if (from >= to) throw invalid("The 'from' time must be before the 'to' time.");
      await existingGroup(ctx, group);
      const job: ExportJob = {
        id: ctx.platform.ids.uuid(),
        ...(input.taskName ? { name: input.taskName } : {}),
        group,
        ...(input.logStreamNamePrefix ? { streamPrefix: input.logStreamNamePrefix } : {}),
        from,
        to,
        bucket: String(input.destination),
        prefix: input.destinationPrefix ?? DEFAULT_PREFIX,
        status: "PENDING",
        created: ctx.now(),
      };
      await checkBucket(ctx, job, input.destinationPrefix);
      const jobs = (await ctx.records.list<ExportJob>(KIND)).map(({ value }) => value);
      if (jobs.some(({ status }) => ACTIVE.has(status)))
        throw new AwsError("LimitExceededException", "Resource limit exceeded.", 400);
      const gone = jobs.toSorted((a, b) => a.created - b.created).slice(0, Math.max(0, jobs.length + 1 - MAX_KEPT));
      await ctx.records.write(
        ctx.records.put(KIND, job.id, job),
        ctx.enqueue(EXPORTS, { id: job.id }),
        gone.map(({ id }) => ctx.records.remove(KIND, id)),
      );
      return { taskId: job.id };
    },
  },
  DescribeExportTasks: {
    permissions: on("DescribeExportTasks"),
    async run(ctx, input) {
      const all = (await ctx.records.list<ExportJob>(KIND))
        .map(({ value }) => value)
        .filter(({ id, status }) => (input.taskId ?? id) === id && (input.statusCode ?? status) === status)
        .sort((a, b) => b.created - a.created);
      const { items, next } = pageOf(all, input.nextToken, input.limit ?? PAGE);
      return { exportTasks: items.map(view), ...next };
    },
  },
  CancelExportTask: {
    permissions: on("CancelExportTask"),
    async run(ctx, input) {
      const id = String(input.taskId);
      const changed = await ctx.records.update<ExportJob>(KIND, id, (job) => {
        if (!ACTIVE.has(job.status))
          throw new AwsError("InvalidOperationException", "The specified export task has already finished", 400);
        return { ...job, status: "CANCELLED", ended: ctx.now() };
      });
      if (!changed) throw new AwsError("ResourceNotFoundException", "The specified export task does not exist.", 400);
      return {};
    },
  },
});

const view = (job: ExportJob): Logs.ExportTask => ({
  taskId: job.id,
  ...(job.name ? { taskName: job.name } : {}),
  logGroupName: job.group,
  from: job.from,
  to: job.to,
  destination: job.bucket,
  destinationPrefix: job.prefix,
  status: { code: job.status, ...(job.message ? { message: job.message } : {}) },
  executionInfo: { creationTime: job.created, ...(job.ended ? { completionTime: job.ended } : {}) },
});

const asGroup = (ctx: Context<any>, { group }: ExportJob): Context<any> =>
  ctx.asService(`${groupArn(ctx.region, ctx.account, group)}:*`);

/** AWS looks whether it may write, and leaves a file that says so. */
async function checkBucket(ctx: Context<any>, job: ExportJob, givenPrefix: string | undefined): Promise<void> {
  const Bucket = job.bucket;
  const refused = (call: string) => (error: unknown) => {
    if (codeOf(error) === "NoSuchBucket")
      throw invalid("The given bucket does not exist. Please make sure the bucket is valid.");
    if (!(error instanceof AwsError)) throw error;
    throw invalid(
      `${call} call on the given bucket failed. Please check if CloudWatch Logs has been granted permission to perform this operation.`,
    );
  };
  const service = asGroup(ctx, job);
  await service.call("s3", "GetBucketAcl", { Bucket }).catch(refused("GetBucketAcl"));
  await service
    .call("s3", "PutObject", {
      Bucket,
      Key: givenPrefix ? `${givenPrefix}/aws-logs-write-test` : "aws-logs-write-test",
      Body: Buffer.from("Permission Check Successful"),
      ACL: "bucket-owner-full-control", // what bucket policies ask for
    })
    .catch(refused("PutObject"));
}

/** Writes the objects of a task: a folder for each stream. A task that is taken up again writes them once more. */
export const exportWorker: QueueWorker<any> = {
  topic: EXPORTS,
  concurrency: 2,
  leaseMs: 60_000,
  maxAttempts: MAX_ATTEMPTS,
  async run(ctx, body, attempt) {
    const { id } = body as { id: string };
    const job = await ctx.records.update<ExportJob>(KIND, id, (j) =>
      ACTIVE.has(j.status) ? { ...j, status: "RUNNING" } : undefined,
    );
    if (job?.status !== "RUNNING") return;
    let end: Pick<ExportJob, "status" | "message"> = { status: "COMPLETED", message: "Completed successfully" };
    try {
      const streams = await ctx.records.list<LogStream>("stream", { prefix: `${job.group}:${job.streamPrefix ?? ""}` });
      for (const { value } of streams) if (!(await exportStream(ctx, job, value.name))) return;
    } catch (error) {
      if (ctx.signal.aborted) throw error;
      const isOurs = !(error instanceof AwsError);
      if (isOurs && attempt < MAX_ATTEMPTS) throw error;
      if (isOurs) ctx.platform.log.error("an export of logs was given up", { id, error });
      // One that never ended would keep all others from being made.
      end = { status: "FAILED", message: isOurs ? "Internal failure" : messageOf(error) };
    }
    await ctx.records.update<ExportJob>(KIND, id, (j) =>
      j.status === "RUNNING" ? { ...j, ...end, ended: ctx.now() } : undefined,
    );
  },
};

/** Answers false where the task has been cancelled. */
async function exportStream(ctx: Context<any>, job: ExportJob, stream: string): Promise<boolean> {
  let cursor: string | undefined;
  for (let part = 0; ; part++) {
    if ((await ctx.records.get<ExportJob>(KIND, job.id))?.value.status !== "RUNNING") return false;
    const page = await ctx.platform.telemetry.readLogs(telemetryKey(ctx.account, ctx.region, job.group), {
      streams: [stream],
      start: job.from,
      end: job.to,
      limit: EVENTS_PER_OBJECT,
      maxBytes: BYTES_PER_OBJECT,
      ...(cursor === undefined ? {} : { cursor }),
    });
    const lines = page.events.map((e) => `${new Date(e.timestamp).toISOString()} ${e.message.replace(/\n$/, "")}\n`);
    if (lines.length)
      await asGroup(ctx, job).call("s3", "PutObject", {
        Bucket: job.bucket,
        Key: `${job.prefix}/${job.id}/${stream.replaceAll("/", "-")}/${String(part).padStart(6, "0")}.gz`,
        Body: await promisify(gzip)(lines.join("")),
        ACL: "bucket-owner-full-control",
      });
    if (page.cursor === undefined || !lines.length) return true;
    cursor = page.cursor;
  }
}
