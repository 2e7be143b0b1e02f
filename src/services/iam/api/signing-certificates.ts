import type * as Iam from "@aws-sdk/client-iam";
import type { Context } from "../../../aws/context.ts";
import { operations } from "../../../aws/service.ts";
import { AwsError } from "../../../kernel/aws-error.ts";
import { UPPER_ALPHANUMERIC } from "../../../kernel/ids.ts";
import { certificateOf } from "../certificates.ts";
import { limitExceeded, noSuchEntity } from "../errors.ts";
import { SIGNING_CERTIFICATES_PER_USER } from "../limits.ts";
import { statusOf, type User } from "../model.ts";
import { callerOr, on, page, userOf } from "../store.ts";

/** An X.509 certificate of a user. No API of today is signed with one: tools that keep them work all the same. */
export interface SigningCertificate {
  readonly id: string;
  /** Unique id of its user. */
  readonly owner: string;
  readonly body: string;
  readonly fingerprint: string;
  readonly active: boolean;
  readonly uploaded: number;
}

export const SIGNING_CERTIFICATE = "signing-certificate";

const all = async (ctx: Context<any>): Promise<SigningCertificate[]> =>
  (await ctx.globalRecords.list<SigningCertificate>(SIGNING_CERTIFICATE)).map((stored) => stored.value);

async function existing(
  ctx: Context<any>,
  input: { UserName?: string | undefined; CertificateId?: string | undefined },
): Promise<SigningCertificate> {
  const user = await userOf(ctx, input.UserName);
  const stored = await ctx.globalRecords.get<SigningCertificate>(SIGNING_CERTIFICATE, String(input.CertificateId));
  if (stored?.value.owner !== user.id)
    throw noSuchEntity(`The Certificate with id ${input.CertificateId} cannot be found.`);
  return stored.value;
}

const view = (user: User, certificate: SigningCertificate): Iam.SigningCertificate => ({
  UserName: user.name,
  CertificateId: certificate.id,
  CertificateBody: certificate.body,
  Status: statusOf(certificate.active),
  UploadDate: new Date(certificate.uploaded),
});

export const signingCertificates = operations<typeof Iam, any>()({
  UploadSigningCertificate: {
    permissions: on("user", "UploadSigningCertificate", callerOr),
    async run(ctx, input) {
      const user = await userOf(ctx, input.UserName);
      const body = String(input.CertificateBody);
      const { fingerprint256: fingerprint } = certificateOf(body);
      const known = await all(ctx);
      if (known.some((certificate) => certificate.fingerprint === fingerprint))
        throw new AwsError("DuplicateCertificate", "The certificate is already associated with a user.", 409);
      if (known.filter(({ owner }) => owner === user.id).length >= SIGNING_CERTIFICATES_PER_USER)
        throw limitExceeded(`Cannot exceed quota for CertificatesPerUser: ${SIGNING_CERTIFICATES_PER_USER}`);
      const id = ctx.ids.text(32, UPPER_ALPHANUMERIC);
      const certificate = { id, owner: user.id, body, fingerprint, active: true, uploaded: ctx.now() };
      await ctx.globalRecords.create<SigningCertificate>(SIGNING_CERTIFICATE, id, certificate);
      return { Certificate: view(user, certificate) };
    },
  },
  ListSigningCertificates: {
    permissions: on("user", "ListSigningCertificates", callerOr),
    async run(ctx, input) {
      const user = await userOf(ctx, input.UserName);
      const own = (await all(ctx)).filter(({ owner }) => owner === user.id);
      const { items, ...rest } = page(own, input);
      return { Certificates: items.map((certificate) => view(user, certificate)), ...rest };
    },
  },
  UpdateSigningCertificate: {
    permissions: on("user", "UpdateSigningCertificate", callerOr),
    async run(ctx, input) {
      const { id } = await existing(ctx, input);
      const active = input.Status === "Active";
      await ctx.globalRecords.update<SigningCertificate>(SIGNING_CERTIFICATE, id, (known) => ({ ...known, active }));
      return {};
    },
  },
  DeleteSigningCertificate: {
    permissions: on("user", "DeleteSigningCertificate", callerOr),
    async run(ctx, input) {
      const { id } = await existing(ctx, input);
      await ctx.globalRecords.write(ctx.globalRecords.remove(SIGNING_CERTIFICATE, id));
      return {};
    },
  },
});
