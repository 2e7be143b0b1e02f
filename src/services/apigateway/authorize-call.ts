import { isAllowed } from "../../aws/authorize.ts";
import type { Principal } from "../../aws/principal.ts";
import { signerOf } from "../../compute/edge/signer.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import { headerValue, methodArn, type Call, type Caller, type IncomingCall, type RestContext } from "./call.ts";
import type { Refusal } from "./gateway-responses.ts";
import { authorizeByFunction } from "./lambda-authorizer.ts";

/** Who calls, and whether it may: by the API's own policy, and by IAM or the authorizer that the method asks for. */
export async function authorizeCall(ctx: RestContext, call: IncomingCall): Promise<Caller | Refusal> {
  const { api, method, deployment } = call;
  if (method.authorizationType === "CUSTOM") {
    const authorizer = (deployment.authorizers ?? api.authorizers)?.[method.authorizerId ?? ""];
    if (!authorizer) return { refused: "AUTHORIZER_CONFIGURATION_ERROR", message: null };
    return authorizeByFunction(ctx, call, authorizer);
  }
  if (method.authorizationType !== "AWS_IAM" && api.policy === undefined) return { identity: {} };
  return authorizeByIam(ctx, call);
}

async function authorizeByIam(ctx: RestContext, call: IncomingCall): Promise<Caller | Refusal> {
  const { method } = call;
  const signed = method.authorizationType === "AWS_IAM";
  try {
    const principal = await signerOf(ctx, "execute-api", call);
    if (signed && principal.kind === "anonymous")
      return { refused: "MISSING_AUTHENTICATION_TOKEN", message: "Missing Authentication Token" };
    const denied = await mayInvoke(ctx, call, principal);
    if (denied) return denied;
    return "arn" in principal ? { identity: identityOf(principal, call), principal } : { identity: {} };
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    const refused = error.code === "ExpiredTokenException" ? "EXPIRED_TOKEN" : "INVALID_SIGNATURE";
    return { refused, message: error.message, error: error.code };
  }
}

function identityOf(principal: Exclude<Principal, { kind: "service" | "anonymous" }>, call: Call) {
  const accessKey = /Credential=([^/]+)\//.exec(headerValue(call.request, "authorization") ?? "")?.[1];
  return {
    accountId: principal.account,
    caller: principal.id,
    user: principal.id,
    userArn: principal.arn,
    ...(accessKey === undefined ? {} : { accessKey }),
  };
}

async function mayInvoke(ctx: RestContext, call: Call, principal: Principal): Promise<Refusal | undefined> {
  const { api } = call;
  const resource = methodArn(ctx, call);
  const permission = {
    action: "execute-api:Invoke",
    resource,
    ...(api.policy === undefined ? {} : { resourcePolicy: api.policy }),
  };
  if (await isAllowed(ctx.as(principal), permission)) return undefined;
  const who = "arn" in principal ? principal.arn : "anonymous";
  return {
    refused: "ACCESS_DENIED",
    member: "Message",
    message: `User: ${who} is not authorized to perform: execute-api:Invoke on resource: ${resource}`,
  };
}
