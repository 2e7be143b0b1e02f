import type * as Logs from "@aws-sdk/client-cloudwatch-logs";
import { operations, type Permission } from "../../aws/service.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import type { LogEvent, StoredLogEvent } from "../../ports/telemetry.ts";
import { existingGroup, onGroup, onStream } from "./access.ts";
import { embeddedMetrics } from "./embedded-metrics.ts";
import { compileFilter } from "./filter-pattern.ts";
import { ANSWER_BYTES, cursorOf, matchingEvents } from "./matching-events.ts";
import {
  EVENT_OVERHEAD,
  eventId,
  onlyGroupName,
  invalid,
  MAX_AGE_MS,
  MAX_BATCH_BYTES,
  MAX_EVENT_BYTES,
  MAX_FUTURE_MS,
  noGroup,
  noStream,
  streamExists,
  streamId,
  telemetryKey,
  type LogStream,
} from "./model.ts";
import { pageOf } from "./page.ts";
import { policyForServices } from "./resource-policies.ts";

const DEFAULT_EVENTS = 10_000;
const DEFAULT_STREAMS = 50;
/** Services that deliver into the account's own groups; AWS's consoles write the resource policy for it without asking. */
const DELIVERERS = ["events.amazonaws.com", "apigateway.amazonaws.com"];

type AnyContext = Parameters<typeof existingGroup>[0];

const keyOf = (ctx: AnyContext, group: string): string => telemetryKey(ctx.account, ctx.region, group);

/** The same permissions, which the account's resource policies may give to AWS's services. */
const forServices =
  (permissions: (input: any, ctx: AnyContext) => Permission[]) =>
  async (input: any, ctx: AnyContext): Promise<Permission[]> => {
    const resourcePolicy = await policyForServices(ctx);
    return permissions(input, ctx).map((p) => (resourcePolicy ? { ...p, resourcePolicy } : p));
  };

/** A stream of a group. Groups and streams are looked up for each batch: a deleted one takes no more events. */
async function mustExist(ctx: AnyContext, group: string, stream: string): Promise<void> {
  if (await ctx.records.get("stream", streamId(group, stream))) return;
  throw (await ctx.records.get("group", group)) ? noStream() : noGroup();
}

export const streams = operations<typeof Logs, any>()({
  CreateLogStream: {
    permissions: forServices(onGroup("CreateLogStream")),
    callers: DELIVERERS,
    async run(ctx, input) {
      const { name: group } = await existingGroup(ctx, String(input.logGroupName));
      const name = String(input.logStreamName);
      if (/[:*]/.test(name)) throw invalid("Log stream names cannot contain ':' or '*'.");
      const stream: LogStream = { name, created: ctx.now() };
      if (!(await ctx.records.create("stream", streamId(group, name), stream))) throw streamExists();
      return {};
    },
  },
  DescribeLogStreams: {
    permissions: onGroup("DescribeLogStreams"),
    async run(ctx, input) {
      const group = onlyGroupName(input);
      await existingGroup(ctx, group);
      if (input.orderBy === "LastEventTime" && input.logStreamNamePrefix) {
        throw invalid("Cannot order by LastEventTime with a logStreamNamePrefix.");
      }
      const stored = await ctx.records.list<LogStream>("stream", {
        prefix: `${group}:${input.logStreamNamePrefix ?? ""}`,
      });
      const views = await Promise.all(stored.map((s) => streamView(ctx, group, s.value)));
      if (input.orderBy === "LastEventTime")
        views.sort((a, b) => (a.lastEventTimestamp ?? a.creationTime) - (b.lastEventTimestamp ?? b.creationTime));
      if (input.descending) views.reverse();
      const { items, next } = pageOf(views, input.nextToken, input.limit ?? DEFAULT_STREAMS);
      return { logStreams: items, ...next };
    },
  },
  DeleteLogStream: {
    permissions: onStream("DeleteLogStream"),
    async run(ctx, input) {
      const [group, stream] = [String(input.logGroupName), String(input.logStreamName)];
      await mustExist(ctx, group, stream);
      await ctx.records.write(ctx.records.remove("stream", streamId(group, stream)));
      await ctx.platform.telemetry.deleteLogs(keyOf(ctx, group), stream);
      return {};
    },
  },
});

