import { ignoring } from "../../../kernel/aws-error.ts";
import { tagChanges } from "../../../aws/resource-tags.ts";
import type { ResourceType } from "../../../aws/service.ts";
import { make } from "./make.ts";

const ignoreMissing = ignoring("NoSuchEntity");

/** AWS::IAM::ServerCertificate. */
export const iamServerCertificate: ResourceType = {
  type: "AWS::IAM::ServerCertificate",
  async create(ctx, properties) {
    const ServerCertificateName = String(properties["ServerCertificateName"] ?? ctx.physicalName({ maxLength: 128 }));
    const { CertificateBody, CertificateChain, PrivateKey, Path } = properties;
    const input = {
      ServerCertificateName,
      CertificateBody,
      PrivateKey,
      ...(Path ? { Path } : {}),
      ...(CertificateChain ? { CertificateChain } : {}),
    };
    await make(ctx, () =>
      ctx.withStackTags(properties["Tags"], (Tags) =>
        ctx.call("iam", "UploadServerCertificate", { ...input, ...(Tags.length ? { Tags } : {}) }),
      ),
    );
    return ServerCertificateName;
  },
  async update(ctx, id, next, previous) {
    const on = { ServerCertificateName: id };
    if (next["Path"] !== previous["Path"])
      await ctx.call("iam", "UpdateServerCertificate", { ...on, NewPath: next["Path"] ?? "/" });
    const { set, gone } = tagChanges(next["Tags"], previous["Tags"]);
    if (gone.length) await ctx.call("iam", "UntagServerCertificate", { ...on, TagKeys: gone });
    if (set.length) await ctx.call("iam", "TagServerCertificate", { ...on, Tags: set });
  },
  async remove(ctx, id) {
    await ctx.call("iam", "DeleteServerCertificate", { ServerCertificateName: id }).catch(ignoreMissing);
  },
  async attributes(ctx, id) {
    const { ServerCertificate } = await ctx.call("iam", "GetServerCertificate", { ServerCertificateName: id });
    return { Arn: ServerCertificate?.ServerCertificateMetadata?.Arn };
  },
};

/** AWS::IAM::SAMLProvider. Its physical id is its ARN. */
export const iamSamlProvider: ResourceType = {
  type: "AWS::IAM::SAMLProvider",
  refuses: { AddPrivateKey: [], AssertionEncryptionMode: [], PrivateKeyList: [], RemovePrivateKey: [] },
  async create(ctx, properties) {
    const Name = String(properties["Name"] ?? ctx.physicalName({ maxLength: 128 }));
    const SAMLMetadataDocument = properties["SamlMetadataDocument"];
    await make(ctx, () =>
      ctx.withStackTags(properties["Tags"], (Tags) =>
        ctx.call("iam", "CreateSAMLProvider", { Name, SAMLMetadataDocument, ...(Tags.length ? { Tags } : {}) }),
      ),
    );
    return `arn:aws:iam::${ctx.account}:saml-provider/${Name}`;
  },
  async update(ctx, id, next, previous) {
    const on = { SAMLProviderArn: id };
    const SAMLMetadataDocument = next["SamlMetadataDocument"];
    if (SAMLMetadataDocument !== previous["SamlMetadataDocument"])
      await ctx.call("iam", "UpdateSAMLProvider", { ...on, SAMLMetadataDocument });
    const { set, gone } = tagChanges(next["Tags"], previous["Tags"]);
    if (gone.length) await ctx.call("iam", "UntagSAMLProvider", { ...on, TagKeys: gone });
    if (set.length) await ctx.call("iam", "TagSAMLProvider", { ...on, Tags: set });
  },
  async remove(ctx, id) {
    await ctx.call("iam", "DeleteSAMLProvider", { SAMLProviderArn: id }).catch(ignoreMissing);
  },
  async attributes(ctx, id) {
    const { SAMLProviderUUID } = await ctx.call("iam", "GetSAMLProvider", { SAMLProviderArn: id });
    return { Arn: id, SamlProviderUUID: SAMLProviderUUID };
  },
};
