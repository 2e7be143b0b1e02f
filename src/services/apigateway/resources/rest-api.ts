import { policyText } from "../../../aws/policy-text.ts";
import { tagMap } from "../../../aws/resource-tags.ts";
import type { Properties, ResourceContext, ResourceType } from "../../../aws/service.ts";
import { apiDefinition } from "../../../compute/edge/api-definition.ts";
import { ignoring } from "../../../kernel/aws-error.ts";
import { retag, type Patch } from "./patches.ts";

const ignoreGone = ignoring("NotFoundException");

async function putDefinition(ctx: ResourceContext, restApiId: string, properties: Properties): Promise<void> {
  const body = await apiDefinition(ctx, properties);
  if (body)
    await ctx.call("apigateway", "PutRestApi", {
      restApiId,
      body,
      mode: properties["Mode"] ?? "overwrite",
      parameters: properties["Parameters"],
      failOnWarnings: properties["FailOnWarnings"] ?? false,
    });
}

/** A text that the template has, or has no longer. */
function replaced(path: string, next: unknown, previous: unknown): Patch[] {
  if (next !== undefined) return [{ op: "replace", path, value: String(next) }];
  return previous === undefined ? [] : [{ op: "remove", path }];
}

/** The definition may have overwritten them, so all are said again. */
function mediaTypes(next: readonly string[], previous: readonly string[]): Patch[] {
  const path = (type: string): string => `/binaryMediaTypes/${type.replaceAll("~", "~0").replaceAll("/", "~1")}`;
  return [
    ...previous.filter((type) => !next.includes(type)).map((type): Patch => ({ op: "remove", path: path(type) })),
    ...next.map((type): Patch => ({ op: "add", path: path(type) })),
  ];
}

/** AWS::ApiGateway::RestApi. */
export const restApi: ResourceType = {
  type: "AWS::ApiGateway::RestApi",
  refuses: {
    CloneFrom: [],
    "EndpointConfiguration.VpcEndpointIds": [],
    EndpointAccessMode: ["BASIC"],
    "EndpointConfiguration.IpAddressType": ["ipv4"],
    SecurityPolicy: ["TLS_1_0", "TLS_1_2"],
  },
  async create(ctx, properties) {
    const {
      Name,
      Description,
      BinaryMediaTypes,
      EndpointConfiguration,
      Policy,
      ApiKeySourceType,
      MinimumCompressionSize,
    } = properties;
    const input = {
      name: String(Name ?? ctx.logicalId),
      description: Description,
      binaryMediaTypes: BinaryMediaTypes,
      endpointConfiguration: EndpointConfiguration?.Types ? { types: EndpointConfiguration.Types } : undefined,
      policy: policyOf(Policy),
      apiKeySource: ApiKeySourceType,
      minimumCompressionSize: MinimumCompressionSize,
      version: properties["Version"],
      disableExecuteApiEndpoint: String(properties["DisableExecuteApiEndpoint"] ?? "false") === "true",
    };
    const made = await ctx.withStackTags(properties["Tags"], (tags) =>
      ctx.call("apigateway", "CreateRestApi", { ...input, ...(tags.length ? { tags: tagMap(tags) } : {}) }),
    );
    const id = String(made.id);
    try {
      await putDefinition(ctx, id, properties);
      if (Name !== undefined && (properties["Body"] || properties["BodyS3Location"]))
        await rename(ctx, id, String(Name));
    } catch (error) {
      await ctx.call("apigateway", "DeleteRestApi", { restApiId: id }).catch(ignoreGone);
      throw error;
    }
    return id;
  },
  async update(ctx, id, next, previous) {
    await putDefinition(ctx, id, next);
    if (next["Name"] !== undefined) await rename(ctx, id, String(next["Name"]));
    const [type, before] = [endpointType(next), endpointType(previous)];
    const compression = (properties: Properties): string => String(properties["MinimumCompressionSize"] ?? "");
    const patches: Patch[] = [
      ...(type === before ? [] : replaced(`/endpointConfiguration/types/${before}`, type, before)),
      ...(compression(next) === compression(previous)
        ? []
        : replaced("/minimumCompressionSize", compression(next), undefined)),
      ...replaced(
        "/disableExecuteApiEndpoint",
        next["DisableExecuteApiEndpoint"],
        previous["DisableExecuteApiEndpoint"],
      ),
      ...replaced("/apiKeySource", next["ApiKeySourceType"] ?? "HEADER", undefined),
      ...replaced("/description", next["Description"], previous["Description"]),
      ...replaced("/policy", policyOf(next["Policy"]), previous["Policy"]),
      ...mediaTypes(next["BinaryMediaTypes"] ?? [], previous["BinaryMediaTypes"] ?? []),
    ];
    if (patches.length) await ctx.call("apigateway", "UpdateRestApi", { restApiId: id, patchOperations: patches });
    await retag(ctx, `restapis/${id}`, next["Tags"], previous["Tags"]);
  },
  async remove(ctx, id) {
    await ctx.call("apigateway", "DeleteRestApi", { restApiId: id }).catch(ignoreGone);
  },
  async attributes(ctx, id) {
    return {
      RootResourceId: (await ctx.call("apigateway", "GetRestApi", { restApiId: id })).rootResourceId,
      RestApiId: id,
    };
  },
};

const endpointType = (properties: Properties): string =>
  String((properties["EndpointConfiguration"] as { Types?: string[] } | undefined)?.Types?.[0] ?? "EDGE");

async function rename(ctx: ResourceContext, restApiId: string, name: string): Promise<void> {
  await ctx.call("apigateway", "UpdateRestApi", {
    restApiId,
    patchOperations: [{ op: "replace", path: "/name", value: name }],
  });
}

/** Templates write a policy as an object or as text; some tools write an empty text for none. */
const policyOf = (policy: unknown): string | undefined => (policy === undefined ? undefined : policyText(policy));
