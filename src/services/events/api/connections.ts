import type * as Events from "@aws-sdk/client-eventbridge";
import type { Context } from "../../../aws/context.ts";
import { operations, type Permission } from "../../../aws/service.ts";
import { arn } from "../../../kernel/arn.ts";
import { exists } from "../archive-model.ts";
import { AUTHORIZATIONS } from "../authorize-connection.ts";
import { CONNECTION, connectionArn, existingConnection, opened, seal, type Connection } from "../connection-model.ts";
import { MAX_CONNECTIONS } from "../limits.ts";
import { invalid, overLimit } from "../model.ts";
import { pageOf } from "../page.ts";

type Parameters = Events.CreateConnectionAuthRequestParameters;

const on =
  (action: string) =>
  (input: { Name?: string | undefined }, ctx: Context<any>): Permission[] => [
    {
      action: `events:${action}`,
      resource: arn("events", ctx.region, ctx.account, `connection/${input.Name ?? "*"}`),
    },
  ];

const MEMBER: Readonly<Record<string, keyof Parameters>> = {
  API_KEY: "ApiKeyAuthParameters",
  BASIC: "BasicAuthParameters",
  OAUTH_CLIENT_CREDENTIALS: "OAuthParameters",
};

function checkParameters(type: string, parameters: Parameters): void {
  const member = MEMBER[type];
  if (!member || !parameters[member])
    throw invalid(`Parameter(s) ${member} must be specified for the authorization type ${type}.`);
  if (parameters.ConnectivityParameters) throw invalid("Private connectivity of connections is not supported here.");
}

type Parameter = {
  readonly Key?: string | undefined;
  readonly Value?: string | undefined;
  IsValueSecret?: boolean | undefined;
};

/** HTTP parameters without the values that are secret. */
const shown = (parameters: Events.ConnectionHttpParameters | undefined): Events.ConnectionHttpParameters | undefined =>
  parameters &&
  (Object.fromEntries(
    Object.entries(parameters).map(([member, list]) => [
      member,
      (list as Parameter[]).map(({ Value, ...rest }) => (rest.IsValueSecret ? rest : { ...rest, Value })),
    ]),
  ) as Events.ConnectionHttpParameters);

/** What DescribeConnection shows: no passwords, keys or secrets. */
function authView(parameters: Parameters): Events.ConnectionAuthResponseParameters {
  const { ApiKeyAuthParameters: key, BasicAuthParameters: basic, OAuthParameters: oauth } = parameters;
  const own = shown(parameters.InvocationHttpParameters);
  const ofToken = shown(oauth?.OAuthHttpParameters);
  return {
    ...(key ? { ApiKeyAuthParameters: { ApiKeyName: key.ApiKeyName } } : {}),
    ...(basic ? { BasicAuthParameters: { Username: basic.Username } } : {}),
    ...(oauth
      ? {
          OAuthParameters: {
            AuthorizationEndpoint: oauth.AuthorizationEndpoint,
            ClientParameters: { ClientID: oauth.ClientParameters?.ClientID },
            HttpMethod: oauth.HttpMethod,
            ...(ofToken ? { OAuthHttpParameters: ofToken } : {}),
          },
        }
      : {}),
    ...(own ? { InvocationHttpParameters: own } : {}),
  };
}

const summary = (ctx: Context<any>, connection: Connection, state = connection.state) => ({
  ConnectionArn: connectionArn(ctx, connection),
  ConnectionState: state,
  CreationTime: new Date(connection.created),
  LastModifiedTime: new Date(connection.modified),
});

const times = (ctx: Context<any>, connection: Connection) => ({
  ...summary(ctx, connection),
  Name: connection.name,
  AuthorizationType: connection.type,
  ...(connection.reason ? { StateReason: connection.reason } : {}),
  ...(connection.authorized ? { LastAuthorizedTime: new Date(connection.authorized) } : {}),
});

/** The state in which new parameters leave a connection: with OAuth a first token must be had. */
const stateFor = (ctx: Context<any>, type: Connection["type"]): Pick<Connection, "state" | "authorized"> =>
  type === "OAUTH_CLIENT_CREDENTIALS" ? { state: "AUTHORIZING" } : { state: "AUTHORIZED", authorized: ctx.now() };

