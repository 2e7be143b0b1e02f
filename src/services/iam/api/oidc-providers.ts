import type * as Iam from "@aws-sdk/client-iam";
import type { Context } from "../../../aws/context.ts";
import { operations, type Permission } from "../../../aws/service.ts";
import { arn } from "../../../kernel/arn.ts";
import { alreadyExists, invalidInput, limitExceeded, noSuchEntity, validation } from "../errors.ts";
import { tagList, tagRecord } from "../model.ts";
import { onAll, tagPage, tagsWith, tagsWithout } from "../store.ts";

/** Somebody whose tokens roles may trust: by its URL without the scheme. */
export interface OidcProvider {
  readonly url: string;
  readonly clients: readonly string[];
  readonly thumbprints: readonly string[];
  readonly created: number;
  readonly tags?: Readonly<Record<string, string>>;
}

const MAX_PROVIDERS = 100;
const MAX_CLIENTS = 100;
const MAX_THUMBPRINTS = 5;

const providerArn = (ctx: Context<any>, url: string): string => arn("iam", "", ctx.account, `oidc-provider/${url}`);

const on =
  (action: string) =>
  (input: { OpenIDConnectProviderArn?: string | undefined }): Permission[] => [
    { action: `iam:${action}`, resource: String(input.OpenIDConnectProviderArn) },
  ];

const urlOf = (ctx: Context<any>, given: string | undefined): string => {
  const url = /^arn:[\w-]+:iam::\d*:oidc-provider\/(.+)$/.exec(String(given))?.[1];
  if (!url || providerArn(ctx, url) !== given) throw validation(`Invalid ARN: ${given}`);
  return url;
};

const missing = (ctx: Context<any>, url: string) =>
  noSuchEntity(`OpenIDConnect Provider not found for arn ${providerArn(ctx, url)}`);

async function existing(ctx: Context<any>, given: string | undefined): Promise<OidcProvider> {
  const url = urlOf(ctx, given);
  const stored = await ctx.globalRecords.get<OidcProvider>("oidc-provider", url);
  if (!stored) throw missing(ctx, url);
  return stored.value;
}

async function change(
  ctx: Context<any>,
  given: string | undefined,
  make: (provider: OidcProvider) => OidcProvider,
): Promise<object> {
  const url = urlOf(ctx, given);
  if (!(await ctx.globalRecords.update<OidcProvider>("oidc-provider", url, make))) throw missing(ctx, url);
  return {};
}

function checkClients(clients: readonly string[]): readonly string[] {
  if (clients.length > MAX_CLIENTS)
    throw limitExceeded(`Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: ${MAX_CLIENTS}`);
  return clients;
}

function checkThumbprints(thumbprints: readonly string[]): readonly string[] {
  if (thumbprints.length > MAX_THUMBPRINTS) throw invalidInput("Thumbprint list must contain fewer than 5 entries.");
  return thumbprints;
}

