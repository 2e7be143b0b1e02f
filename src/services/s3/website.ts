import type * as S3 from "@aws-sdk/client-s3";
import { invalidArgument, invalidRequest, malformedXml } from "./errors.ts";

export function checkedWebsite(website: S3.WebsiteConfiguration | undefined): S3.WebsiteConfiguration {
  if (!website) throw malformedXml();
  const {
    IndexDocument: index,
    RedirectAllRequestsTo: redirectAll,
    ErrorDocument: error,
    RoutingRules: rules,
  } = website;
  if (redirectAll) {
    if (index || error || rules?.length) {
      throw invalidArgument(
        "RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.",
        "RedirectAllRequestsTo",
        "not null",
      );
    }
    if (!redirectAll.HostName) throw malformedXml();
    checkProtocol(redirectAll.Protocol);
    return website;
  }
  if (!index)
    throw invalidArgument(
      "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty",
      "IndexDocument",
      "null",
    );
  if (!index.Suffix || index.Suffix.includes("/"))
    throw invalidArgument("The IndexDocument Suffix is not well formed", "IndexDocument", String(index.Suffix));
  if ((error && !error.Key) || rules?.length === 0) throw malformedXml();
  for (const rule of rules ?? []) {
    if (!rule.Redirect) throw malformedXml();
    const { ReplaceKeyWith: key, ReplaceKeyPrefixWith: prefix } = rule.Redirect;
    if (key !== undefined && prefix !== undefined)
      throw invalidRequest("You can only define ReplaceKeyPrefix or ReplaceKey but not both.");
    if (rule.Condition && Object.keys(rule.Condition).length === 0)
      throw invalidRequest(
        "Condition cannot be empty. To redirect all requests without a condition, the condition element shouldn't be present.",
      );
    checkProtocol(rule.Redirect.Protocol);
  }
  return website;
}

function checkProtocol(protocol: string | undefined): void {
  if (protocol === undefined || protocol === "http" || protocol === "https") return;
  throw invalidRequest(
    "Invalid protocol, protocol can be http or https. If not defined the protocol will be selected automatically.",
  );
}

/** The key that a visitor's path means: folders mean their index document. */
export function keyOfVisit(website: S3.WebsiteConfiguration, key: string): string {
  return key === "" || key.endsWith("/") ? key + (website.IndexDocument?.Suffix ?? "") : key;
}

/** Where a routing rule sends a visit of `key`; `status` is the error that the visit would answer, or none yet. */
export function redirectOf(
  website: S3.WebsiteConfiguration,
  key: string,
  visit: { scheme: string; host: string },
  status?: number,
): { status: number; location: string } | undefined {
  for (const { Condition: condition, Redirect: redirect } of website.RoutingRules ?? []) {
    const prefix = condition?.KeyPrefixEquals;
    const error = condition?.HttpErrorCodeReturnedEquals;
    if (prefix !== undefined && !key.startsWith(prefix)) continue;
    if (error === undefined ? status !== undefined : Number(error) !== status) continue;
    if (!redirect) continue;
    let target = key;
    if (redirect.ReplaceKeyWith !== undefined) target = redirect.ReplaceKeyWith;
    else if (redirect.ReplaceKeyPrefixWith !== undefined)
      target = redirect.ReplaceKeyPrefixWith + key.slice(prefix?.length ?? 0);
    const path = target.split("/").map(encodeURIComponent).join("/");
    return {
      status: Number(redirect.HttpRedirectCode ?? 301),
      location: `${redirect.Protocol ?? visit.scheme}://${redirect.HostName ?? visit.host}/${path}`,
    };
  }
  return undefined;
}
