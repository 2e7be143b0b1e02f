/** Structured log lines of the platform itself (not of functions or builds). Never pass a secret. */
export interface Log {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
  /** A log that adds `fields` to each line. */
  with(fields: Record<string, unknown>): Log;
}

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";
const ORDER: readonly LogLevel[] = ["debug", "info", "warn", "error", "silent"];

/** One JSON line a message to `write` (standard error by default). */
export function jsonLog(level: LogLevel, write: (line: string) => void = (l) => void process.stderr.write(l)): Log {
  const make = (base: Record<string, unknown>): Log => {
    const emit =
      (at: LogLevel) =>
      (message: string, fields: Record<string, unknown> = {}): void => {
        if (ORDER.indexOf(at) < ORDER.indexOf(level)) return;
        write(
          `${JSON.stringify({ time: new Date().toISOString(), level: at, message, ...base, ...fields }, errors)}\n`,
        );
      };
    return {
      debug: emit("debug"),
      info: emit("info"),
      warn: emit("warn"),
      error: emit("error"),
      with: (fields) => make({ ...base, ...fields }),
    };
  };
  return make({});
}

const errors = (_key: string, value: unknown): unknown =>
  value instanceof Error ? { name: value.name, message: value.message, stack: value.stack } : value;
