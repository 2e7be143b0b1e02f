import type * as Sts from "@aws-sdk/client-sts";
import type { Context } from "../../aws/context.ts";
import { defineService } from "../../aws/service.ts";
import { IssuerKeys } from "../../compute/edge/issuer-keys.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import { assumeRole } from "./assume-role.ts";
import { credentialsView } from "./credentials-view.ts";
import { assumeRoleWithWebIdentity, type StsState } from "./web-identity.ts";

const SESSION_TOKEN_SECONDS = 43_200;

function callerOf(ctx: Context<any>): { arn: string; id: string; account: string } {
  const { principal } = ctx;
  if (principal.kind === "service" || principal.kind === "anonymous") {
    throw new AwsError("AccessDenied", "Cannot call this operation without credentials.", 403);
  }
  return principal;
}

/** Security Token Service. */
export const sts = defineService<typeof Sts, StsState>({
  name: "sts",
  start: () => ({ issuers: new IssuerKeys() }),
  operations: {
    AssumeRole: assumeRole,
    AssumeRoleWithWebIdentity: assumeRoleWithWebIdentity,
    GetCallerIdentity: {
      permissions: "authenticated",
      async run(ctx) {
        const { arn, id, account } = callerOf(ctx);
        return { UserId: id, Account: account, Arn: arn };
      },
    },
    GetSessionToken: {
      permissions: "authenticated",
      async run(ctx, input) {
        const { principal } = ctx;
        if (principal.kind !== "user" && principal.kind !== "root") {
          throw new AwsError("AccessDenied", "Cannot call GetSessionToken with session credentials", 403);
        }
        const seconds = input.DurationSeconds ?? SESSION_TOKEN_SECONDS;
        return { Credentials: credentialsView(ctx.platform.identity.issueForSelf(principal, seconds)) };
      },
    },
  },
});
