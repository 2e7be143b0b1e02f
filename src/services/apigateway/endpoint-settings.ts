import type { PatchOperation } from "@aws-sdk/client-api-gateway";
import { badRequest, missing, type RestApi } from "./model.ts";

const ENDPOINT_TYPES = ["REGIONAL", "EDGE", "PRIVATE"];

/** How an API may be reached. */
type EndpointSettings = Pick<RestApi, "endpointTypes" | "ipAddressType" | "disableExecuteApiEndpoint">;

/** What a caller says of a new API's endpoint. */
interface Wanted {
  readonly endpointConfiguration?:
    | { readonly types?: readonly string[] | undefined; readonly ipAddressType?: string | undefined }
    | undefined;
  readonly disableExecuteApiEndpoint?: boolean | undefined;
}

/** The endpoint of a new API, refused in API Gateway's words. */
export function endpointSettings(wanted: Wanted): EndpointSettings {
  const { types, ipAddressType } = wanted.endpointConfiguration ?? {};
  const endpointTypes = types ?? ["EDGE"];
  if (endpointTypes.length === 0)
    throw badRequest("REGIONAL Configuration and EDGE Configuration cannot be both DISABLED.");
  if (endpointTypes.length > 1) throw badRequest("Cannot create an api with multiple Endpoint Types.");
  const isPrivate = endpointTypes[0] === "PRIVATE";
  if (isPrivate && ipAddressType === "ipv4")
    throw badRequest("Only dualstack ipAddressType is supported for Private APIs.");
  const chosen = ipAddressType ?? (isPrivate ? "dualstack" : undefined);
  return {
    endpointTypes,
    ...(chosen === undefined ? {} : { ipAddressType: chosen }),
    ...(wanted.disableExecuteApiEndpoint ? { disableExecuteApiEndpoint: true } : {}),
  };
}

/** What of the patches changes the endpoint; and those that do not. */
export function patchedEndpoint(
  api: RestApi,
  patches: readonly PatchOperation[] = [],
): { api: RestApi; others: PatchOperation[] } {
  let next = api;
  const others: PatchOperation[] = [];
  for (const patch of patches) {
    const { op, path = "", value } = patch;
    if (path === "/disableExecuteApiEndpoint")
      next = { ...next, disableExecuteApiEndpoint: op !== "remove" && value === "true" };
    else if (path === "/endpointConfiguration/ipAddressType")
      next = { ...next, ipAddressType: addressType(next, op, value) };
    else if (path.startsWith("/endpointConfiguration/types")) {
      const type = endpointType(op, value);
      next = { ...next, endpointTypes: [type], ...(type === "PRIVATE" ? { ipAddressType: "dualstack" } : {}) };
    } else if (path.startsWith("/endpointConfiguration/vpcEndpointIds")) throw missing("VPC endpoints of REST APIs");
    else if (path === "/minimumCompressionSize" && op !== "replace")
      throw badRequest("Invalid patch operation specified. Must be one of: [replace]");
    else if (path === "/binaryMediaTypes") throw badRequest("Invalid patch path /binaryMediaTypes");
    else others.push(patch);
  }
  return { api: next, others };
}

function addressType(api: RestApi, op: string | undefined, value: string | undefined): string {
  if (op !== "replace") throw badRequest("Invalid patch operation specified. Must be one of: [replace]");
  if (value !== "ipv4" && value !== "dualstack") throw badRequest("ipAddressType must be either ipv4 or dualstack.");
  if (value === "ipv4" && api.endpointTypes.includes("PRIVATE"))
    throw badRequest("Only dualstack ipAddressType is supported for Private APIs.");
  return value;
}

function endpointType(op: string | undefined, value: string | undefined): string {
  // AWS names `remove` among what may be asked, and refuses it all the same.
  if (op !== "add" && op !== "replace")
    throw badRequest("Invalid patch operation specified. Must be 'add'|'remove'|'replace'");
  if (value === undefined || !ENDPOINT_TYPES.includes(value))
    throw badRequest("Invalid EndpointTypes specified. Valid options are REGIONAL,EDGE,PRIVATE");
  return value;
}
