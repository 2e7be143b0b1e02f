import type { Context } from "../../aws/context.ts";
import { isAllowed } from "../../aws/authorize.ts";
import { EgressFailure, encodePath, sendOut } from "../../compute/edge/egress.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import { accessToken, addedHeaders, forgetToken, pairsOf, withQuery, type Pairs } from "./authorize-connection.ts";
import {
  destinationArn,
  existingConnection,
  existingDestination,
  nameInArn,
  opened,
  type ApiDestination,
  type Connection,
} from "./connection-model.ts";
import type { Delivery } from "./publish.ts";
import type { EventsState } from "./state.ts";

/** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-api-destinations.html */
const TIMEOUT_MS = 5_000;
const MAX_ANSWER = 1024 * 1024;
const AGENT = "Amazon/EventBridge/ApiDestinations";
/** Answers after which another try may succeed. */
const MAY_PASS = new Set([401, 407, 409, 429]);

/** Answers after which a token is not used again. */
const REFUSED = new Set([401, 407]);

const retriable = (message: string): AwsError => new AwsError("API_DESTINATION_RETRIABLE", message, 503);

/** Brings an event to an HTTP endpoint, as the target's role lets it. */
export async function sendToApi(
  ctx: Context<EventsState>,
  role: Context<EventsState>,
  { target }: Delivery,
  input: string,
): Promise<void> {
  const destination = await existingDestination(ctx, nameInArn(String(target.Arn)));
  const resource = destinationArn(ctx, destination);
  if (!(await isAllowed(role, { action: "events:InvokeApiDestination", resource })))
    throw new AwsError(
      "AccessDeniedException",
      `The role ${target.RoleArn} may not events:InvokeApiDestination on ${resource}.`,
      400,
    );
  if (!ctx.state.mayInvoke(resource, destination.rate, ctx.now()))
    throw new AwsError("ThrottlingException", `The rate of ${destination.name} is exceeded.`, 429);
  const { value: connection } = await existingConnection(ctx, destination.connection);
  const answer = await sendOut(ctx, {
    ...(await requestTo(ctx, destination, connection, target, input)),
    timeoutMs: TIMEOUT_MS,
    maxBytes: MAX_ANSWER,
    asked: false,
  }).catch((error: unknown) => {
    if (error instanceof EgressFailure && error.why === "refused")
      throw new AwsError("API_DESTINATION_REFUSED", error.message, 400);
    throw error instanceof EgressFailure ? retriable(error.message) : error;
  });
  const { status } = answer;
  if (status >= 200 && status <= 299) return;
  if (REFUSED.has(status)) forgetToken(ctx, connection);
  const message = `The endpoint of ${destination.name} answered with the status ${status}.`;
  throw MAY_PASS.has(status) || status >= 500 ? retriable(message) : new AwsError("SDK_CLIENT_ERROR", message, 400);
}

async function requestTo(
  ctx: Context<EventsState>,
  destination: ApiDestination,
  connection: Connection,
  target: Delivery["target"],
  input: string,
) {
  const parameters = opened(ctx, connection);
  const own = parameters.InvocationHttpParameters ?? {};
  const values = (target.HttpParameters?.PathParameterValues ?? []).map(String);
  const path = destination.endpoint.replace(/\*/g, () => encodePath(values.shift() ?? "*"));
  const query: Pairs = [
    ...Object.entries(target.HttpParameters?.QueryStringParameters ?? {}),
    ...pairsOf(own.QueryStringParameters),
  ];
  const url = withQuery(path, query);
  const headers = new Map<string, string>([
    ["host", new URL(url).host],
    ["user-agent", AGENT],
    ["content-type", "application/json; charset=utf-8"],
  ]);
  // The connection's own come last: a target does not take their place.
  for (const [name, value] of addedHeaders([
    ...Object.entries(target.HttpParameters?.HeaderParameters ?? {}),
    ...pairsOf(own.HeaderParameters),
    ...(await authorizationOf(ctx, connection, parameters)),
  ]))
    headers.set(name.toLowerCase(), value);
  const hasBody = destination.method !== "GET" && destination.method !== "HEAD";
  const body = hasBody ? Buffer.from(withMembers(input, pairsOf(own.BodyParameters))) : undefined;
  if (body) headers.set("content-length", String(body.length));
  return { method: destination.method, url, headers: [...headers], ...(body ? { body } : {}) };
}

async function authorizationOf(
  ctx: Context<EventsState>,
  connection: Connection,
  { ApiKeyAuthParameters: key, BasicAuthParameters: basic }: ReturnType<typeof opened>,
): Promise<Pairs> {
  if (key) return [[String(key.ApiKeyName), String(key.ApiKeyValue)]];
  if (basic)
    return [["authorization", `Basic ${Buffer.from(`${basic.Username}:${basic.Password}`).toString("base64")}`]];
  const token = await accessToken(ctx, connection).catch((error: unknown) => {
    throw retriable((error as Error).message);
  });
  return [["authorization", `Bearer ${token}`]];
}

/** The input with members of the connection; only objects get them. */
function withMembers(input: string, members: Pairs): string {
  if (members.length === 0) return input;
  let value: unknown;
  try {
    value = JSON.parse(input);
  } catch {
    return input; // a target's own template may make any text
  }
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? JSON.stringify({ ...value, ...Object.fromEntries(members) })
    : input;
}
