/** One log event of a stream. */
export interface LogEvent {
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  readonly message: string;
}

export interface StoredLogEvent extends LogEvent {
  readonly ingestionTime: number;
  /** Increases within a stream by order of arrival. */
  readonly sequence: number;
  readonly stream: string;
}

/** One sample of a metric. */
export interface MetricSample {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly timestamp: number;
  readonly unit: string;
  /** One value, or a statistic set. */
  readonly value?: number;
  readonly statistics?: { sum: number; min: number; max: number; count: number };
  /** Seconds that one stored point covers: 60 (default), or 1 for a high-resolution metric. */
  readonly resolution?: 1 | 60;
}

export interface MetricPoint {
  /** Start of the period, milliseconds since the epoch. */
  readonly timestamp: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  readonly count: number;
  readonly unit: string;
  /** Values with their counts, for percentiles; bounded. */
  readonly values?: ReadonlyMap<number, number>;
}

/** One metric, or one kind of usage, that is found once and added to often. */
export interface MetricMeter {
  add(value: number, timestamp: number): void;
}

export interface UsageMeter {
  /** Adds to the usage of the present hour. */
  add(amount: number): void;
}

/** Something that was used, as it is charged. */
export interface UsageSample {
  readonly region: string;
  /** AWS's name of the service: `AWS Lambda`. */
  readonly service: string;
  /** AWS's usage type without the prefix of a region: `Lambda-GB-Second`. */
  readonly usageType: string;
  readonly operation: string;
  /** ARN of what was used. */
  readonly resource: string;
  /** The version of the resource, where it has any. */
  readonly version: string;
  /** ARN of the CodeStar project that it belongs to; empty where it belongs to none. */
  readonly project: string;
  /** In the unit of the usage type: GB-seconds, requests. */
  readonly amount: number;
}

/** What was used within an hour. */
export interface UsageRecord extends UsageSample {
  /** Start of the hour, milliseconds since the epoch. */
  readonly hour: number;
}

/**
 * Logs, metrics and usage: append-only segments, never a load on the state writer. What is appended may be lost for the last
 * moment before a power cut, not after `flush`. A group or stream here is an opaque key (`account/region/name`).
 */
export interface Telemetry {
  /** Appends events to a stream of a group; never blocks on the disk. */
  appendLogs(group: string, stream: string, events: readonly LogEvent[]): void;
  /**
   * Events of a group (or of some of its streams) from `start` to `end`, both inclusive, by time and then arrival,
   * oldest first or newest first, with `maxBytes` of text at most (32 MiB where nothing is said), but one event at least.
   * The answer's cursor is there where more events follow. A cursor is
   * `<timestamp>.<sequence>` of an event that is already known: reading goes on behind it, in either direction.
   */
  readLogs(
    group: string,
    options: {
      streams?: readonly string[];
      start?: number;
      end?: number;
      limit: number;
      maxBytes?: number;
      cursor?: string;
      newestFirst?: boolean;
    },
  ): Promise<{ events: StoredLogEvent[]; cursor?: string }>;
  /** Calls `onEvents` for what is appended from now on, within the same process; returns the way to stop. */
  tailLogs(group: string, onEvents: (stream: string, events: readonly StoredLogEvent[]) => void): () => void;
  deleteLogs(group: string, stream?: string): Promise<void>;
  /** Deletes events older than the time. */
  expireLogs(group: string, olderThan: number): Promise<void>;
  /** Stored bytes and first/last event and ingestion times of a stream. */
  streamFacts(
    group: string,
    stream: string,
  ): Promise<{ bytes: number; firstEvent?: number; lastEvent?: number; lastIngestion?: number }>;
  putMetrics(account: string, region: string, samples: readonly MetricSample[]): void;
  /** For a metric that is put again and again: does what `putMetrics` does with one value. */
  metricMeter(
    account: string,
    region: string,
    metric: Pick<MetricSample, "namespace" | "name" | "dimensions" | "unit">,
  ): MetricMeter;
  readMetric(
    account: string,
    region: string,
    query: {
      namespace: string;
      name: string;
      dimensions: Readonly<Record<string, string>>;
      start: number;
      end: number;
      periodSeconds: number;
    },
  ): Promise<MetricPoint[]>;
  listMetrics(
    account: string,
    region: string,
    filter: { namespace?: string; name?: string },
  ): Promise<{ namespace: string; name: string; dimensions: Record<string, string> }[]>;
  /** Adds to the usage of the present hour. */
  putUsage(account: string, samples: readonly UsageSample[]): void;
  /** For usage that is put again and again: does what `putUsage` does with one sample. */
  usageMeter(account: string, of: Omit<UsageSample, "amount">): UsageMeter;
  /** What was used from `start` to before `end`, one record for each hour and each different sample. */
  readUsage(account: string, query: { start: number; end: number }): Promise<UsageRecord[]>;
  flush(): Promise<void>;
  /** Stores what is open and begins anew: nothing that is kept in memory adds to what was stored before. */
  settle(): Promise<void>;
  close(): Promise<void>;
}
