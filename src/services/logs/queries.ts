import type * as Logs from "@aws-sdk/client-cloudwatch-logs";
import type { Context } from "../../aws/context.ts";
import { operations, type Permission } from "../../aws/service.ts";
import { AwsError, notImplemented } from "../../kernel/aws-error.ts";
import { boundedMatcher } from "../../kernel/bounded-match.ts";
import type { StoredLogEvent } from "../../ports/telemetry.ts";
import { parseQuery } from "./insights-parser.ts";
import { runQuery, type Row } from "./insights-run.ts";
import { groupArn, groupName, invalid, telemetryKey } from "./model.ts";
import { pageOf } from "./page.ts";

/** Stored events that one query looks through, over all its groups. */
const SCAN_LIMIT = 100_000;
/** What they may weigh together: they are in memory while the query runs. */
const SCAN_BYTES = 64 * 1024 * 1024;
const PAGE = 1000;
const MAX_GROUPS = 50;
const MAX_QUERIES = 1000;
/** How long all patterns of one query may take together. */
const MOST_PATTERN_MS = 2_000;

/** A query that was started: it is run when its results are asked for, which are the same each time. */
interface StoredQuery {
  readonly id: string;
  readonly groups: readonly string[];
  readonly text: string;
  /** Milliseconds since the epoch, both inclusive. */
  readonly start: number;
  readonly end: number;
  readonly limit?: number;
  readonly created: number;
}

const noQuery = (id: string): AwsError => new AwsError("ResourceNotFoundException", `Query ${id} does not exist.`, 400);

/** The words of the service that runs the queries. */
const noGroupToQuery = (ctx: Context<any>, group: string): AwsError =>
  new AwsError(
    "ResourceNotFoundException",
    `Log group '${group}' does not exist for account ID '${ctx.account}' (Service: AWSLogs; Status Code: 400; Error Code: ResourceNotFoundException; Request ID: ${ctx.requestId}; Proxy: null)`,
    400,
  );

type GroupsInput = {
  logGroupName?: string | undefined;
  logGroupNames?: string[] | undefined;
  logGroupIdentifiers?: string[] | undefined;
};

const namesOf = (input: GroupsInput): string[] => [
  ...(input.logGroupName ? [input.logGroupName] : []),
  ...(input.logGroupNames ?? []),
  ...(input.logGroupIdentifiers ?? []).map((logGroupIdentifier) => groupName({ logGroupIdentifier })),
];

const on = (action: string) => (): Permission[] => [{ action: `logs:${action}`, resource: "*" }];

export const queries = operations<typeof Logs, any>()({
  StartQuery: {
    permissions: (input, ctx) => {
      const names = namesOf(input);
      return (names.length ? names : ["*"]).map((name) => ({
        action: "logs:StartQuery",
        resource: `${groupArn(ctx.region, ctx.account, name)}:*`,
      }));
    },
    async run(ctx, input) {
      if (input.queryLanguage && input.queryLanguage !== "CWLI")
        throw notImplemented(`the query language ${input.queryLanguage}`);
      const groups = [...new Set(namesOf(input))];
      if (groups.length === 0) throw invalid("A query names at least one log group.");
      if (groups.length > MAX_GROUPS) throw invalid(`A query names at most ${MAX_GROUPS} log groups.`);
      for (const group of groups) if (!(await ctx.records.get("group", group))) throw noGroupToQuery(ctx, group);
      const [start, end] = [Number(input.startTime) * 1000, Number(input.endTime) * 1000 + 999];
      if (start > end) throw invalid("End time should not be less than start time.");
      const text = String(input.queryString);
      parseQuery(text);
      const query: StoredQuery = {
        id: ctx.platform.ids.uuid(),
        groups,
        text,
        start,
        end,
        ...(input.limit ? { limit: input.limit } : {}),
        created: ctx.now(),
      };
      const old = await ctx.records.list<StoredQuery>("query");
      const gone = old
        .toSorted((a, b) => a.value.created - b.value.created)
        .slice(0, Math.max(0, old.length + 1 - MAX_QUERIES));
      await ctx.records.write(
        ctx.records.put("query", query.id, query),
        gone.map((q) => ctx.records.remove("query", q.id)),
      );
      return { queryId: query.id };
    },
  },
  GetQueryResults: {
    permissions: on("GetQueryResults"),
    async run(ctx, input) {
      const id = String(input.queryId);
      const query = (await ctx.records.get<StoredQuery>("query", id))?.value;
      if (!query) throw noQuery(id);
      const { rows, bytes, scanned } = await readRows(ctx, query);
      const commands = [
        ...parseQuery(query.text),
        ...(query.limit ? [{ kind: "limit" as const, count: query.limit }] : []),
      ];
      const outcome = runQuery(commands, rows, boundedMatcher(MOST_PATTERN_MS));
      return {
        queryLanguage: "CWLI" as const,
        results: outcome.rows.map((row) => [...row]),
        statistics: { recordsMatched: outcome.matched, recordsScanned: scanned, bytesScanned: bytes },
        status: "Complete" as const,
      };
    },
  },
  DescribeQueries: {
    permissions: on("DescribeQueries"),
    async run(ctx, input) {
      if (input.status && input.status !== "Complete") return { queries: [] };
      if (input.queryLanguage && input.queryLanguage !== "CWLI") return { queries: [] };
      const stored = (await ctx.records.list<StoredQuery>("query"))
        .map((s) => s.value)
        .filter((q) => !input.logGroupName || q.groups.includes(input.logGroupName))
        .sort((a, b) => b.created - a.created);
      const { items, next } = pageOf(stored, input.nextToken, input.maxResults ?? MAX_QUERIES);
      return {
        queries: items.map((q) => ({
          queryId: q.id,
          queryLanguage: "CWLI" as const,
          queryString: `${q.groups.map((g) => `SOURCE "${g}"`).join(" ")} START=${q.start} END=${q.end} | ${q.text}`,
          status: "Complete" as const,
          createTime: q.created,
          ...(q.groups.length === 1 ? { logGroupName: q.groups[0] } : {}),
        })),
        ...next,
      };
    },
  },
  StopQuery: {
    permissions: on("StopQuery"),
    async run(ctx, input) {
      const id = String(input.queryId);
      if (!(await ctx.records.get("query", id))) throw noQuery(id);
      // It runs when its results are asked for: there is nothing left to stop.
      throw invalid(`Query ${id} is not in a Running or Scheduled state.`);
    },
  },
});

