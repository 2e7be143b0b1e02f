import type { Properties, ResourceContext, ResourceType } from "../../../aws/service.ts";
import { ignoring } from "../../../kernel/aws-error.ts";

const FIELDS = {
  AuthType: "authType",
  AuthorizerCredentials: "authorizerCredentials",
  AuthorizerResultTtlInSeconds: "authorizerResultTtlInSeconds",
  AuthorizerUri: "authorizerUri",
  IdentitySource: "identitySource",
  IdentityValidationExpression: "identityValidationExpression",
  Name: "name",
  Type: "type",
} as const;

/** AWS::ApiGateway::Authorizer. */
export const apiAuthorizer: ResourceType = {
  type: "AWS::ApiGateway::Authorizer",
  async create(ctx, properties) {
    const fields = Object.entries(FIELDS).map(([from, to]) => [to, properties[from]]);
    const made = await ctx.call("apigateway", "CreateAuthorizer", {
      ...Object.fromEntries(fields.filter(([, value]) => value !== undefined)),
      restApiId: properties["RestApiId"],
      providerARNs: properties["ProviderARNs"],
    });
    return String(made.id);
  },
  async update(ctx, id, next, previous) {
    const patchOperations = changes(next, previous);
    if (patchOperations.length)
      await ctx.call("apigateway", "UpdateAuthorizer", {
        restApiId: next["RestApiId"],
        authorizerId: id,
        patchOperations,
      });
  },
  async remove(ctx: ResourceContext, id, { RestApiId }) {
    await ctx
      .call("apigateway", "DeleteAuthorizer", { restApiId: RestApiId, authorizerId: id })
      .catch(ignoring("NotFoundException"));
  },
  attributes: async (_ctx, id) => ({ AuthorizerId: id }),
};

function changes(next: Properties, previous: Properties) {
  const [wanted, had] = [arnsOf(next), arnsOf(previous)];
  const path = "/providerARNs";
  return [
    ...fieldChanges(next, previous),
    ...wanted.filter((arn) => !had.includes(arn)).map((value) => ({ op: "add" as const, path, value })),
    ...had.filter((arn) => !wanted.includes(arn)).map((value) => ({ op: "remove" as const, path, value })),
  ];
}

const arnsOf = (properties: Properties): string[] => (properties["ProviderARNs"] ?? []) as string[];

function fieldChanges(next: Properties, previous: Properties) {
  return Object.entries(FIELDS).flatMap(([from, to]) => {
    if (next[from] === previous[from]) return [];
    const path = `/${to}`;
    const value: unknown = next[from] ?? (from === "AuthorizerResultTtlInSeconds" ? 300 : undefined);
    return value === undefined ? [{ op: "remove", path }] : [{ op: "replace", path, value: String(value) }];
  });
}
