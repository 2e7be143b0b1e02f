import { tagMap } from "../../aws/resource-tags.ts";
import type { Properties, ResourceType } from "../../aws/service.ts";
import { ignoring } from "../../kernel/aws-error.ts";
import { retag } from "./retag.ts";

const ignoreGone = ignoring("NotFoundException");

const configurations = ({ DomainNameConfigurations, MutualTlsAuthentication, RoutingMode }: Properties) => ({
  DomainNameConfigurations,
  MutualTlsAuthentication,
  RoutingMode,
});

/** AWS::ApiGatewayV2::DomainName. */
export const domainName: ResourceType = {
  type: "AWS::ApiGatewayV2::DomainName",
  async create(ctx, properties) {
    const { DomainName, Tags } = properties;
    await ctx.withStackTags(
      Object.entries((Tags ?? {}) as Record<string, string>).map(([Key, Value]) => ({ Key, Value })),
      (tags) =>
        ctx.call("apigatewayv2", "CreateDomainName", { DomainName, ...configurations(properties), Tags: tagMap(tags) }),
    );
    return String(DomainName);
  },
  async update(ctx, id, next, previous) {
    await ctx.call("apigatewayv2", "UpdateDomainName", { DomainName: id, ...configurations(next) });
    await retag(ctx, `domainnames/${id}`, next, previous);
  },
  async remove(ctx, id) {
    await ctx.call("apigatewayv2", "DeleteDomainName", { DomainName: id }).catch(ignoreGone);
  },
  async attributes(ctx, id) {
    const made = await ctx.call("apigatewayv2", "GetDomainName", { DomainName: id });
    const RegionalDomainName = made.DomainNameConfigurations?.[0]?.ApiGatewayDomainName;
    return { DomainNameArn: made.DomainNameArn, RegionalDomainName };
  },
};

/** AWS::ApiGatewayV2::ApiMapping. */
export const apiMapping: ResourceType = {
  type: "AWS::ApiGatewayV2::ApiMapping",
  create: async (ctx, { ApiId, ApiMappingKey, DomainName, Stage }) =>
    String(
      (await ctx.call("apigatewayv2", "CreateApiMapping", { ApiId, ApiMappingKey, DomainName, Stage })).ApiMappingId,
    ),
  async update(ctx, id, { ApiId, ApiMappingKey = "", DomainName, Stage }) {
    const input = { ApiId, ApiMappingKey, DomainName, Stage, ApiMappingId: id };
    await ctx.call("apigatewayv2", "UpdateApiMapping", input);
  },
  async remove(ctx, id, { DomainName }) {
    await ctx.call("apigatewayv2", "DeleteApiMapping", { DomainName, ApiMappingId: id }).catch(ignoreGone);
  },
  attributes: async (_ctx, id) => ({ ApiMappingId: id }),
};
