import type { LogEvent, MetricSample } from "../../ports/telemetry.ts";

const MAX_METRICS = 100;
const MAX_VALUES = 100;
const MAX_DIMENSIONS = 30;
const MAX_SETS = 30;
const MAX_NAME = 1024;
/** Samples that one batch of events makes; dimensions count for more by their length. A few bytes of an event could ask for millions. */
const MAX_SAMPLES = 50_000;
const CHARACTERS_OF_SAMPLE = 100;
/** How far from now CloudWatch takes a sample. */
const MAX_AGE_MS = 14 * 24 * 3600_000;
const MAX_AHEAD_MS = 2 * 3600_000;
const UNIT =
  /^(Seconds|Microseconds|Milliseconds|(Kilo|Mega|Giga|Tera)?(bytes|bits|Bytes|Bits)(\/Second)?|Percent|Count(\/Second)?|None)$/;

type Json = Readonly<Record<string, unknown>>;

/**
 * The metrics that log events carry in CloudWatch's embedded metric format, as Powertools and aws-embedded-metrics write it:
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 * What does not follow the format is a log event and nothing more.
 */
export function embeddedMetrics(events: readonly LogEvent[], now: number): MetricSample[] {
  const room = { left: MAX_SAMPLES };
  return events.flatMap(({ message, timestamp }) => {
    if (!message.startsWith("{") || !message.includes('"CloudWatchMetrics"')) return [];
    const document = parsed(message);
    const metadata = isJson(document?._aws) ? document._aws : undefined;
    if (!document || !Array.isArray(metadata?.CloudWatchMetrics)) return [];
    const at = Number.isSafeInteger(metadata.Timestamp) ? Number(metadata.Timestamp) : timestamp;
    if (at < now - MAX_AGE_MS || at > now + MAX_AHEAD_MS) return [];
    return metadata.CloudWatchMetrics.slice(0, MAX_METRICS).flatMap((directive) =>
      room.left > 0 ? samplesOf(document, directive, at, room) : [],
    );
  });
}

function samplesOf(document: Json, directive: unknown, timestamp: number, room: { left: number }): MetricSample[] {
  if (!isJson(directive) || !Array.isArray(directive.Metrics)) return [];
  const namespace = directive.Namespace;
  if (!isName(namespace) || namespace.startsWith("AWS/")) return [];
  const named: readonly unknown[] = Array.isArray(directive.Dimensions)
    ? directive.Dimensions.slice(0, MAX_SETS)
    : [[]];
  const sets = named.map((names) => dimensionsOf(document, names)).filter((set) => set !== undefined);
  const metrics = directive.Metrics.slice(0, MAX_METRICS).filter(isJson);
  const samples: MetricSample[] = [];
  for (const dimensions of sets) {
    const cost = 1 + Math.floor(lengthOf(dimensions) / CHARACTERS_OF_SAMPLE);
    for (const { Name: name, Unit, StorageResolution } of metrics) {
      if (!isName(name)) continue;
      const unit = typeof Unit === "string" && UNIT.test(Unit) ? Unit : "None";
      const resolution = StorageResolution === 1 ? ({ resolution: 1 } as const) : {};
      for (const value of valuesOf(document, name)) {
        room.left -= cost;
        if (room.left < 0) return samples;
        samples.push({ namespace, name, timestamp, unit, ...resolution, dimensions, value });
      }
    }
  }
  return samples;
}

const lengthOf = (dimensions: Readonly<Record<string, string>>): number =>
  Object.entries(dimensions).reduce((sum, [name, value]) => sum + name.length + value.length, 0);

/** The members of the document that a dimension set names; none where one of them is missing. */
function dimensionsOf(document: Json, names: unknown): Record<string, string> | undefined {
  if (!Array.isArray(names) || names.length > MAX_DIMENSIONS) return undefined;
  const dimensions: Record<string, string> = {};
  for (const name of names) {
    const value = isName(name) && Object.hasOwn(document, name) ? document[name] : undefined;
    if (!["string", "number", "boolean"].includes(typeof value)) return undefined;
    const text = String(value);
    if (text === "" || text.length > MAX_NAME) return undefined;
    Object.defineProperty(dimensions, name, { value: text, enumerable: true });
  }
  return dimensions;
}

function valuesOf(document: Json, name: string): number[] {
  const found = Object.hasOwn(document, name) ? document[name] : undefined;
  const values: readonly unknown[] = Array.isArray(found) ? found.slice(0, MAX_VALUES) : [found];
  return values.filter((value) => typeof value === "number" && Number.isFinite(value)) as number[];
}

const isName = (value: unknown): value is string =>
  typeof value === "string" && value !== "" && value.length <= MAX_NAME;

const isJson = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);

function parsed(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJson(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
