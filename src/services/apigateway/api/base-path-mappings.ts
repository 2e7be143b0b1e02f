import type * as Gateway from "@aws-sdk/client-api-gateway";
import type { ApiMapping } from "@aws-sdk/client-apigatewayv2";
import type { Context } from "../../../aws/context.ts";
import { operations } from "../../../aws/service.ts";
import { codeOf } from "../../../kernel/aws-error.ts";
import { badRequest, conflict, given, notFound, on, type RestApi, type Stage } from "../model.ts";
import { patched } from "../patch.ts";
import { page } from "./apis.ts";
import { allPages, domainOf, keeper, ofDomain } from "./domains.ts";

/** How the whole of a domain name is written where a base path is asked for. */
const NONE = "(none)";

const keyOf = (basePath: string | undefined): string => (!basePath || basePath === NONE ? "" : basePath);

const mappingView = ({ ApiMappingKey, ApiId, Stage: stage }: ApiMapping): Gateway.BasePathMapping =>
  given({ basePath: ApiMappingKey || NONE, restApiId: ApiId, stage: stage || undefined });

async function checkTarget(ctx: Context<any>, apiId: string | undefined, stage: string | undefined): Promise<void> {
  if (!(await ctx.records.get<RestApi>("api", String(apiId))))
    throw badRequest("Invalid REST API identifier specified");
  if (stage && !(await ctx.records.get<Stage>("stage", `${apiId}:${stage}`)))
    throw badRequest("Invalid stage identifier specified");
}

function checkBasePath(basePath: string | undefined): void {
  if (basePath?.includes("/"))
    throw badRequest(
      "API Gateway V1 doesn't support the slash character (/) in base path mappings. To create a multi-level base path mapping, use API Gateway V2.",
    );
}

async function mappingsOf(ctx: Context<any>, DomainName: string | undefined): Promise<ApiMapping[]> {
  const found = await ofDomain(
    allPages((page) => keeper(ctx).call("apigatewayv2", "GetApiMappings", { DomainName, ...page })),
  );
  return found as ApiMapping[];
}

async function mappingOf(ctx: Context<any>, domain: string | undefined, basePath: string | undefined) {
  const found = (await mappingsOf(ctx, domain)).find((m) => m.ApiMappingKey === keyOf(basePath));
  if (!found) throw notFound("Invalid base path mapping identifier specified");
  return found;
}

/** Runs what may find the base path taken. */
async function unlessTaken<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw codeOf(error) === "ConflictException" ? conflict("Base path already exists for this domain name") : error;
  }
}

const all = (i: any): string => `/domainnames/${i.domainName}/basepathmappings`;
const one = (i: any): string => `${all(i)}/${i.basePath}`;

export const basePathMappings = operations<typeof Gateway, any>()({
  CreateBasePathMapping: {
    permissions: on("POST", all),
    async run(ctx, input) {
      await domainOf(ctx, input.domainName);
      checkBasePath(input.basePath);
      await checkTarget(ctx, input.restApiId, input.stage);
      const made = keeper(ctx).call("apigatewayv2", "CreateApiMapping", {
        DomainName: input.domainName,
        ApiMappingKey: keyOf(input.basePath),
        ApiId: input.restApiId,
        Stage: input.stage ?? "",
      });
      return mappingView((await unlessTaken(made)) as ApiMapping);
    },
  },
  GetBasePathMapping: {
    permissions: on("GET", one),
    run: async (ctx, input) => mappingView(await mappingOf(ctx, input.domainName, input.basePath)),
  },
  GetBasePathMappings: {
    permissions: on("GET", all),
    async run(ctx, input) {
      const { items, ...rest } = page(await mappingsOf(ctx, input.domainName), input);
      return { items: items.map(mappingView), ...rest };
    },
  },
  UpdateBasePathMapping: {
    permissions: on("PATCH", one),
    async run(ctx, input) {
      const before = await mappingOf(ctx, input.domainName, input.basePath);
      const { basePath, restApiId, stage } = mappingView(before);
      const old = { basePath, restapiId: restApiId, stage };
      const next = patched(old, input.patchOperations, ["basePath", "restapiId", "stage"]);
      checkBasePath(next.basePath);
      await checkTarget(ctx, next.restapiId, next.stage);
      const changed = keeper(ctx).call("apigatewayv2", "UpdateApiMapping", {
        DomainName: input.domainName,
        ApiMappingId: before.ApiMappingId,
        ApiMappingKey: keyOf(next.basePath),
        ApiId: next.restapiId,
        Stage: next.stage ?? "",
      });
      return mappingView((await unlessTaken(changed)) as ApiMapping);
    },
  },
  DeleteBasePathMapping: {
    permissions: on("DELETE", one),
    async run(ctx, input) {
      const { ApiMappingId } = await mappingOf(ctx, input.domainName, input.basePath);
      await keeper(ctx).call("apigatewayv2", "DeleteApiMapping", { DomainName: input.domainName, ApiMappingId });
      return {};
    },
  },
});
