import { parseArn } from "../../../kernel/arn.ts";
import { notImplemented } from "../../../kernel/aws-error.ts";
import { invalidParameter, type FunctionRecord } from "../model.ts";
import type { Ctx, Mapping } from "./mapping.ts";
import { checkQueue } from "./check-queue.ts";
import { pollQueue } from "./poll-queue.ts";

/** A kind of source that Lambda reads by itself. */
interface EventSource {
  /** The size of a batch where nothing is said of it. */
  readonly batchSize: number;
  /** Refuses what this kind of source cannot do, and a function's role that may not read it. */
  check(ctx: Ctx, mapping: Mapping, record: FunctionRecord): Promise<void>;
  /** Reads and calls the function, until the signal aborts. */
  poll(ctx: Ctx, mapping: Mapping, signal: AbortSignal): Promise<void>;
}

/** One line a kind, by the service in the source's ARN. */
const SOURCES: Readonly<Record<string, EventSource>> = {
  sqs: { batchSize: 10, check: checkQueue, poll: pollQueue },
};

const KNOWN = new Set(["kinesis", "dynamodb", "kafka", "mq", "rds", "docdb"]);

export function sourceOf(source: string): EventSource {
  const service = parseArn(source)?.service ?? "";
  const kind = SOURCES[service];
  if (kind) return kind;
  if (KNOWN.has(service)) throw notImplemented(`event source mappings of ${service}`);
  throw invalidParameter("Unrecognized event source.");
}
