import { createHash, createPublicKey, type KeyObject } from "node:crypto";
import type * as Iam from "@aws-sdk/client-iam";
import type { Context } from "../../../aws/context.ts";
import { operations } from "../../../aws/service.ts";
import { AwsError } from "../../../kernel/aws-error.ts";
import { UPPER_ALPHANUMERIC } from "../../../kernel/ids.ts";
import { limitExceeded, noSuchEntity } from "../errors.ts";
import { SSH_KEYS_PER_USER } from "../limits.ts";
import { statusOf, type User } from "../model.ts";
import { callerOr, on, page, userOf } from "../store.ts";

interface SshPublicKey {
  readonly id: string;
  /** Unique id of its user. */
  readonly owner: string;
  /** `ssh-rsa AAAA...`. */
  readonly body: string;
  readonly active: boolean;
  readonly uploaded: number;
}

export const SSH_KEY = "ssh-public-key";
const MIN_BITS = 2048;
const TYPE = "ssh-rsa";

const invalid = (): AwsError =>
  new AwsError("InvalidPublicKey", "The public key is malformed or otherwise invalid.", 400);

/** The fields of a key in SSH's form: each a length of four bytes and what is so long. */
function sshFields(blob: Buffer): Buffer[] {
  const fields: Buffer[] = [];
  for (let at = 0; at < blob.length;) {
    if (at + 4 > blob.length || fields.length > 3) throw invalid();
    const end = at + 4 + blob.readUInt32BE(at);
    if (end > blob.length) throw invalid();
    fields.push(blob.subarray(at + 4, end));
    at = end;
  }
  return fields;
}

function keyOf(body: string): KeyObject {
  try {
    const [, encoded] = /^ssh-rsa\s+([A-Za-z0-9+/=]+)(\s.*)?$/.exec(body.trim()) ?? [];
    if (!encoded) return createPublicKey(body);
    const [type, exponent, modulus, ...more] = sshFields(Buffer.from(encoded, "base64"));
    if (type?.toString() !== TYPE || !exponent || !modulus || more.length) throw invalid();
    const key = { kty: "RSA", e: exponent.toString("base64url"), n: withoutSign(modulus).toString("base64url") };
    return createPublicKey({ key, format: "jwk" });
  } catch (error) {
    throw error instanceof AwsError ? error : invalid();
  }
}

const withoutSign = (number: Buffer): Buffer => (number[0] === 0 ? number.subarray(1) : number);
const withSign = (number: Buffer): Buffer =>
  (number[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.from([0]), number]) : number;

function field(value: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(value.length);
  return Buffer.concat([length, value]);
}

/** A key as it is kept: CodeCommit takes RSA keys of 2048 bits and more. */
function normalized(body: string): string {
  const key = keyOf(body);
  if (key.asymmetricKeyType !== "rsa" || (key.asymmetricKeyDetails?.modulusLength ?? 0) < MIN_BITS) throw invalid();
  const { e = "", n = "" } = key.export({ format: "jwk" });
  const parts = [Buffer.from(TYPE), withSign(Buffer.from(e, "base64url")), withSign(Buffer.from(n, "base64url"))];
  return `${TYPE} ${Buffer.concat(parts.map(field)).toString("base64")}`;
}

const fingerprint = (body: string): string =>
  (
    createHash("md5")
      .update(Buffer.from(body.split(" ")[1]!, "base64"))
      .digest("hex")
      .match(/../g) ?? []
  ).join(":");

async function keysOf(ctx: Context<any>, user: User): Promise<SshPublicKey[]> {
  const all = await ctx.globalRecords.list<SshPublicKey>(SSH_KEY);
  return all.map((stored) => stored.value).filter((key) => key.owner === user.id);
}

async function existing(
  ctx: Context<any>,
  input: { UserName?: string | undefined; SSHPublicKeyId?: string | undefined },
): Promise<{ user: User; key: SshPublicKey }> {
  const user = await userOf(ctx, input.UserName);
  const key = (await ctx.globalRecords.get<SshPublicKey>(SSH_KEY, String(input.SSHPublicKeyId)))?.value;
  if (key?.owner !== user.id) throw noSuchEntity(`The Public Key with id ${input.SSHPublicKeyId} cannot be found.`);
  return { user, key };
}

const summary = (user: User, key: SshPublicKey) => ({
  UserName: user.name,
  SSHPublicKeyId: key.id,
  Status: statusOf(key.active),
  UploadDate: new Date(key.uploaded),
});

const view = (user: User, key: SshPublicKey, body = key.body): Iam.SSHPublicKey => ({
  ...summary(user, key),
  Fingerprint: fingerprint(key.body),
  SSHPublicKeyBody: body,
});

/** Keys that users have given for git over SSH. The platform serves git over HTTP alone. */
export const sshPublicKeys = operations<typeof Iam, any>()({
  UploadSSHPublicKey: {
    permissions: on("user", "UploadSSHPublicKey", callerOr),
    async run(ctx, input) {
      const user = await userOf(ctx, input.UserName);
      const body = normalized(String(input.SSHPublicKeyBody));
      const own = await keysOf(ctx, user);
      if (own.some((key) => key.body === body))
        throw new AwsError("DuplicateSSHPublicKey", "The SSH public key is already associated with the user.", 400);
      if (own.length >= SSH_KEYS_PER_USER)
        throw limitExceeded(`Cannot exceed quota for SSHPublicKeysPerUser: ${SSH_KEYS_PER_USER}`);
      const id = `APKA${ctx.ids.text(16, UPPER_ALPHANUMERIC)}`;
      const key: SshPublicKey = { id, owner: user.id, body, active: true, uploaded: ctx.now() };
      await ctx.globalRecords.create(SSH_KEY, id, key);
      return { SSHPublicKey: view(user, key) };
    },
  },
  GetSSHPublicKey: {
    permissions: on("user", "GetSSHPublicKey", (i) => i.UserName),
    async run(ctx, input) {
      const { user, key } = await existing(ctx, input);
      const pem = (): string => keyOf(key.body).export({ type: "spki", format: "pem" }).toString();
      return { SSHPublicKey: view(user, key, input.Encoding === "PEM" ? pem() : key.body) };
    },
  },
  ListSSHPublicKeys: {
    permissions: on("user", "ListSSHPublicKeys", callerOr),
    async run(ctx, input) {
      const user = await userOf(ctx, input.UserName);
      const { items, ...rest } = page(await keysOf(ctx, user), input);
      return { SSHPublicKeys: items.map((key) => summary(user, key)), ...rest };
    },
  },
  UpdateSSHPublicKey: {
    permissions: on("user", "UpdateSSHPublicKey", (i) => i.UserName),
    async run(ctx, input) {
      const { key } = await existing(ctx, input);
      const active = input.Status === "Active";
      await ctx.globalRecords.update<SshPublicKey>(SSH_KEY, key.id, (known) => ({ ...known, active }));
      return {};
    },
  },
  DeleteSSHPublicKey: {
    permissions: on("user", "DeleteSSHPublicKey", (i) => i.UserName),
    async run(ctx, input) {
      const { key } = await existing(ctx, input);
      await ctx.globalRecords.write(ctx.globalRecords.remove(SSH_KEY, key.id));
      return {};
    },
  },
});
