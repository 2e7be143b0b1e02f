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

/**
 * Logs and metrics: append-only segments, never a load on the state writer. What is appended may be lost for the last
 * moment before a power cut, not after `flush`. A group or stream here is an opaque key (`account/region/name`).
 */
export interface Telemetry {
  /** Appends events to a stream of a group; never blocks on the disk. */
  appendLogs(group: string, stream: string, events: readonly LogEvent[]): void;
  /**
   * Events of a group (or of some of its streams) from `start` to `end`, both inclusive, by time and then arrival,
   * oldest first or newest first. The answer's cursor is there where more events follow. A cursor is
   * `<timestamp>.<sequence>` of an event that is already known: reading goes on behind it, in either direction.
   */
  readLogs(
    group: string,
    options: {
      streams?: readonly string[];
      start?: number;
      end?: number;
      limit: number;
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
  flush(): Promise<void>;
  close(): Promise<void>;
}
