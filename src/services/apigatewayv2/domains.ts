import type * as V2 from "@aws-sdk/client-apigatewayv2";
import type { Context } from "../../aws/context.ts";
import { operations } from "../../aws/service.ts";
import {
  checkCertificate,
  checkDomainName,
  domainOf,
  mappingsOf,
  mappingRecord,
  noDomain,
  REST_APIS,
  type DomainClaim,
  type DomainName,
} from "./domain-model.ts";
import { conflict, given, missing, newId, on } from "./model.ts";
import { page } from "./page.ts";

const one = (i: any): string => `/domainnames/${i.DomainName}`;

function domainView(ctx: Context<any>, domain: DomainName) {
  const host = new URL(ctx.platform.settings.publicUrl).hostname;
  const { certificateArn, certificateName, endpointType, securityPolicy } = domain;
  return {
    DomainName: domain.name,
    DomainNameArn: `arn:aws:apigateway:${ctx.region}::/domainnames/${domain.name}`,
    ApiMappingSelectionExpression: "$request.basepath",
    DomainNameConfigurations: [
      given({
        ApiGatewayDomainName: `d-${domain.targetId}.execute-api.${host}`,
        CertificateArn: certificateArn,
        CertificateName: certificateName,
        CertificateUploadDate: certificateArn || certificateName ? new Date(domain.created) : undefined,
        DomainNameStatus: "AVAILABLE" as const,
        EndpointType: endpointType as V2.EndpointType,
        SecurityPolicy: securityPolicy as V2.SecurityPolicy,
      }),
    ],
    RoutingMode: "API_MAPPING_ONLY" as const,
    Tags: { ...domain.tags },
  };
}

/** What a call says of the name's one configuration. */
function configurationOf(
  input: Pick<V2.CreateDomainNameRequest, "DomainNameConfigurations" | "MutualTlsAuthentication" | "RoutingMode">,
) {
  if (input.MutualTlsAuthentication?.TruststoreUri) throw missing("mutual TLS of domain names");
  if (input.RoutingMode !== undefined && input.RoutingMode !== "API_MAPPING_ONLY") throw missing("routing rules");
  const { DomainNameConfigurations: all = [] } = input;
  if (all.length > 1) throw missing("more than one configuration of a domain name");
  const { CertificateArn, CertificateName, EndpointType, SecurityPolicy } = all[0] ?? {};
  checkCertificate(CertificateArn);
  return given({
    certificateArn: CertificateArn,
    certificateName: CertificateName,
    endpointType: EndpointType,
    securityPolicy: SecurityPolicy,
  }) as Partial<DomainName>;
}

/** Custom domain names. Plain HTTP is served under them: what ends TLS in front of the platform holds the certificate. */
export const domains = operations<typeof V2, any>()({
  CreateDomainName: {
    permissions: on("POST", () => "/domainnames"),
    callers: REST_APIS,
    async run(ctx, input) {
      const name = String(input.DomainName);
      checkDomainName(ctx, name);
      const domain: DomainName = {
        name,
        targetId: newId(ctx, 10),
        endpointType: "REGIONAL",
        securityPolicy: "TLS_1_2",
        created: ctx.now(),
        ...configurationOf(input),
        ...(input.Tags ? { tags: input.Tags } : {}),
      };
      const claim: DomainClaim = { account: ctx.account, region: ctx.region, name };
      const made = ctx.once ? (await ctx.records.get<DomainName>("domain", name))?.value : undefined;
      if (made?.targetId === domain.targetId) return domainView(ctx, made);
      if (
        !(await ctx.globalRecords.create(
          "domain-claim",
          name.toLowerCase(),
          claim,
          ctx.records.put("domain", name, domain),
        ))
      )
        throw conflict("The domain name resource already exists.");
      return domainView(ctx, domain);
    },
  },
  GetDomainName: {
    permissions: on("GET", one),
    callers: REST_APIS,
    run: async (ctx, input) => domainView(ctx, await domainOf(ctx, input.DomainName)),
  },
  GetDomainNames: {
    permissions: on("GET", () => "/domainnames"),
    callers: REST_APIS,
    async run(ctx, input) {
      const all = (await ctx.records.list<DomainName>("domain")).map((s) => domainView(ctx, s.value));
      return page(all, input);
    },
  },
  UpdateDomainName: {
    permissions: on("PATCH", one),
    callers: REST_APIS,
    async run(ctx, input) {
      const changes = configurationOf(input);
      const domain = await ctx.records.update<DomainName>("domain", String(input.DomainName), (before) => ({
        ...before,
        ...changes,
      }));
      if (!domain) throw noDomain();
      return domainView(ctx, domain);
    },
  },
  DeleteDomainName: {
    permissions: on("DELETE", one),
    callers: REST_APIS,
    async run(ctx, input) {
      const { name } = await domainOf(ctx, input.DomainName);
      const mappings = await mappingsOf(ctx, name);
      await ctx.records.write(
        ctx.records.remove("domain", name),
        ctx.globalRecords.remove("domain-claim", name.toLowerCase()),
        mappings.map(({ key }) => ctx.records.remove("mapping", mappingRecord(name, key))),
      );
      return {};
    },
  },
});
