import { timingSafeEqual } from "node:crypto";
import type { Context } from "../../aws/context.ts";
import { gitSignature, type GitResource } from "../../aws/git-signature.ts";
import type { Principal } from "../../aws/principal.ts";

const MAX_SKEW_MS = 15 * 60_000;

/** Whose the user name and password are: git credentials of an IAM user, or an access key and its signature of the repository. */
export async function authenticateGit(
  ctx: Context<any>,
  header: string | undefined,
  resource: GitResource,
): Promise<Principal | undefined> {
  const encoded = /^Basic ([A-Za-z0-9+/=]{1,8192})$/i.exec(header ?? "")?.[1];
  if (!encoded) return undefined;
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.indexOf(":");
  if (colon < 1) return undefined;
  const [user, password] = [text.slice(0, colon), text.slice(colon + 1)];
  const signed = /^(\d{8}T\d{6})Z([0-9a-f]{64})$/.exec(password);
  if (!signed) return ctx.platform.identity.gitUser(user, password);
  return verify(ctx, user, { timestamp: signed[1]!, signature: signed[2]! }, resource);
}

async function verify(
  ctx: Context<any>,
  user: string,
  given: { timestamp: string; signature: string },
  resource: GitResource,
): Promise<Principal | undefined> {
  const [, y, mo, d, h, mi, s] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)$/.exec(given.timestamp) ?? [];
  const time = Date.parse(`${y}-${mo}-${d}T${h}:${mi}:${s}Z`);
  if (!(Math.abs(ctx.now() - time) <= MAX_SKEW_MS)) return undefined;
  const percent = user.indexOf("%");
  const [accessKeyId, token] = percent < 0 ? [user, undefined] : [user.slice(0, percent), user.slice(percent + 1)];
  const found = await ctx.platform.identity.credentials(accessKeyId, token);
  if (!found) return undefined;
  const expected = Buffer.from(gitSignature(found.secret, given.timestamp, resource), "hex");
  return timingSafeEqual(expected, Buffer.from(given.signature, "hex")) ? found.principal : undefined;
}
