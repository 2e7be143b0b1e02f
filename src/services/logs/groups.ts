import type * as Logs from "@aws-sdk/client-cloudwatch-logs";
import { operations } from "../../aws/service.ts";
import { notImplemented } from "../../kernel/aws-error.ts";
import { existingGroup, onGroup, onGroupArn } from "./access.ts";
import { filteredId, filtersOf } from "./filter-model.ts";
import {
  groupArn,
  groupExists,
  groupName,
  invalid,
  noGroup,
  RETENTION_DAYS,
  telemetryKey,
  type LogGroup,
  type LogStream,
} from "./model.ts";
import type { LogWatch } from "./watch.ts";

const DEFAULT_PAGE = 50;

export const groups = operations<typeof Logs, LogWatch>()({
  CreateLogGroup: {
    permissions: onGroup("CreateLogGroup"),
    callers: ["apigateway.amazonaws.com"], // makes the groups of execution logs
    async run(ctx, input) {
      const name = String(input.logGroupName);
      if (name.startsWith("aws/")) throw invalid("Log groups starting with aws/ are reserved for AWS.");
      const group: LogGroup = {
        name,
        created: ctx.now(),
        ...(input.tags ? { tags: input.tags } : {}),
        ...(input.kmsKeyId ? { kmsKeyId: input.kmsKeyId } : {}),
      };
      if (!(await ctx.records.create("group", name, group))) throw groupExists();
      return {};
    },
  },
  DescribeLogGroups: {
    permissions: (_input, ctx) => [
      { action: "logs:DescribeLogGroups", resource: groupArn(ctx.region, ctx.account, "*") },
    ],
    async run(ctx, input) {
      const limit = input.limit ?? DEFAULT_PAGE;
      if (input.logGroupNamePrefix && input.logGroupNamePattern)
        throw invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.");
      const options = {
        ...(input.nextToken ? { after: input.nextToken } : {}),
        ...(input.logGroupNamePrefix ? { prefix: input.logGroupNamePrefix } : {}),
      };
      const identifiers = input.logGroupIdentifiers?.map((one) => groupName({ logGroupIdentifier: one }));
      if (identifiers?.length && (input.logGroupNamePrefix || input.logGroupNamePattern))
        throw invalid("LogGroup identifiers and LogGroup name prefix or pattern are mutually exclusive parameters.");
      const pattern = input.logGroupNamePattern?.toLowerCase();
      const stored = (isShown(ctx, input) ? await ctx.records.list<LogGroup>("group", options) : []).filter(
        (g) =>
          (!pattern || g.id.toLowerCase().includes(pattern)) && (!identifiers?.length || identifiers.includes(g.id)),
      );
      const page = stored.slice(0, limit);
      const bytes = await Promise.all(page.map((g) => storedBytes(ctx, g.id)));
      const filters = await Promise.all(page.map((g) => filtersOf(ctx, g.id)));
      return {
        logGroups: page.map(({ value }, i) => ({
          logGroupName: value.name,
          creationTime: value.created,
          metricFilterCount: filters[i]!.metric.length,
          arn: `${groupArn(ctx.region, ctx.account, value.name)}:*`,
          logGroupArn: groupArn(ctx.region, ctx.account, value.name),
          logGroupClass: "STANDARD" as const,
          // AWS tells less where names are looked for by a part.
          ...(pattern ? {} : { deletionProtectionEnabled: false, storedBytes: bytes[i]! }),
          ...(value.retentionDays ? { retentionInDays: value.retentionDays } : {}),
          ...(value.kmsKeyId ? { kmsKeyId: value.kmsKeyId } : {}),
        })),
        ...(stored.length > limit ? { nextToken: page.at(-1)!.id } : {}),
      };
    },
  },
  ListLogGroups: {
    permissions: (_input, ctx) => [{ action: "logs:ListLogGroups", resource: groupArn(ctx.region, ctx.account, "*") }],
    async run(ctx, input) {
      for (const key of ["dataSources", "fieldIndexNames", "logGroupTags"] as const)
        if (input[key]?.length) throw notImplemented(`ListLogGroups by ${key}`);
      const limit = input.limit ?? DEFAULT_PAGE;
      const isWanted = namePattern(input.logGroupNamePattern);
      const known = isShown(ctx, input);
      const all = (await ctx.records.list<LogGroup>("group", input.nextToken ? { after: input.nextToken } : {})).filter(
        ({ id }) => known && isWanted(id),
      );
      const page = all.slice(0, limit);
      return {
        logGroups: page.map(({ value }) => ({
          logGroupName: value.name,
          logGroupArn: groupArn(ctx.region, ctx.account, value.name),
          logGroupClass: "STANDARD" as const,
        })),
        ...(all.length > limit ? { nextToken: page.at(-1)!.id } : {}),
      };
    },
  },
  DeleteLogGroup: {
    permissions: onGroup("DeleteLogGroup"),
    async run(ctx, input) {
      const { name } = await existingGroup(ctx, String(input.logGroupName));
      const streams = await ctx.records.list<LogStream>("stream", { prefix: `${name}:` });
      await ctx.records.write(
        ctx.records.remove("group", name),
        ctx.records.remove("filters", name),
        ctx.globalRecords.remove("filtered", filteredId(ctx.region, name)),
        streams.map((s) => ctx.records.remove("stream", s.id)),
      );
      ctx.state.unwatch(ctx.region, name);
      await ctx.platform.telemetry.deleteLogs(telemetryKey(ctx.account, ctx.region, name));
      return {};
    },
  },
  PutRetentionPolicy: {
    permissions: onGroup("PutRetentionPolicy"),
    async run(ctx, input) {
      const days = Number(input.retentionInDays);
      if (!RETENTION_DAYS.includes(days))
        throw invalid(`Invalid retention value. Valid values are: [${RETENTION_DAYS.join(", ")}]`);
      if (
        !(await ctx.records.update<LogGroup>("group", String(input.logGroupName), (g) => ({
          ...g,
          retentionDays: days,
        })))
      )
        throw noGroup();
      return {};
    },
  },
  DeleteRetentionPolicy: {
    permissions: onGroup("DeleteRetentionPolicy"),
    async run(ctx, input) {
      const name = String(input.logGroupName);
      if (!(await ctx.records.update<LogGroup>("group", name, ({ retentionDays: _gone, ...g }) => g))) throw noGroup();
      return {};
    },
  },
  TagLogGroup: {
    permissions: onGroup("TagLogGroup"),
    run: (ctx, input) => tag(ctx, String(input.logGroupName), input.tags ?? {}),
  },
  UntagLogGroup: {
    permissions: onGroup("UntagLogGroup"),
    run: (ctx, input) => untag(ctx, String(input.logGroupName), input.tags ?? []),
  },
  ListTagsLogGroup: {
    permissions: onGroup("ListTagsLogGroup"),
    run: async (ctx, input) => ({ tags: { ...(await existingGroup(ctx, String(input.logGroupName))).tags } }),
  },
  TagResource: {
    permissions: onGroupArn("TagResource"),
    run: (ctx, input) => tag(ctx, groupName({ logGroupIdentifier: input.resourceArn }), input.tags ?? {}),
  },
  UntagResource: {
    permissions: onGroupArn("UntagResource"),
    run: (ctx, input) => untag(ctx, groupName({ logGroupIdentifier: input.resourceArn }), input.tagKeys ?? []),
  },
  ListTagsForResource: {
    permissions: onGroupArn("ListTagsForResource"),
    run: async (ctx, input) => ({
      tags: { ...(await existingGroup(ctx, groupName({ logGroupIdentifier: input.resourceArn }))).tags },
    }),
  },
});

