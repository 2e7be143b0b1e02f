import type { JsonObject, JsonValue } from "../yaml/index.ts";
import { isObject } from "../yaml/index.ts";
import type { SamContext, SamResource } from "./context.ts";
import {
  addResource,
  canonicalJson,
  compact,
  getAtt,
  pick,
  ref,
  resolveParameters,
  SamFault,
  sha1,
} from "./context.ts";

/** What the domain of a REST API and that of an HTTP API differ in. */
export interface DomainKind {
  readonly http: boolean;
  /** The tags of the domain, in the form that its type takes. */
  readonly tags: JsonValue | undefined;
  readonly shared: JsonObject;
}

const ENDPOINTS = ["EDGE", "REGIONAL", "PRIVATE"];
const INCOMPLETE = "Custom Domains only works if both DomainName and CertificateArn are provided.";
/** The hosted zone of every CloudFront distribution. */
const CLOUDFRONT_ZONE = "Z2FDTNDATAQYW2";

/** Adds the custom domain of an API: the name, its mappings, and its records in Route 53. */
export function addCustomDomain(context: SamContext, resource: SamResource, kind: DomainKind): void {
  const { id, properties } = resource;
  if (properties.Domain === undefined) return;
  const domain = resolveParameters(context, properties.Domain);
  if (!isObject(domain)) throw new SamFault(id, "Property 'Domain' should be a map.");
  for (const name of ["DomainName", "CertificateArn"]) {
    const missing = domain[name] === undefined || domain[name] === null || domain[name] === "";
    if (missing) throw new SamFault(id, kind.http ? INCOMPLETE : `Property 'Domain.${name}' is required.`);
  }
  const endpoint = domain.EndpointConfiguration ?? "REGIONAL";
  const allowed = kind.http ? ["REGIONAL"] : ENDPOINTS;
  if (!allowed.includes(String(endpoint))) {
    const list = allowed.map((name) => `'${name}'`).join(", ");
    throw new SamFault(id, `EndpointConfiguration for Custom Domains must be one of [${list}].`);
  }
  const isPrivate = endpoint === "PRIVATE";
  const prefix = kind.http || isPrivate ? "ApiGatewayDomainNameV2" : "ApiGatewayDomainName";
  const domainId = `${prefix}${suffix(domain.DomainName ?? "")}`;
  const mutual = mutualTls(id, domain.MutualTlsAuthentication);
  const made = kind.http
    ? httpDomain(domain, mutual, kind.tags)
    : restDomain(id, domain, String(endpoint), mutual, kind.tags);
  const type = kind.http
    ? "AWS::ApiGatewayV2::DomainName"
    : isPrivate
      ? "AWS::ApiGateway::DomainNameV2"
      : "AWS::ApiGateway::DomainName";
  addResource(context, domainId, type, made, kind.shared);
  const alias = isPrivate ? "DomainNameV2" : "DomainName";
  context.aliases.set(id, { ...context.aliases.get(id), [alias]: domainId });
  addMappings(context, id, domain, domainId, kind, isPrivate);
  if (isPrivate) addAccessAssociation(context, id, domain, domainId, kind.shared);
  if (domain.Route53 !== undefined) addRecords(context, id, domain, domainId, String(endpoint), kind.shared);
}

/** What a name adds to a logical id: the beginning of its hash. */
function suffix(value: JsonValue): string {
  return sha1(typeof value === "string" ? value : canonicalJson(value)).slice(0, 10);
}

const MUTUAL_TLS = ["TruststoreUri", "TruststoreVersion"];

function mutualTls(id: string, value: JsonValue | undefined): JsonObject | undefined {
  if (value === undefined) return undefined;
  if (!isObject(value)) throw new SamFault(id, "Property 'Domain.MutualTlsAuthentication' should be a map.");
  const invalid = Object.keys(value).filter((name) => !MUTUAL_TLS.includes(name));
  if (invalid.length > 0) {
    const list = `[${MUTUAL_TLS.map((name) => `'${name}'`).join(", ")}]`;
    throw new SamFault(id, `Available Domain.MutualTlsAuthentication fields are ${list}.`);
  }
  return Object.fromEntries(Object.entries(value).filter(([, item]) => Boolean(item)));
}

function restDomain(
  id: string,
  domain: JsonObject,
  endpoint: string,
  mutual: JsonObject | undefined,
  tags: JsonValue | undefined,
): JsonObject {
  const certificate = endpoint === "REGIONAL" ? "RegionalCertificateArn" : "CertificateArn";
  if (domain.AccessAssociation !== undefined && !isObject(domain.AccessAssociation)) {
    throw new SamFault(id, "Property 'Domain.AccessAssociation' should be a map.");
  }
  return compact({
    DomainName: domain.DomainName,
    [certificate]: domain.CertificateArn,
    EndpointConfiguration: compact({ Types: [endpoint], IpAddressType: domain.IpAddressType }),
    MutualTlsAuthentication: mutual,
    ...pick(domain, ["SecurityPolicy", "EndpointAccessMode", "OwnershipVerificationCertificateArn", "Policy"]),
    Tags: tags,
  });
}

