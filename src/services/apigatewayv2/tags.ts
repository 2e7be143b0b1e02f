import type * as V2 from "@aws-sdk/client-apigatewayv2";
import type { Context } from "../../aws/context.ts";
import { countedTags } from "../../aws/resource-tags.ts";
import { operations } from "../../aws/service.ts";
import { noDomain, REST_APIS } from "./domain-model.ts";
import { badRequest, notFound, on } from "./model.ts";

type Tags = Readonly<Record<string, string>>;

interface Tagged {
  readonly tags?: Tags;
}

const MAX_TAGS = 50;

/** Whole ARNs alone, for policies name them so. */
const ARN =
  /^arn:aws:apigateway:([a-z0-9-]+)::\/(?:apis\/([a-z0-9]+)(?:\/stages\/([\w$.-]+))?|domainnames\/([\w*.-]+))$/;

/** Where the record that an ARN names is kept, and what is said where there is none. */
function taggedRecord(ctx: Context<any>, resourceArn: string | undefined) {
  const [, region, api, stage, domain] = ARN.exec(resourceArn ?? "") ?? [];
  if (region !== ctx.region) throw badRequest("Invalid ARN specified in the request");
  if (domain !== undefined) return { kind: "domain", id: domain, none: noDomain };
  if (api === undefined) throw badRequest("Invalid ARN specified in the request");
  if (stage !== undefined) return { kind: "stage", id: `${api}:${stage}`, none: () => notFound("stage", stage) };
  return { kind: "api", id: api, none: () => notFound("API", api) };
}

async function changeTags(ctx: Context<any>, arn: string | undefined, change: (tags: Tags) => Tags): Promise<void> {
  const { kind, id, none } = taggedRecord(ctx, arn);
  const changed = await ctx.records.update<Tagged>(kind, id, (r) => ({ ...r, tags: change(r.tags ?? {}) }));
  if (!changed) throw none();
}

const place = (i: any): string => `/tags/${encodeURIComponent(String(i.ResourceArn))}`;

export const tags = operations<typeof V2, any>()({
  TagResource: {
    permissions: on("POST", place),
    callers: REST_APIS,
    async run(ctx, input) {
      await changeTags(ctx, input.ResourceArn, (before) => {
        const tags = { ...before, ...input.Tags };
        if (countedTags(Object.keys(tags)) > MAX_TAGS) throw badRequest(`A resource has at most ${MAX_TAGS} tags`);
        return tags;
      });
      return {};
    },
  },
  UntagResource: {
    permissions: on("DELETE", place),
    callers: REST_APIS,
    async run(ctx, input) {
      await changeTags(ctx, input.ResourceArn, (before) =>
        Object.fromEntries(Object.entries(before).filter(([key]) => !input.TagKeys?.includes(key))),
      );
      return {};
    },
  },
  GetTags: {
    permissions: on("GET", place),
    callers: REST_APIS,
    async run(ctx, input) {
      const { kind, id, none } = taggedRecord(ctx, input.ResourceArn);
      const stored = await ctx.records.get<Tagged>(kind, id);
      if (!stored) throw none();
      return { Tags: { ...stored.value.tags } };
    },
  },
});
