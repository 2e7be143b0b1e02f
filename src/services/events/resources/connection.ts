import type { Properties, ResourceContext, ResourceType } from "../../../aws/service.ts";
import { codeOf, ignoring } from "../../../kernel/aws-error.ts";

const ignoreMissing = ignoring("ResourceNotFoundException");

async function make(ctx: ResourceContext, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (codeOf(error) !== "ResourceAlreadyExistsException" || !ctx.retried) throw error;
  }
}

/** The properties that are members of the operations under the same names. */
function pick(properties: Properties, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    names.flatMap((name) => (properties[name] === undefined ? [] : [[name, properties[name]]])),
  );
}

const OF_CONNECTION = ["AuthorizationType", "AuthParameters", "Description"];

/** AWS::Events::Connection. */
export const eventsConnection: ResourceType = {
  type: "AWS::Events::Connection",
  refuses: { InvocationConnectivityParameters: [], KmsKeyIdentifier: [], "AuthParameters.ConnectivityParameters": [] },
  async create(ctx, properties) {
    const Name = String(properties["Name"] ?? ctx.physicalName({ maxLength: 64 }));
    await make(ctx, () => ctx.call("events", "CreateConnection", { Name, ...pick(properties, OF_CONNECTION) }));
    return Name;
  },
  async update(ctx, id, next) {
    // The operation leaves what is not said as it is.
    const { InvocationHttpParameters = {}, OAuthParameters, ...own } = next["AuthParameters"] ?? {};
    const AuthParameters = {
      ...own,
      InvocationHttpParameters,
      ...(OAuthParameters ? { OAuthParameters: { OAuthHttpParameters: {}, ...OAuthParameters } } : {}),
    };
    const said = { Description: "", ...pick(next, OF_CONNECTION), AuthParameters };
    await ctx.call("events", "UpdateConnection", { Name: id, ...said });
  },
  async remove(ctx, id) {
    await ctx.call("events", "DeleteConnection", { Name: id }).catch(ignoreMissing);
  },
  async attributes(ctx, id) {
    const { ConnectionArn, SecretArn } = await ctx.call("events", "DescribeConnection", { Name: id });
    return { Arn: ConnectionArn, ArnForPolicy: ConnectionArn?.replace(/\/[^/]+$/, ""), SecretArn };
  },
};

const OF_DESTINATION = [
  "ConnectionArn",
  "HttpMethod",
  "InvocationEndpoint",
  "InvocationRateLimitPerSecond",
  "Description",
];

const destinationInput = (properties: Properties): Record<string, unknown> => {
  const input = pick(properties, OF_DESTINATION);
  const rate = input["InvocationRateLimitPerSecond"];
  return rate === undefined ? input : { ...input, InvocationRateLimitPerSecond: Number(rate) };
};

/** AWS::Events::ApiDestination. */
export const eventsApiDestination: ResourceType = {
  type: "AWS::Events::ApiDestination",
  async create(ctx, properties) {
    const Name = String(properties["Name"] ?? ctx.physicalName({ maxLength: 64 }));
    await make(ctx, () => ctx.call("events", "CreateApiDestination", { Name, ...destinationInput(properties) }));
    return Name;
  },
  async update(ctx, id, next) {
    await ctx.call("events", "UpdateApiDestination", {
      Name: id,
      Description: "",
      InvocationRateLimitPerSecond: 300,
      ...destinationInput(next),
    });
  },
  async remove(ctx, id) {
    await ctx.call("events", "DeleteApiDestination", { Name: id }).catch(ignoreMissing);
  },
  async attributes(ctx, id) {
    const { ApiDestinationArn } = await ctx.call("events", "DescribeApiDestination", { Name: id });
    return { Arn: ApiDestinationArn, ArnForPolicy: ApiDestinationArn?.replace(/\/[^/]+$/, "") };
  },
};
