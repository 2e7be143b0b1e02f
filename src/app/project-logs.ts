import { codeOf } from "../kernel/aws-error.ts";
import { milliseconds, type Caller } from "./caller.ts";

/** One line of a project's logs. */
export interface LogLine {
  readonly source: "build" | "deploy" | "pipeline" | "function";
  readonly time: number;
  readonly text: string;
}

const MAX_PAGES = 20;
const MAX_GROUPS = 20;
const MAX_ACTIONS = 20;
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
  let names: readonly string[] = [];
  let isFirst = true;
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

  /** Actions that failed: of what goes wrong outside of builds and stacks nothing else tells (a template that is none). */
  async function failures(from: number): Promise<LogLine[]> {
    const input = { pipelineName: `${id}-Pipeline`, maxResults: MAX_ACTIONS };
    const answer = await call("codepipeline", "ListActionExecutions", input).catch(none);
    const lines: LogLine[] = [];
    for (const action of answer?.actionExecutionDetails ?? []) {
      const time = milliseconds(action.lastUpdateTime);
      if (action.status !== "Failed" || time < from || !isNew(`action ${action.actionExecutionId}`)) continue;
      const { errorDetails, externalExecutionSummary } = action.output?.executionResult ?? {};
      const reason = errorDetails?.message ?? externalExecutionSummary ?? "no reason was given";
      lines.push({ source: "pipeline", time, text: `${action.actionName} (${action.stageName}) failed: ${reason}` });
    }
    return lines;
  }

  /** A name made of a long stack's is cut short, and templates name functions as they like: so the stack is asked. */
  async function functionNames(): Promise<string[]> {
    const StackName = `awscodestar-${id}-lambda`;
    const names: string[] = [];
    let NextToken: string | undefined;
    do {
      const page = await call("cloudformation", "ListStackResources", {
        StackName,
        ...(NextToken ? { NextToken } : {}),
      }).catch(none);
      for (const { ResourceType, PhysicalResourceId } of page?.StackResourceSummaries ?? [])
        if (ResourceType === "AWS::Lambda::Function" && PhysicalResourceId) names.push(String(PhysicalResourceId));
      NextToken = page?.NextToken;
    } while (NextToken && names.length < MAX_GROUPS);
    return names.slice(0, MAX_GROUPS);
  }

  async function functions(from: number, isChanged: boolean): Promise<LogLine[]> {
    if (isChanged) names = await functionNames();
    const all = await Promise.all(names.map((name) => group("function", `/aws/lambda/${name}`, from)));
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
      const [built, deployed, failed] = await Promise.all([
        group("build", `/aws/codebuild/${id}`, from),
        deployment(from),
        failures(from),
      ]);
      const written = await functions(from, isFirst || deployed.length > 0);
      isFirst = false;
      return [...built, ...deployed, ...failed, ...written].sort((a, b) => a.time - b.time);
    },
  };
}