function httpDomain(domain: JsonObject, mutual: JsonObject | undefined, tags: JsonValue | undefined): JsonObject {
  const configuration = {
    CertificateArn: domain.CertificateArn ?? "",
    EndpointType: "REGIONAL",
    ...pick(domain, ["SecurityPolicy", "OwnershipVerificationCertificateArn", "IpAddressType"]),
  };
  return compact({
    DomainName: domain.DomainName,
    DomainNameConfigurations: [configuration],
    MutualTlsAuthentication: mutual,
    Tags: tags,
  });
}

function addMappings(
  context: SamContext,
  id: string,
  domain: JsonObject,
  domainId: string,
  kind: DomainKind,
  isPrivate: boolean,
): void {
  const word = kind.http ? "ApiMapping" : "BasePathMapping";
  const stage = ref(context.aliases.get(id)?.Stage ?? `${id}Stage`);
  const add = (name: string, path: string | undefined): void => {
    const properties = kind.http
      ? { DomainName: ref(domainId), ApiId: ref(id), Stage: stage, ApiMappingKey: path }
      : {
          [isPrivate ? "DomainNameArn" : "DomainName"]: ref(domainId),
          RestApiId: ref(id),
          Stage: stage,
          BasePath: path,
        };
    const type = kind.http ? "AWS::ApiGatewayV2::ApiMapping" : `AWS::ApiGateway::${word}${isPrivate ? "V2" : ""}`;
    addResource(context, `${id}${name}${word}`, type, compact(properties), kind.shared);
  };
  const given = domain.BasePath;
  if (given === undefined || given === "") {
    add("", undefined);
    return;
  }
  const paths = Array.isArray(given) ? given : [given];
  for (const [index, path] of paths.entries()) {
    if (typeof path !== "string") {
      throw new SamFault(
        id,
        kind.http ? "Basepath must be a string." : `Property 'Domain.BasePath[${index}]' should be a string.`,
      );
    }
    const words = path.replace(/[^\p{L}\p{N}]/gu, "");
    const kept = kind.http ? path.replace(/^\/+|\/+$/g, "") : path;
    add(words, kind.http || domain.NormalizeBasePath === false ? kept : words);
  }
}

function addAccessAssociation(
  context: SamContext,
  id: string,
  domain: JsonObject,
  domainId: string,
  shared: JsonObject,
): void {
  const wanted = domain.AccessAssociation;
  if (!isObject(wanted)) return;
  if (wanted.VpcEndpointId === undefined) {
    throw new SamFault(id, "Property 'Domain.AccessAssociation.VpcEndpointId' is required.");
  }
  const associationId = `DomainNameAccessAssociation${suffix([wanted.VpcEndpointId, domainId])}`;
  const properties = {
    DomainNameArn: ref(domainId),
    AccessAssociationSource: wanted.VpcEndpointId,
    AccessAssociationSourceType: "VPCE",
  };
  addResource(context, associationId, "AWS::ApiGateway::DomainNameAccessAssociation", properties, shared);
}

function addRecords(
  context: SamContext,
  id: string,
  domain: JsonObject,
  domainId: string,
  endpoint: string,
  shared: JsonObject,
): void {
  const route = domain.Route53;
  if (!isObject(route)) throw new SamFault(id, "Property 'Domain.Route53' should be a map.");
  const zone = route.HostedZoneId ?? route.HostedZoneName;
  if (zone === undefined) {
    throw new SamFault(id, "HostedZoneId or HostedZoneName is required to enable Route53 support on Custom Domains.");
  }
  const separate = route.SeparateRecordSetGroup;
  if (separate !== undefined && typeof separate !== "boolean") {
    throw new SamFault(id, "Property 'Domain.Route53.SeparateRecordSetGroup' should be a boolean.");
  }
  const groupId = `RecordSetGroup${suffix(separate ? [zone, domain.DomainName ?? ""] : zone)}`;
  const known = context.resources[groupId];
  const group = isObject(known)
    ? known
    : addResource(
        context,
        groupId,
        "AWS::Route53::RecordSetGroup",
        { ...pick(route, ["HostedZoneId", "HostedZoneName"]), RecordSets: [] },
        separate || shared.Condition === undefined ? shared : {},
      );
  const sets = (group.Properties as JsonObject).RecordSets as JsonValue[];
  for (const type of route.IpV6 === true ? ["A", "AAAA"] : ["A"]) {
    sets.push(
      compact({
        Name: domain.DomainName,
        Type: type,
        ...pick(route, ["Region", "SetIdentifier"]),
        AliasTarget: aliasTarget(route, domainId, endpoint),
      }),
    );
  }
}

function aliasTarget(route: JsonObject, domainId: string, endpoint: string): JsonObject {
  if (endpoint === "PRIVATE") {
    return compact({ DNSName: route.VpcEndpointDomainName, HostedZoneId: route.VpcEndpointHostedZoneId });
  }
  if (endpoint === "EDGE") {
    const name = route.DistributionDomainName ?? getAtt(domainId, "DistributionDomainName");
    return compact({ DNSName: name, HostedZoneId: CLOUDFRONT_ZONE });
  }
  return {
    DNSName: getAtt(domainId, "RegionalDomainName"),
    HostedZoneId: getAtt(domainId, "RegionalHostedZoneId"),
  };
}