const authorization = (ctx: Context<any>, { name, modified, state }: Connection) =>
  state === "AUTHORIZING" ? ctx.enqueue(AUTHORIZATIONS, { name, modified }) : [];

export const connections = operations<typeof Events, any>()({
  CreateConnection: {
    permissions: on("CreateConnection"),
    async run(ctx, input) {
      const name = String(input.Name);
      const type = input.AuthorizationType as Connection["type"];
      const parameters = input.AuthParameters as Parameters;
      checkParameters(type, parameters);
      if ((await ctx.records.count(CONNECTION)) >= MAX_CONNECTIONS)
        throw overLimit("The requested resource exceeds the maximum number allowed.");
      const connection: Connection = {
        name,
        id: ctx.platform.ids.uuid(),
        type,
        sealed: seal(ctx, parameters),
        created: ctx.now(),
        modified: ctx.now(),
        ...stateFor(ctx, type),
        ...(input.Description === undefined ? {} : { description: input.Description }),
      };
      if (!(await ctx.records.create(CONNECTION, name, connection, ...authorization(ctx, connection))))
        throw exists(`Connection ${name}`);
      return summary(ctx, connection);
    },
  },
  DescribeConnection: {
    permissions: on("DescribeConnection"),
    async run(ctx, input) {
      const { value: connection } = await existingConnection(ctx, input.Name, "describe");
      return {
        ...times(ctx, connection),
        AuthParameters: authView(opened(ctx, connection)),
        ...(connection.description === undefined ? {} : { Description: connection.description }),
      };
    },
  },
  ListConnections: {
    permissions: (_input, ctx) => on("ListConnections")({}, ctx),
    async run(ctx, input) {
      const stored = await ctx.records.list<Connection>(CONNECTION, { prefix: input.NamePrefix ?? "" });
      const found = stored.filter(({ value }) => !input.ConnectionState || value.state === input.ConnectionState);
      const { items, next } = pageOf(found, input);
      return { Connections: items.map(({ value }) => times(ctx, value)), ...next };
    },
  },
  UpdateConnection: {
    permissions: on("UpdateConnection"),
    async run(ctx, input) {
      const { value: before, rev } = await existingConnection(ctx, input.Name);
      const type = (input.AuthorizationType ?? before.type) as Connection["type"];
      // What is left out of the parameters stays as it was.
      const known = type === before.type ? opened(ctx, before) : {};
      const member = MEMBER[type]!;
      const own = { ...known[member], ...(input.AuthParameters as Parameters | undefined)?.[member] };
      const parameters = {
        ...known,
        ...input.AuthParameters,
        ...(Object.keys(own).length ? { [member]: own } : {}),
      } as Parameters;
      checkParameters(type, parameters);
      const { reason: _reason, authorized: _authorized, ...kept } = before;
      const connection: Connection = {
        ...kept,
        type,
        sealed: seal(ctx, parameters),
        modified: ctx.now(),
        ...stateFor(ctx, type),
        ...(input.Description === undefined ? {} : { description: input.Description }),
      };
      await ctx.records.write(
        ctx.records.put(CONNECTION, connection.name, connection, rev),
        authorization(ctx, connection),
      );
      return summary(ctx, connection);
    },
  },
  DeauthorizeConnection: {
    permissions: on("DeauthorizeConnection"),
    async run(ctx, input) {
      const { value: before, rev } = await existingConnection(ctx, input.Name);
      const parameters = opened(ctx, before);
      const { [MEMBER[before.type]!]: _secrets, ...rest } = parameters;
      const connection: Connection = { ...before, sealed: seal(ctx, rest), state: "DEAUTHORIZED", modified: ctx.now() };
      await ctx.records.write(ctx.records.put(CONNECTION, connection.name, connection, rev));
      return summary(ctx, connection, "DEAUTHORIZING");
    },
  },
  DeleteConnection: {
    permissions: on("DeleteConnection"),
    async run(ctx, input) {
      const { value: connection } = await existingConnection(ctx, input.Name);
      await ctx.records.write(ctx.records.remove(CONNECTION, connection.name));
      const { LastAuthorizedTime } = times(ctx, connection);
      return { ...summary(ctx, connection, "DELETING"), ...(LastAuthorizedTime ? { LastAuthorizedTime } : {}) };
    },
  },
});
