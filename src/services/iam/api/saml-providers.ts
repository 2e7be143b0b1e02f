import { X509Certificate } from "node:crypto";
import type * as Iam from "@aws-sdk/client-iam";
import type { Context } from "../../../aws/context.ts";
import { parseXml, type XmlElement } from "../../../aws/protocol/xml-parser.ts";
import { operations, type Permission } from "../../../aws/service.ts";
import { arn } from "../../../kernel/arn.ts";
import { alreadyExists, invalidInput, limitExceeded, noSuchEntity, validation } from "../errors.ts";
import { SAML_PROVIDERS } from "../limits.ts";
import { tagList, tagRecord } from "../model.ts";
import { onAll, tagPage, tagsWith, tagsWithout } from "../store.ts";

/** Somebody whose SAML assertions roles may name. AssumeRoleWithSAML is not there yet. */
interface SamlProvider {
  readonly name: string;
  readonly id: string;
  readonly metadata: string;
  readonly created: number;
  readonly validUntil: number;
  readonly tags?: Readonly<Record<string, string>>;
}

const KIND = "saml-provider";
const VALID_YEARS = 100;
const MAX_ELEMENTS = 20_000;

const providerArn = (ctx: Context<any>, name: string): string => arn("iam", "", ctx.account, `saml-provider/${name}`);

const on =
  (action: string) =>
  (input: { SAMLProviderArn?: string | undefined }): Permission[] => [
    { action: `iam:${action}`, resource: String(input.SAMLProviderArn) },
  ];

function nameOf(ctx: Context<any>, given: string | undefined): string {
  const name = /^arn:[\w-]+:iam::\d*:saml-provider\/([\w._-]+)$/.exec(String(given))?.[1];
  if (!name || providerArn(ctx, name) !== given) throw validation(`Invalid ARN: ${given}`);
  return name;
}

const missing = (given: string | undefined) => noSuchEntity(`Manifest not found for arn ${given}`);

async function existing(ctx: Context<any>, given: string | undefined): Promise<SamlProvider> {
  const stored = await ctx.globalRecords.get<SamlProvider>(KIND, nameOf(ctx, given));
  if (!stored) throw missing(given);
  return stored.value;
}

async function change(
  ctx: Context<any>,
  given: string | undefined,
  how: (provider: SamlProvider) => SamlProvider,
): Promise<void> {
  if (!(await ctx.globalRecords.update<SamlProvider>(KIND, nameOf(ctx, given), how))) throw missing(given);
}

/** Elements of a name anywhere below, in the order of the document. */
function below(root: XmlElement, name: string): XmlElement[] {
  const found: XmlElement[] = [];
  const open = [root];
  for (let seen = 0; open.length > 0; seen++) {
    if (seen > MAX_ELEMENTS) throw invalidInput("The SAML metadata document has too many elements.");
    const element = open.pop()!;
    if (element.name === name) found.push(element);
    open.push(...element.children.toReversed());
  }
  return found;
}

/** Refuses what is not the metadata of an identity provider with a certificate to check its signatures by; answers until when it holds. */
function checkMetadata(document: string, now: number): number {
  const root = elementOf(document);
  const [descriptor] = root?.name === "EntityDescriptor" ? below(root, "IDPSSODescriptor") : [];
  if (!root?.attributes["entityID"] || !descriptor) throw invalidInput("Could not parse metadata");
  const certificates = below(descriptor, "X509Certificate").map((element) => element.text.replace(/\s/g, ""));
  if (certificates.length === 0 || !certificates.every(isCertificate))
    throw invalidInput("The SAML metadata document has no X.509 certificate, or one that cannot be read.");
  const until = Date.parse(root.attributes["validUntil"] ?? "");
  if (Number.isFinite(until)) return until;
  const date = new Date(now);
  return date.setUTCFullYear(date.getUTCFullYear() + VALID_YEARS);
}

