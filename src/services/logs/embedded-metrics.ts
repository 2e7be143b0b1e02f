import type { LogEvent, MetricSample } from "../../ports/telemetry.ts";

const MAX_METRICS = 100;
const MAX_VALUES = 100;
const MAX_DIMENSIONS = 30;
const MAX_SETS = 30;
const MAX_NAME = 1024;
const UNIT =
  /^(Seconds|Microseconds|Milliseconds|(Kilo|Mega|Giga|Tera)?(bytes|bits|Bytes|Bits)(\/Second)?|Percent|Count(\/Second)?|None)$/;

type Json = Readonly<Record<string, unknown>>;

/**
 * The metrics that log events carry in CloudWatch's embedded metric format, as Powertools and aws-embedded-metrics write it:
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 * What does not follow the format is a log event and nothing more.
 */
export function embeddedMetrics(events: readonly LogEvent[]): MetricSample[] {
  return events.flatMap(({ message, timestamp }) => {
    if (!message.startsWith("{") || !message.includes('"CloudWatchMetrics"')) return [];
    const document = parsed(message);
    const metadata = isJson(document?._aws) ? document._aws : undefined;
    if (!document || !Array.isArray(metadata?.CloudWatchMetrics)) return [];
    const at = Number.isSafeInteger(metadata.Timestamp) ? Number(metadata.Timestamp) : timestamp;
    return metadata.CloudWatchMetrics.slice(0, MAX_METRICS).flatMap((directive) => samplesOf(document, directive, at));
  });
}

function samplesOf(document: Json, directive: unknown, timestamp: number): MetricSample[] {
  if (!isJson(directive) || !Array.isArray(directive.Metrics)) return [];
  const namespace = directive.Namespace;
  if (!isName(namespace) || namespace.startsWith("AWS/")) return [];
  const named: readonly unknown[] = Array.isArray(directive.Dimensions)
    ? directive.Dimensions.slice(0, MAX_SETS)
    : [[]];
  const sets = named.map((names) => dimensionsOf(document, names)).filter((set) => set !== undefined);
  return directive.Metrics.slice(0, MAX_METRICS).flatMap((metric): MetricSample[] => {
    if (!isJson(metric) || !isName(metric.Name)) return [];
    const unit = typeof metric.Unit === "string" && UNIT.test(metric.Unit) ? metric.Unit : "None";
    const resolution = metric.StorageResolution === 1 ? ({ resolution: 1 } as const) : {};
    const base = { namespace, name: metric.Name, timestamp, unit, ...resolution };
    const values = valuesOf(document, metric.Name);
    return sets.flatMap((dimensions) => values.map((value) => ({ ...base, dimensions, value })));
  });
}

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
  return values.filter((value) => typeof value === "number");
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
