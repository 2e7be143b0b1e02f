import type * as V2 from "@aws-sdk/client-apigatewayv2";
import type { Context } from "../../aws/context.ts";
import { isRestApiId } from "../../compute/edge/api-address.ts";
import { operations } from "../../aws/service.ts";
import { AwsError, codeOf } from "../../kernel/aws-error.ts";
import { domainOf, mappingRecord, mappingsOf, REST_APIS, type Mapping } from "./domain-model.ts";
import { apiOf, badRequest, conflict, newId, on, type HttpStage } from "./model.ts";
import { page } from "./page.ts";

const mappingView = ({ id, apiId, key, stage }: Mapping) => ({
  ApiId: apiId,
  ApiMappingId: id,
  ApiMappingKey: key,
  Stage: stage,
});

const MAX_KEY = 300;

/** The key as it is kept: empty, or parts of letters, digits and `$-_.+!*'()`. */
function checkedKey(key = ""): string {
  if (key.endsWith("/") && !key.startsWith("/")) throw badRequest("API mapping key should not end with a '/'.");
  if (key.startsWith("/") || key.includes("//"))
    throw badRequest("API mapping key should not start with a '/' or have consecutive '/'s.");
  if (key.length > MAX_KEY || !/^[\w$.+!*'()/-]*$/.test(key))
    throw badRequest("API mapping key may contain only letters, numbers and one of $-_.+!*'()");
  return key;
}

/** Refuses a stage that does not exist. REST APIs are another service's. */
async function checkStage(ctx: Context<any>, apiId: string, stage: string): Promise<void> {
  const none = (): AwsError =>
    badRequest(`Invalid stage identifier specified: ${stage}, API id: ${apiId}`.slice(0, 500));
  if (!isRestApiId(apiId)) {
    await apiOf(ctx, apiId);
    if (!(await ctx.records.get<HttpStage>("stage", `${apiId}:${stage}`))) throw none();
    return;
  }
  const service = ctx.asService();
  try {
    await service.call("apigateway", "GetRestApi", { restApiId: apiId });
  } catch (error) {
    if (codeOf(error) !== "NotFoundException") throw error;
    throw new AwsError("NotFoundException", `Invalid API identifier specified ${ctx.account}:${apiId}`, 404);
  }
  if (stage === "") return;
  try {
    await service.call("apigateway", "GetStage", { restApiId: apiId, stageName: stage });
  } catch (error) {
    throw codeOf(error) === "NotFoundException" ? none() : error;
  }
}

async function mappingOf(ctx: Context<any>, domain: string | undefined, id: string | undefined): Promise<Mapping> {
  const { name } = await domainOf(ctx, domain);
  const found = (await mappingsOf(ctx, name)).find((m) => m.id === id);
  if (!found)
    throw new AwsError("NotFoundException", "The resource specified in the request was not found.", 404, {
      ResourceType: "ApiMapping",
    });
  return found;
}

const all = (i: any): string => `/domainnames/${i.DomainName}/apimappings`;
const one = (i: any): string => `${all(i)}/${i.ApiMappingId}`;

export const mappings = operations<typeof V2, any>()({
  CreateApiMapping: {
    permissions: on("POST", all),
    callers: REST_APIS,
    async run(ctx, input) {
      const { name: domain } = await domainOf(ctx, input.DomainName);
      const key = checkedKey(input.ApiMappingKey);
      const mapping: Mapping = {
        id: newId(ctx, 6),
        domain,
        key,
        apiId: String(input.ApiId),
        stage: String(input.Stage),
      };
      await checkStage(ctx, mapping.apiId, mapping.stage);
      const there = ctx.once ? await ctx.records.get<Mapping>("mapping", mappingRecord(domain, key)) : undefined;
      if (there?.value.id === mapping.id) return mappingView(there.value);
      if (!(await ctx.records.create("mapping", mappingRecord(domain, key), mapping)))
        throw conflict("ApiMapping key already exists for this domain name");
      return mappingView(mapping);
    },
  },
  GetApiMapping: {
    permissions: on("GET", one),
    callers: REST_APIS,
    run: async (ctx, input) => mappingView(await mappingOf(ctx, input.DomainName, input.ApiMappingId)),
  },
  GetApiMappings: {
    permissions: on("GET", all),
    callers: REST_APIS,
    async run(ctx, input) {
      const { name } = await domainOf(ctx, input.DomainName);
      return page((await mappingsOf(ctx, name)).map(mappingView), input);
    },
  },
  UpdateApiMapping: {
    permissions: on("PATCH", one),
    callers: REST_APIS,
    async run(ctx, input) {
      const before = await mappingOf(ctx, input.DomainName, input.ApiMappingId);
      const next: Mapping = {
        ...before,
        key: input.ApiMappingKey === undefined ? before.key : checkedKey(input.ApiMappingKey),
        apiId: input.ApiId ?? before.apiId,
        stage: input.Stage ?? before.stage,
      };
      await checkStage(ctx, next.apiId, next.stage);
      const { domain } = before;
      if (next.key === before.key)
        await ctx.records.write(ctx.records.put("mapping", mappingRecord(domain, next.key), next));
      else {
        const gone = ctx.records.remove("mapping", mappingRecord(domain, before.key));
        if (!(await ctx.records.create("mapping", mappingRecord(domain, next.key), next, gone)))
          throw conflict("ApiMapping key already exists for this domain name");
      }
      return mappingView(next);
    },
  },
  DeleteApiMapping: {
    permissions: on("DELETE", one),
    callers: REST_APIS,
    async run(ctx, input) {
      const { domain, key } = await mappingOf(ctx, input.DomainName, input.ApiMappingId);
      await ctx.records.write(ctx.records.remove("mapping", mappingRecord(domain, key)));
      return {};
    },
  },
});
