import type * as Gateway from "@aws-sdk/client-api-gateway";
import type * as V2 from "@aws-sdk/client-apigatewayv2";
import type { Context } from "../../../aws/context.ts";
import { operations } from "../../../aws/service.ts";
import { codeOf } from "../../../kernel/aws-error.ts";
import { badRequest, given, missing, notFound, on } from "../model.ts";
import { patched } from "../patch.ts";
import { page } from "./apis.ts";

/**
 * Custom domain names are one thing of REST and HTTP APIs: the service of HTTP APIs keeps them, and this shows them in
 * the words of REST APIs.
 */
export const keeper = (ctx: Context<any>): Context<any> => ctx.asService();

export const noDomain = () => notFound("Invalid domain name identifier specified");

/** Runs what may miss the domain name. */
export async function ofDomain<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw codeOf(error) === "NotFoundException" ? noDomain() : error;
  }
}

/** All items of a list that the keeper answers page by page. */
export async function allPages<T>(
  ask: (page: { NextToken: string | undefined; MaxResults: string }) => Promise<{ Items?: T[]; NextToken?: string }>,
): Promise<T[]> {
  const all: T[] = [];
  let NextToken: string | undefined;
  do {
    const some = await ask({ NextToken, MaxResults: "500" });
    all.push(...(some.Items ?? []));
    NextToken = some.NextToken;
  } while (NextToken);
  return all;
}

/** What callers may say of a domain name, flat. */
interface Wanted {
  readonly types?: readonly string[] | undefined;
  readonly certificateArn?: string | undefined;
  readonly certificateName?: string | undefined;
  readonly regionalCertificateArn?: string | undefined;
  readonly regionalCertificateName?: string | undefined;
  readonly securityPolicy?: string | undefined;
}

function configurations(wanted: Wanted): { DomainNameConfigurations: V2.DomainNameConfiguration[] } {
  const { types = ["EDGE"], securityPolicy } = wanted;
  const type = types[0] ?? "EDGE";
  if (type === "PRIVATE") throw missing("private domain names");
  if (types.length > 1) throw badRequest("Only one endpoint type is allowed for a domain name.");
  const regional = type === "REGIONAL";
  const named = given({
    CertificateArn: regional ? wanted.regionalCertificateArn : wanted.certificateArn,
    CertificateName: regional ? wanted.regionalCertificateName : wanted.certificateName,
    SecurityPolicy: securityPolicy as V2.SecurityPolicy | undefined,
  });
  return { DomainNameConfigurations: [{ EndpointType: type as V2.EndpointType, ...named }] };
}

function domainView(domain: V2.DomainName): Gateway.DomainName {
  const [configuration = {}] = domain.DomainNameConfigurations ?? [];
  const { EndpointType: type = "EDGE", ApiGatewayDomainName: target } = configuration;
  const { CertificateArn: arn, CertificateName: name, CertificateUploadDate } = configuration;
  const regional = type === "REGIONAL";
  return given({
    domainName: domain.DomainName,
    domainNameArn: domain.DomainNameArn,
    certificateUploadDate: CertificateUploadDate,
    ...(regional
      ? { regionalDomainName: target, regionalCertificateArn: arn, regionalCertificateName: name }
      : { distributionDomainName: target, certificateArn: arn, certificateName: name }),
    endpointConfiguration: { types: [type as Gateway.EndpointType], ipAddressType: "ipv4" as const },
    domainNameStatus: "AVAILABLE" as const,
    securityPolicy: configuration.SecurityPolicy as Gateway.SecurityPolicy | undefined,
    routingMode: "BASE_PATH_MAPPING_ONLY" as const,
    tags: { ...domain.Tags },
  });
}

const one = (i: any): string => `/domainnames/${i.domainName}`;
const PATCHED = [
  "certificateArn",
  "certificateName",
  "regionalCertificateArn",
  "regionalCertificateName",
  "securityPolicy",
] as const;

/** Whether a patch is about the kind of endpoint; what is not here is refused. */
function whatOf({ path = "", op, value }: Gateway.PatchOperation): "types" | "plain" {
  if (path.startsWith("/mutualTlsAuthentication")) throw missing("mutual TLS of domain names");
  if (path === "/endpointConfiguration/ipAddressType" && (op !== "replace" || value !== "ipv4"))
    throw missing("other addresses of domain names than those of IPv4");
  return /^\/endpointConfiguration\/(?:types|ipAddressType)(?:\/|$)/.test(path) ? "types" : "plain";
}

export const domains = operations<typeof Gateway, any>()({
  CreateDomainName: {
    permissions: on("POST", () => "/domainnames"),
    async run(ctx, input) {
      if (!input.domainName) throw badRequest("No Domain Name specified");
      if (input.certificateBody || input.certificateChain)
        throw missing("certificates that are uploaded (name one by certificateArn)");
      if (input.policy) throw missing("policies of domain names");
      if (input.mutualTlsAuthentication?.truststoreUri) throw missing("mutual TLS of domain names");
      if (input.routingMode !== undefined && input.routingMode !== "BASE_PATH_MAPPING_ONLY")
        throw missing("routing rules");
      const wanted = {
        DomainName: input.domainName,
        ...configurations({ ...input, types: input.endpointConfiguration?.types }),
        Tags: input.tags,
      };
      const again = ctx.once === undefined ? {} : { once: ctx.once };
      const made = await keeper(ctx).call("apigatewayv2", "CreateDomainName", wanted, again);
      return domainView(made as V2.DomainName);
    },
  },
  GetDomainName: {
    permissions: on("GET", one),
    run: async (ctx, input) => domainView(await domainOf(ctx, input.domainName)),
  },
  GetDomainNames: {
    permissions: on("GET", () => "/domainnames"),
    async run(ctx, input) {
      const all = await allPages((of) => keeper(ctx).call("apigatewayv2", "GetDomainNames", of));
      const { items, ...rest } = page(all, input);
      return { items: items.map(domainView), ...rest };
    },
  },
  UpdateDomainName: {
    permissions: on("PATCH", one),
    async run(ctx, input) {
      const { domainName, endpointConfiguration, ...before } = domainView(await domainOf(ctx, input.domainName));
      const patches = input.patchOperations ?? [];
      const { types: typed = [], plain = [] } = Object.groupBy(patches, whatOf);
      const type = typed.find((p) => p.op !== "remove" && p.path !== "/endpointConfiguration/ipAddressType");
      const wanted = patched<Wanted>(before, plain, PATCHED);
      const types = type ? [String(type.value)] : endpointConfiguration?.types;
      const changed = await keeper(ctx).call("apigatewayv2", "UpdateDomainName", {
        DomainName: domainName,
        ...configurations({ ...wanted, types }),
      });
      return domainView(changed as V2.DomainName);
    },
  },
  DeleteDomainName: {
    permissions: on("DELETE", one),
    async run(ctx, input) {
      await ofDomain(keeper(ctx).call("apigatewayv2", "DeleteDomainName", { DomainName: input.domainName }));
      return {};
    },
  },
});

export async function domainOf(ctx: Context<any>, name: string | undefined): Promise<V2.DomainName> {
  return (await ofDomain(keeper(ctx).call("apigatewayv2", "GetDomainName", { DomainName: name }))) as V2.DomainName;
}
