import type { IncomingMessage } from "node:http";
import { authenticate } from "../../aws/authenticate.ts";
import { isAllowed } from "../../aws/authorize.ts";
import type { Context } from "../../aws/context.ts";
import { splitUrl, type EdgeRequest } from "../../compute/edge/edge-request.ts";
import { jsonResponse, type EdgeResponse } from "../../compute/edge/proxy-response.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import type { Method, RestApi } from "./model.ts";

/** What the event's `identity` says of a caller that signed its request. */
export type CallerIdentity = { readonly identity: Readonly<Record<string, unknown>> };

/** Who calls, and whether it may: by IAM where the method asks for it, and by the API's own policy where it has one. */
export async function authorizeCall(
  ctx: Context<any>,
  call: { api: RestApi; stage: string; method: Method; request: EdgeRequest; incoming: IncomingMessage },
): Promise<CallerIdentity | EdgeResponse> {
  const { api, method, request, incoming } = call;
  const signed = method.authorizationType === "AWS_IAM";
  if (!signed && api.policy === undefined) return { identity: {} };
  try {
    const [path, rawQuery] = splitUrl(incoming.url ?? "/");
    const wire = { method: request.method, path, rawQuery, headers: incoming.headers, rawHeaders: incoming.rawHeaders };
    const { principal } = await authenticate(ctx.platform, wire, {
      protocol: "restJson1",
      signingName: "execute-api",
      body: async () => request.body,
    });
    if (signed && principal.kind === "anonymous")
      return jsonResponse(403, "Missing Authentication Token", [
        ["x-amzn-ErrorType", "MissingAuthenticationTokenException"],
      ]);
    const resource = `arn:aws:execute-api:${ctx.region}:${ctx.account}:${api.id}/${call.stage}/${request.method}${request.rawPath}`;
    const permission = {
      action: "execute-api:Invoke",
      resource,
      ...(api.policy === undefined ? {} : { resourcePolicy: api.policy }),
    };
    if (!(await isAllowed(ctx.as(principal), permission))) {
      const who = "arn" in principal ? principal.arn : "anonymous";
      return jsonResponse(
        403,
        `User: ${who} is not authorized to perform: execute-api:Invoke on resource: ${resource}`,
        [["x-amzn-ErrorType", "AccessDeniedException"]],
      );
    }
    return "arn" in principal
      ? { identity: { accountId: principal.account, caller: principal.id, user: principal.id, userArn: principal.arn } }
      : { identity: {} };
  } catch (error) {
    if (error instanceof AwsError) return jsonResponse(403, error.message, [["x-amzn-ErrorType", error.code]]);
    throw error;
  }
}
