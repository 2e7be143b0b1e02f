import type * as Events from "@aws-sdk/client-eventbridge";
import type { Context } from "../../aws/context.ts";
import { arn } from "../../kernel/arn.ts";
import { AwsError } from "../../kernel/aws-error.ts";

/** How requests to an API prove whose they are. */
export interface Connection {
  readonly name: string;
  /** The last part of its ARN. */
  readonly id: string;
  readonly type: Events.ConnectionAuthorizationType;
  readonly state: Events.ConnectionState;
  readonly reason?: string;
  readonly description?: string;
  /** All parameters with their secrets, sealed by the vault for the purpose `event-connection`. */
  readonly sealed: string;
  readonly created: number;
  readonly modified: number;
  readonly authorized?: number;
}

/** An HTTP endpoint that rules send to. */
export interface ApiDestination {
  readonly name: string;
  readonly id: string;
  /** Name of its connection. */
  readonly connection: string;
  readonly method: Events.ApiDestinationHttpMethod;
  /** Each `*` in its path is a target's path parameter. */
  readonly endpoint: string;
  readonly rate: number;
  readonly description?: string;
  readonly created: number;
  readonly modified: number;
}

export const CONNECTION = "connection";
export const API_DESTINATION = "api-destination";
const PURPOSE = "event-connection";

type Place = Pick<Context<any>, "region" | "account">;

export const connectionArn = (ctx: Place, { name, id }: { name: string; id: string }): string =>
  arn("events", ctx.region, ctx.account, `connection/${name}/${id}`);
export const destinationArn = (ctx: Place, { name, id }: { name: string; id: string }): string =>
  arn("events", ctx.region, ctx.account, `api-destination/${name}/${id}`);

/** The name within an ARN of either kind. */
export const nameInArn = (text: string): string | undefined =>
  /^arn:[\w-]+:events:[\w-]*:\d*:(?:connection|api-destination)\/([\w.-]+)(?:\/[\w-]+)?$/.exec(text)?.[1];

const missing = (message: string): AwsError => new AwsError("ResourceNotFoundException", message, 400);

export async function existingConnection(
  ctx: Context<any>,
  name: string | undefined,
  doing = "",
): Promise<{ value: Connection; rev: number }> {
  const stored = await ctx.records.get<Connection>(CONNECTION, String(name));
  if (stored) return stored;
  throw missing(`${doing && `Failed to ${doing} the connection(s). `}Connection '${name}' does not exist.`);
}

export async function existingDestination(
  ctx: Context<any>,
  name: string | undefined,
  doing = "",
): Promise<ApiDestination> {
  const stored = await ctx.records.get<ApiDestination>(API_DESTINATION, String(name));
  if (!stored)
    throw missing(
      `${doing && `Failed to ${doing} the api-destination(s). `}An api-destination '${name}' does not exist.`,
    );
  return stored.value;
}

export const seal = (ctx: Context<any>, parameters: Events.CreateConnectionAuthRequestParameters): string =>
  ctx.platform.vault.seal(PURPOSE, JSON.stringify(parameters));

/** The parameters of a connection with their secrets. */
export function opened(ctx: Context<any>, connection: Connection): Events.CreateConnectionAuthRequestParameters {
  const text = ctx.platform.vault.open(PURPOSE, connection.sealed);
  if (text === undefined) throw new Error(`the secrets of the connection ${connection.name} cannot be opened`);
  // What `seal` wrote.
  return JSON.parse(text) as Events.CreateConnectionAuthRequestParameters;
}
