import type * as Events from "@aws-sdk/client-eventbridge";
import type { Context } from "../../aws/context.ts";
import type { QueueWorker } from "../../aws/service.ts";
import { goesOn, sendOut } from "../../compute/edge/egress.ts";
import { messageOf } from "../../kernel/aws-error.ts";
import { CONNECTION, opened, type Connection } from "./connection-model.ts";
import type { EventsState } from "./state.ts";

export const AUTHORIZATIONS = "events-connection";
const TIMEOUT_MS = 10_000;
const MAX_BYTES = 64 * 1024;
const DEFAULT_TOKEN_SECONDS = 300;
const MAX_TOKEN_SECONDS = 24 * 60 * 60;
const TOKEN = /^[\u0021-\u007e]+$/;
/** A token is not used any more so long before it ends. */
const MARGIN_MS = 30_000;

export type Pairs = readonly (readonly [string, string])[];

/** Parameters of a connection as names and values. */
export const pairsOf = (
  parameters: readonly { Key?: string | undefined; Value?: string | undefined }[] | undefined,
): Pairs => (parameters ?? []).map(({ Key, Value }) => [Key ?? "", Value ?? ""] as const);

/** EventBridge says these itself: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-api-destinations.html */
const OWN_HEADERS =
  /^(accept-encoding|content-encoding|max-forwards|range|user-agent|via|www-authenticate|x-forwarded-for)$/i;

/** Headers that somebody may add to a request: none that make another request of it. */
export const addedHeaders = (pairs: Pairs): Pairs => pairs.filter(([name]) => goesOn(name) && !OWN_HEADERS.test(name));

/** The URL with more parameters in its query. */
export function withQuery(address: string, query: Pairs): string {
  const url = new URL(address);
  for (const [name, value] of query) url.searchParams.append(name, value);
  return url.href;
}

const tokenKey = (ctx: Context<EventsState>, { name, modified }: Connection): string =>
  `${ctx.account} ${ctx.region} ${name} ${modified}`;

/** Drops a token that an endpoint did not take: the next is a new one. */
export function forgetToken(ctx: Context<EventsState>, connection: Connection): void {
  ctx.state.tokens.delete(tokenKey(ctx, connection));
}

/** A token of the connection's authorization endpoint; kept until it is about to end. */
export async function accessToken(ctx: Context<EventsState>, connection: Connection): Promise<string> {
  const key = tokenKey(ctx, connection);
  const known = ctx.state.tokens.get(key);
  if (known && known.until > ctx.now()) return known.token;
  const { OAuthParameters: oauth } = opened(ctx, connection);
  if (!oauth) throw new Error(`the connection ${connection.name} has no OAuth parameters`);
  const { token, seconds } = await askForToken(ctx, oauth);
  ctx.state.keepToken(key, { token, until: ctx.now() + seconds * 1000 - MARGIN_MS });
  return token;
}

async function askForToken(
  ctx: Context<EventsState>,
  oauth: Events.CreateConnectionOAuthRequestParameters,
): Promise<{ token: string; seconds: number }> {
  const { HeaderParameters, QueryStringParameters, BodyParameters } = oauth.OAuthHttpParameters ?? {};
  const form = new URLSearchParams([
    ["grant_type", "client_credentials"],
    ["client_id", String(oauth.ClientParameters?.ClientID)],
    ["client_secret", String(oauth.ClientParameters?.ClientSecret)],
    ...pairsOf(BodyParameters).map(([name, value]): [string, string] => [name, value]),
  ]);
  const isGet = oauth.HttpMethod === "GET";
  const query = [...pairsOf(QueryStringParameters), ...(isGet ? [...form] : [])];
  const answer = await sendOut(ctx, {
    method: String(oauth.HttpMethod),
    url: withQuery(String(oauth.AuthorizationEndpoint), query),
    headers: [
      ["host", new URL(String(oauth.AuthorizationEndpoint)).host],
      ["content-type", "application/x-www-form-urlencoded; charset=utf-8"],
      ...addedHeaders(pairsOf(HeaderParameters)),
    ],
    ...(isGet ? {} : { body: Buffer.from(form.toString()) }),
    timeoutMs: TIMEOUT_MS,
    maxBytes: MAX_BYTES,
    asked: false,
  });
  if (answer.status < 200 || answer.status > 299)
    throw new Error(`the authorization endpoint answered with the status ${answer.status}`);
  const { access_token: token, expires_in: seconds } = answered(answer.body);
  if (typeof token !== "string" || !TOKEN.test(token))
    throw new Error("the authorization endpoint's answer has no access_token that a header can carry");
  return {
    token,
    seconds: typeof seconds === "number" ? Math.min(seconds, MAX_TOKEN_SECONDS) : DEFAULT_TOKEN_SECONDS,
  };
}

/** The members of an answer. What it says is not repeated: it may be a secret, and the reason of a failure is shown. */
function answered(body: Buffer): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(body.toString());
  } catch {
    value = undefined;
  }
  if (typeof value !== "object" || value === null)
    throw new Error("the authorization endpoint's answer is no JSON object");
  return value as Record<string, unknown>;
}

/** Asks for a first token, so that a connection tells whether it can be used. */
export const authorizationWorker: QueueWorker<EventsState> = {
  topic: AUTHORIZATIONS,
  concurrency: 4,
  leaseMs: 60_000,
  async run(ctx, body) {
    const { name, modified } = body as { name: string; modified: number };
    const connection = (await ctx.records.get<Connection>(CONNECTION, name))?.value;
    if (connection?.modified !== modified) return;
    const outcome = await accessToken(ctx, connection).then(
      () => ({ state: "AUTHORIZED" as const, authorized: ctx.now() }),
      (error: unknown) => ({ state: "DEAUTHORIZED" as const, reason: messageOf(error) }),
    );
    await ctx.records.update<Connection>(CONNECTION, name, (known) =>
      known.modified === modified ? { ...known, ...outcome } : undefined,
    );
  },
};