async function streamView(ctx: AnyContext, group: string, stream: LogStream) {
  const facts = await ctx.platform.telemetry.streamFacts(keyOf(ctx, group), stream.name);
  return {
    logStreamName: stream.name,
    creationTime: stream.created,
    arn: `arn:aws:logs:${ctx.region}:${ctx.account}:log-group:${group}:log-stream:${stream.name}`,
    storedBytes: 0, // AWS has answered 0 here since June 2019
    ...(facts.lastIngestion === undefined ? {} : { uploadSequenceToken: "1" }),
    ...(facts.firstEvent === undefined ? {} : { firstEventTimestamp: facts.firstEvent }),
    ...(facts.lastEvent === undefined ? {} : { lastEventTimestamp: facts.lastEvent }),
    ...(facts.lastIngestion === undefined ? {} : { lastIngestionTime: facts.lastIngestion }),
  };
}

export const events = operations<typeof Logs, any>()({
  PutLogEvents: {
    permissions: forServices(onStream("PutLogEvents")),
    callers: DELIVERERS,
    async run(ctx, input) {
      const [group, stream] = [String(input.logGroupName), String(input.logStreamName)];
      const batch = (input.logEvents ?? []).map((e) => ({
        timestamp: Number(e.timestamp),
        message: String(e.message),
      }));
      checkBatch(batch);
      await mustExist(ctx, group, stream);
      return append(ctx, { group, stream, batch });
    },
    /** For what writes to one stream again and again, events of the form that the API takes. */
    async prepare(ctx, input) {
      const [group, stream] = [String(input.logGroupName), String(input.logStreamName)];
      await mustExist(ctx, group, stream);
      return async (_facts, { logEvents }) => {
        const batch = logEvents as LogEvent[];
        checkBatch(batch);
        return append(ctx, { group, stream, batch });
      };
    },
  },
  GetLogEvents: {
    permissions: onStream("GetLogEvents"),
    async run(ctx, input) {
      const group = onlyGroupName(input);
      const stream = String(input.logStreamName);
      await mustExist(ctx, group, stream);
      if (input.nextToken !== undefined && !/^[fb]\/(?:end|-?\d+\.\d+)$/.test(input.nextToken))
        throw invalid("The specified nextToken is invalid.");
      const backward = input.nextToken ? input.nextToken.startsWith("b/") : !input.startFromHead;
      const cursor = input.nextToken?.slice(2);
      const { events: found } = await ctx.platform.telemetry.readLogs(keyOf(ctx, group), {
        streams: [stream],
        ...(input.startTime === undefined ? {} : { start: input.startTime }),
        ...(input.endTime === undefined ? {} : { end: input.endTime }),
        limit: input.limit ?? DEFAULT_EVENTS,
        maxBytes: ANSWER_BYTES,
        newestFirst: backward,
        ...(cursor && cursor !== "end" ? { cursor } : {}),
      });
      const ordered = backward ? [...found].reverse() : found;
      // Where there is nothing, both tokens stay as they were: nobody reads an event twice, and what arrives later is found.
      const token = (event: StoredLogEvent | undefined): string => (event ? cursorOf(event) : (cursor ?? "end"));
      return {
        events: ordered.map((e) => ({ timestamp: e.timestamp, message: e.message, ingestionTime: e.ingestionTime })),
        nextForwardToken: `f/${token(ordered.at(-1))}`,
        nextBackwardToken: `b/${token(ordered[0])}`,
      };
    },
  },
  FilterLogEvents: {
    permissions: onGroup("FilterLogEvents"),
    async run(ctx, input) {
      const group = onlyGroupName(input);
      await existingGroup(ctx, group);
      if (input.logStreamNames?.length && input.logStreamNamePrefix)
        throw invalid("Either logStreamNames or logStreamNamePrefix can be given, not both.");
      if (input.nextToken !== undefined && !/^-?\d+\.\d+$/.test(input.nextToken))
        throw invalid("The specified nextToken is invalid.");
      const prefix = input.logStreamNamePrefix;
      const names = prefix
        ? (await ctx.records.list<LogStream>("stream", { prefix: `${group}:${prefix}` })).map((s) => s.value.name)
        : input.logStreamNames;
      if (prefix && names?.length === 0) return { events: [], searchedLogStreams: [] };
      const { events: found, cursor } = await matchingEvents(ctx.platform.telemetry, keyOf(ctx, group), {
        ...(names?.length ? { streams: names } : {}),
        ...(input.startTime === undefined ? {} : { start: input.startTime }),
        ...(input.endTime === undefined ? {} : { end: input.endTime + 1 }),
        ...(input.nextToken ? { cursor: input.nextToken } : {}),
        limit: input.limit ?? DEFAULT_EVENTS,
        matches: compileFilter(input.filterPattern ?? ""),
      });
      return {
        events: found.map((e) => ({
          logStreamName: e.stream,
          timestamp: e.timestamp,
          message: e.message,
          ingestionTime: e.ingestionTime,
          eventId: eventId(e),
        })),
        searchedLogStreams: [],
        ...(cursor ? { nextToken: cursor } : {}),
      };
    },
  },
});

