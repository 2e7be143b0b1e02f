import type * as Iam from "@aws-sdk/client-iam";
import type { Context } from "../../../aws/context.ts";
import { operations } from "../../../aws/service.ts";
import { UPPER_ALPHANUMERIC } from "../../../kernel/ids.ts";
import { limitExceeded, noSuchEntity } from "../errors.ts";
import { SERVICE_CREDENTIALS_PER_USER } from "../limits.ts";
import { SECRET_ALPHABET, statusOf, type ServiceCredential } from "../model.ts";
import { callerOr, on, required, userOf } from "../store.ts";

/** Services that take a user name and password of IAM. */
const SERVICES: ReadonlySet<string> = new Set(["codecommit.amazonaws.com", "cassandra.amazonaws.com"]);
const KIND = "service-credential";
const PASSWORD_LENGTH = 43;

const view = (credential: ServiceCredential) => ({
  UserName: credential.user,
  ServiceName: credential.service,
  ServiceUserName: credential.userName,
  ServiceSpecificCredentialId: credential.id,
  Status: statusOf(credential.active),
  CreateDate: new Date(credential.created),
});

const all = async (ctx: Context<any>): Promise<ServiceCredential[]> =>
  (await ctx.globalRecords.list<ServiceCredential>(KIND)).map((stored) => stored.value);

async function existing(
  ctx: Context<any>,
  input: { UserName?: string | undefined; ServiceSpecificCredentialId?: string | undefined },
): Promise<ServiceCredential> {
  const user = (await userOf(ctx, input.UserName)).name;
  const id = String(input.ServiceSpecificCredentialId);
  const found = (await ctx.globalRecords.get<ServiceCredential>(KIND, id))?.value;
  if (found?.user !== user) throw noSuchEntity(`No such credential ${id} exists`);
  return found;
}

function mustBeKnown(service: string | undefined): string {
  if (!service || !SERVICES.has(service))
    throw noSuchEntity(`No such service ${service} is supported for Service Specific Credentials`);
  return service;
}

const newPassword = (ctx: Context<any>): string => `${ctx.platform.ids.text(PASSWORD_LENGTH, SECRET_ALPHABET)}=`;
const sealed = (ctx: Context<any>, password: string): string => ctx.platform.vault.seal(KIND, password);

/** User name and password for git over HTTPS with CodeCommit. */
export const serviceCredentials = operations<typeof Iam, any>()({
  CreateServiceSpecificCredential: {
    permissions: on("user", "CreateServiceSpecificCredential", callerOr),
    async run(ctx, input) {
      const user = (await userOf(ctx, required(input.UserName, "userName"))).name;
      const service = mustBeKnown(input.ServiceName);
      const known = await all(ctx);
      const held = known.filter((c) => c.user === user && c.service === service).length;
      if (held >= SERVICE_CREDENTIALS_PER_USER)
        throw limitExceeded(
          `Cannot exceed quota for ServiceSpecificCredentialsPerUser: ${SERVICE_CREDENTIALS_PER_USER}`,
        );
      const password = newPassword(ctx);
      const taken = new Set(known.filter((c) => c.service === service).map((c) => c.userName));
      const names = ["", ...taken].map((_, i) => `${user}${i ? `+${i}` : ""}-at-${ctx.account}`);
      const credential: ServiceCredential = {
        id: `ACCA${ctx.platform.ids.text(17, UPPER_ALPHANUMERIC)}`,
        user,
        service,
        userName: names.find((name) => !taken.has(name))!,
        sealedPassword: sealed(ctx, password),
        active: true,
        created: ctx.now(),
      };
      await ctx.globalRecords.create(KIND, credential.id, credential);
      return { ServiceSpecificCredential: { ...view(credential), ServicePassword: password } };
    },
  },
  ListServiceSpecificCredentials: {
    permissions: on("user", "ListServiceSpecificCredentials", callerOr),
    async run(ctx, input) {
      const user = (await userOf(ctx, input.UserName)).name;
      const service = input.ServiceName === undefined ? undefined : mustBeKnown(input.ServiceName);
      const own = (await all(ctx)).filter((c) => c.user === user && (!service || c.service === service));
      return { ServiceSpecificCredentials: own.map(view) };
    },
  },
  UpdateServiceSpecificCredential: {
    permissions: on("user", "UpdateServiceSpecificCredential", callerOr),
    async run(ctx, input) {
      const { id } = await existing(ctx, input);
      const active = input.Status === "Active";
      await ctx.globalRecords.update<ServiceCredential>(KIND, id, (c) => ({ ...c, active }));
      return {};
    },
  },
  ResetServiceSpecificCredential: {
    permissions: on("user", "ResetServiceSpecificCredential", callerOr),
    async run(ctx, input) {
      const credential = await existing(ctx, input);
      const password = newPassword(ctx);
      const sealedPassword = sealed(ctx, password);
      await ctx.globalRecords.update<ServiceCredential>(KIND, credential.id, (c) => ({ ...c, sealedPassword }));
      return { ServiceSpecificCredential: { ...view(credential), ServicePassword: password } };
    },
  },
  DeleteServiceSpecificCredential: {
    permissions: on("user", "DeleteServiceSpecificCredential", callerOr),
    async run(ctx, input) {
      const { id } = await existing(ctx, input);
      await ctx.globalRecords.write(ctx.globalRecords.remove(KIND, id));
      return {};
    },
  },
});
