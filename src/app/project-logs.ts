import { codeOf } from "../kernel/aws-error.ts";
import { milliseconds, type Caller } from "./caller.ts";

/** One line of a project's logs. */
export interface LogLine {
  readonly source: "build" | "deploy" | "function";
  readonly time: number;
  readonly text: string;
}

const MAX_PAGES = 20;
const MAX_GROUPS = 20;
const MAX_REMEMBERED = 20_000;

/** Nobody has written there yet, or it is gone. */
const none = (error: unknown): undefined => {
  const isAbsent = ["ResourceNotFoundException", "ValidationError", "PipelineNotFoundException"].includes(
    String(codeOf(error)),
  );
  if (!isAbsent) throw error;
  return undefined;
};

/** Reads a project's logs again and again; each read answers only what the reads before have not. */
export function projectLogs(call: Caller, id: string) {
  const seen = new Set<string>();
  const newest = new Map<string, number>();
  const isNew = (key: string): boolean => {
    if (seen.has(key)) return false;
    if (seen.size >= MAX_REMEMBERED) seen.delete(seen.values().next().value as string);
    seen.add(key);
    return true;
  };

  async function group(source: LogLine["source"], logGroupName: string, from: number): Promise<LogLine[]> {
    const lines: LogLine[] = [];
    let nextToken: string | undefined;
    for (let page = 0; page < MAX_PAGES; page++) {
      const input = { logGroupName, startTime: newest.get(logGroupName) ?? from, ...(nextToken ? { nextToken } : {}) };
      const answer = await call("logs", "FilterLogEvents", input).catch(none);
      for (const event of answer?.events ?? []) {
        // The same moment is read again: lines of it may come later.
        newest.set(logGroupName, Math.max(newest.get(logGroupName) ?? 0, Number(event.timestamp)));
        if (isNew(`${logGroupName} ${event.eventId}`))
          lines.push({ source, time: Number(event.timestamp), text: String(event.message).trimEnd() });
      }
      nextToken = answer?.nextToken;
      if (!nextToken) break;
    }
    return lines;
  }

  async function deployment(from: number): Promise<LogLine[]> {
    const answer = await call("cloudformation", "DescribeStackEvents", { StackName: `awscodestar-${id}-lambda` }).catch(
      none,
    );
    const lines: LogLine[] = [];
    for (const event of answer?.StackEvents ?? []) {
      const time = milliseconds(event.Timestamp);
      if (time < from) break; // newest first
      if (!isNew(`event ${event.EventId}`)) continue;
      const reason = event.ResourceStatusReason ? `: ${event.ResourceStatusReason}` : "";
      lines.push({
        source: "deploy",
        time,
        text: `${event.ResourceStatus} ${event.LogicalResourceId} (${event.ResourceType})${reason}`,
      });
    }
    return lines;
  }

  async function functions(from: number): Promise<LogLine[]> {
    const logGroupNamePrefix = `/aws/lambda/awscodestar-${id}-lambda-`;
    const { logGroups = [] } =
      (await call("logs", "DescribeLogGroups", { logGroupNamePrefix, limit: MAX_GROUPS }).catch(none)) ?? {};
    const all = await Promise.all(
      logGroups.map((g: { logGroupName: string }) => group("function", g.logGroupName, from)),
    );
    return all.flat();
  }

  return {
    /** When the newest run of the pipeline began: where "the latest" logs start. */
    async latestRun(): Promise<number> {
      const answer = await call("codepipeline", "ListPipelineExecutions", {
        pipelineName: `${id}-Pipeline`,
        maxResults: 1,
      }).catch(none);
      return milliseconds(answer?.pipelineExecutionSummaries?.[0]?.startTime);
    },
    /** New lines of all sources, by time. */
    async read(from: number): Promise<LogLine[]> {
      const parts = await Promise.all([
        group("build", `/aws/codebuild/${id}`, from),
        deployment(from),
        functions(from),
      ]);
      return parts.flat().sort((a, b) => a.time - b.time);
    },
  };
}
