import type { EdgeResponse } from "../../compute/edge/proxy-response.ts";
import { jsonResponse } from "../../compute/edge/proxy-response.ts";
import { faultOfClaims, scopesOf, tokenClaims, tokenHeader, verifyToken } from "../../engines/token/verify-token.ts";
import { sourceValue, type RouteCall } from "./route-call.ts";
import type { HttpContext } from "./state.ts";
import type { HttpAuthorizer } from "./model.ts";

/** What a token says of its bearer, as events show it. */
export interface Bearer {
  readonly claims: Readonly<Record<string, string>>;
  /** The route's scopes that the token has; null where the route asks for none. */
  readonly scopes: readonly string[] | null;
}

/** Lets the bearer of a good token through: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html */
export async function authorizeByToken(
  ctx: HttpContext,
  call: RouteCall,
  { identitySource: [source = ""], jwt }: HttpAuthorizer,
): Promise<Bearer | EdgeResponse> {
  const given = sourceValue(call, source);
  if (!given) return unauthorized("Bearer");
  const token = given.replace(/^Bearer +/i, "");
  const { issuer = "", audience = [] } = jwt ?? {};
  const header = tokenHeader(token);
  if (!header) return invalid("the token is malformed");
  const keys = await keysFor(ctx, call, issuer, header["kid"]);
  const verified = keys.map((key) => verifyToken(token, key)).find((found) => found !== undefined);
  const claims = verified && tokenClaims(verified);
  if (!claims) return invalid("signing method or signature is invalid");
  const fault = faultOfClaims(claims, { issuer, audience, now: ctx.now() });
  if (fault !== undefined) return invalid(fault);
  const wanted = call.matched.route.authorizationScopes ?? [];
  const scopes = scopesOf(claims).filter((scope) => wanted.includes(scope));
  if (wanted.length > 0 && scopes.length === 0)
    return jsonResponse(403, "Forbidden", [
      ["www-authenticate", `Bearer scope="${quoted(wanted.join(" "))}" error="insufficient_scope"`],
    ]);
  const texts = Object.entries(claims).map(([name, value]) => [name, claimText(value)]);
  return { claims: Object.fromEntries(texts), scopes: wanted.length > 0 ? scopes : null };
}

async function keysFor(ctx: HttpContext, call: RouteCall, issuer: string, kid: unknown) {
  try {
    const asked = call.stage.variables["STARLING_INTERNET"] === "on";
    return await ctx.state.issuers.find(ctx, issuer, kid, asked);
  } catch (error) {
    ctx.platform.log.warn("an issuer of tokens could not be asked for its keys", {
      issuer,
      api: call.api.id,
      error: (error as Error).message,
    });
    return [];
  }
}

const quoted = (text: string): string => text.replaceAll(/["\\\r\n]/g, "");

const unauthorized = (challenge: string): EdgeResponse =>
  jsonResponse(401, "Unauthorized", [["www-authenticate", challenge]]);

const invalid = (why: string): EdgeResponse =>
  unauthorized(`Bearer scope="" error="invalid_token" error_description="${why}"`);

/** Claims reach the function as text; lists in brackets. */
function claimText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(claimText).join(" ")}]`;
  return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value as string);
}