export const oidcProviders = operations<typeof Iam, any>()({
  CreateOpenIDConnectProvider: {
    permissions: (input, ctx) => [
      {
        action: "iam:CreateOpenIDConnectProvider",
        resource: providerArn(ctx, String(input.Url).replace(/^https?:\/\//, "")),
      },
    ],
    async run(ctx, input) {
      const given = String(input.Url);
      // A provider on this machine, for tests and the platform's own, may do without TLS.
      const isLocal = /^http:\/\/(localhost|127\.0\.0\.1|[\w.-]+\.localhost)(:\d+)?(\/|$)/.test(given);
      if (!URL.canParse(given) || !(given.startsWith("https://") || isLocal))
        throw validation("Invalid Open ID Connect Provider URL");
      const { search, hash } = new URL(given);
      if (search || hash) throw validation("Invalid Open ID Connect Provider URL");
      const url = given.replace(/^https?:\/\//, "").replace(/\/$/, "");
      if ((await ctx.globalRecords.count("oidc-provider")) >= MAX_PROVIDERS)
        throw limitExceeded(`Cannot exceed quota for OpenIdConnectProvidersPerAccount: ${MAX_PROVIDERS}`);
      const provider: OidcProvider = {
        url,
        clients: checkClients(input.ClientIDList ?? []),
        thumbprints: checkThumbprints(input.ThumbprintList ?? []),
        created: ctx.now(),
        ...(input.Tags?.length ? { tags: tagRecord(input.Tags) } : {}),
      };
      if (!(await ctx.globalRecords.create("oidc-provider", url, provider)))
        throw alreadyExists(`Provider with url https://${url} already exists.`);
      return {
        OpenIDConnectProviderArn: providerArn(ctx, url),
        ...(provider.tags ? { Tags: tagList(provider.tags) } : {}),
      };
    },
  },
  GetOpenIDConnectProvider: {
    permissions: on("GetOpenIDConnectProvider"),
    callers: ["sts.amazonaws.com"],
    async run(ctx, input) {
      const provider = await existing(ctx, input.OpenIDConnectProviderArn);
      return {
        Url: provider.url,
        ClientIDList: [...provider.clients],
        ThumbprintList: [...provider.thumbprints],
        CreateDate: new Date(provider.created),
        ...(provider.tags ? { Tags: tagList(provider.tags) } : {}),
      };
    },
  },
  ListOpenIDConnectProviders: {
    permissions: onAll("ListOpenIDConnectProviders"),
    async run(ctx) {
      const stored = await ctx.globalRecords.list<OidcProvider>("oidc-provider");
      return { OpenIDConnectProviderList: stored.map((s) => ({ Arn: providerArn(ctx, s.value.url) })) };
    },
  },
  DeleteOpenIDConnectProvider: {
    permissions: on("DeleteOpenIDConnectProvider"),
    async run(ctx, input) {
      const { url } = await existing(ctx, input.OpenIDConnectProviderArn);
      await ctx.globalRecords.write(ctx.globalRecords.remove("oidc-provider", url));
      return {};
    },
  },
  AddClientIDToOpenIDConnectProvider: {
    permissions: on("AddClientIDToOpenIDConnectProvider"),
    run: (ctx, input) =>
      change(ctx, input.OpenIDConnectProviderArn, (provider) => ({
        ...provider,
        clients: checkClients([...new Set([...provider.clients, String(input.ClientID)])]),
      })),
  },
  RemoveClientIDFromOpenIDConnectProvider: {
    permissions: on("RemoveClientIDFromOpenIDConnectProvider"),
    run: (ctx, input) =>
      change(ctx, input.OpenIDConnectProviderArn, (provider) => ({
        ...provider,
        clients: provider.clients.filter((client) => client !== input.ClientID),
      })),
  },
  UpdateOpenIDConnectProviderThumbprint: {
    permissions: on("UpdateOpenIDConnectProviderThumbprint"),
    run: (ctx, input) =>
      change(ctx, input.OpenIDConnectProviderArn, (provider) => ({
        ...provider,
        thumbprints: checkThumbprints(input.ThumbprintList ?? []),
      })),
  },
  TagOpenIDConnectProvider: {
    permissions: on("TagOpenIDConnectProvider"),
    run: (ctx, input) =>
      change(ctx, input.OpenIDConnectProviderArn, (p) => ({ ...p, ...tagsWith(p.tags, input.Tags) })),
  },
  UntagOpenIDConnectProvider: {
    permissions: on("UntagOpenIDConnectProvider"),
    run: (ctx, input) =>
      change(ctx, input.OpenIDConnectProviderArn, (p) => ({
        ...p,
        tags: tagsWithout(p.tags, input.TagKeys),
      })),
  },
  ListOpenIDConnectProviderTags: {
    permissions: on("ListOpenIDConnectProviderTags"),
    run: async (ctx, input) => tagPage((await existing(ctx, input.OpenIDConnectProviderArn)).tags, input),
  },
});
