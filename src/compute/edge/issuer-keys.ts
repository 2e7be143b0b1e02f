import type { Context } from "../../aws/context.ts";
import { isOwn, sendOut } from "./egress.ts";
import type { PublishedKey } from "../../engines/token/verify-token.ts";

/** API Gateway may go on with a key for so long after an issuer has changed it. */
const KEEP_MS = 2 * 3_600_000;
/** How soon an issuer is asked again for a key that is not known. */
const AGAIN_MS = 10_000;
const TIMEOUT_MS = 5_000;
const MAX_BYTES = 512 * 1024;
const MAX_ISSUERS = 1_000;
/** A token without a key id is tried with each. */
const MAX_KEYS = 100;

interface Known {
  readonly keys: Promise<readonly PublishedKey[]>;
  readonly at: number;
}

/** The keys that issuers publish, found as OpenID Connect discovery says. */
export class IssuerKeys {
  readonly #known = new Map<string, Known>();

  /** The keys of an issuer that may have signed a token with this key id. Throws where the issuer cannot be asked. */
  async find(ctx: Context<any>, issuer: string, kid: unknown, asked: boolean): Promise<readonly PublishedKey[]> {
    const fits = (key: PublishedKey): boolean => kid === undefined || key.kid === kid;
    const known = this.#current(issuer, ctx.now(), KEEP_MS) ?? this.#ask(ctx, issuer, asked);
    const found = (await known).filter(fits);
    if (found.length > 0) return found;
    // Another call may have asked meanwhile: its answer is as good.
    return (await (this.#current(issuer, ctx.now(), AGAIN_MS) ?? this.#ask(ctx, issuer, asked))).filter(fits);
  }

  #current(issuer: string, now: number, within: number): Promise<readonly PublishedKey[]> | undefined {
    const known = this.#known.get(issuer);
    return known && now - known.at < within ? known.keys : undefined;
  }

  #ask(ctx: Context<any>, issuer: string, asked: boolean): Promise<readonly PublishedKey[]> {
    if (this.#known.size >= MAX_ISSUERS) this.#known.clear();
    const keys = readKeys(ctx, issuer, asked);
    const known: Known = { keys, at: ctx.now() };
    this.#known.set(issuer, known);
    // Nothing is known of one that failed: the next call asks again.
    keys.catch(() => this.#known.get(issuer) === known && this.#known.delete(issuer));
    return keys;
  }
}

async function readKeys(ctx: Context<any>, issuer: string, asked: boolean): Promise<readonly PublishedKey[]> {
  const configuration = await readJson(ctx, `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`, asked);
  const { jwks_uri: place } = configuration;
  if (typeof place !== "string") throw new Error(`the issuer ${issuer} names no jwks_uri`);
  const { keys } = await readJson(ctx, place, asked);
  if (!Array.isArray(keys)) throw new Error(`the issuer ${issuer} publishes no keys`);
  return (keys as unknown[])
    .filter((key) => typeof key === "object" && key !== null)
    .slice(0, MAX_KEYS) as PublishedKey[];
}

async function readJson(ctx: Context<any>, url: string, asked: boolean): Promise<Record<string, unknown>> {
  const asUrl = new URL(url);
  const { host } = asUrl;
  // Whoever is on the way could put keys of theirs in the place of the issuer's.
  if (asUrl.protocol !== "https:" && !isOwn(ctx, asUrl))
    throw new Error(`${url} is not asked for keys: it is no https`);
  const headers = [
    ["Host", host],
    ["Accept", "application/json"],
  ] as const;
  const answer = await sendOut(ctx, { method: "GET", url, headers, timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES, asked });
  if (answer.status !== 200) throw new Error(`${url} answered ${answer.status}`);
  const value: unknown = JSON.parse(answer.body.toString("utf8"));
  if (typeof value !== "object" || value === null) throw new Error(`${url} is no JSON object`);
  return value as Record<string, unknown>;
}
