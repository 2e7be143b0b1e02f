import type * as Events from "@aws-sdk/client-eventbridge";
import type { Context } from "../../../aws/context.ts";
import { operations, type Permission } from "../../../aws/service.ts";
import { EgressFailure, outgoingUrl } from "../../../compute/edge/egress.ts";
import { arn } from "../../../kernel/arn.ts";
import { exists } from "../archive-model.ts";
import {
  API_DESTINATION,
  CONNECTION,
  connectionArn,
  destinationArn,
  existingConnection,
  existingDestination,
  nameInArn,
  type ApiDestination,
  type Connection,
} from "../connection-model.ts";
import { DESTINATION_RATE, MAX_API_DESTINATIONS } from "../limits.ts";
import { invalid, overLimit } from "../model.ts";
import { pageOf } from "../page.ts";

const on =
  (action: string) =>
  (input: { Name?: string | undefined }, ctx: Context<any>): Permission[] => [
    {
      action: `events:${action}`,
      resource: arn("events", ctx.region, ctx.account, `api-destination/${input.Name ?? "*"}`),
    },
  ];

/** Whoever sends what a connection holds to an endpoint of his choice must be allowed to use the connection, too. */
const withConnection =
  (action: string) =>
  async (
    input: { Name?: string | undefined; ConnectionArn?: string | undefined },
    ctx: Context<any>,
  ): Promise<Permission[]> => {
    const own = on(action)(input, ctx);
    const given = input.ConnectionArn;
    if (given === undefined) return own;
    const connection = (await ctx.records.get<Connection>(CONNECTION, nameInArn(given) ?? given))?.value;
    const resource = connection ? connectionArn(ctx, connection) : given;
    return [...own, { action: `events:${action}`, resource }];
  };

/** A destination without a connection that works is not used. */
const stateOf = (connection: Connection | undefined): Events.ApiDestinationState =>
  connection?.state === "AUTHORIZED" ? "ACTIVE" : "INACTIVE";

const connectionOf = async (ctx: Context<any>, { connection }: ApiDestination): Promise<Connection | undefined> =>
  (await ctx.records.get<Connection>(CONNECTION, connection))?.value;

const summary = async (ctx: Context<any>, destination: ApiDestination) =>
  summaryWith(ctx, destination, await connectionOf(ctx, destination));

function summaryWith(ctx: Context<any>, destination: ApiDestination, connection: Connection | undefined) {
  return {
    ApiDestinationArn: destinationArn(ctx, destination),
    ApiDestinationState: stateOf(connection),
    CreationTime: new Date(destination.created),
    LastModifiedTime: new Date(destination.modified),
  };
}

async function view(ctx: Context<any>, destination: ApiDestination) {
  const connection = await connectionOf(ctx, destination);
  return {
    ...summaryWith(ctx, destination, connection),
    Name: destination.name,
    ConnectionArn: connectionArn(ctx, { name: destination.connection, id: connection?.id ?? "" }),
    HttpMethod: destination.method,
    InvocationEndpoint: destination.endpoint,
    InvocationRateLimitPerSecond: destination.rate,
  };
}

function checkedEndpoint(endpoint: string): string {
  try {
    outgoingUrl(endpoint);
    return endpoint;
  } catch (error) {
    if (error instanceof EgressFailure) throw invalid(`Parameter InvocationEndpoint is not valid: ${error.message}.`);
    throw error;
  }
}

const connectionIn = async (ctx: Context<any>, given: string | undefined): Promise<string> =>
  (await existingConnection(ctx, nameInArn(String(given)) ?? String(given))).value.name;

export const apiDestinations = operations<typeof Events, any>()({
  CreateApiDestination: {
    permissions: withConnection("CreateApiDestination"),
    async run(ctx, input) {
      const name = String(input.Name);
      if ((await ctx.records.count(API_DESTINATION)) >= MAX_API_DESTINATIONS)
        throw overLimit("The requested resource exceeds the maximum number allowed.");
      const destination: ApiDestination = {
        name,
        id: ctx.platform.ids.uuid(),
        connection: await connectionIn(ctx, input.ConnectionArn),
        method: input.HttpMethod as ApiDestination["method"],
        endpoint: checkedEndpoint(String(input.InvocationEndpoint)),
        rate: input.InvocationRateLimitPerSecond ?? DESTINATION_RATE,
        created: ctx.now(),
        modified: ctx.now(),
        ...(input.Description === undefined ? {} : { description: input.Description }),
      };
      if (!(await ctx.records.create(API_DESTINATION, name, destination))) throw exists(`An api-destination '${name}'`);
      return summary(ctx, destination);
    },
  },
  DescribeApiDestination: {
    permissions: on("DescribeApiDestination"),
    async run(ctx, input) {
      const destination = await existingDestination(ctx, input.Name, "describe");
      const { description: Description } = destination;
      return { ...(await view(ctx, destination)), ...(Description === undefined ? {} : { Description }) };
    },
  },
  ListApiDestinations: {
    permissions: (_input, ctx) => on("ListApiDestinations")({}, ctx),
    async run(ctx, input) {
      const stored = await ctx.records.list<ApiDestination>(API_DESTINATION, { prefix: input.NamePrefix ?? "" });
      const wanted = input.ConnectionArn === undefined ? undefined : nameInArn(input.ConnectionArn);
      const { items, next } = pageOf(
        stored.filter(({ value }) => wanted === undefined || value.connection === wanted),
        input,
      );
      return { ApiDestinations: await Promise.all(items.map(({ value }) => view(ctx, value))), ...next };
    },
  },
  UpdateApiDestination: {
    permissions: withConnection("UpdateApiDestination"),
    async run(ctx, input) {
      const before = await existingDestination(ctx, input.Name);
      const connection =
        input.ConnectionArn === undefined ? before.connection : await connectionIn(ctx, input.ConnectionArn);
      const next: ApiDestination = {
        ...before,
        connection,
        method: (input.HttpMethod ?? before.method) as ApiDestination["method"],
        endpoint: input.InvocationEndpoint === undefined ? before.endpoint : checkedEndpoint(input.InvocationEndpoint),
        rate: input.InvocationRateLimitPerSecond ?? before.rate,
        modified: ctx.now(),
        ...(input.Description === undefined ? {} : { description: input.Description }),
      };
      await ctx.records.update<ApiDestination>(API_DESTINATION, before.name, () => next);
      return summary(ctx, next);
    },
  },
  DeleteApiDestination: {
    permissions: on("DeleteApiDestination"),
    async run(ctx, input) {
      const { name } = await existingDestination(ctx, input.Name);
      await ctx.records.write(ctx.records.remove(API_DESTINATION, name));
      return {};
    },
  },
});
