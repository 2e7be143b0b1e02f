/** Where a subscriber listens inside the sandbox. */
export interface Destination {
  readonly protocol: "HTTP" | "TCP";
  readonly port: number;
  readonly path: string;
  readonly method: "POST" | "PUT";
}

export type TelemetryType = "platform" | "function" | "extension";

export interface SubscriptionRequest {
  readonly types: readonly TelemetryType[];
  readonly destination: Destination;
  readonly maxItems: number;
  readonly maxBytes: number;
  readonly timeoutMs: number;
}

/** The least, the most and the usual. https://docs.aws.amazon.com/lambda/latest/dg/telemetry-api-reference.html */
const BUFFERING = {
  maxItems: { minimum: 1_000, maximum: 10_000, usual: 1_000 },
  maxBytes: { minimum: 262_144, maximum: 1_048_576, usual: 262_144 },
  timeoutMs: { minimum: 25, maximum: 30_000, usual: 1_000 },
} as const;
const TYPES = ["platform", "function", "extension"];
const HOSTS = ["sandbox.localdomain", "sandbox"];
const RUNTIME_API_PORT = 9001;

/** Reads a subscription; answers what is wrong with it, as text, where it cannot be taken. */
export function readSubscription(body: Buffer | undefined, versions: readonly string[]): SubscriptionRequest | string {
  const request = objectOf(parsed(body));
  if (!request) return "the request body is not a JSON object";
  const faults: string[] = [];
  const { schemaVersion = versions[0] } = request;
  if (!versions.includes(schemaVersion as string)) faults.push(`schemaVersion must be one of ${versions.join(", ")}`);
  const destination = readDestination(objectOf(request["destination"]) ?? {}, faults);
  const types = Array.isArray(request["types"]) ? [...new Set(request["types"] as unknown[])] : [];
  if (types.length === 0) faults.push("types should not be empty");
  else if (!types.every((type) => TYPES.includes(type as string))) faults.push(`types are ${TYPES.join(", ")}`);
  const buffering = objectOf(request["buffering"] ?? {}) ?? {};
  const limit = (name: keyof typeof BUFFERING): number => {
    const { minimum, maximum, usual } = BUFFERING[name];
    const value = buffering[name] ?? usual;
    if (typeof value === "number" && Number.isInteger(value) && value >= minimum && value <= maximum) return value;
    faults.push(`${name} must be a whole number from ${minimum} to ${maximum}`);
    return usual;
  };
  const limits = { maxItems: limit("maxItems"), maxBytes: limit("maxBytes"), timeoutMs: limit("timeoutMs") };
  if (faults.length > 0) return faults.join("; ");
  return { types: types as TelemetryType[], destination, ...limits };
}

function readDestination(given: Record<string, unknown>, faults: string[]): Destination {
  const { protocol, URI, method = "POST" } = given;
  if (protocol !== "HTTP" && protocol !== "TCP") faults.push("protocol must be HTTP or TCP");
  if (method !== "POST" && method !== "PUT") faults.push("method must be POST or PUT");
  const url = typeof URI === "string" && URI.length <= 2048 ? URL.parse(URI) : null;
  if (protocol === "HTTP") {
    if (!url || url.protocol !== "http:" || !HOSTS.includes(url.hostname))
      faults.push("URI must be http://sandbox.localdomain:PORT");
    else if (url.port === "") faults.push("URI port is not provided");
  }
  const port = Number(given["port"] ?? url?.port ?? 0);
  if (!(Number.isInteger(port) && port >= 1 && port <= 65_535) || port === RUNTIME_API_PORT)
    faults.push(`port must be from 1 to 65535, and not ${RUNTIME_API_PORT}`);
  return {
    protocol: protocol === "TCP" ? "TCP" : "HTTP",
    port,
    path: `${url?.pathname ?? "/"}${url?.search ?? ""}`,
    method: method === "PUT" ? "PUT" : "POST",
  };
}

function objectOf(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

function parsed(body: Buffer | undefined): unknown {
  try {
    return body && JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
}
