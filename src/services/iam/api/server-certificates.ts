import type * as Iam from "@aws-sdk/client-iam";
import type { Context } from "../../../aws/context.ts";
import { operations, type Permission } from "../../../aws/service.ts";
import { arn } from "../../../kernel/arn.ts";
import type { AwsError } from "../../../kernel/aws-error.ts";
import { UPPER_ALPHANUMERIC } from "../../../kernel/ids.ts";
import { certificateOf, checkChain, checkPrivateKey } from "../certificates.ts";
import { alreadyExists, limitExceeded, noSuchEntity } from "../errors.ts";
import { SERVER_CERTIFICATES } from "../limits.ts";
import { nameKey, tagList } from "../model.ts";
import { byPath, onAll, page, tagPage, tagsWith, tagsWithout } from "../store.ts";

/** A certificate for TLS. Its key is checked and not kept: nothing here serves with it. */
interface ServerCertificate {
  readonly name: string;
  readonly id: string;
  readonly path: string;
  readonly body: string;
  readonly chain?: string;
  readonly uploaded: number;
  readonly expires: number;
  readonly tags?: Readonly<Record<string, string>>;
}

const KIND = "server-certificate";

const certificateArn = (ctx: Context<any>, { path, name }: { path: string; name: string }): string =>
  arn("iam", "", ctx.account, `server-certificate${path}${name}`);

const on =
  (action: string) =>
  async (input: any, ctx: Context<any>): Promise<Permission[]> => {
    const name = String(input.ServerCertificateName);
    const where = (await found(ctx, name)) ?? { path: String(input.Path ?? "/"), name };
    return [{ action: `iam:${action}`, resource: certificateArn(ctx, where) }];
  };

const missing = (name: string | undefined): AwsError =>
  noSuchEntity(`The Server Certificate with name ${name} cannot be found.`);
const taken = (name: string): AwsError => alreadyExists(`The Server Certificate with name ${name} already exists.`);

const found = async (ctx: Context<any>, name: string | undefined): Promise<ServerCertificate | undefined> =>
  (await ctx.globalRecords.get<ServerCertificate>(KIND, nameKey(String(name))))?.value;

async function existing(ctx: Context<any>, name: string | undefined): Promise<ServerCertificate> {
  const certificate = await found(ctx, name);
  if (!certificate) throw missing(name);
  return certificate;
}

async function change(
  ctx: Context<any>,
  name: string | undefined,
  how: (certificate: ServerCertificate) => ServerCertificate,
): Promise<object> {
  if (!(await ctx.globalRecords.update<ServerCertificate>(KIND, nameKey(String(name)), how))) throw missing(name);
  return {};
}

const metadata = (ctx: Context<any>, certificate: ServerCertificate): Iam.ServerCertificateMetadata => ({
  Path: certificate.path,
  ServerCertificateName: certificate.name,
  ServerCertificateId: certificate.id,
  Arn: certificateArn(ctx, certificate),
  UploadDate: new Date(certificate.uploaded),
  Expiration: new Date(certificate.expires),
});

export const serverCertificates = operations<typeof Iam, any>()({
  UploadServerCertificate: {
    permissions: on("UploadServerCertificate"),
    async run(ctx, input) {
      const name = String(input.ServerCertificateName);
      const body = String(input.CertificateBody).trim();
      const certificate = certificateOf(body);
      checkPrivateKey(certificate, String(input.PrivateKey));
      if (input.CertificateChain !== undefined) checkChain(certificate, input.CertificateChain);
      if ((await ctx.globalRecords.count(KIND)) >= SERVER_CERTIFICATES)
        throw limitExceeded(`Cannot exceed quota for ServerCertificatesPerAccount: ${SERVER_CERTIFICATES}`);
      const stored: ServerCertificate = {
        name,
        id: `ASCA${ctx.ids.text(17, UPPER_ALPHANUMERIC)}`,
        path: input.Path ?? "/",
        body,
        uploaded: ctx.now(),
        expires: Date.parse(certificate.validTo),
        ...(input.CertificateChain === undefined ? {} : { chain: input.CertificateChain.trim() }),
        ...tagsWith(undefined, input.Tags),
      };
      if (!(await ctx.globalRecords.create(KIND, nameKey(name), stored))) throw taken(name);
      return {
        ServerCertificateMetadata: metadata(ctx, stored),
        ...(stored.tags ? { Tags: tagList(stored.tags) } : {}),
      };
    },
  },
  GetServerCertificate: {
    permissions: on("GetServerCertificate"),
    async run(ctx, input) {
      const certificate = await existing(ctx, input.ServerCertificateName);
      return {
        ServerCertificate: {
          ServerCertificateMetadata: metadata(ctx, certificate),
          CertificateBody: certificate.body,
          ...(certificate.chain === undefined ? {} : { CertificateChain: certificate.chain }),
          Tags: tagList(certificate.tags),
        },
      };
    },
  },
  ListServerCertificates: {
    permissions: onAll("ListServerCertificates"),
    async run(ctx, input) {
      const all = (await ctx.globalRecords.list<ServerCertificate>(KIND)).map((stored) => stored.value);
      const { items, ...rest } = page(byPath(all, input), input);
      return { ServerCertificateMetadataList: items.map((certificate) => metadata(ctx, certificate)), ...rest };
    },
  },
  UpdateServerCertificate: {
    // On what it is, and on what it becomes.
    async permissions(input, ctx) {
      const [before] = await on("UpdateServerCertificate")(input, ctx);
      const { path, name } = (await found(ctx, input.ServerCertificateName)) ?? { path: "/", name: "" };
      const next = { path: input.NewPath ?? path, name: input.NewServerCertificateName ?? name };
      return [before!, { action: "iam:UpdateServerCertificate", resource: certificateArn(ctx, next) }];
    },
    async run(ctx, input) {
      const certificate = await existing(ctx, input.ServerCertificateName);
      const name = input.NewServerCertificateName ?? certificate.name;
      const next = { ...certificate, name, path: input.NewPath ?? certificate.path };
      const [from, to] = [nameKey(certificate.name), nameKey(name)];
      if (from === to) return change(ctx, certificate.name, (known) => ({ ...known, name, path: next.path }));
      if (!(await ctx.globalRecords.create(KIND, to, next, ctx.globalRecords.remove(KIND, from)))) throw taken(name);
      return {};
    },
  },
  DeleteServerCertificate: {
    permissions: on("DeleteServerCertificate"),
    async run(ctx, input) {
      const { name } = await existing(ctx, input.ServerCertificateName);
      await ctx.globalRecords.write(ctx.globalRecords.remove(KIND, nameKey(name)));
      return {};
    },
  },
  TagServerCertificate: {
    permissions: on("TagServerCertificate"),
    run: (ctx, input) =>
      change(ctx, input.ServerCertificateName, (known) => ({ ...known, ...tagsWith(known.tags, input.Tags) })),
  },
  UntagServerCertificate: {
    permissions: on("UntagServerCertificate"),
    run: (ctx, input) =>
      change(ctx, input.ServerCertificateName, (known) => ({ ...known, tags: tagsWithout(known.tags, input.TagKeys) })),
  },
  ListServerCertificateTags: {
    permissions: on("ListServerCertificateTags"),
    run: async (ctx, input) => tagPage((await existing(ctx, input.ServerCertificateName)).tags, input),
  },
});