async function readRows(
  ctx: Context<any>,
  query: StoredQuery,
): Promise<{ rows: Row[]; bytes: number; scanned: number }> {
  const rows: Row[] = [];
  let bytes = 0;
  for (const group of query.groups) {
    let cursor: string | undefined;
    do {
      const limit = Math.min(PAGE, SCAN_LIMIT - rows.length);
      if (limit <= 0)
        throw invalid(`The query would look through more than ${SCAN_LIMIT} events: shorten its time range.`);
      const page = await ctx.platform.telemetry.readLogs(telemetryKey(ctx.account, ctx.region, group), {
        start: query.start,
        end: query.end,
        limit,
        newestFirst: true,
        ...(cursor ? { cursor } : {}),
      });
      for (const event of page.events) {
        bytes += Buffer.byteLength(event.message);
        if (bytes > SCAN_BYTES)
          throw invalid(`The query would look through more than ${SCAN_BYTES} bytes: shorten its time range.`);
        rows.push(rowOf(ctx, group, event));
      }
      cursor = page.events.length ? page.cursor : undefined;
    } while (cursor);
  }
  if (query.groups.length > 1) rows.sort((a, b) => Number(b.get("@timestamp")) - Number(a.get("@timestamp")));
  return { rows, bytes, scanned: rows.length };
}

function rowOf(ctx: Context<any>, group: string, event: StoredLogEvent): Row {
  const row: Row = new Map<string, string | number | undefined>([
    ["@timestamp", event.timestamp],
    ["@message", event.message],
    ["@logStream", event.stream],
    ["@log", `${ctx.account}:${group}`],
    ["@ingestionTime", event.ingestionTime],
    ["@ptr", Buffer.from(`${group}\n${event.stream}\n${event.timestamp}\n${event.sequence}`).toString("base64")],
  ]);
  if (event.message.startsWith("{")) addJson(row, event.message);
  else if (group.startsWith("/aws/lambda/")) addLambda(row, event.message);
  return row;
}

const MAX_FIELDS = 200;

/** Fields of a message in JSON, by their paths. */
function addJson(row: Row, message: string): void {
  const visit = (value: unknown, path: string, depth: number): void => {
    if (row.size >= MAX_FIELDS || depth > 10) return;
    if (typeof value === "object" && value !== null)
      for (const [key, inner] of Object.entries(value)) visit(inner, path ? `${path}.${key}` : key, depth + 1);
    else if (value !== null && !path.startsWith("@")) row.set(path, typeof value === "number" ? value : String(value));
  };
  try {
    visit(JSON.parse(message), "", 0);
  } catch {
    // Not JSON after all.
  }
}

/** What CloudWatch finds in lines of Lambda's. */
function addLambda(row: Row, message: string): void {
  const [, type, id] = /^(START|END|REPORT) RequestId: ([\w-]+)/.exec(message) ?? [];
  if (!type) return;
  row.set("@type", type);
  row.set("@requestId", id);
  if (type !== "REPORT") return;
  const number = (words: string): number | undefined => {
    const found = new RegExp(`(?:^|\\t)${words}: ([\\d.]+)`).exec(message)?.[1];
    return found === undefined ? undefined : Number(found);
  };
  const mebibytes = (words: string): number | undefined => {
    const value = number(words);
    return value === undefined ? undefined : value * 1_000_000;
  };
  row.set("@duration", number("Duration"));
  row.set("@billedDuration", number("Billed Duration"));
  row.set("@initDuration", number("Init Duration"));
  row.set("@memorySize", mebibytes("Memory Size"));
  row.set("@maxMemoryUsed", mebibytes("Max Memory Used"));
}