type AnyContext = Parameters<typeof existingGroup>[0];

/** Whether groups as they are here, of the standard class and this account, are among those that are asked for. */
const isShown = (
  ctx: AnyContext,
  { logGroupClass, accountIdentifiers }: Pick<Logs.DescribeLogGroupsRequest, "logGroupClass" | "accountIdentifiers">,
): boolean =>
  (!logGroupClass || logGroupClass === "STANDARD") &&
  (!accountIdentifiers?.length || accountIdentifiers.includes(ctx.account));

/** Parts of names with `|` between them; `^` before one says that the name begins with it. */
function namePattern(text: string | undefined): (name: string) => boolean {
  if (text === undefined) return () => true;
  const parts = text.split("|");
  return (name) => parts.some((part) => (part.startsWith("^") ? name.startsWith(part.slice(1)) : name.includes(part)));
}

async function storedBytes(ctx: AnyContext, group: string): Promise<number> {
  const streams = await ctx.records.list<LogStream>("stream", { prefix: `${group}:`, limit: 1000 });
  const key = telemetryKey(ctx.account, ctx.region, group);
  const facts = await Promise.all(streams.map((s) => ctx.platform.telemetry.streamFacts(key, s.value.name)));
  return facts.reduce((sum, f) => sum + f.bytes, 0);
}

async function tag(ctx: AnyContext, name: string, tags: Record<string, string>): Promise<object> {
  if (!(await ctx.records.update<LogGroup>("group", name, (g) => ({ ...g, tags: { ...g.tags, ...tags } }))))
    throw noGroup();
  return {};
}

async function untag(ctx: AnyContext, name: string, keys: readonly string[]): Promise<object> {
  const change = (g: LogGroup): LogGroup => ({
    ...g,
    tags: Object.fromEntries(Object.entries(g.tags ?? {}).filter(([key]) => !keys.includes(key))),
  });
  if (!(await ctx.records.update<LogGroup>("group", name, change))) throw noGroup();
  return {};
}