function elementOf(document: string): XmlElement | undefined {
  try {
    return parseXml(document);
  } catch {
    return undefined;
  }
}

function isCertificate(base64: string): boolean {
  try {
    return new X509Certificate(Buffer.from(base64, "base64")).serialNumber !== "";
  } catch {
    return false;
  }
}

export const samlProviders = operations<typeof Iam, any>()({
  CreateSAMLProvider: {
    permissions: (input, ctx) => [{ action: "iam:CreateSAMLProvider", resource: providerArn(ctx, String(input.Name)) }],
    async run(ctx, input) {
      const [name, metadata] = [String(input.Name), String(input.SAMLMetadataDocument)];
      const validUntil = checkMetadata(metadata, ctx.now());
      if ((await ctx.globalRecords.count(KIND)) >= SAML_PROVIDERS)
        throw limitExceeded(`Cannot exceed quota for SAMLProvidersPerAccount: ${SAML_PROVIDERS}`);
      const id = ctx.platform.ids.uuid();
      const tags = input.Tags?.length ? { tags: tagRecord(input.Tags) } : {};
      const provider: SamlProvider = { name, id, metadata, created: ctx.now(), validUntil, ...tags };
      if (!(await ctx.globalRecords.create(KIND, name, provider)))
        throw alreadyExists(`SAMLProvider with name ${name} already exists.`);
      return {
        SAMLProviderArn: providerArn(ctx, name),
        ...(provider.tags ? { Tags: tagList(provider.tags) } : {}),
      };
    },
  },
  GetSAMLProvider: {
    permissions: on("GetSAMLProvider"),
    async run(ctx, input) {
      const provider = await existing(ctx, input.SAMLProviderArn);
      return {
        SAMLProviderUUID: provider.id,
        SAMLMetadataDocument: provider.metadata,
        CreateDate: new Date(provider.created),
        ValidUntil: new Date(provider.validUntil),
        Tags: tagList(provider.tags),
      };
    },
  },
  ListSAMLProviders: {
    permissions: onAll("ListSAMLProviders"),
    async run(ctx) {
      const stored = await ctx.globalRecords.list<SamlProvider>(KIND);
      return {
        SAMLProviderList: stored.map(({ value }) => ({
          Arn: providerArn(ctx, value.name),
          ValidUntil: new Date(value.validUntil),
          CreateDate: new Date(value.created),
        })),
      };
    },
  },
  UpdateSAMLProvider: {
    permissions: on("UpdateSAMLProvider"),
    async run(ctx, input) {
      const { SAMLMetadataDocument: metadata, SAMLProviderArn } = input;
      await existing(ctx, SAMLProviderArn);
      if (metadata !== undefined) {
        const validUntil = checkMetadata(metadata, ctx.now());
        await change(ctx, SAMLProviderArn, (provider) => ({ ...provider, metadata, validUntil }));
      }
      return { SAMLProviderArn };
    },
  },
  DeleteSAMLProvider: {
    permissions: on("DeleteSAMLProvider"),
    async run(ctx, input) {
      const { name } = await existing(ctx, input.SAMLProviderArn);
      await ctx.globalRecords.write(ctx.globalRecords.remove(KIND, name));
      return {};
    },
  },
  TagSAMLProvider: {
    permissions: on("TagSAMLProvider"),
    async run(ctx, input) {
      await change(ctx, input.SAMLProviderArn, (known) => ({ ...known, ...tagsWith(known.tags, input.Tags) }));
      return {};
    },
  },
  UntagSAMLProvider: {
    permissions: on("UntagSAMLProvider"),
    async run(ctx, input) {
      await change(ctx, input.SAMLProviderArn, (known) => ({ ...known, tags: tagsWithout(known.tags, input.TagKeys) }));
      return {};
    },
  },
  ListSAMLProviderTags: {
    permissions: on("ListSAMLProviderTags"),
    run: async (ctx, input) => tagPage((await existing(ctx, input.SAMLProviderArn)).tags, input),
  },
});
