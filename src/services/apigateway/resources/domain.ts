import { tagMap } from "../../../aws/resource-tags.ts";
import type { Properties, ResourceType } from "../../../aws/service.ts";
import { codeOf, ignoring } from "../../../kernel/aws-error.ts";
import { retag, text, type Patch } from "./patches.ts";

const ignoreGone = ignoring("NotFoundException");

const typesOf = (properties: Properties): string[] => {
  const { Types } = (properties["EndpointConfiguration"] ?? {}) as { Types?: string[] };
  return Types ?? ["EDGE"];
};

/** AWS::ApiGateway::DomainName. */
export const domainName: ResourceType = {
  type: "AWS::ApiGateway::DomainName",
  replaceOn: ["MutualTlsAuthentication"],
  refuses: {
    EndpointAccessMode: ["BASIC"],
    "EndpointConfiguration.IpAddressType": ["ipv4"],
    OwnershipVerificationCertificateArn: [],
  },
  async create(ctx, properties) {
    const { DomainName, CertificateArn, RegionalCertificateArn, SecurityPolicy, RoutingMode, Tags } = properties;
    const { TruststoreUri, TruststoreVersion } = (properties["MutualTlsAuthentication"] ?? {}) as Properties;
    const input = {
      domainName: DomainName,
      certificateArn: CertificateArn,
      regionalCertificateArn: RegionalCertificateArn,
      endpointConfiguration: { types: typesOf(properties) },
      securityPolicy: SecurityPolicy,
      routingMode: RoutingMode,
      ...(TruststoreUri
        ? { mutualTlsAuthentication: { truststoreUri: TruststoreUri, truststoreVersion: TruststoreVersion } }
        : {}),
    };
    await ctx.withStackTags(Tags, (tags) =>
      ctx.call("apigateway", "CreateDomainName", { ...input, ...(tags.length ? { tags: tagMap(tags) } : {}) }),
    );
    return String(DomainName);
  },
  async update(ctx, id, next, previous) {
    const [type = "EDGE", before] = [typesOf(next)[0], typesOf(previous)[0]];
    const patchOperations: Patch[] = [
      ...text("/certificateArn", next["CertificateArn"], previous["CertificateArn"]),
      ...text("/regionalCertificateArn", next["RegionalCertificateArn"], previous["RegionalCertificateArn"]),
      ...text("/routingMode", next["RoutingMode"], previous["RoutingMode"]),
      ...text("/securityPolicy", next["SecurityPolicy"], previous["SecurityPolicy"]),
      ...text(`/endpointConfiguration/types/${before}`, type, before),
    ];
    if (patchOperations.length) await ctx.call("apigateway", "UpdateDomainName", { domainName: id, patchOperations });
    await retag(ctx, `domainnames/${id}`, next["Tags"], previous["Tags"]);
  },
  async remove(ctx, id) {
    await ctx.call("apigateway", "DeleteDomainName", { domainName: id }).catch(ignoreGone);
  },
  async attributes(ctx, id) {
    const made = await ctx.call("apigateway", "GetDomainName", { domainName: id });
    return {
      DomainNameArn: made.domainNameArn,
      DistributionDomainName: made.distributionDomainName,
      RegionalDomainName: made.regionalDomainName,
    };
  },
};

/** AWS::ApiGateway::BasePathMapping; its id is `<domain>|<base path>`. */
export const basePathMapping: ResourceType = {
  type: "AWS::ApiGateway::BasePathMapping",
  async create(ctx, { DomainName, BasePath, RestApiId, Stage }) {
    try {
      const input = { domainName: DomainName, basePath: BasePath, restApiId: RestApiId, stage: Stage };
      await ctx.call("apigateway", "CreateBasePathMapping", input);
    } catch (error) {
      if (codeOf(error) !== "ConflictException" || !ctx.retried) throw error;
    }
    return `${DomainName}|${BasePath ?? ""}`;
  },
  async update(ctx, _id, next, previous) {
    const patchOperations: Patch[] = [
      ...text("/restapiId", next["RestApiId"], previous["RestApiId"]),
      ...text("/stage", next["Stage"], previous["Stage"]),
    ];
    const where = { domainName: next["DomainName"], basePath: next["BasePath"] || "(none)" };
    if (patchOperations.length) await ctx.call("apigateway", "UpdateBasePathMapping", { ...where, patchOperations });
  },
  async remove(ctx, _id, { DomainName, BasePath }) {
    const where = { domainName: DomainName, basePath: BasePath || "(none)" };
    await ctx.call("apigateway", "DeleteBasePathMapping", where).catch(ignoreGone);
  },
};
