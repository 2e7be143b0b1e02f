import type * as Gateway from "@aws-sdk/client-api-gateway";
import type { Context } from "../../../aws/context.ts";
import { operations } from "../../../aws/service.ts";
import { ofDomain } from "./domains.ts";
import { apiOf, badRequest, conflict, noApi, notFound, on, type Stage } from "../model.ts";
import { checkedNewCanary, newStage, stageId, stageOf, stageView } from "../stage-model.ts";
import { patchedStage } from "../stage-patches.ts";

const onStage = (verb: "GET" | "PATCH" | "DELETE") => on(verb, (i) => `/restapis/${i.restApiId}/stages/${i.stageName}`);

export const stages = operations<typeof Gateway, any>()({
  CreateStage: {
    permissions: on("POST", (i) => `/restapis/${i.restApiId}/stages`),
    async run(ctx, input) {
      await apiOf(ctx, input.restApiId);
      if (!(await ctx.records.get("deployment", `${input.restApiId}:${input.deploymentId}`)))
        throw badRequest("Deployment id does not exist");
      const canary = await checkedNewCanary(ctx, input.restApiId, input.canarySettings);
      const stage = newStage(ctx, String(input.stageName), String(input.deploymentId), { ...input, canary });
      if (!(await ctx.records.create("stage", stageId(input.restApiId, stage.name), stage)))
        throw conflict("Stage already exists");
      return stageView(stage);
    },
  },
  GetStage: {
    permissions: onStage("GET"),
    callers: ["apigateway.amazonaws.com"],
    run: async (ctx, input) => stageView(await stageOf(ctx, input.restApiId, input.stageName)),
  },
  GetStages: {
    permissions: on("GET", (i) => `/restapis/${i.restApiId}/stages`),
    async run(ctx, input) {
      await apiOf(ctx, input.restApiId);
      const all = (await ctx.records.list<Stage>("stage", { prefix: `${input.restApiId}:` })).map((s) => s.value);
      return { item: all.filter((s) => !input.deploymentId || s.deploymentId === input.deploymentId).map(stageView) };
    },
  },
  UpdateStage: {
    permissions: onStage("PATCH"),
    async run(ctx, input) {
      const before = await stageOf(ctx, input.restApiId, input.stageName);
      const wanted = patchedStage(before, input.patchOperations);
      const known = [before.deploymentId, before.canary?.deploymentId];
      for (const id of [wanted.deploymentId, wanted.canary?.deploymentId])
        if (
          id !== undefined &&
          !known.includes(id) &&
          !(await ctx.records.get("deployment", `${input.restApiId}:${id}`))
        )
          throw badRequest("Deployment id does not exist");
      const stage = await ctx.records.update<Stage>("stage", stageId(input.restApiId, input.stageName), (now) => ({
        ...patchedStage(now, input.patchOperations),
        updated: ctx.now(),
      }));
      return stageView(stage ?? wanted);
    },
  },
  DeleteStage: {
    permissions: onStage("DELETE"),
    async run(ctx, input) {
      await stageOf(ctx, input.restApiId, input.stageName);
      await ctx.records.write(ctx.records.remove("stage", stageId(input.restApiId, input.stageName)));
      return {};
    },
  },
  GetTags: {
    permissions: on("GET", (i) => `/tags/${encodeURIComponent(String(i.resourceArn))}`),
    async run(ctx, input) {
      if (DOMAIN.test(input.resourceArn ?? "")) {
        const { Tags } = await ofDomain(
          ctx.asService().call("apigatewayv2", "GetTags", { ResourceArn: input.resourceArn }),
        );
        return { tags: { ...Tags } };
      }
      const { kind, id } = taggedRecord(ctx, input.resourceArn);
      const stored = await ctx.records.get<Tagged>(kind, id);
      if (!stored) throw missingResource(ctx, kind, id);
      return { tags: { ...stored.value.tags } };
    },
  },
  TagResource: {
    permissions: on("PUT", (i) => `/tags/${encodeURIComponent(String(i.resourceArn))}`),
    async run(ctx, input) {
      if (DOMAIN.test(input.resourceArn ?? "")) {
        const given = { ResourceArn: input.resourceArn, Tags: input.tags };
        await ofDomain(ctx.asService().call("apigatewayv2", "TagResource", given, again(ctx)));
        return {};
      }
      await changeTags(ctx, input.resourceArn, (tags) => ({ ...tags, ...input.tags }));
      return {};
    },
  },
  UntagResource: {
    permissions: on("DELETE", (i) => `/tags/${encodeURIComponent(String(i.resourceArn))}`),
    async run(ctx, input) {
      if (DOMAIN.test(input.resourceArn ?? "")) {
        const given = { ResourceArn: input.resourceArn, TagKeys: input.tagKeys };
        await ofDomain(ctx.asService().call("apigatewayv2", "UntagResource", given, again(ctx)));
        return {};
      }
      await changeTags(ctx, input.resourceArn, (tags) =>
        Object.fromEntries(Object.entries(tags).filter(([key]) => !input.tagKeys?.includes(key))),
      );
      return {};
    },
  },
});

/** A step of a stack stays one in the service that keeps domain names. */
const again = ({ once }: Context<any>): { once?: string } => (once === undefined ? {} : { once });

const DOMAIN = /\/domainnames\/[^/]+$/;
/** Whole ARNs alone, for policies name them so. */
const ARN = /^arn:aws:apigateway:([a-z0-9-]+)::\/(restapis|apikeys|usageplans)\/([a-z0-9]+)(?:\/stages\/([\w-]+))?$/;

/** Where the record that an ARN names is kept. */
function taggedRecord(ctx: Context<any>, resourceArn: string | undefined): { kind: string; id: string } {
  const [, region, kind, id, stage] = ARN.exec(resourceArn ?? "") ?? [];
  if (region !== ctx.region || kind === undefined || id === undefined)
    throw badRequest("Invalid ARN specified in the request");
  if (kind === "restapis") return stage ? { kind: "stage", id: stageId(id, stage) } : { kind: "api", id };
  return { kind: kind === "apikeys" ? "key" : "plan", id };
}

interface Tagged {
  readonly tags?: Readonly<Record<string, string>>;
}

async function changeTags(
  ctx: Context<any>,
  resourceArn: string | undefined,
  change: (tags: Readonly<Record<string, string>>) => Record<string, string>,
): Promise<void> {
  const { kind, id } = taggedRecord(ctx, resourceArn);
  const changed = await ctx.records.update<Tagged>(kind, id, (of) => ({ ...of, tags: change(of.tags ?? {}) }));
  if (!changed) throw missingResource(ctx, kind, id);
}

const missingResource = (ctx: Context<any>, kind: string, id: string): Error =>
  kind === "api" ? noApi(ctx, id) : notFound("Invalid stage identifier specified");
