import { isAllowed } from "../../aws/authorize.ts";
import { jsonResponse, type EdgeResponse } from "../../compute/edge/proxy-response.ts";
import { signerOf } from "../../compute/edge/signer.ts";
import { authorizeByToken } from "./jwt-authorizer.ts";
import { authorizeByFunction } from "./lambda-authorizer.ts";
import type { RouteCall } from "./route-call.ts";
import type { HttpContext } from "./state.ts";

/** Who was let through, as the integration's event tells it; undefined where it has nothing to tell. */
export interface LetThrough {
  readonly authorizer: Readonly<Record<string, unknown>> | undefined;
}

/** Decides about a call of a route that is not open: by IAM, a token or a function. */
export async function authorizeRoute(ctx: HttpContext, call: RouteCall): Promise<LetThrough | EdgeResponse> {
  const { authorizer, matched } = call;
  const old = matched.integration.payloadFormatVersion === "1.0";
  if (matched.route.authorizationType === "AWS_IAM") return authorizeByIam(ctx, call);
  // Its authorizer is gone from what is deployed.
  if (!authorizer) return jsonResponse(500, "Internal Server Error");
  if (authorizer.type === "JWT") {
    const bearer = await authorizeByToken(ctx, call, authorizer);
    if ("status" in bearer) return bearer;
    const { claims, scopes } = bearer;
    return { authorizer: old ? { claims, scopes } : { jwt: { claims, scopes } } };
  }
  const said = await authorizeByFunction(ctx, call, authorizer);
  if ("status" in said) return said;
  const { context, principalId } = said;
  const named = principalId === undefined ? {} : { principalId };
  return { authorizer: old ? { ...context, ...named } : { lambda: context } };
}

/** Who signed, as the event shows it. */
async function authorizeByIam(ctx: HttpContext, call: RouteCall): Promise<LetThrough | EdgeResponse> {
  const { api, stage, request } = call;
  const principal = await signerOf(ctx, "execute-api", call);
  const resource = `arn:aws:execute-api:${ctx.region}:${ctx.account}:${api.id}/${stage.name}/${request.method}${request.rawPath}`;
  const permission = { action: "execute-api:Invoke", resource };
  if (principal.kind === "anonymous" || !(await isAllowed(ctx.as(principal), permission)))
    return jsonResponse(403, "Forbidden");
  if (!("arn" in principal)) return { authorizer: undefined };
  const { account, id, arn } = principal;
  return { authorizer: { iam: { accountId: account, callerId: id, userArn: arn, userId: id } } };
}