/** Stores what is neither too old nor too far ahead. */
function append(
  ctx: AnyContext,
  { group, stream, batch }: { group: string; stream: string; batch: readonly LogEvent[] },
): { nextSequenceToken: string; rejectedLogEventsInfo?: object } {
  const now = ctx.now();
  const isOld = (e: { timestamp: number }) => e.timestamp < now - MAX_AGE_MS;
  const isNew = (e: { timestamp: number }) => e.timestamp > now + MAX_FUTURE_MS;
  const isRefused = (e: { timestamp: number }) => isOld(e) || isNew(e);
  const accepted = batch.some(isRefused) ? batch.filter((e) => !isRefused(e)) : batch;
  ctx.platform.telemetry.appendLogs(keyOf(ctx, group), stream, accepted);
  const metrics = embeddedMetrics(accepted, ctx.now());
  if (metrics.length > 0) ctx.platform.telemetry.putMetrics(ctx.account, ctx.region, metrics);
  const rejected = accepted.length === batch.length ? {} : { rejectedLogEventsInfo: rejectedInfo(batch, isOld, isNew) };
  return { nextSequenceToken: "1", ...rejected };
}

function checkBatch(batch: readonly { timestamp: number; message: string }[]): void {
  let bytes = 0;
  let last = -Infinity;
  for (const event of batch) {
    const size = Buffer.byteLength(event.message) + EVENT_OVERHEAD;
    if (size > MAX_EVENT_BYTES) throw invalid(`Log event too large: ${size} bytes exceeds limit of ${MAX_EVENT_BYTES}`);
    bytes += size;
    if (event.timestamp < last)
      throw invalid("Log events in a single PutLogEvents request must be in chronological order.");
    last = event.timestamp;
  }
  if (bytes > MAX_BATCH_BYTES) throw invalid(`Upload too large: ${bytes} bytes exceeds limit of ${MAX_BATCH_BYTES}`);
  if (batch.length > 10_000)
    throw new AwsError(
      "InvalidParameterException",
      "1 validation error detected: Value at 'logEvents' failed to satisfy constraint: Member must have length less than or equal to 10000",
      400,
    );
}

type Test = (event: { timestamp: number }) => boolean;

function rejectedInfo(batch: readonly { timestamp: number }[], isOld: Test, isNew: Test) {
  const firstNew = batch.findIndex(isNew);
  const lastOld = batch.findLastIndex(isOld);
  return {
    ...(firstNew >= 0 ? { tooNewLogEventStartIndex: firstNew } : {}),
    ...(lastOld >= 0 ? { tooOldLogEventEndIndex: lastOld + 1 } : {}),
  };
}
