import type * as Sts from "@aws-sdk/client-sts";
import type { Context } from "../../aws/context.ts";
import type { Principal } from "../../aws/principal.ts";
import { defineService } from "../../aws/service.ts";
import { IssuerKeys } from "../../compute/edge/issuer-keys.ts";
import { arn } from "../../kernel/arn.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import { assumeRole } from "./assume-role.ts";
import { credentialsView } from "./credentials-view.ts";
import { denied, packedSize, provesMfa, sessionPolicies, sessionTags, tagConditions, validation } from "./session.ts";
import { assumeRoleWithWebIdentity, type StsState } from "./web-identity.ts";
import { refused } from "./refused-members.ts";

const SESSION_TOKEN_SECONDS = 43_200;
/** The account's root gets an hour at most. */
const ROOT_SECONDS = 3_600;

function callerOf(ctx: Context<any>): { arn: string; id: string; account: string } {
  const { principal } = ctx;
  if (principal.kind === "service" || principal.kind === "anonymous")
    throw denied("Cannot call this operation without credentials.");
  return principal;
}

/** A caller with long-term credentials: temporary ones do not give others. */
function longTermCaller(ctx: Context<any>, operation: string): Extract<Principal, { kind: "user" | "root" }> {
  const { principal } = ctx;
  if ((principal.kind !== "user" && principal.kind !== "root") || principal.token)
    throw denied(`Cannot call ${operation} with session credentials`);
  return principal;
}

function secondsFor(principal: Principal, asked: number | undefined): number {
  const seconds = asked ?? SESSION_TOKEN_SECONDS;
  return principal.kind === "root" ? Math.min(seconds, ROOT_SECONDS) : seconds;
}

const federatedArn = (account: string, name: string | undefined): string =>
  arn("sts", "", account, `federated-user/${name}`);

/** Security Token Service. */
export const sts = defineService<typeof Sts, StsState>({
  name: "sts",
  refuses: refused,
  start: () => ({ issuers: new IssuerKeys(), proved: new WeakSet() }),
  operations: {
    AssumeRole: assumeRole,
    AssumeRoleWithWebIdentity: assumeRoleWithWebIdentity,
    GetCallerIdentity: {
      permissions: "authenticated",
      async run(ctx) {
        const { arn: Arn, id, account } = callerOf(ctx);
        return { UserId: id, Account: account, Arn };
      },
    },
    GetSessionToken: {
      permissions: "authenticated",
      async run(ctx, input) {
        const principal = longTermCaller(ctx, "GetSessionToken");
        const mfa = await provesMfa(ctx, "GetSessionToken", input);
        const token = { issued: ctx.now(), mfa };
        const seconds = secondsFor(principal, input.DurationSeconds);
        return { Credentials: credentialsView(ctx.platform.identity.issueFor({ ...principal, token }, seconds)) };
      },
    },
    GetFederationToken: {
      permissions: (input, ctx) => {
        const resource = federatedArn(ctx.account, input.Name);
        const conditions = tagConditions(input.Tags, undefined);
        return [
          { action: "sts:GetFederationToken", resource, conditions },
          ...(input.Tags?.length ? [{ action: "sts:TagSession", resource, conditions }] : []),
        ];
      },
      async run(ctx, input) {
        const caller = longTermCaller(ctx, "GetFederationToken");
        const { account } = caller;
        const tags = sessionTags(input.Tags);
        const principal: Principal = {
          kind: "federated",
          account,
          arn: federatedArn(account, input.Name),
          id: `${account}:${input.Name}`,
          giver: caller.kind === "root" ? { kind: "root" } : { kind: "user", id: caller.id, name: caller.name },
          sessionPolicies: await sessionPolicies(ctx, input),
          token: { issued: ctx.now(), mfa: false },
          ...(input.Tags?.length ? { tags } : {}),
        };
        const credentials = ctx.platform.identity.issueFor(principal, secondsFor(caller, input.DurationSeconds));
        return {
          Credentials: credentialsView(credentials),
          FederatedUser: { Arn: principal.arn, FederatedUserId: principal.id },
          PackedPolicySize: packedSize(input, tags) ?? 0,
        };
      },
    },
    GetAccessKeyInfo: {
      permissions: () => [{ action: "sts:GetAccessKeyInfo", resource: "*" }],
      async run(ctx, input) {
        if (!(await ctx.platform.identity.hasAccessKey(String(input.AccessKeyId))))
          throw validation(`${input.AccessKeyId} is not a valid access key id`);
        return { Account: ctx.account };
      },
    },
    DecodeAuthorizationMessage: {
      permissions: () => [{ action: "sts:DecodeAuthorizationMessage", resource: "*" }],
      // No operation here encodes why it refuses: it says so. A message that is decoded here is always another's.
      async run() {
        throw new AwsError("InvalidAuthorizationMessageException", "Message is not valid", 400);
      },
    },
  },
});
